"""Records set aside, still sealed: quarantine and withheld originals, one file each under a key of its own."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from collector.spool.format import (
    SUFFIX,
    TAG_BYTES,
    VERSION,
    Payload,
    RecordHead,
    SpoolError,
    is_segment_name,
    new_header,
    seal_record,
)
from collector.spool.io import DiskIO, SpoolIO
from collector.spool.keys import DATA_KEY_BYTES, KeyRing, SealKey, UnsealError, write_secret
from collector.spool.reader import SegmentReader, remove_segment, segment_paths

NOTE_SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class SetAside:
    """What is known of a record set aside; never any of its content."""

    name: str
    segment: str
    slot: int
    signal: str
    project: str
    items: int
    received_ns: int
    set_aside_ns: int
    reason: str


class SideStore:
    """One folder of sealed records."""

    def __init__(self, folder: Path, io: SpoolIO | None = None) -> None:
        self._folder = folder
        self._io: SpoolIO = io or DiskIO()

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder

    def put(self, segment: str, head: RecordHead, payload: Payload, reason: str, seal: SealKey) -> SetAside:
        """Seal a record anew and keep it; durable when it returns. The same slot put twice is kept once."""
        now = time.time_ns()
        name = name_of(segment, head)
        known = self._note(self._folder / f"{name}{SUFFIX}")
        if known is not None:
            return known
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        data_key = os.urandom(DATA_KEY_BYTES)
        fresh = self._folder / f"{name}.new"
        self._io.unlink(fresh)  # a crash in the middle of an earlier try
        fd = self._io.create(fresh)
        try:
            frame = seal_record(AESGCM(data_key), name, _first_head(head, payload), payload.encode())
            self._io.append(fd, [new_header(name, now, seal, data_key).encode(), *frame])
            self._io.fdatasync(fd)
        finally:
            self._io.close(fd)
        kept = SetAside(
            name, segment, head.slot, head.signal.word, head.project, head.items, head.received_ns, now, reason
        )
        write_secret(self._folder / f"{name}{NOTE_SUFFIX}", json.dumps(asdict(kept)).encode())
        self._io.rename(fresh, self._folder / f"{name}{SUFFIX}")
        self._io.fsync_folder(self._folder)
        return kept

    def list(self) -> tuple[SetAside, ...]:
        """Everything set aside, oldest first.

        Raises:
            OSError: a note cannot be read now; leaving it out would say that its record is not there.
        """
        return tuple(self._notes())

    def read(self, name: str, ring: KeyRing) -> Payload:
        """Unseal a record set aside.

        Raises:
            SpoolError: there is none of this name, or its file is damaged.
            UnsealError: it cannot be unsealed.
            OSError: it cannot be read now.
        """
        path = self._folder / f"{name}{SUFFIX}"
        if not is_segment_name(path.name) or self._note(path) is None:
            raise SpoolError("Nothing of this name is set aside.")
        reader = SegmentReader(path, self._io)
        try:
            records = reader.scan().records
            if not records:
                raise UnsealError("The record set aside is damaged.")
            return reader.read(records[0], reader.header.data_key(ring))
        finally:
            reader.close()

    def remove(self, name: str) -> None:
        """Destroy its key, then its file. Safe to repeat."""
        path = self._folder / f"{name}{SUFFIX}"
        if path in segment_paths(self._folder, self._io):
            remove_segment(path, self._io)
        self._io.unlink(path.with_suffix(NOTE_SUFFIX))

    def _notes(self) -> Iterator[SetAside]:
        for path in segment_paths(self._folder, self._io):
            note = self._note(path)
            if note is not None:
                yield note

    @staticmethod
    def _note(path: Path) -> SetAside | None:
        if not path.exists():
            return None
        try:
            return SetAside(**json.loads(path.with_suffix(NOTE_SUFFIX).read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None


def name_of(segment: str, head: RecordHead) -> str:
    """Sorts by time of acceptance; the same slot always has the same name."""
    return f"{head.received_ns:016x}-{hashlib.sha256(f'{segment}/{head.slot}'.encode()).hexdigest()[:8]}"


def _first_head(head: RecordHead, payload: Payload) -> RecordHead:
    """The same head as the first record of a file of its own."""
    return replace(
        head,
        slot=0,
        payload_bytes=len(payload.encode()) + TAG_BYTES,
        spans_before=0,
        logs_before=0,
        version=VERSION,
    )
