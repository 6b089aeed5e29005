"""`tracetape scan`: proof that given texts are nowhere on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tracetape.commands.common import Data, folder_of, run_verb, say
from tracetape.scan import Report, read_needles, scan_files
from tracetape.settings import load_settings

FOUND = 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(scan)


def scan(
    needles: Annotated[Path, typer.Option(help="A file with one text to search for per line.")],
    data: Data = None,
) -> None:
    """Search everything stored for texts that must not be there: every column decompressed, ledger, spool, temporary files, logs.

    A text is named by its line, never repeated. Exit code 0: none was found; 1: some were, or a file could not be read.
    """
    settings = load_settings({"data": data})
    folder = folder_of(settings)
    wanted = read_needles(needles)
    report = scan_files(folder, wanted, needles)
    texts = [text for _, text in wanted.texts]
    for table, column, index, rows in run_verb(settings, folder, "scan", {"texts": texts})["found"]:
        report.add(wanted.texts[index][0], f"table {table}, column {column} ({rows} rows)", int(rows))
    _print(report, len(texts))
    if report.counts or report.unread:
        raise typer.Exit(FOUND)


def _print(report: Report, texts: int) -> None:
    for line, times in sorted(report.counts.items()):
        say(f"line {line}: found {times} times")
        for place in report.places[line]:
            say(f"  {place}")
    for name in report.unread:
        say(f"could not be decoded, only its raw bytes were searched: {name}")
    megabytes = (report.read_bytes + report.decompressed_bytes) / 1e6
    say(
        f"{texts - len(report.counts)} of {texts} texts were found nowhere; searched {report.files} files, "
        f"{report.compressed_files} of them decompressed, {megabytes:.1f} MB, and every column of every table."
    )
