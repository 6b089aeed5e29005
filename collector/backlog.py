"""What the spool holds that is not settled yet: segments, their open slots, and when a segment may go."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from collector.isolate import Trial
from collector.spool.format import NewerSpoolError, RecordHead, SegmentHeader, Signal, SpoolError
from collector.spool.io import DiskIO, SpoolIO
from collector.spool.keys import KeyRing
from collector.spool.reader import Lost, Position, RecordRef, SegmentReader, remove_segment, segment_paths, sweep
from store.ledger.slots import SettledSlot

logger = logging.getLogger(__name__)

DAMAGED_FOLDER = "damaged"


class State(Enum):
    """Where an unsettled slot is."""

    WAITING = "waiting"
    HANDED_OUT = "handed out"
    DELIVERED = "delivered"
    """Processed; the store has not confirmed it yet."""


@dataclass(slots=True)
class OpenSlot:
    """A record that is not settled."""

    segment: str
    ref: RecordRef
    state: State = State.WAITING
    attempts: int = 0
    charged: bool = False
    """Its next attempt is counted in the ledger already."""
    not_before: float = 0.0
    trial: Trial | None = None
    """It failed as a whole and is being taken apart, or was."""
    retries: int = 0
    """How often what the trial left over failed again."""
    reason: str = ""
    """Why it is being taken apart."""
    set_aside: SettledSlot | None = None
    """How its bad items will be counted, once the trial is over; the rest is still to be stored."""

    @property
    def head(self) -> RecordHead:
        """What is readable of it."""
        return self.ref.head


@dataclass(slots=True)
class _Segment:
    reader: SegmentReader
    settled: frozenset[int]
    open: dict[int, OpenSlot] = field(default_factory=dict)
    next: Position = field(default_factory=Position)
    finished: bool = False
    data_key: bytes | None = None


class Backlog:
    """Follows the spool folder. Not thread-safe: the broker guards it with its lock."""

    def __init__(
        self,
        folder: Path,
        settled: Callable[[str], frozenset[int]],
        forget: Callable[[str], None],
        io: SpoolIO | None = None,
        on_lost: Callable[[SegmentHeader, Lost], None] = lambda _header, _lost: None,
    ) -> None:
        """Look at nothing yet.

        Args:
            folder: the spool.
            settled: slots of a segment that need no more work.
            forget: called when a segment is gone.
            io: the disk.
            on_lost: told about records that are damaged beyond recognition, before anything behind them is handed out.
        """
        self._folder = folder
        self._settled = settled
        self._forget = forget
        self._on_lost = on_lost
        self._io: SpoolIO = io or DiskIO()
        self._segments: dict[str, _Segment] = {}
        self._items: dict[Signal, int] = {Signal.SPANS: 0, Signal.LOGS: 0}
        self._newer: set[str] = set()
        self.torn_bytes = 0
        self.damaged_bytes = 0
        self.lost_slots = 0
        sweep(folder, self._io)

    @property
    def newer_segments(self) -> int:
        """Segments of a later version that are left alone."""
        return len(self._newer)

    def look(self) -> int:
        """Find new segments and new records; returns how many records are new."""
        found = 0
        for path in segment_paths(self._folder, self._io):
            segment = self._segments.get(path.stem) or self._discover(path)
            if segment is not None and not segment.finished:
                found += self._advance(segment)
        return found

    def waiting(self, now: float) -> Iterator[OpenSlot]:
        """Slots that may be handed out, oldest first."""
        for segment in self._segments.values():
            for slot in segment.open.values():
                if slot.state is State.WAITING and slot.not_before <= now:
                    yield slot

    def find(self, segment: str, slot: int) -> OpenSlot | None:
        """An unsettled slot."""
        known = self._segments.get(segment)
        return known.open.get(slot) if known else None

    def settle(self, segment: str, slot: int) -> OpenSlot | None:
        """Take a slot off the backlog; None when it was settled before."""
        known = self._segments.get(segment)
        found = known.open.pop(slot, None) if known else None
        if found is not None:
            self._items[found.head.signal] -= found.head.items
        return found

    def pending(self, signal: Signal) -> int:
        """Items of a signal that are not settled."""
        return self._items[signal]

    def pending_until(self, until_ns: int) -> int:
        """Unsettled items that were accepted until a moment."""
        slots = (slot for segment in self._segments.values() for slot in segment.open.values())
        return sum(slot.head.items for slot in slots if slot.head.received_ns <= until_ns)

    def oldest_received_ns(self) -> int | None:
        """When the oldest unsettled record was accepted."""
        times = [slot.head.received_ns for s in self._segments.values() for slot in list(s.open.values())[:1]]
        return min(times, default=None)

    def data_key(self, segment: str, ring: KeyRing) -> bytes:
        """The key of a segment's records, unwrapped once.

        Raises:
            UnsealError: no private key fits.
        """
        known = self._segments[segment]
        if known.data_key is None:
            known.data_key = known.reader.header.data_key(ring)
        return known.data_key

    def reader(self, segment: str) -> SegmentReader:
        """The open file of a segment."""
        return self._segments[segment].reader

    def remove_done(self) -> None:
        """Remove segments with nothing left: first the file (its key before it), then the ledger's rows.

        A crash in between leaves rows of a segment that no longer exists, which is harmless; the other order could
        leave a segment whose settled slots are forgotten, and would store them again.
        """
        for name, segment in list(self._segments.items()):
            if segment.finished and not segment.open:
                path = segment.reader.path
                segment.reader.close()
                remove_segment(path, self._io)
                del self._segments[name]
                self._forget(name)

    def close(self) -> None:
        """Release every file."""
        for segment in self._segments.values():
            segment.reader.close()
        self._segments.clear()

    def _discover(self, path: Path) -> _Segment | None:
        try:
            reader = SegmentReader(path, self._io)
        except FileNotFoundError:
            return None
        except NewerSpoolError as error:
            if path.stem not in self._newer:
                logger.error("a spool segment is left alone", extra={"segment": path.stem, "reason": str(error)})  # noqa: TRY400
                self._newer.add(path.stem)
            return None
        except SpoolError as error:
            self._set_aside(path, error)
            return None
        if reader.header.segment != path.stem:
            reader.close()
            self._set_aside(path, SpoolError("The segment's name is not its own."))
            return None
        segment = self._segments[path.stem] = _Segment(reader, self._settled(path.stem))
        return segment

    def _set_aside(self, path: Path, error: SpoolError) -> None:
        """A segment whose header is unreadable keeps its bytes for a person to look at, and stops nobody."""
        logger.error("a spool segment is damaged and was set aside", extra={"segment": path.stem, "reason": str(error)})
        self.damaged_bytes += self._io.length(path)
        folder = self._folder / DAMAGED_FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        self._io.rename(path, folder / path.name)

    def _advance(self, segment: _Segment) -> int:
        writer_gone = segment.reader.is_abandoned()
        if writer_gone:
            segment.reader.sync()  # a killed writer may have left bytes that are readable and not yet durable
        scan = segment.reader.scan(segment.next, writer_gone=writer_gone)
        for gap in scan.lost:
            if not segment.settled.intersection(gap.slots):
                self._on_lost(segment.reader.header, gap)
        segment.next, segment.finished = scan.next, scan.finished
        self.torn_bytes += scan.torn_bytes
        self.damaged_bytes += scan.damaged_bytes
        self.lost_slots += len(scan.lost_slots)
        if scan.lost_slots:
            logger.error(
                "records were damaged on disk and are lost",
                extra={"segment": segment.reader.header.segment, "slots": len(scan.lost_slots)},
            )
        found = 0
        for ref in scan.records:
            if ref.head.slot not in segment.settled:
                segment.open[ref.head.slot] = OpenSlot(segment.reader.header.segment, ref)
                self._items[ref.head.signal] += ref.head.items
                found += 1
        return found
