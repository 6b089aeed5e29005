"""How a segment looks on disk: its header, the frames of its records, its end mark; written once, read by everyone."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import struct
import zlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from collector.spool.keys import KEY_ID_BYTES, WRAPPED_BYTES, KeyRing, SealKey, UnsealError
from spans.errors import HouseError

SUFFIX = ".seg"
MARK_SUFFIX = ".mark"

SEGMENT_MAGIC = b"TTSPOOL\0"
VERSION = 2
"""2 keeps the header and every record head twice, so that one damaged place costs at most the record it lies in."""
OLDEST_VERSION = 1
"""Segments of two minor versions back are still read."""
DAY_SCHEME_UTC = 1
"""Received days are UTC calendar days written as YYYYMMDD."""
ID_BYTES = 32
_PLAIN = struct.Struct(f">8sBBHQ{ID_BYTES}s{KEY_ID_BYTES}s")
KEY_OFFSET = _PLAIN.size + 4
HEADER_COPY_BYTES = KEY_OFFSET + WRAPPED_BYTES
SECOND_HEADER_AT = 4096
"""In another disk block than the first copy."""
_HEADER_BYTES = {1: HEADER_COPY_BYTES, 2: SECOND_HEADER_AT + HEADER_COPY_BYTES}
HEADER_BYTES = _HEADER_BYTES[VERSION]

FRAME_MAGICS = {1: b"TTR\x01", 2: b"TTR\x02"}
TAIL_MAGIC = b"TTT\x02"
"""Begins the second copy of a head, which stands behind its payload."""
_FRAME = struct.Struct(">4sBBHQIQII")
_BEFORE = struct.Struct(">QQ")
FRAME_MIN_BYTES = {1: _FRAME.size + 4, 2: _FRAME.size + _BEFORE.size + 4}
"""The fixed part and its checksum. Fewer bytes than this at the end of a file are a cut, never a damaged head."""
PROJECT_MAX_BYTES = 200
TAG_BYTES = 16
PAYLOAD_MAX_BYTES = 1 << 30
FRAME_HEAD_MAX_BYTES = FRAME_MIN_BYTES[VERSION] + PROJECT_MAX_BYTES

_MARK = struct.Struct(">QI")
MARK_BYTES = _MARK.size
_SEGMENT_ID = re.compile(r"[0-9a-f]{16}-[0-9a-f]{8}")


class SpoolError(HouseError):
    """The bytes are not a segment of ours, or are damaged."""


class NewerSpoolError(SpoolError):
    """A segment of a later version: it waits for a program that can read it."""


class FrameKind(IntEnum):
    """What a frame holds."""

    RECORD = 1
    END = 2
    """The writer closed the segment on purpose; its slot number says how many records came before."""


class Signal(IntEnum):
    """Which kind of items a record holds."""

    SPANS = 1
    LOGS = 2

    @property
    def word(self) -> str:
        """`spans` or `logs`, as the ledger writes it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """The first bytes of a segment."""

    segment: str
    created_ns: int
    key_id: bytes
    wrapped_keys: tuple[bytes, ...]
    """The wrapped data key, as often as it is written; a damaged copy does not unwrap."""
    version: int = VERSION

    @property
    def size(self) -> int:
        """Offset of the first record."""
        return _HEADER_BYTES[self.version]

    def plain(self) -> bytes:
        """Everything but the wrapped key, which can be destroyed in place."""
        return _PLAIN.pack(
            SEGMENT_MAGIC, self.version, DAY_SCHEME_UTC, self.size, self.created_ns, self.segment.encode(), self.key_id
        )

    def encode(self) -> bytes:
        """The bytes on disk."""
        plain = self.plain()
        copy = plain + zlib.crc32(plain).to_bytes(4, "big") + self.wrapped_keys[0]
        return copy if self.version == 1 else copy.ljust(SECOND_HEADER_AT, b"\0") + copy

    def key_offsets(self) -> tuple[int, ...]:
        """Where the copies of the wrapped key stand."""
        return (KEY_OFFSET,) if self.version == 1 else (KEY_OFFSET, SECOND_HEADER_AT + KEY_OFFSET)

    def data_key(self, ring: KeyRing) -> bytes:
        """The key of this segment's records.

        Raises:
            UnsealError: no private key fits, or the key was destroyed.
        """
        for spare in self.wrapped_keys[:-1]:
            with contextlib.suppress(UnsealError):
                return ring.unwrap(self.key_id, spare, self.plain())
        return ring.unwrap(self.key_id, self.wrapped_keys[-1], self.plain())


def new_header(segment: str, created_ns: int, seal: SealKey, data_key: bytes) -> SegmentHeader:
    """A header whose data key is wrapped for `seal` and bound to this segment."""
    bare = SegmentHeader(segment, created_ns, seal.key_id, ())
    return SegmentHeader(segment, created_ns, seal.key_id, (seal.wrap(data_key, bare.plain()),))


def parse_header(data: bytes) -> SegmentHeader:
    """Read a segment header from the first HEADER_BYTES of a file, from whichever copy is intact.

    Raises:
        SpoolError: not a segment, damaged, or written by a newer version.
    """
    try:
        found = _parse_copy(data)
    except SpoolError:
        if data[SECOND_HEADER_AT : SECOND_HEADER_AT + len(SEGMENT_MAGIC)] != SEGMENT_MAGIC:
            raise
        found = _parse_copy(data[SECOND_HEADER_AT:])
    if len(data) < found.size:
        raise SpoolError("The segment ends inside its header.")
    keys = tuple(data[at : at + WRAPPED_BYTES] for at in found.key_offsets())
    return dataclasses.replace(found, wrapped_keys=keys)


def _parse_copy(data: bytes) -> SegmentHeader:
    if len(data) < HEADER_COPY_BYTES:
        raise SpoolError("The segment ends inside its header.")
    magic, version, scheme, length, created_ns, raw_id, key_id = _PLAIN.unpack_from(data)
    if magic != SEGMENT_MAGIC:
        raise SpoolError("This file is not a spool segment.")
    if zlib.crc32(data[: _PLAIN.size]) != int.from_bytes(data[_PLAIN.size : KEY_OFFSET], "big"):
        raise SpoolError("The segment's header is damaged.")
    if version > VERSION or scheme != DAY_SCHEME_UTC:
        raise NewerSpoolError("The segment was written by a newer version; please update.")
    segment = raw_id.rstrip(b"\0").decode("ascii", "replace")
    if version < OLDEST_VERSION or length != _HEADER_BYTES[version] or not _SEGMENT_ID.fullmatch(segment):
        raise SpoolError("The segment's header is damaged.")
    return SegmentHeader(segment, created_ns, key_id, (), version)


@dataclass(frozen=True, slots=True)
class RecordHead:
    """The readable part of a record: everything the hand-off needs, nothing of the content."""

    slot: int
    signal: Signal
    items: int
    project: str
    received_ns: int
    payload_bytes: int
    """Length of the sealed payload, tag included."""
    kind: FrameKind = FrameKind.RECORD
    spans_before: int = 0
    """Spans in the records of this segment before this one: what is lost with damaged records is known exactly."""
    logs_before: int = 0
    version: int = VERSION

    @property
    def received_day(self) -> date:
        """UTC day of acceptance, as fixed in the frame."""
        return datetime.fromtimestamp(self.received_ns // 1_000_000_000, tz=UTC).date()

    @property
    def tail_bytes(self) -> int:
        """Length of what stands behind the payload."""
        return 0 if self.version == 1 else FRAME_MIN_BYTES[2] + len(self.project.encode())

    def encode(self) -> bytes:
        """The bytes before the sealed payload; also its associated data."""
        return self._encode(FRAME_MAGICS[self.version])

    def encode_tail(self) -> bytes:
        """The bytes behind the sealed payload: the same head again, under another name."""
        return b"" if self.version == 1 else self._encode(TAIL_MAGIC)

    def _encode(self, magic: bytes) -> bytes:
        project = self.project.encode()
        day = self.received_day
        fixed = _FRAME.pack(
            magic,
            self.kind,
            self.signal,
            len(project),
            self.slot,
            self.items,
            self.received_ns,
            day.year * 10_000 + day.month * 100 + day.day,
            self.payload_bytes,
        )
        if self.version == 1:
            return fixed + zlib.crc32(fixed).to_bytes(4, "big") + project
        fixed += _BEFORE.pack(self.spans_before, self.logs_before)
        return fixed + zlib.crc32(fixed + project).to_bytes(4, "big") + project


def parse_head(data: bytes, version: int = VERSION) -> tuple[RecordHead, int] | None:
    """The record head at the start of `data` and its length; None when these bytes are no intact head."""
    return _parse(data, version, FRAME_MAGICS[version])


def parse_tail(data: bytes) -> tuple[RecordHead, int] | None:
    """The second copy of a head, as `parse_head`."""
    return _parse(data, VERSION, TAIL_MAGIC)


def _parse(data: bytes, version: int, wanted: bytes) -> tuple[RecordHead, int] | None:
    shortest = FRAME_MIN_BYTES[version]
    if len(data) < shortest:
        return None
    magic, kind, signal, project_bytes, slot, items, received_ns, day, payload_bytes = _FRAME.unpack_from(data)
    end = shortest + project_bytes
    if magic != wanted or project_bytes > PROJECT_MAX_BYTES or len(data) < end:
        return None
    # In version 1 a project changed on disk does not unseal: it is part of the associated data.
    checked = data[: shortest - 4] + (data[shortest:end] if version > 1 else b"")
    if zlib.crc32(checked) != int.from_bytes(data[shortest - 4 : shortest], "big"):
        return None
    before = _BEFORE.unpack_from(data, _FRAME.size) if version > 1 else (0, 0)
    try:
        project = data[shortest:end].decode("utf-8", "replace")
        head = RecordHead(
            slot=slot,
            signal=Signal(signal),
            items=items,
            project=project,
            received_ns=received_ns,
            payload_bytes=payload_bytes,
            kind=FrameKind(kind),
            spans_before=before[0],
            logs_before=before[1],
            version=version,
        )
        fits = head.received_day.year * 10_000 + head.received_day.month * 100 + head.received_day.day == day
    except (ValueError, OverflowError, OSError):
        return None
    return (head, end) if fits and payload_bytes <= PAYLOAD_MAX_BYTES else None


@dataclass(frozen=True, slots=True)
class Payload:
    """What is sealed in a record: OTLP bytes and the marks of items that were repaired at the door, by position."""

    otlp: bytes
    marks: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Length of the notes, the notes as JSON, the OTLP bytes."""
        if not self.marks:
            return bytes(4) + self.otlp
        notes = json.dumps({"marks": {str(at): names for at, names in self.marks.items()}}).encode()
        return len(notes).to_bytes(4, "big") + notes + self.otlp

    @classmethod
    def decode(cls, data: bytes) -> Payload:
        """The inverse of `encode`.

        Raises:
            SpoolError: the bytes are no payload.
        """
        size = int.from_bytes(data[:4], "big")
        if len(data) < 4 + size:
            raise SpoolError("The payload ends inside its notes.")
        if not size:
            return cls(data[4:])
        try:
            notes = json.loads(data[4 : 4 + size])
            marks = {int(at): tuple(str(n) for n in names) for at, names in notes.get("marks", {}).items()}
        except (ValueError, AttributeError, TypeError):
            raise SpoolError("The payload's notes cannot be read.") from None
        return cls(data[4 + size :], marks)


def seal_record(cipher: AESGCM, segment: str, head: RecordHead, payload: bytes) -> list[bytes]:
    """The frame of a record. A slot is sealed once under a segment's key, so its number is a safe nonce."""
    encoded = head.encode()
    sealed = cipher.encrypt(_nonce(head.slot), payload, segment.encode() + encoded)
    return [encoded, sealed, head.encode_tail()]


def unseal_record(data_key: bytes, segment: str, head: RecordHead, sealed: bytes) -> bytes:
    """The payload of a record.

    Raises:
        UnsealError: a byte was changed, or the record belongs to another slot, segment or key.
    """
    try:
        return AESGCM(data_key).decrypt(_nonce(head.slot), sealed, segment.encode() + head.encode())
    except (InvalidTag, ValueError):
        raise UnsealError("The record was changed on disk.") from None


def encode_mark(durable_bytes: int) -> bytes:
    """How far a live segment is durable."""
    raw = durable_bytes.to_bytes(8, "big")
    return raw + zlib.crc32(raw).to_bytes(4, "big")


def parse_mark(data: bytes) -> int:
    """Durable length a mark states; 0 when it is missing or half written."""
    if len(data) != MARK_BYTES or zlib.crc32(data[:8]) != int.from_bytes(data[8:], "big"):
        return 0
    return int.from_bytes(data[:8], "big")


def is_segment_name(name: str) -> bool:
    """Whether a file name is one the writer makes; nothing else in the folder is ever opened."""
    return name.endswith(SUFFIX) and bool(_SEGMENT_ID.fullmatch(name.removesuffix(SUFFIX)))


def _nonce(slot: int) -> bytes:
    return b"TTR1" + slot.to_bytes(8, "big")
