"""A disk for tests: page cache and platter apart, any call can fail, any write can tear, power can be cut."""

from __future__ import annotations

import errno
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

SECTOR_BYTES = 64
"""Smaller than any real one, so that records of tests are torn inside."""


@dataclass(eq=False)
class Inode:
    cache: bytearray = field(default_factory=bytearray)
    platter: bytes = b""
    locked_by: int | None = None
    poisoned: bool = False
    """A sync failed: the cache may claim what the platter does not have."""


@dataclass
class Fault:
    """Which call fails (1 is the first), how, and whether all later ones fail too."""

    at: int = 0
    code: int = errno.EIO
    sticky: bool = False
    torn: bool = False
    """An append writes a part of its bytes before it fails."""


class ModelDisk:
    """Implements SpoolIO. One object is one machine; `crash` ends the process, `power_cut` the machine."""

    def __init__(self, seed: int = 0, fault: Fault | None = None) -> None:
        self.random = random.Random(seed)
        self.fault = fault or Fault()
        self.calls = 0
        self.free = 1 << 40
        self.syncs_after_failure = 0
        self._cache: dict[Path, Inode] = {}
        self._platter: dict[Path, Inode] = {}
        self._open: dict[int, Inode] = {}
        self._next_fd = 3

    def _may_fail(self) -> bool:
        self.calls += 1
        return self.calls == self.fault.at or (self.fault.sticky and 0 < self.fault.at <= self.calls)

    def _check(self) -> None:
        if self._may_fail():
            raise OSError(self.fault.code, "injected")

    def create(self, path: Path) -> int:
        self._check()
        if path in self._cache:
            raise FileExistsError(path)
        self._cache[path] = Inode()
        return self._fd(self._cache[path])

    def open(self, path: Path, *, write: bool = False) -> int:
        if path not in self._cache:
            raise FileNotFoundError(path)
        return self._fd(self._cache[path])

    def _fd(self, inode: Inode) -> int:
        self._next_fd += 1
        self._open[self._next_fd] = inode
        return self._next_fd

    def append(self, fd: int, parts: Sequence[bytes]) -> int:
        data = b"".join(parts)
        if self._may_fail():
            if self.fault.torn:
                self._open[fd].cache += data[: self.random.randrange(len(data) + 1)]
            raise OSError(self.fault.code, "injected")
        self._open[fd].cache += data
        return len(data)

    def write_at(self, fd: int, data: bytes, offset: int) -> None:
        self._check()
        cache = self._open[fd].cache
        cache.extend(bytes(max(0, offset + len(data) - len(cache))))
        cache[offset : offset + len(data)] = data

    def read_at(self, fd: int, length: int, offset: int) -> bytes:
        return bytes(self._open[fd].cache[offset : offset + length])

    def size(self, fd: int) -> int:
        return len(self._open[fd].cache)

    def fdatasync(self, fd: int) -> None:
        inode = self._open[fd]
        self.syncs_after_failure += inode.poisoned
        if self._may_fail():
            inode.poisoned = True
            raise OSError(self.fault.code, "injected")
        inode.platter = bytes(inode.cache)

    def truncate(self, fd: int, length: int) -> None:
        self._check()
        del self._open[fd].cache[length:]

    def fsync_folder(self, folder: Path) -> None:
        self._check()
        self._platter = {p: i for p, i in self._platter.items() if p.parent != folder}
        self._platter |= {p: i for p, i in self._cache.items() if p.parent == folder}

    def lock(self, fd: int) -> bool:
        inode = self._open[fd]
        if inode.locked_by not in {None, fd}:
            return False
        inode.locked_by = fd
        return True

    def close(self, fd: int) -> None:
        inode = self._open.pop(fd)
        if inode.locked_by == fd:
            inode.locked_by = None

    def rename(self, old: Path, new: Path) -> None:
        self._check()
        self._cache[new] = self._cache.pop(old)

    def unlink(self, path: Path) -> None:
        self._check()
        self._cache.pop(path, None)

    def names(self, folder: Path) -> list[str]:
        return sorted(p.name for p in self._cache if p.parent == folder)

    def length(self, path: Path) -> int:
        return len(self._cache[path].cache) if path in self._cache else 0

    def free_bytes(self, folder: Path) -> int:
        return self.free

    def crash(self) -> None:
        """kill -9: descriptors and locks are gone, the page cache stays."""
        for fd in list(self._open):
            self.close(fd)
        self.fault = Fault()

    def power_cut(self) -> None:
        """Only what was synced survives for certain; of the rest, whatever the kernel happened to write back."""
        self.crash()
        names = dict(self._platter)
        for path, inode in self._cache.items():
            if self.random.random() < 0.5:
                names.setdefault(path, inode)
        for path in list(names):
            if path not in self._cache and self.random.random() < 0.5:
                del names[path]  # an unlink that reached the disk unasked
        for inode in names.values():
            kept = bytearray(inode.platter)
            if self.random.random() < 0.7 and not inode.poisoned:
                written = self.random.randrange(len(inode.cache) + 1)
                if written > len(kept):
                    kept += bytes(written - len(kept))
                    for start in range(len(inode.platter), written, SECTOR_BYTES):
                        if self.random.random() < 0.5:
                            end = min(start + SECTOR_BYTES, written)
                            kept[start:end] = inode.cache[start:end]
            inode.cache, inode.platter, inode.poisoned = kept, bytes(kept), False
        self._cache = dict(names)
        self._platter = dict(names)
