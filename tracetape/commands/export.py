"""`tracetape export`: data in open formats, with row counts and checksums."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from spans.errors import SettingsError
from tracetape.commands.common import Data, folder_of, run_verb, say
from tracetape.commands.recording import export_run
from tracetape.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    run: Annotated[str, typer.Option("--run", help="Only this run (or trace) id, as one file with its proof.")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="New or empty folder; with --run a file ending in .zip or .json.")
    ] = None,
    project: Annotated[str, typer.Option(help="Project; default `default`, with --run the first that has it.")] = "",
    since: Annotated[datetime | None, typer.Option(help="First moment (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Last moment (UTC), exclusive.")] = None,
    format_: Annotated[str, typer.Option("--format", help="parquet or jsonl.")] = "parquet",
    tables: Annotated[str, typer.Option(help="Which: runs, steps, spans, logs.")] = "runs,steps,spans,logs",
    check: Annotated[bool, typer.Option("--check", help="Only check the files of an export that is there.")] = False,
    data: Data = None,
) -> None:
    """Write runs, steps, spans and logs (redacted, as stored) as Parquet or JSON Lines; or one run with its proof."""
    if run:
        export_run(run, out, project, data)
        return
    if out is None:
        raise SettingsError("Say where: --out FOLDER, or --run RUN for one run.")
    place = out.expanduser().resolve()
    if check:
        _check(place)
        return
    settings = load_settings({"data": data})
    begin, end = (int(t.replace(tzinfo=UTC).timestamp() * 1e9) if t else None for t in (since, until))
    if begin is not None and end is not None and begin >= end:
        raise SettingsError("--since must lie before --until.")
    arguments = {
        "project": project or "default",
        "since_ns": begin,
        "until_ns": end,
        "format": format_,
        "tables": [name.strip() for name in tables.split(",") if name.strip()],
        "folder": str(place),
    }
    for file in run_verb(settings, folder_of(settings), "export", arguments)["files"]:
        say(f"{file['name']}  {file['rows']:,} rows  {file['bytes']:,} bytes  sha256 {file['sha256']}")


def _check(place: Path) -> None:
    from tracetape.exporting import verify

    wrong = verify(place)
    for sentence in wrong:
        say(sentence)
    if wrong:
        raise typer.Exit(1)
    say("every file is as it was written")
