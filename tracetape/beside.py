"""How many bytes the data folder holds beside the store, by what they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from collector.broker import QUARANTINE_FOLDER, WITHHELD_FOLDER
from tracetape.folder import DataFolder


def beside_bytes(folder: DataFolder) -> Mapping[str, int]:
    """Bytes of files, by words for a page; what is empty or lies on another machine is left out."""
    spool = folder.spool
    found = {
        "in the spool": _size(spool.glob("*")),
        "of withheld originals, sealed": _size((spool / WITHHELD_FOLDER).rglob("*")),
        "in quarantine, sealed": _size((spool / QUARANTINE_FOLDER).rglob("*")),
        "of the ledger": _size(folder.root.glob("ledger.sqlite*")),
        "of receipts": _size(folder.receipts.rglob("*")),
        "of logs": _size(folder.logs.rglob("*")),
    }
    return {what: size for what, size in found.items() if size}


def _size(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue  # a segment that was stored meanwhile
    return total
