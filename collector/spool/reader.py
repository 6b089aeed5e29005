"""Reading a segment: what is durable, where it ends, which bytes are torn and which are damaged."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from collector.spool.format import (
    FRAME_HEAD_MAX_BYTES,
    FRAME_MAGIC,
    FRAME_MIN_BYTES,
    HEADER_BYTES,
    KEY_OFFSET,
    MARK_BYTES,
    MARK_SUFFIX,
    SUFFIX,
    FrameKind,
    Payload,
    RecordHead,
    SegmentHeader,
    is_segment_name,
    parse_head,
    parse_header,
    parse_mark,
    unseal_record,
)
from collector.spool.io import DiskIO, SpoolIO
from collector.spool.keys import WRAPPED_BYTES

SEARCH_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RecordRef:
    """Where a record stands; enough to read it later without scanning."""

    head: RecordHead
    offset: int
    head_bytes: int

    @property
    def end(self) -> int:
        """Offset of the byte after it."""
        return self.offset + self.head_bytes + self.head.payload_bytes


@dataclass(frozen=True, slots=True)
class Scan:
    """One look at a segment. `lost_slots` were written once and cannot be found any more."""

    records: tuple[RecordRef, ...] = ()
    next_offset: int = HEADER_BYTES
    next_slot: int = 0
    finished: bool = False
    """Nothing will ever be added."""
    closed: bool = False
    """The writer closed it on purpose."""
    torn_bytes: int = 0
    """Bytes of a write that never became durable, so that nobody was told it was accepted."""
    damaged_bytes: int = 0
    lost_slots: tuple[int, ...] = ()


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

    def scan(self, offset: int = HEADER_BYTES, next_slot: int = 0, *, writer_gone: bool = True) -> Scan:
        """Look for records from `offset` on, the first of them expected to carry `next_slot`.

        While the writer lives, only what it has marked as durable is read.
        """
        if writer_gone:
            return self._scan_to(self._io.size(self._fd), offset, next_slot, final=True)
        return self._scan_to(self._durable_bytes(), offset, next_slot, final=False)

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

    def _scan_to(self, end: int, offset: int, expected: int, *, final: bool) -> Scan:
        records: list[RecordRef] = []
        lost: list[int] = []
        torn = damaged = 0
        closed = False
        while offset < end and not closed:
            found = parse_head(self._io.read_at(self._fd, min(FRAME_HEAD_MAX_BYTES, end - offset), offset))
            if found is None or found[0].slot < expected:
                if not final:
                    break  # a live segment is looked at again; it is judged when its writer is gone
                onward = self._find_frame(offset + 1, end, expected)
                if onward is None:
                    if self._is_torn(offset, end):
                        torn = end - offset
                    else:
                        damaged += end - offset
                        lost.append(expected)  # at least one; the end mark is lost with it
                    offset = end
                    break
                damaged += onward - offset
                offset = onward
                continue
            head, head_bytes = found
            ref = RecordRef(head, offset, head_bytes)
            if ref.end > end:
                if final:
                    torn = end - offset
                    offset = end
                break
            lost += range(expected, head.slot)
            if head.kind is FrameKind.END:
                closed = True
            else:
                records.append(ref)
            offset, expected = ref.end, head.slot + (head.kind is FrameKind.RECORD)
        return Scan(tuple(records), offset, expected, final or closed, closed, torn, damaged, tuple(lost))

    def _is_torn(self, offset: int, end: int) -> bool:
        """A short head, or zeros where a power cut kept the length but not the bytes."""
        if end - offset < FRAME_MIN_BYTES:
            return True
        while offset < end:
            piece = self._io.read_at(self._fd, min(SEARCH_BYTES, end - offset), offset)
            if not piece or piece.strip(b"\0"):
                return not piece
            offset += len(piece)
        return True

    def _find_frame(self, offset: int, end: int, expected: int) -> int | None:
        """Offset of the next intact head at or after `offset`."""
        while offset < end:
            piece = self._io.read_at(self._fd, min(SEARCH_BYTES, end - offset), offset)
            at = piece.find(FRAME_MAGIC)
            while at >= 0:
                found = parse_head(
                    self._io.read_at(self._fd, min(FRAME_HEAD_MAX_BYTES, end - offset - at), offset + at)
                )
                if found is not None and found[0].slot >= expected and offset + at + found[1] <= end:
                    return offset + at
                at = piece.find(FRAME_MAGIC, at + 1)
            if len(piece) < SEARCH_BYTES:
                return None
            offset += len(piece) - len(FRAME_MAGIC) + 1
        return None


def segment_paths(folder: Path, io: SpoolIO | None = None) -> list[Path]:
    """Segments in a folder, oldest first."""
    try:
        names = (io or DiskIO()).names(folder)
    except FileNotFoundError:
        return []
    return [folder / name for name in names if is_segment_name(name)]


def remove_segment(path: Path, io: SpoolIO | None = None) -> None:
    """Destroy the segment's key, then the file. Safe to repeat; the caller has made its checkpoint durable before."""
    disk: SpoolIO = io or DiskIO()
    with contextlib.suppress(FileNotFoundError):
        fd = disk.open(path, write=True)
        try:
            disk.write_at(fd, bytes(WRAPPED_BYTES), KEY_OFFSET)
            disk.fdatasync(fd)
        finally:
            disk.close(fd)
    disk.unlink(path.with_suffix(MARK_SUFFIX))
    disk.unlink(path)
    disk.fsync_folder(path.parent)


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
