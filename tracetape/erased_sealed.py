"""An erasure among sealed records: withheld originals and quarantine are looked through by those who may, or destroyed."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from collector.broker import DIED, Held
from collector.quarantine import Quarantine
from collector.rework import NotRedactedError, Reworked
from collector.spool.format import Payload, SpoolError
from collector.spool.keys import UnsealError
from collector.spool.sidestore import SetAside, SideStore
from spans.errors import BusyError, NotFoundError
from store.ledger.erasures import Erasure, Subject
from tracetape.erased_arrivals import traces_naming

logger = logging.getLogger(__name__)

_DIED = DIED.partition("{")[0]
_TRACE_FIELD = re.compile(rb"(?=[\x0a\x4a]\x10(.{16}))", re.DOTALL)
"""How OTLP writes a trace id: 16 bytes in field 1 of a span or link, or field 9 of a log record. Found in what no decoder
can read, too; other bytes that happen to look so are no trace of anybody."""


class SealedBroker(Protocol):
    """The part of the broker that can open what is sealed."""

    @property
    def withheld(self) -> SideStore:
        """Sealed originals of withheld texts."""

    @property
    def quarantine(self) -> Quarantine:
        """Records that could not be processed."""

    def held_until(self, until_ns: int) -> Held:
        """What the spool still holds of a time."""

    def unseal(self, files: SideStore, kept: SetAside) -> Payload:
        """A record set aside, as it was sent."""

    def rework(self, kept: SetAside, files: SideStore | None = None) -> Reworked:
        """Have a worker redact it."""


@dataclass(slots=True)
class Cleared:
    """What was destroyed of sealed records, by place; traces of the person found in them; how many wait for a worker."""

    removed: Counter[str] = field(default_factory=Counter)
    traces: set[str] = field(default_factory=set)
    waiting: int = 0


class Sealed(Protocol):
    """Everything sealed of one data folder."""

    def held_until(self, until_ns: int) -> Held:
        """What the spool still holds of a time."""

    def count(self, project: str) -> Mapping[str, int]:
        """Sealed records of a project that an erasure looks through."""

    def clear(self, tombstone: Erasure) -> Cleared:
        """Destroy what belongs to an erasure."""


class SealedRecords:
    """Implements `Sealed` on the broker. What was found clean is opened again only when the erasure has learnt more traces."""

    def __init__(self, broker: SealedBroker) -> None:
        self._broker = broker
        self._clean: dict[str, dict[str, int]] = {}
        """By erasure and record: how many traces (they only grow) the record was found not to name."""

    def held_until(self, until_ns: int) -> Held:
        """What the spool still holds of a time."""
        return self._broker.held_until(until_ns)

    def count(self, project: str) -> Mapping[str, int]:
        """Sealed records of a project."""
        return {
            "sealed_originals": sum(kept.project == project for kept in self._broker.withheld.list()),
            "quarantined_records": sum(kept.project == project for kept in self._broker.quarantine.files.list()),
        }

    def clear(self, tombstone: Erasure) -> Cleared:
        """Destroy every sealed record that was received before the erasure and holds what is erased.

        A record goes as a whole when it holds one of the traces, or the person. One that no worker can redact cannot be
        looked through for a person, and goes as well: it might hold them.
        """
        done = Cleared()
        withheld, quarantine = self._broker.withheld, self._broker.quarantine
        for kept in self._mine(withheld, tombstone):
            if self._must_go(withheld, kept, tombstone, done):
                withheld.remove(kept.name)
                done.removed["sealed_originals"] += 1
        for kept in self._mine(quarantine.files, tombstone):
            if self._must_go(quarantine.files, kept, tombstone, done):
                try:
                    done.removed["quarantined_items"] += quarantine.drop(kept.name)
                except NotFoundError:
                    done.waiting += 1  # driven again just now: it is in the spool, and strained on its way out
        return done

    def _mine(self, files: SideStore, tombstone: Erasure) -> Sequence[SetAside]:
        clean = self._clean.setdefault(tombstone.erasure_id, {})
        return [
            kept
            for kept in files.list()
            if kept.project == tombstone.project
            and kept.received_ns <= tombstone.requested_ns
            and clean.get(kept.name) != len(tombstone.traces)
        ]

    def _must_go(self, files: SideStore, kept: SetAside, tombstone: Erasure, done: Cleared) -> bool:
        clean = self._clean[tombstone.erasure_id]
        try:
            if set(tombstone.traces) & traces_in(self._broker.unseal(files, kept)):
                return True
            if tombstone.subject is Subject.PERSON and kept.name not in clean:  # a name is looked for once
                if kept.reason.startswith(_DIED):
                    return True  # looking through it would end another worker
                made = self._broker.rework(kept, files)
                named = traces_naming(made.tables, tombstone.target)
                done.traces |= named
                if named or made.withheld:
                    return True
        except NotRedactedError:
            return True
        except BusyError:
            done.waiting += 1
            return False
        except (SpoolError, UnsealError, FileNotFoundError) as error:
            logger.warning("a sealed record cannot be opened and goes", extra={"reason": type(error).__name__})
            return True
        except OSError as error:  # no file handle, or the disk: nothing is known of the record, and it may be anybody's
            logger.warning("a sealed record cannot be read now", extra={"reason": str(error.strerror)})
            done.waiting += 1
            return False
        clean[kept.name] = len(tombstone.traces)
        return False


def traces_in(payload: Payload) -> set[str]:
    """Every trace id that a record names, whether or not it can be decoded."""
    return {found[1].hex() for found in _TRACE_FIELD.finditer(payload.otlp)}


class NothingSealed:
    """Implements `Sealed` where nothing is: a restore, which leaves what the backup's spool holds to the next server."""

    def held_until(self, until_ns: int) -> Held:
        """Nothing."""
        del until_ns
        return Held(0, 0)

    def count(self, project: str) -> Mapping[str, int]:
        """Nothing."""
        del project
        return {}

    def clear(self, tombstone: Erasure) -> Cleared:
        """Nothing."""
        del tombstone
        return Cleared()
