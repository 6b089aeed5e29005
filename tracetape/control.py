"""The control socket: verbs of the command line, run inside `serve` while it holds the data folder."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from spans.errors import BusyError, HouseError, NotFoundError, RefusedError, SettingsError, TooHeavyError
from tracetape.house import House

logger = logging.getLogger(__name__)

_KINDS = {kind.__name__: kind for kind in (BusyError, NotFoundError, RefusedError, SettingsError, TooHeavyError)}

Verb = Callable[[House, Mapping[str, Any]], Mapping[str, Any]]
MAX_REQUEST = 1 << 20
MAX_ANSWER = 64 << 20
ANSWER_TIMEOUT_S = 600.0


class ControlServer:
    """Answers one JSON line per connection; the socket is readable by the owner only."""

    def __init__(self, path: Path, house: House, verbs: Mapping[str, Verb]) -> None:
        self._path = path
        self._house = house
        self._verbs = verbs
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Listen in a thread of its own."""
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self._path))
        self._path.chmod(0o600)
        listener.listen(8)
        self._socket = listener
        threading.Thread(target=self._loop, args=(listener,), name="control", daemon=True).start()

    def stop(self) -> None:
        """Close the door; safe to call twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self._path.unlink(missing_ok=True)

    def _loop(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                answer = self._run(_read_line(connection))
            except HouseError as error:
                answer = {"error": str(error), "kind": type(error).__name__}
            except Exception:
                logger.exception("a control verb failed")
                answer = {"error": "The running server could not do that; its log in the data folder says why."}
            connection.sendall(json.dumps(answer).encode() + b"\n")

    def _run(self, line: bytes) -> Mapping[str, Any]:
        request = json.loads(line)
        verb = self._verbs.get(str(request.get("verb")))
        if verb is None:
            return {"error": "The running server does not know this verb; is it an older version?"}
        return {"data": verb(self._house, request.get("arguments") or {})}


def ask(path: Path, verb: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Run a verb inside the `serve` that holds the folder.

    Raises:
        BusyError: the server cannot be reached now.
        HouseError: the server refused; of the class that it refused with.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_TIMEOUT_S)
            connection.connect(str(path))
            connection.sendall(json.dumps({"verb": verb, "arguments": dict(arguments)}).encode() + b"\n")
            answer = json.loads(_read_line(connection, MAX_ANSWER) or b"{}")
    except OSError as error:
        raise BusyError(f"The running tracetape cannot be reached at {path} ({error.strerror or error}).") from None
    if "error" in answer:
        raise _KINDS.get(str(answer.get("kind")), HouseError)(str(answer["error"]))
    found = answer.get("data", {})
    return found if isinstance(found, dict) else {}


def _read_line(connection: socket.socket, limit: int = MAX_REQUEST) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n") and len(received) < limit:
        piece = connection.recv(65_536)
        if not piece:
            break
        received += piece
    return bytes(received)
