"""`tracetape pseudonym-key`: the key that pseudonyms are made with."""

from __future__ import annotations

import typer

from collector.pseudonym_key import has_key, load_keys, rotate_key
from spans.errors import SettingsError
from tracetape.commands.common import Data, folder_of, say
from tracetape.folder import DataFolder
from tracetape.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The key that pseudonyms are made with.", no_args_is_help=True)
    group.command("list")(list_keys)
    group.command("rotate")(rotate)
    app.add_typer(group, name="pseudonym-key")


def list_keys(data: Data = None) -> None:
    """Say the ids of the key in force and of the retired ones, newest first; never a key."""
    folder = _folder_with_key(folder_of(load_settings({"data": data})))
    for number, key in enumerate(load_keys(folder.keys).all):
        say(f"{key.key_id}  {'retired' if number else 'in force'}")


def rotate(data: Data = None) -> None:
    """Put a new key in force; works while the server runs: every worker takes it with the next record it begins.

    From then on everybody has a new pseudonym. What is stored keeps its tokens: People, `tracetape pseudonym` and
    `tracetape erase --person` look under every key. A value in the search box is looked for under the new key alone.
    """
    from tracetape.house import open_ledger

    settings = load_settings({"data": data})
    folder = _folder_with_key(folder_of(settings))
    before = load_keys(folder.keys).current.key_id
    ledger = open_ledger(settings, folder)
    ledger.audit.append(
        "command line", "key_change", target="pseudonym key", detail={"did": "rotate", "retired": before}
    )
    now = rotate_key(folder.keys).current.key_id
    say(
        f"Pseudonyms are made with key {now} from the next record on; {before} is retired and still finds what is stored."
    )


def _folder_with_key(folder: DataFolder) -> DataFolder:
    if not has_key(folder.keys):
        raise SettingsError(f"{folder.root} has no pseudonym key yet; it is made when `tracetape serve` first starts.")
    return folder
