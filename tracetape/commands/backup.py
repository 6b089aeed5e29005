"""`tracetape backup` and `tracetape restore`: everything, while the server goes on, and back on an empty machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tracetape.commands.common import Data, folder_of, run_verb, say
from tracetape.folder import DataFolder, FolderLock
from tracetape.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    out: Annotated[Path, typer.Option(help="New or empty folder. It will hold the keys too: keep it safe.")],
    data: Data = None,
) -> None:
    """Copy store, ledger, keys and spool into a folder, while the server goes on receiving."""
    settings = load_settings({"data": data})
    done = run_verb(settings, folder_of(settings), "backup", {"folder": str(out.expanduser().resolve())})
    say(f"{done['rows']:,} rows, {done['files']:,} files, schema {done['schema']}")


def restore(
    source: Annotated[Path, typer.Option("--from", help="Folder of a backup.")],
    erased: Annotated[
        Path | None,
        typer.Option("--erased-by", help="Data folder whose later erasures are to be repeated on what comes back."),
    ] = None,
    data: Data = None,
) -> None:
    """Fill an empty data folder from a backup, check every count, and erase again what was erased."""
    from store.ledger import Ledger
    from tracetape.backing_up import restore as put_back

    settings = load_settings({"data": data})
    folder = DataFolder(settings.data.expanduser().resolve())
    folder.create()
    lock = FolderLock(folder)
    lock.acquire()
    try:
        tombstones: tuple[Any, ...] = ()
        if erased is not None:
            ledger = Ledger.open(DataFolder(erased.expanduser().resolve()).ledger_url())
            tombstones = ledger.erasures.list()
            ledger.close()
        done = put_back(source.expanduser().resolve(), folder, tombstones)
    finally:
        lock.release()
    say(f"{done.rows:,} rows restored" + (f", {done.erased_rows:,} erased again" if done.erased_rows else ""))
    if done.broken_entry is None:
        say("the access log's chain holds")
    else:
        say(f"the access log was changed: its chain breaks at entry {done.broken_entry}, as it did in the backup")
