"""Export: runs, steps, spans and logs as Parquet or JSON Lines, with row counts and checksums beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from spans.errors import SettingsError
from store.api import ExportQuery, ExportTable, Store

MANIFEST = "manifest.json"
_CHUNK = 1 << 20


class ExportFormat(StrEnum):
    """How rows are written."""

    PARQUET = "parquet"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file of an export."""

    name: str
    table: str
    rows: int
    bytes: int
    sha256: str


def export(
    store: Store, query: ExportQuery, folder: Path, kind: ExportFormat, tables: Sequence[ExportTable]
) -> tuple[ExportedFile, ...]:
    """Write one file per table and a manifest into a new or empty folder.

    Raises:
        SettingsError: the folder has something in it, or cannot be written.
    """
    _prepare(folder)
    files = []
    for table in tables:
        path = folder / f"{table.value}.{kind.value}"
        write = _parquet if kind is ExportFormat.PARQUET else _json_lines
        rows = write(path, store.export(query, table))
        files.append(ExportedFile(path.name, table.value, rows, path.stat().st_size, sha256_of(path)))
    manifest = {"format": kind.value, "query": asdict(query), "files": [asdict(file) for file in files]}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return tuple(files)


def verify(folder: Path) -> tuple[str, ...]:
    """What is wrong with an export, in sentences; empty when every file is as it was written."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return (f"{folder} has no readable {MANIFEST}.",)
    wrong = []
    for file in manifest["files"]:
        path = folder / Path(file["name"]).name
        if not path.is_file():
            wrong.append(f"{path.name} is missing.")
        elif sha256_of(path) != file["sha256"]:
            wrong.append(f"{path.name} is not what was written.")
    return tuple(wrong)


def sha256_of(path: Path) -> str:
    """The checksum of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(folder.iterdir()):
            raise SettingsError(f"{folder} is not empty; an export never writes over anything. Choose another --out.")
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written: {error.strerror}. Choose another --out.") from None


def _parquet(path: Path, pieces: Iterable[pa.Table]) -> int:
    rows, writer = 0, None
    for piece in pieces:
        if writer is None:
            writer = pq.ParquetWriter(path, piece.schema, compression="zstd")
        writer.write_table(piece.cast(writer.schema))
        rows += piece.num_rows
    if writer is None:
        pq.write_table(pa.table({}), path)
    else:
        writer.close()
    return rows


def _json_lines(path: Path, pieces: Iterable[pa.Table]) -> int:
    rows = 0
    with path.open("w", encoding="utf-8") as file:
        for piece in pieces:
            maps = frozenset(column.name for column in piece.schema if pa.types.is_map(column.type))
            for batch in piece.to_batches(max_chunksize=1_000):
                for row in batch.to_pylist():
                    shown = {name: _plain(value, is_map=name in maps) for name, value in row.items()}
                    file.write(json.dumps(shown, ensure_ascii=False, default=str) + "\n")
                    rows += 1
    return rows


def _plain(value: Any, *, is_map: bool = False) -> Any:
    """Maps as objects, empty ones too; amounts of money as texts, because a float would lose the last cent."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if is_map and isinstance(value, list):
        return {key: _plain(item) for key, item in value}
    return value
