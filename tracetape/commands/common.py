"""What every command shares: the data folder, the options, and how a verb reaches the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from spans.errors import SettingsError
from tracetape.control import ask
from tracetape.folder import DataFolder, FolderLock, read_status
from tracetape.settings import ServeSettings

Data = Annotated[Path | None, typer.Option("--data", help="Data folder (TRACETAPE_DATA; default ./tracetape-data).")]


def say(line: str) -> None:
    """One line of the answer, on standard output."""
    typer.echo(line)


def folder_of(settings: ServeSettings) -> DataFolder:
    """The data folder of these settings, made when it is missing."""
    folder = DataFolder(settings.data.expanduser().resolve())
    folder.create()
    return folder


def run_verb(settings: ServeSettings, folder: DataFolder, verb: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run a verb inside the `serve` that holds the folder, or open the folder here when nobody does."""
    lock = FolderLock(folder)
    try:
        lock.acquire()
    except SettingsError:
        return dict(ask(folder.control_socket, verb, arguments))
    from tracetape.house import House
    from tracetape.verbs import VERBS

    try:
        house = House.open(settings, folder, lambda _phase: None)
        house.broker.inspect()
        try:
            return dict(VERBS[verb](house, arguments))
        finally:
            house.store.close()
    finally:
        lock.release()


def web_url(settings: ServeSettings, folder: DataFolder) -> str:
    """The address people use, without a trailing slash."""
    served = read_status(folder.serve_file)
    ports = served.get("ports", {})
    port = ports.get("web", settings.web_port) if isinstance(ports, dict) else settings.web_port
    return settings.public_url or str(served.get("public_url") or "") or f"http://{settings.host}:{port}"
