"""`tracetape import`: OTLP files through the real receiver, so that they are redacted like everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spans.errors import SettingsError
from tracetape.commands.common import Data, folder_of, say
from tracetape.folder import read_status
from tracetape.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_files)


def import_files(
    files: Annotated[list[Path], typer.Argument(help="OTLP files: protobuf, JSON or JSON Lines, also .gz.")],
    endpoint: Annotated[str, typer.Option(help="Receiver; default the one of the running server.")] = "",
    key: Annotated[str, typer.Option(help="Ingest key, where the receiver asks for one.")] = "",
    data: Data = None,
) -> None:
    """Send OTLP files to a running tracetape; safe to repeat, because a span that arrives twice counts once."""
    from tracetape.importing import bodies, send

    settings = load_settings({"data": data})
    served = read_status(folder_of(settings).serve_file).get("ports", {})
    port = served.get("http") if isinstance(served, dict) else None
    target = endpoint or (f"http://127.0.0.1:{port}" if port else "")
    if not target:
        raise SettingsError(
            "No tracetape is running on this data folder; start it, or name a receiver with --endpoint."
        )
    for file in files:
        done = send(target, key or None, bodies(file))
        say(f"{file}: {done.requests:,} requests" + (f", {done.rejected:,} items rejected" if done.rejected else ""))
