"""`tracetape mark`: a line on every chart for a change that no span tells of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from spans.errors import SettingsError
from tracetape.commands.common import Data, folder_of, run_verb, say
from tracetape.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(mark)


def mark(
    label: Annotated[str, typer.Argument(help="What changed, in a few words.")],
    workflow: Annotated[str, typer.Option(help="Only this workflow; default all.")] = "",
    environment: Annotated[str, typer.Option(help="Only this environment; default all.")] = "",
    project: Annotated[str, typer.Option(help="Project.")] = "default",
    at: Annotated[datetime | None, typer.Option(help="When (UTC); default now.")] = None,
    data: Data = None,
) -> None:
    """Mark a change (a deployment, new data, a campaign): charts show it, drift names it when it is near."""
    if not label.strip():
        raise SettingsError("Say what changed, in a few words.")
    settings = load_settings({"data": data})
    at_ns = int(at.replace(tzinfo=UTC).timestamp() * 1e9) if at else 0
    asked = {
        "label": label.strip(),
        "workflow": workflow,
        "environment": environment,
        "project": project,
        "at_ns": at_ns,
    }
    done = run_verb(settings, folder_of(settings), "mark", asked)
    say(f"marked {done['label']!r} at {datetime.fromtimestamp(done['at_ns'] / 1e9, UTC):%Y-%m-%dT%H:%M}Z")
