"""Whether the parts of the embedded engine have all of their bytes: chDB 4.4 ignores that its last write to a file failed.

Measured with 4.4.0 (engine 26.9.2.1): on a full disk each `write` of a part's small files returned ENOSPC, the part was
renamed into place all the same, and INSERT answered success. Merges and mutations do the same. When it is opened anew the
engine notices damage in parts of the compact format, but not a shortened column file of the wide format: it then
removes what such a part was merged from. So damage is made plain to it before it is opened.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import lz4.block
import zstandard

from spans.errors import BusyError

CHECKSUMS = "checksums.txt"
_ENDS: Mapping[str, bytes] = {
    "columns.txt": b"\n",
    "columns_substreams.txt": b"\n",
    "default_compression_codec.txt": b")",
    "metadata_version.txt": b"",
}
"""Files whose sizes do not stand in `checksums.txt`, and how each ends. None is ever empty."""
_VERSION = b"checksums format version: 4\n"
_HASH_BYTES = 16
_BLOCK_HEADER_BYTES = 9
"""Method, size in the file with this header, size before compression."""
_BLOCK_MAX_BYTES = 64 << 20
_NONE, _LZ4, _ZSTD = 0x02, 0x82, 0x90
_PART = re.compile(r"[0-9a-zA-Z]+_[0-9]+_[0-9]+_[0-9]+(_[0-9]+)?")


class Wholeness:
    """Remembers the parts that were seen whole, whose files never change. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._whole: dict[str, set[str]] = {}
        self._broken: tuple[str, ...] = ()

    def refuse_if_broken(self, what: str) -> None:
        """Nothing more is written once a part was broken: opening the engine anew goes back to what was whole.

        Raises:
            BusyError: a part was found broken since the engine was opened.
        """
        if self._broken:
            raise BusyError(
                f"{what}: the disk was full and the engine lost bytes of {len(self._broken)} parts; "
                "it has to be opened anew, which tracetape does by itself within seconds."
            )

    def broken(self, parts: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
        """Those of the active parts of some tables that lack bytes, as `table/part`; each is looked at until it was whole."""
        found: list[str] = []
        seen: dict[str, set[str]] = {}
        with self._lock:
            for part in parts:
                whole = self._whole.get(part["table"], ())
                if part["path"] in whole or is_whole(part["path"]):
                    seen.setdefault(part["table"], set()).add(part["path"])
                else:
                    found.append(f"{part['table']}/{part['name']}")
            self._whole |= seen
            self._broken = tuple(dict.fromkeys((*self._broken, *found)))
        return tuple(found)


def make_damage_plain(store: Path) -> list[str]:
    """Before the engine is opened: parts that lack bytes get empty checksums, so that it sets them aside; returns their names.

    What such a part was merged from is taken up again then. Nobody else may have the folder open.
    """
    found = []
    for part in store.glob("store/*/*/*"):
        if _PART.fullmatch(part.name) and part.is_dir() and not is_whole(str(part)):
            fresh = part / "checksums.new"
            fresh.write_bytes(b"")
            fresh.replace(part / CHECKSUMS)  # a new file: the old one may be shared with a copy of the part
            found.append(part.name)
    return found


def is_whole(folder: str) -> bool:
    """Whether every byte of a part is there; one that was merged away meanwhile is not missed."""
    try:
        sizes = file_sizes((Path(folder) / CHECKSUMS).read_bytes())
        with os.scandir(folder) as entries:
            there = {entry.name: entry.stat().st_size for entry in entries}
        texts = [Path(folder, name).read_bytes().endswith(end) for name, end in _ENDS.items() if there.get(name)]
    except FileNotFoundError:
        return not Path(folder).exists()
    if sizes is None or not all(texts) or any(there.get(name) == 0 for name in _ENDS):
        return False
    return all(there.get(name) == size for name, size in sizes.items())


def file_sizes(checksums: bytes) -> dict[str, int] | None:
    """Sizes of a part's files out of its `checksums.txt`; None when that is damaged, empty when it is of another version."""
    if not checksums.startswith(_VERSION):
        return {} if checksums.startswith(_VERSION[:-2]) else None
    try:
        return _sizes(_unpacked(checksums[len(_VERSION) :]))
    except (ValueError, IndexError, RuntimeError, zstandard.ZstdError):
        return None


def _unpacked(blocks: bytes) -> bytes:
    content, at = b"", 0
    while at < len(blocks):
        head = at + _HASH_BYTES
        method = blocks[head]
        packed = int.from_bytes(blocks[head + 1 : head + 5], "little")
        size = int.from_bytes(blocks[head + 5 : head + 9], "little")
        body = blocks[head + _BLOCK_HEADER_BYTES : head + packed]
        if packed <= _BLOCK_HEADER_BYTES or len(body) != packed - _BLOCK_HEADER_BYTES or size > _BLOCK_MAX_BYTES:
            raise ValueError
        if method == _LZ4:
            content += lz4.block.decompress(body, uncompressed_size=size)
        elif method == _ZSTD:
            content += zstandard.ZstdDecompressor().decompress(body, max_output_size=size)
        elif method == _NONE:
            content += body
        else:
            raise ValueError
        at = head + packed
    return content


def _sizes(content: bytes) -> dict[str, int]:
    """Name, size and hash of each file; for compressed ones also size and hash of what is inside."""
    found, (count, at) = {}, _number(content, 0)
    for _ in range(count):
        length, at = _number(content, at)
        name, at = content[at : at + length].decode(), at + length
        found[name], at = _number(content, at)
        at += _HASH_BYTES + 1
        if content[at - 1]:
            _, at = _number(content, at)
            at += _HASH_BYTES
    if at != len(content):
        raise ValueError
    return found


def _number(content: bytes, at: int) -> tuple[int, int]:
    """A variable-length number and where it ends."""
    value = shift = 0
    while True:
        byte = content[at]
        value, at, shift = value | (byte & 0x7F) << shift, at + 1, shift + 7
        if byte < 0x80:
            return value, at
