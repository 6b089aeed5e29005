"""The only door of the spool to the disk, so that tests can make any call fail, tear or forget."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

MAX_IOVEC = 1024


class SpoolIO(Protocol):
    """The system calls the spool makes. Every method may raise OSError; none retries."""

    def create(self, path: Path) -> int:
        """Create a file that must not exist, readable by its owner only; returns its descriptor."""

    def open(self, path: Path, *, write: bool = False) -> int:
        """Open an existing file; returns its descriptor."""

    def append(self, fd: int, parts: Sequence[bytes]) -> int:
        """Write all parts at the end, in order; returns the bytes written."""

    def write_at(self, fd: int, data: bytes, offset: int) -> None:
        """Overwrite bytes in place."""

    def read_at(self, fd: int, length: int, offset: int) -> bytes:
        """At most `length` bytes from `offset`; fewer at the end of the file."""

    def size(self, fd: int) -> int:
        """Length of the file in bytes."""

    def fdatasync(self, fd: int) -> None:
        """Durable when it returns. After an error the file must not be trusted or synced again."""

    def truncate(self, fd: int, length: int) -> None:
        """Cut the file."""

    def fsync_folder(self, folder: Path) -> None:
        """Make creations, renames and removals in a folder durable."""

    def lock(self, fd: int) -> bool:
        """Take the exclusive lock of a file; False when another process holds it. Released with the descriptor."""

    def close(self, fd: int) -> None:
        """Release the descriptor and its lock."""

    def rename(self, old: Path, new: Path) -> None:
        """Atomically replace `new`."""

    def unlink(self, path: Path) -> None:
        """Remove a file that may be gone already."""

    def names(self, folder: Path) -> list[str]:
        """File names in a folder, sorted."""

    def length(self, path: Path) -> int:
        """Length of a file that is not open; 0 when it is gone."""

    def free_bytes(self, folder: Path) -> int:
        """Bytes an ordinary user can still write to the volume."""


class DiskIO:
    """The real disk."""

    def create(self, path: Path) -> int:  # noqa: D102
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def open(self, path: Path, *, write: bool = False) -> int:  # noqa: D102
        return os.open(path, (os.O_RDWR if write else os.O_RDONLY) | os.O_CLOEXEC)

    def append(self, fd: int, parts: Sequence[bytes]) -> int:  # noqa: D102
        os.lseek(fd, 0, os.SEEK_END)
        left = [memoryview(part) for part in parts if part]
        total = sum(len(part) for part in left)
        while left:
            wrote = os.writev(fd, left[:MAX_IOVEC])
            while wrote:  # a short write is legal: go on where it stopped
                if wrote >= len(left[0]):
                    wrote -= len(left.pop(0))
                else:
                    left[0] = left[0][wrote:]
                    wrote = 0
        return total

    def write_at(self, fd: int, data: bytes, offset: int) -> None:  # noqa: D102
        while data:
            wrote = os.pwrite(fd, data, offset)
            data, offset = data[wrote:], offset + wrote

    def read_at(self, fd: int, length: int, offset: int) -> bytes:  # noqa: D102
        data = os.pread(fd, length, offset)
        if len(data) == length or not data:
            return data
        parts = [data]
        got = len(data)
        while got < length:
            data = os.pread(fd, length - got, offset + got)
            if not data:
                break
            parts.append(data)
            got += len(data)
        return b"".join(parts)

    def size(self, fd: int) -> int:  # noqa: D102
        return os.fstat(fd).st_size

    def fdatasync(self, fd: int) -> None:  # noqa: D102
        os.fdatasync(fd)

    def truncate(self, fd: int, length: int) -> None:  # noqa: D102
        os.ftruncate(fd, length)

    def fsync_folder(self, folder: Path) -> None:  # noqa: D102
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def lock(self, fd: int) -> bool:  # noqa: D102
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self, fd: int) -> None:  # noqa: D102
        os.close(fd)

    def rename(self, old: Path, new: Path) -> None:  # noqa: D102
        old.replace(new)

    def unlink(self, path: Path) -> None:  # noqa: D102
        path.unlink(missing_ok=True)

    def names(self, folder: Path) -> list[str]:  # noqa: D102
        return sorted(path.name for path in folder.iterdir())

    def length(self, path: Path) -> int:  # noqa: D102
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return 0

    def free_bytes(self, folder: Path) -> int:  # noqa: D102
        stat = os.statvfs(folder)
        return stat.f_bavail * stat.f_frsize
