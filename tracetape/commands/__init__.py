"""The command line, one file per command or group of commands; each registers itself on the app."""

from __future__ import annotations

from typing import Protocol

import typer


class Command(Protocol):
    """A module with commands."""

    @staticmethod
    def register(app: typer.Typer) -> None:
        """Add its commands to the app."""


COMMANDS: tuple[Command, ...] = ()
"""Every module with commands, in the order of `--help`."""
