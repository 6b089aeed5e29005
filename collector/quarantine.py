"""Records set aside: counted under a name of their own, driven again or dropped by a person, destroyed after their time."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from collector.spool.format import SUFFIX, Payload, RecordHead, SegmentHeader
from collector.spool.io import DiskIO, SpoolIO
from collector.spool.keys import SealKey
from collector.spool.reader import Lost
from collector.spool.sidestore import SetAside, SideStore
from spans.errors import NotFoundError
from store.ledger.slots import DROPPED, EXPIRED, QUARANTINED, SET_ASIDE, SettledSlot

logger = logging.getLogger(__name__)

DAY_NS = 86_400_000_000_000
KEEP_NS = 7 * DAY_NS
LOST = "It was damaged on disk beyond recognition; only the number of its items is known."


class QuarantineSlots(Protocol):
    """The part of the ledger that counts records set aside."""

    def settle(self, rows: Sequence[SettledSlot]) -> None:
        """Durable and idempotent; a quarantined slot may still be dropped, expire or be stored."""

    def settled(self, segment: str) -> frozenset[int]:
        """Slots of a segment, or of a record set aside, that the ledger knows."""

    def reopen(self, segment: str) -> None:
        """Take a quarantined record out of the count: it goes back into the spool."""

    def forget_segment(self, segment: str) -> None:
        """What has this name is gone."""

    def quarantined(self) -> tuple[SettledSlot, ...]:
        """Everything in quarantine, oldest first."""


class Quarantine:
    """The folder of sealed records and their rows in the ledger, kept in step across crashes.

    A record set aside is a file in the format of a segment, with one record, under a key of its own. Driving it again
    is therefore one rename into the spool: it cannot be there twice, nor in neither place for longer than a restart.
    """

    def __init__(
        self,
        spool: Path,
        files: SideStore,
        slots: QuarantineSlots,
        accounting: AbstractContextManager[Any],
        io: SpoolIO | None = None,
    ) -> None:
        self._spool = spool
        self._files = files
        self._slots = slots
        self._accounting = accounting
        self._io: SpoolIO = io or DiskIO()

    @property
    def files(self) -> SideStore:
        """The sealed records themselves."""
        return self._files

    def put(self, segment: str, head: RecordHead, payload: Payload, reason: str, seal: SealKey) -> SetAside:
        """Seal items of a record anew. Durable when it returns, and not counted before its `rows` are settled."""
        for known in self._files.list():
            if (known.segment, known.slot) == (segment, head.slot):
                self._files.remove(known.name)  # left by an earlier attempt that was never counted
        return self._files.put(segment, head, payload, reason, seal)

    @staticmethod
    def row(kept: SetAside) -> SettledSlot:
        """What the ledger writes of a record set aside."""
        return SettledSlot(kept.name, 0, kept.signal, QUARANTINED, kept.items, {}, kept.reason, kept.received_ns)

    @staticmethod
    def origin_row(segment: str, head: RecordHead) -> SettledSlot:
        """What the ledger writes of a slot all of whose items were set aside."""
        return SettledSlot(segment, head.slot, head.signal.word, SET_ASIDE, 0, {}, "", head.received_ns)

    @staticmethod
    def lost_rows(header: SegmentHeader, lost: Lost) -> list[SettledSlot]:
        """What the ledger writes of records that were damaged beyond recognition: their items, and that they are known."""
        first = lost.slots[0]
        rows = [
            SettledSlot(header.segment, slot, "spans", SET_ASIDE, 0, received_ns=header.created_ns)
            for slot in lost.slots
        ]
        for signal, items in (("spans", lost.spans), ("logs", lost.logs)):
            mark = hashlib.sha256(f"{header.segment}/{first}/lost {signal}".encode()).hexdigest()[:8]
            name = f"{header.created_ns:016x}-{mark}"
            if items:
                rows.append(SettledSlot(name, 0, signal, QUARANTINED, items, {}, LOST, header.created_ns))
        return rows

    def list(self) -> tuple[SetAside, ...]:
        """Everything that is counted as quarantined, oldest first; what could not be unsealed has no file."""
        notes = {note.name: note for note in self._files.list()}
        found = []
        for row in self._slots.quarantined():
            bare = SetAside(row.segment, "", row.slot, row.signal, "", row.items, row.received_ns, 0, row.reason)
            found.append(notes.get(row.segment, bare))
        return tuple(found)

    def redrive(self, name: str) -> int:
        """Put a record back into the spool, where it is tried like a new one; returns its items.

        Raises:
            NotFoundError: nothing of this name can be driven again.
        """
        kept = self._find(name)
        path = self._path(name)
        if not path.exists():
            raise NotFoundError(f"{name} was damaged on disk and cannot be driven again; it can only be dropped.")
        with self._accounting:
            self._slots.reopen(name)
            self._io.rename(path, self._spool / path.name)
            self._io.fsync_folder(self._spool)
            self._io.fsync_folder(path.parent)
        self._io.unlink(path.with_suffix(".json"))
        return kept.items

    def drop(self, name: str) -> int:
        """Destroy a record for good because a person says so; returns its items.

        Raises:
            NotFoundError: nothing of this name is in quarantine.
        """
        kept = self._find(name)
        self._leave(kept, DROPPED)
        return kept.items

    def expire(self, now_ns: int, keep_ns: int = KEEP_NS) -> int:
        """Destroy what was set aside longer ago than `keep_ns`; returns how many items that were."""
        gone = 0
        for kept in self.list():
            if (kept.set_aside_ns or kept.received_ns) < now_ns - keep_ns:
                self._leave(kept, EXPIRED)
                gone += kept.items
        return gone

    def mend(self, is_open: Callable[[str, int], bool]) -> None:
        """Bring files and rows into step after a crash, before anything flows.

        Args:
            is_open: whether a slot of the spool still waits; what was set aside of it was never counted.
        """
        counted = {row.segment for row in self._slots.quarantined()}
        for kept in self._files.list():
            if kept.name in counted:
                continue
            if self._slots.settled(kept.name) or is_open(kept.segment, kept.slot):
                self._files.remove(kept.name)
            else:
                with self._accounting:
                    self._slots.settle([self.row(kept)])

    def _find(self, name: str) -> SetAside:
        for kept in self.list():
            if kept.name == name:
                return kept
        raise NotFoundError(f"Nothing named {name[:40]!r} is in quarantine; `tracetape quarantine list` shows what is.")

    def _leave(self, kept: SetAside, state: str) -> None:
        """Settle first, then destroy: a crash in between is finished by `mend`."""
        with self._accounting:
            self._slots.settle([replace(self.row(kept), state=state)])
        if self._path(kept.name).exists():
            self._files.remove(kept.name)
        self._slots.forget_segment(kept.name)
        logger.warning("a record left quarantine", extra={"record": kept.name, "items": kept.items, "as": state})

    def _path(self, name: str) -> Path:
        return self._files.folder / f"{name}{SUFFIX}"


def expire_withheld(files: SideStore, now_ns: int | None = None, keep_ns: int = KEEP_NS) -> int:
    """Destroy originals of withheld texts after their time; they are outside the count. Returns how many went."""
    now = time.time_ns() if now_ns is None else now_ns
    old = [kept for kept in files.list() if kept.set_aside_ns < now - keep_ns]
    gone = 0
    for kept in old:
        with contextlib.suppress(OSError):
            files.remove(kept.name)
            gone += 1
    return gone
