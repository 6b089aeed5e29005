"""Backup and restore of everything a data folder holds: store, ledger, keys, and what waits in the spool."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from spans.errors import SettingsError
from store import open_store
from store.ledger import Ledger
from store.ledger.erasures import Erasure
from tracetape import __version__
from tracetape.erased_arrivals import ErasedArrivals
from tracetape.erased_sealed import NothingSealed
from tracetape.erasing import Erasing
from tracetape.exporting import sha256_of
from tracetape.folder import DataFolder
from tracetape.house import House

MANIFEST = "backup.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore brought back, how many rows tombstones removed again, and where the access log's chain breaks."""

    rows: int
    erased_rows: int
    broken_entry: int | None


def back_up(house: House, out: Path) -> dict[str, Any]:
    """Copy everything into a new or empty folder while the server goes on; returns the manifest.

    The folder then holds the keys as well: keep it as safe as the data folder.

    Raises:
        SettingsError: the folder is not empty or cannot be written; the store or ledger is a server with its own backup.
    """
    _prepare(out)
    folder = house.folder

    def meanwhile() -> None:
        house.ledger.copy_to(out / "ledger.sqlite")
        _copy_tree(folder.spool, out / "spool")
        _copy_tree(folder.keys, out / "keys")
        _copy_tree(folder.receipts, out / "receipts")

    # Nothing moves from the spool into the store meanwhile, so every item is in exactly one of the two.
    with house.pump.accounting:
        version, counts = house.store.back_up(out / "store", meanwhile)
    files = sorted(path for path in out.rglob("*") if path.is_file())
    manifest = {
        "format": FORMAT,
        "tracetape": __version__,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "schema": version,
        "rows": counts,
        "files": {str(path.relative_to(out)): sha256_of(path) for path in files},
    }
    (out / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return manifest


def restore(source: Path, folder: DataFolder, also_erased: Iterable[Erasure] = ()) -> Restored:
    """Fill an empty data folder from a backup, check every count, and erase again what was erased.

    Args:
        source: the folder of the backup.
        folder: an empty data folder that nobody holds.
        also_erased: tombstones written after the backup was made.

    Raises:
        SettingsError: the backup is damaged or newer than this program, or the folder is not empty.
    """
    manifest = _checked(source)
    if any(folder.root.glob("*.sqlite")) or (folder.root / "store").exists():
        raise SettingsError(f"{folder.root} is not empty; restore into a new folder (--data).")
    folder.create()
    shutil.copy2(source / "ledger.sqlite", folder.root / "ledger.sqlite")
    _copy_tree(source / "spool", folder.spool)
    _copy_tree(source / "keys", folder.keys)
    _copy_tree(source / "receipts", folder.receipts)
    store = open_store(folder.store_dsn())
    ledger = Ledger.open(folder.ledger_url())
    try:
        counts = store.put_back(source / "store", int(manifest["schema"]))
        if counts != manifest["rows"]:
            raise SettingsError("The restored rows are not those that were backed up; do not use this folder.")
        tombstones = {e.erasure_id: e for e in (*ledger.erasures.list(), *also_erased)}
        arrivals = ErasedArrivals(ledger.erasures)
        erased = Erasing(store, ledger, NothingSealed(), arrivals).replay(tombstones.values())
        broken_entry = ledger.audit.first_broken()
    finally:
        ledger.close()
        store.close()
    return Restored(sum(sum(days.values()) for days in counts.values()), erased, broken_entry)


def _checked(source: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SettingsError(f"{source} is no backup: it has no readable {MANIFEST}.") from None
    if int(manifest.get("format", 0)) > FORMAT:
        raise SettingsError(f"This backup was made by a newer tracetape ({manifest.get('tracetape')}); update first.")
    for name, digest in manifest["files"].items():
        path = source / name
        if not path.is_file() or sha256_of(path) != digest:
            raise SettingsError(f"The backup is damaged: {name} is not what was written.")
    return dict(manifest)


def _prepare(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(out.iterdir()):
            raise SettingsError(f"{out} is not empty; a backup never writes over anything.")
    except OSError as error:
        raise SettingsError(f"{out} cannot be written: {error.strerror}.") from None


def _copy_tree(source: Path, target: Path) -> None:
    """Copy files that may be finished with and removed meanwhile: such a file is stored, and so in the backup anyway."""
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            continue
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            shutil.copy2(path, place)
        except FileNotFoundError:
            continue
