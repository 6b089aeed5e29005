"""A worker process: decodes, redacts and states facts; holds no database and no network door."""

from __future__ import annotations

from collector.worker import WorkerSettings, run_worker
from tracetape.folder import DataFolder


def run(folder: DataFolder, name: str) -> int:
    """Work until told to stop."""
    settings = WorkerSettings(name=f"worker-{name}", socket=lambda: folder.worker_socket, spool=folder.spool)
    return run_worker(settings)
