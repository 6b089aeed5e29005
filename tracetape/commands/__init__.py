"""The command line, one file per command or group of commands; each registers itself on the app."""

from __future__ import annotations

from typing import Protocol

import typer

from tracetape.commands import (
    alerts,
    apart,
    backup,
    evaluate,
    export,
    import_files,
    keeping,
    mark,
    policies,
    pseudonym_key,
    recording,
    scan,
    spool,
    withheld,
)


class Command(Protocol):
    """A module with commands."""

    def register(self, app: typer.Typer) -> None:
        """Add its commands to the app."""


COMMANDS: tuple[Command, ...] = (
    alerts,
    apart,
    backup,
    evaluate,
    export,
    import_files,
    keeping,
    mark,
    policies,
    pseudonym_key,
    recording,
    scan,
    spool,
    withheld,
)
"""Every module with commands, in the order of `--help`."""
