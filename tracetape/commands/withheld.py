"""`tracetape withheld`: sealed originals of texts that could not be redacted."""

from __future__ import annotations

import typer

from tracetape.commands.common import Data, folder_of, run_verb, say
from tracetape.settings import load_settings

withheld = typer.Typer(no_args_is_help=True, help="Sealed originals of texts that could not be redacted.")


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(withheld, name="withheld")


@withheld.command("retry")
def retry(data: Data = None) -> None:
    """Redact them again with today's rules and detectors. What succeeds replaces its placeholders, and its original is destroyed."""
    settings = load_settings({"data": data})
    done = run_verb(settings, folder_of(settings), "retry_withheld", {})
    say(
        f"{done['redacted']} records are redacted now, {done['left']} still wait; the server must be running with a worker ready."
    )
