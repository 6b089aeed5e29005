"""Remembers what was analysed: a map bounded by bytes, keyed by a keyed hash, in memory only."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from typing import Generic, TypeVar

Kept = TypeVar("Kept")

WORDS = 8_192
"""Entries of each cache of single words, keys and values: what recurs stays, and they are full after minutes, not hours."""

_OVERHEAD_BYTES = 400
"""What an entry costs besides its payload, measured: key, dictionary slot, link, tuples."""


class Memory(Generic[Kept]):
    """The most recently used entries that fit into `limit_bytes`; 0 remembers nothing."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._bytes = 0
        self._entries: OrderedDict[bytes, tuple[int, Kept]] = OrderedDict()

    def get(self, key: bytes) -> Kept | None:
        """What was kept under the key, if it still is."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[1]

    def keep(self, key: bytes, value: Kept, size: int) -> None:
        """Keep a value of about `size` bytes; the least recently used ones make room."""
        size += _OVERHEAD_BYTES
        if size > self._limit:
            return
        old = self._entries.pop(key, None)
        if old is not None:
            self._bytes -= old[0]
        self._entries[key] = (size, value)
        self._bytes += size
        while self._bytes > self._limit:
            _, (gone, _) = self._entries.popitem(last=False)
            self._bytes -= gone

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """Estimated bytes in use."""
        return self._bytes


class Hasher:
    """Keyed hash of texts: a memory dump or a timing tells nothing about texts that were not there."""

    def __init__(self) -> None:
        self._key = os.urandom(32)

    def __call__(self, space: bytes, text: str) -> bytes:
        """The key of a text in a space of texts; spaces (project, class, key) never share entries."""
        digest = hashlib.blake2b(space, digest_size=16, key=self._key)
        digest.update(b"\0")
        digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.digest()
