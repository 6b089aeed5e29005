"""Sealed originals of withheld texts, tried again: by themselves when rules or detectors change, and when a person asks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from collector.spool.format import SpoolError
from collector.spool.keys import UnsealError
from collector.spool.sidestore import SetAside, SideStore
from spans.errors import BusyError
from spans.ids import TraceId

if TYPE_CHECKING:
    import pyarrow as pa

logger = logging.getLogger(__name__)

MAX_TRIES = 3
"""Times an original is tried under one version of the rules; one that ends its worker must not do so for ever."""


@dataclass(frozen=True, slots=True)
class Reworked:
    """An original as a worker redacted it this time."""

    tables: Mapping[str, pa.Table]
    traces: tuple[TraceId, ...]
    withheld: int
    """Items whose text had to be withheld again."""


class NotRedactedError(BusyError):
    """A worker tried an original and could not process it; other rules or detectors may."""


class Reworker(Protocol):
    """The part of the broker that has a worker redact an original again."""

    @property
    def withheld(self) -> SideStore:
        """Where originals wait."""

    def rework(self, kept: SetAside) -> Reworked:
        """Have a worker redact an original.

        Raises:
            BusyError: no worker is ready, or it did not answer in time; `NotRedactedError` when it tried in vain.
            SpoolError: the original is damaged.
            UnsealError: it cannot be unsealed.
        """


class Again:
    """Tries originals again and replaces what was stored of them. Outside the delivery check: their items are counted."""

    def __init__(
        self,
        broker: Reworker,
        write: Callable[[Mapping[str, Any]], None],
        mark: Callable[[str, Sequence[TraceId]], None],
        remember: Callable[[str, str], None],
        recall: Callable[[str], str],
    ) -> None:
        self._broker = broker
        self._write = write
        self._mark = mark
        self._remember = remember
        self._recall = recall
        self._tries: dict[tuple[str, str], int] = {}

    def retry(self, fingerprint: str) -> tuple[int, int]:
        """Try every original; returns how many are whole now and how many still wait."""
        done = left = 0
        for kept in self._broker.withheld.list():
            key = (kept.name, fingerprint)
            if self._tries.get(key, 0) < MAX_TRIES and self._one(kept, key):
                done += 1
            else:
                left += 1
        return done, left

    def after_a_change(self, fingerprint: str) -> tuple[int, int]:
        """Try every original if the rules or detectors are not those of the last time."""
        if not self._broker.withheld.list() or self._recall("withheld_tried_with") == fingerprint:
            return 0, 0
        found = self.retry(fingerprint)
        self._remember("withheld_tried_with", fingerprint)
        return found

    def _one(self, kept: SetAside, key: tuple[str, str]) -> bool:
        self._tries[key] = self._tries.get(key, 0) + 1
        try:
            made = self._broker.rework(kept)
        except (BusyError, SpoolError, UnsealError, OSError) as error:
            logger.warning("a withheld original could not be tried again", extra={"reason": type(error).__name__})
            return False
        if made.withheld:
            return False
        self._write(made.tables)
        self._mark(kept.project, made.traces)
        self._broker.withheld.remove(kept.name)  # last: what is not stored keeps its original
        logger.info("a withheld original was redacted", extra={"record": kept.name, "items": kept.items})
        return True
