"""Whether the parts of the embedded engine have all of their bytes: chDB 4.4 ignores that its last write to a file failed.

Measured with 4.4.0 (engine 26.9.2.1): on a full disk each `write` of a part's small files returned ENOSPC, the part was
renamed into place all the same, and INSERT answered success. Merges and mutations do the same.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from spans.errors import BusyError

_ENDS: Mapping[str, bytes] = {
    "columns.txt": b"\n",
    "columns_substreams.txt": b"\n",
    "default_compression_codec.txt": b")",
    "metadata_version.txt": b"",
    "checksums.txt": b"",
}
"""Files that the engine leaves out of `bytes_on_disk`, and how each ends; all others add up to it exactly."""
_CHECKSUM_BYTES = 16
_BLOCK_HEADER_BYTES = 9
"""Method, size in the file with this header, size before compression."""


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
                if part["path"] in whole or is_whole(part["path"], int(part["bytes"])):
                    seen.setdefault(part["table"], set()).add(part["path"])
                else:
                    found.append(f"{part['table']}/{part['name']}")
            self._whole |= seen
            self._broken = tuple(dict.fromkeys((*self._broken, *found)))
        return tuple(found)


def is_whole(folder: str, expected: int) -> bool:
    """Whether every byte of a part is there; one that was merged away meanwhile is not missed."""
    counted = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name not in _ENDS:
                    counted += entry.stat().st_size
                elif not _is_complete(entry.name, Path(entry.path).read_bytes()):
                    return False
    except FileNotFoundError:
        return True
    return counted >= expected


def _is_complete(name: str, content: bytes) -> bool:
    if name != "checksums.txt":
        return bool(content) and content.endswith(_ENDS[name])
    at = content.find(b"\n") + 1  # the version; compressed blocks follow
    whole = at > 0
    while whole and at < len(content):
        size_at = at + _CHECKSUM_BYTES + 1
        at += _CHECKSUM_BYTES + max(int.from_bytes(content[size_at : size_at + 4], "little"), _BLOCK_HEADER_BYTES)
    return whole and at == len(content)
