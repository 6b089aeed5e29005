"""Entry point of every child process: `python -m tracetape.child ROLE DATA [WORKER]`."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

from spans.errors import NewerSchemaError
from tracetape.folder import DataFolder, write_status
from tracetape.logs import configure_logs

PARENT_CHECK_S = 1.0
REFUSED = 2
ROLES = {
    "receive": "tracetape.processes.receive",
    "work": "tracetape.processes.work",
    "main": "tracetape.processes.main",
    "notify": "tracetape.processes.notify",
    "web": "tracetape.processes.web",
    "forward": "tracetape.processes.forward",
}


def main(arguments: list[str]) -> int:
    """Run one role until it is told to stop or its supervisor is gone."""
    role, data = arguments[0], DataFolder(Path(arguments[1]))
    configure_logs()
    _watch_parent(os.getppid())
    # imported by role: the receiver must never load what only main and the workers need
    run = importlib.import_module(ROLES[role]).run
    try:
        return int(run(data, arguments[2] if len(arguments) > 2 else ""))
    except NewerSchemaError as error:
        write_status(data.refused_file, {"sentence": str(error)})
        return REFUSED


def _watch_parent(parent: int) -> None:
    """End in good order when the supervisor was killed: a folder must never be held by orphans."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_CHECK_S)
        logging.getLogger(__name__).warning("the supervisor is gone; stopping")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
