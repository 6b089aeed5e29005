"""`tracetape spool`: the keys of the sealed spool."""

from __future__ import annotations

import typer

from collector.spool.keys import ensure_spool_keys, load_seal_key, rotate_spool_keys
from tracetape.commands.common import Data, folder_of, say
from tracetape.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    spool = typer.Typer(help="The sealed spool: what is accepted and not yet stored.", no_args_is_help=True)
    spool.command("rotate-key")(rotate_key)
    app.add_typer(spool, name="spool")


def rotate_key(data: Data = None) -> None:
    """Seal with a new key from the next segment on, within a minute; works while the server runs, and nothing waits for it.

    Records sealed for the old key stay readable. The old private key is destroyed by the hourly housekeeping once nothing
    is sealed for it any more.
    """
    from tracetape.house import open_ledger

    settings = load_settings({"data": data})
    folder = folder_of(settings)
    ensure_spool_keys(folder.keys)
    ledger = open_ledger(settings, folder)
    before = load_seal_key(folder.keys).key_id.hex()
    ledger.audit.append("command line", "key_change", target="spool key", detail={"did": "rotate", "retired": before})
    rotate_spool_keys(folder.keys)
    say(
        f"Sealing with key {load_seal_key(folder.keys).key_id.hex()[:8]} from the next segment on; {before[:8]} is retired."
    )
