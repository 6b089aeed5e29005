"""Reading a segment: what is durable, where it ends, which bytes are torn and which are damaged."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from collector.spool.format import (
    FRAME_HEAD_MAX_BYTES,
    FRAME_MAGICS,
    FRAME_MIN_BYTES,
    HEADER_BYTES,
    KEY_OFFSET,
    MARK_BYTES,
    MARK_SUFFIX,
    PROJECT_MAX_BYTES,
    SUFFIX,
    TAIL_MAGIC,
    FrameKind,
    Payload,
    RecordHead,
    SegmentHeader,
    Signal,
    SpoolError,
    is_segment_name,
    parse_head,
    parse_header,
    parse_mark,
    parse_tail,
    unseal_record,
)
from collector.spool.io import DiskIO, SpoolIO
from collector.spool.keys import WRAPPED_BYTES

SEARCH_BYTES = 1 << 20
LOST_MAX = 100_000
"""More slots than fit into a segment; a number above it was made up."""


@dataclass(frozen=True, slots=True)
class RecordRef:
    """Where a record stands; enough to read it later without scanning."""

    head: RecordHead
    offset: int
    head_bytes: int

    @property
    def end(self) -> int:
        """Offset of the byte after it."""
        return self.offset + self.head_bytes + self.head.payload_bytes + self.head.tail_bytes


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where a segment is known: the next record, and what came before it."""

    offset: int = 0
    """0 stands for the end of the header."""
    slot: int = 0
    spans: int = 0
    logs: int = 0

    def after(self, ref: RecordRef) -> Position:
        """Behind a record."""
        head = ref.head
        if head.kind is FrameKind.END:
            return replace(self, offset=ref.end)
        spans, logs = (head.spans_before, head.logs_before) if head.version > 1 else (self.spans, self.logs)
        return Position(
            ref.end,
            head.slot + 1,
            spans + head.items * (head.signal is Signal.SPANS),
            logs + head.items * (head.signal is Signal.LOGS),
        )


@dataclass(frozen=True, slots=True)
class Lost:
    """Records that were written once and cannot be found any more, all between two that can."""

    slots: tuple[int, ...]
    spans: int = 0
    logs: int = 0
    """How many items they held; 0 where nothing behind them says so."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One look at a segment."""

    records: tuple[RecordRef, ...] = ()
    next: Position = field(default_factory=Position)
    finished: bool = False
    """Nothing will ever be added."""
    closed: bool = False
    """The writer closed it on purpose."""
    torn_bytes: int = 0
    """Bytes of a write that never became durable, so that nobody was told it was accepted."""
    damaged_bytes: int = 0
    lost: tuple[Lost, ...] = ()

    @property
    def lost_slots(self) -> tuple[int, ...]:
        """All of them."""
        return tuple(slot for gap in self.lost for slot in gap.slots)


class SegmentReader:
    """One segment file, opened for reading. Close it."""

    def __init__(self, path: Path, io: SpoolIO | None = None) -> None:
        """Open a segment.

        Raises:
            SpoolError: not a segment of ours, or its header is damaged.
            FileNotFoundError: it was removed meanwhile.
        """
        self._io: SpoolIO = io or DiskIO()
        self.path = path
        self._fd = self._io.open(path)
        try:
            self.header: SegmentHeader = parse_header(self._io.read_at(self._fd, HEADER_BYTES, 0))
        except BaseException:
            self._io.close(self._fd)
            raise

    def close(self) -> None:
        """Release the file."""
        if self._fd >= 0:
            self._io.close(self._fd)
            self._fd = -1

    def is_abandoned(self) -> bool:
        """Whether no writer holds it any more; a dead process drops its lock with its last breath."""
        try:
            fd = self._io.open(self.path)
        except FileNotFoundError:
            return True  # somebody removed it; what we hold open can still be read
        try:
            return self._io.lock(fd)
        finally:
            self._io.close(fd)

    def scan(self, start: Position | None = None, *, writer_gone: bool = True) -> Scan:
        """Look for records from `start` on.

        While the writer lives, only what it has marked as durable is read.
        """
        start = start or Position()
        start = replace(start, offset=max(start.offset, self.header.size))
        if writer_gone:
            return self._scan_to(self._io.size(self._fd), start, final=True)
        return self._scan_to(self._durable_bytes(), start, final=False)

    def sync(self) -> None:
        """Make everything readable durable: after a crash the page cache may know more than the disk."""
        self._io.fdatasync(self._fd)

    def read(self, ref: RecordRef, data_key: bytes) -> Payload:
        """Unseal one record.

        Raises:
            UnsealError: a byte of it was changed.
            SpoolError: its content has no known shape.
        """
        sealed = self._io.read_at(self._fd, ref.head.payload_bytes, ref.offset + ref.head_bytes)
        return Payload.decode(unseal_record(data_key, self.header.segment, ref.head, sealed))

    def _durable_bytes(self) -> int:
        try:
            fd = self._io.open(self.path.with_suffix(MARK_SUFFIX))
        except FileNotFoundError:
            return 0
        try:
            return parse_mark(self._io.read_at(fd, MARK_BYTES, 0))
        finally:
            self._io.close(fd)

    def _scan_to(self, end: int, at: Position, *, final: bool) -> Scan:
        records: list[RecordRef] = []
        lost: list[Lost] = []
        torn = damaged = 0
        closed = False
        while at.offset < end and not closed:
            ref = self._at(at.offset, end)
            if ref is None or ref.head.slot < at.slot:
                if not final:
                    break  # a live segment is looked at again; it is judged when its writer is gone
                ref = self._find(at, end)
                if ref is None:
                    if self._is_torn(at.offset, end):
                        torn = end - at.offset
                    else:
                        damaged += end - at.offset
                        lost.append(Lost((at.slot,)))  # at least one; what would say more is lost with it
                    at = replace(at, offset=end)
                    break
                damaged += ref.offset - at.offset
            if ref.end > end:
                if final:
                    torn = end - ref.offset
                    at = replace(at, offset=end)
                break
            if ref.head.slot > at.slot:
                lost.append(_gap(at, ref.head))
            if ref.head.kind is FrameKind.END:
                closed = True
            else:
                records.append(ref)
            at = at.after(ref)
        return Scan(tuple(records), at, final or closed, closed, torn, damaged, tuple(lost))

    def _at(self, offset: int, end: int) -> RecordRef | None:
        """The record whose intact head stands here."""
        found = parse_head(self._piece(offset, end), self.header.version)
        return RecordRef(found[0], offset, found[1]) if found else None

    def _piece(self, offset: int, end: int) -> bytes:
        return self._io.read_at(self._fd, min(FRAME_HEAD_MAX_BYTES, end - offset), offset)

    def _is_torn(self, offset: int, end: int) -> bool:
        """A short head, or zeros where a power cut kept the length but not the bytes."""
        left, shortest = end - offset, FRAME_MIN_BYTES[self.header.version]
        if left < shortest:
            return True
        start = self._piece(offset, end)
        project_bytes = int.from_bytes(start[6:8], "big")
        if start.startswith(FRAME_MAGICS[self.header.version]) and left < shortest + project_bytes:
            return project_bytes <= PROJECT_MAX_BYTES
        while offset < end:
            piece = self._io.read_at(self._fd, min(SEARCH_BYTES, end - offset), offset)
            if not piece or piece.strip(b"\0"):
                return not piece
            offset += len(piece)
        return True

    def _find(self, at: Position, end: int) -> RecordRef | None:
        """The first record at or after a damaged place, by its head or by the copy of its head behind it."""
        magics = re.compile(b"|".join(map(re.escape, (FRAME_MAGICS[self.header.version], TAIL_MAGIC))))
        offset = at.offset
        while offset < end:
            piece = self._io.read_at(self._fd, min(SEARCH_BYTES, end - offset), offset)
            for match in magics.finditer(piece):
                ref = self._known_by(offset + match.start(), end, is_tail=match.group() == TAIL_MAGIC)
                if ref is not None and ref.head.slot >= at.slot and ref.offset >= at.offset:
                    return ref
            if len(piece) < SEARCH_BYTES:
                return None
            offset += len(piece) - len(TAIL_MAGIC) + 1
        return None

    def _known_by(self, offset: int, end: int, *, is_tail: bool) -> RecordRef | None:
        if not is_tail:
            return self._at(offset, end)
        found = parse_tail(self._piece(offset, end))
        if found is None:
            return None
        head, size = found
        return RecordRef(head, offset - head.payload_bytes - size, size)


def _gap(at: Position, head: RecordHead) -> Lost:
    """What is missing between a known position and the next record that is there."""
    slots = tuple(range(at.slot, min(head.slot, at.slot + LOST_MAX)))
    if head.version == 1:
        return Lost(slots)
    return Lost(slots, max(0, head.spans_before - at.spans), max(0, head.logs_before - at.logs))


def segment_paths(folder: Path, io: SpoolIO | None = None) -> list[Path]:
    """Segments in a folder, oldest first."""
    try:
        names = (io or DiskIO()).names(folder)
    except FileNotFoundError:
        return []
    return [folder / name for name in names if is_segment_name(name)]


def key_ids(folders: Iterable[Path]) -> set[bytes] | None:
    """For which keys the segments in these folders are sealed; None when one of them cannot tell."""
    found: set[bytes] = set()
    for path in (path for folder in folders for path in segment_paths(folder)):
        try:
            reader = SegmentReader(path)
        except FileNotFoundError:
            continue
        except SpoolError:
            return None
        found.add(reader.header.key_id)
        reader.close()
    return found


def remove_segment(path: Path, io: SpoolIO | None = None) -> None:
    """Destroy the segment's key, then the file. Safe to repeat; the caller has made its checkpoint durable before."""
    disk: SpoolIO = io or DiskIO()
    with contextlib.suppress(FileNotFoundError):
        fd = disk.open(path, write=True)
        try:
            for at in _key_offsets(disk.read_at(fd, HEADER_BYTES, 0)):
                disk.write_at(fd, bytes(WRAPPED_BYTES), at)
            disk.fdatasync(fd)
        finally:
            disk.close(fd)
    disk.unlink(path.with_suffix(MARK_SUFFIX))
    disk.unlink(path)
    disk.fsync_folder(path.parent)


def _key_offsets(data: bytes) -> tuple[int, ...]:
    try:
        return parse_header(data).key_offsets()
    except SpoolError:
        return (KEY_OFFSET,)


def sweep(folder: Path, io: SpoolIO | None = None) -> None:
    """Remove what a crash left between two steps: unnamed segments and marks without a segment.

    A file another process is just creating is locked, and left alone.
    """
    disk: SpoolIO = io or DiskIO()
    try:
        names = set(disk.names(folder))
    except FileNotFoundError:
        return
    for name in names:
        path = folder / name
        fresh = name.endswith(".new") and is_segment_name(path.with_suffix(SUFFIX).name)
        orphan = name.endswith(MARK_SUFFIX) and path.with_suffix(SUFFIX).name not in names
        if (fresh and _is_free(path, disk)) or (orphan and path.with_suffix(".new").name not in names):
            disk.unlink(path)


def _is_free(path: Path, disk: SpoolIO) -> bool:
    try:
        fd = disk.open(path)
    except FileNotFoundError:
        return False
    try:
        return disk.lock(fd)
    finally:
        disk.close(fd)
