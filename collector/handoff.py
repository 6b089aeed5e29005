"""Frames between main and its workers: a small JSON head and raw pieces, over a Unix socket."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from spans.errors import HouseError

_HEAD = struct.Struct(">4sII")
_PIECE = struct.Struct(">Q")
MAGIC = b"TTH\x01"
HEAD_MAX_BYTES = 64 * 1024 * 1024
PIECES_MAX = 64
PIECE_MAX_BYTES = 2 * 1024 * 1024 * 1024
PATH_MAX_BYTES = 100
"""A Unix socket's address has room for about this much."""


class HandoffError(HouseError):
    """The other side is gone, or speaks another language."""


class Frame(NamedTuple):
    """One message."""

    head: Mapping[str, Any]
    pieces: tuple[bytes, ...]

    @property
    def type(self) -> str:
        """What it is about."""
        return str(self.head.get("type", ""))


def send_frame(sock: socket.socket, head: Mapping[str, Any], pieces: Sequence[bytes] = ()) -> None:
    """Send one message; blocks until the other side has taken it.

    Raises:
        HandoffError: the other side is gone.
    """
    encoded = json.dumps(head).encode()
    lengths = b"".join(_PIECE.pack(len(piece)) for piece in pieces)
    try:
        sock.sendall(_HEAD.pack(MAGIC, len(encoded), len(pieces)) + lengths + encoded)
        for piece in pieces:
            sock.sendall(piece)
    except OSError as error:
        raise HandoffError(f"The other side is gone: {error.strerror or type(error).__name__}.") from None


def recv_frame(sock: socket.socket) -> Frame:
    """Wait for one message.

    Raises:
        HandoffError: the other side is gone, possibly in the middle of a message.
    """
    magic, size, count = _HEAD.unpack(_exactly(sock, _HEAD.size))
    if magic != MAGIC or size > HEAD_MAX_BYTES or count > PIECES_MAX:
        raise HandoffError("The other side speaks another language.")
    lengths = [length for (length,) in _PIECE.iter_unpack(_exactly(sock, count * _PIECE.size))]
    if any(length > PIECE_MAX_BYTES for length in lengths):
        raise HandoffError("The other side speaks another language.")
    try:
        head = json.loads(_exactly(sock, size))
    except ValueError:
        raise HandoffError("The other side speaks another language.") from None
    return Frame(head, tuple(_exactly(sock, length) for length in lengths))


def listen(path: Path) -> socket.socket:
    """A listening socket that only our own user can reach; an old one at its place is replaced."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with _reachable(path) as address:
            sock.bind(address)
    finally:
        os.umask(before)
    sock.listen(64)
    return sock


def connect(path: Path) -> socket.socket:
    """A connection to `listen` on the same path.

    Raises:
        HandoffError: nobody listens there.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _reachable(path) as address:
            sock.connect(address)
    except OSError as error:
        sock.close()
        raise HandoffError(f"Main does not answer: {error.strerror or type(error).__name__}.") from None
    return sock


def is_our_user(sock: socket.socket) -> bool:
    """Whether the process at the other end runs as we do (or as root)."""
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return uid in {0, os.geteuid()}


@contextlib.contextmanager
def _reachable(path: Path) -> Iterator[str]:
    """An address of the path that fits into a socket address, however deep the data folder lies."""
    if len(os.fsencode(path)) <= PATH_MAX_BYTES:
        yield str(path)
        return
    fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}/{path.name}"
    finally:
        os.close(fd)


def _exactly(sock: socket.socket, size: int) -> bytes:
    if not size:
        return b""
    buffer = bytearray(size)
    view = memoryview(buffer)
    got = 0
    while got < size:
        try:
            n = sock.recv_into(view[got:])
        except OSError as error:
            raise HandoffError(f"The other side is gone: {error.strerror or type(error).__name__}.") from None
        if not n:
            raise HandoffError("The other side closed the connection.")
        got += n
    view.release()
    return bytes(buffer)
