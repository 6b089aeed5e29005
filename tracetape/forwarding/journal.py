"""Main's side of forwarding: notes what was stored, and gives the forwarder the next spans behind the offset."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from collector.broker import Delivery
from spans.clean import CleanSpan
from spans.errors import RefusedError
from spans.health import ForwardStatus
from spans.ids import TraceId
from store.api import Store
from store.ledger import Ledger
from store.ledger.forwards import ForwardRecord
from tracetape.demo import DEMO_PROJECT
from tracetape.forwarding.otlp import count_of, request_of

if TYPE_CHECKING:
    from tracetape.control import Verb
    from tracetape.house import House

RECORDS = 64
ITEMS = 1_000
"""Spans of one batch, unless a single record holds more."""


class Journal:
    """Between the pump, the store and the forwarder. Safe from several threads."""

    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._forwards = ledger.forwards

    def note(self, batch: Sequence[Delivery]) -> None:
        """These records are stored and about to be settled; what a demo sent stays here."""
        self._forwards.append(
            [
                ForwardRecord(d.key.segment, d.key.slot, d.project, d.traces, d.items, d.received_ns)
                for d in batch
                if d.signal == "spans" and d.project != DEMO_PROJECT
            ]
        )

    def next(self) -> Mapping[str, Any]:
        """The next batch: up to where it reaches, its spans as OTLP, how many. Empty when nothing waits.

        Spans that were erased or have expired meanwhile are not there any more, and of copies only the one that counts is.
        """
        records: list[ForwardRecord] = []
        for record in self._forwards.next(RECORDS):
            if records and sum(r.items for r in records) + record.items > ITEMS:
                break
            records.append(record)
        if not records:
            return {}
        request = request_of(self._spans_of(records))
        body = base64.b64encode(request.SerializeToString()).decode()
        taken = self._forwards.state().sent > 0
        return {"taken": taken, "position": records[-1].seq, "spans": count_of(request), "body": body}

    def _spans_of(self, records: Sequence[ForwardRecord]) -> list[CleanSpan]:
        wanted: dict[tuple[str, TraceId], set[tuple[str, int]]] = defaultdict(set)
        for record in records:
            for trace in record.traces:
                wanted[record.project, trace].add((record.segment, record.slot))
        return [
            clean
            for (project, trace), slots in wanted.items()
            for clean in self._store.read_evidence(project, trace).spans
            if (clean.origin.segment, clean.origin.slot) in slots
        ]

    def advance(self, position: int, sent: int, refused: int) -> None:
        """The forwarder is done with everything up to `position`."""
        self._forwards.advance(position, sent, refused)

    def fail(self, trouble: str) -> None:
        """The forwarder could not send."""
        self._forwards.fail(trouble)


def forward_status(url: str, ledger: Ledger) -> ForwardStatus | None:
    """What a page says of forwarding; None when no destination is set."""
    if not url:
        return None
    parts, state = urlsplit(url), ledger.forwards.state()
    return ForwardStatus(
        destination=f"{parts.scheme}://{parts.netloc}{parts.path}",
        offset=state.position,
        sent=state.sent,
        refused=state.refused,
        failures=state.failures,
        waiting=state.waiting,
        oldest_ns=state.oldest_ns,
        sent_ns=state.sent_ns,
        trouble=state.trouble,
    )


def _journal(house: House) -> Journal:
    if house.journal is None:
        raise RefusedError("Nothing is forwarded: TRACETAPE_FORWARD_URL is not set.")
    return house.journal


def _advance(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    _journal(house).advance(int(arguments["position"]), int(arguments["sent"]), int(arguments["refused"]))
    return {}


def _fail(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    _journal(house).fail(str(arguments["trouble"]))
    return {}


def _next(house: House, _arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    return _journal(house).next()


VERBS: Mapping[str, Verb] = {"forward_next": _next, "forward_advance": _advance, "forward_fail": _fail}
"""What the forwarder process asks of main through the control socket."""
