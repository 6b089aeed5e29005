"""Main's side of forwarding: notes what was stored, and gives the forwarder the next items behind the offset."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from collector.broker import Delivery
from spans.clean import Clean, CleanSpan
from spans.errors import RefusedError
from spans.health import ForwardSignal, ForwardStatus
from spans.ids import TraceId
from store.api import Store
from store.ledger import Ledger
from store.ledger.forwards import Done, ForwardRecord
from tracetape.demo import DEMO_PROJECT
from tracetape.forwarding.otlp import count_of, request_of
from tracetape.forwarding.post import address_of

if TYPE_CHECKING:
    from tracetape.control import Verb
    from tracetape.house import House

RECORDS = 64
ITEMS = 1_000
"""Items of one batch, unless a single record holds more."""
MOST_RECORDS = 50_000
MOST_BYTES = 64 * 1024 * 1024
"""Beyond either, what waits stands in the journal as one period that is read from the store again: it cannot fill a disk."""
SIGNALS: tuple[ForwardSignal, ...] = ("spans", "logs")


class Journal:
    """Between the pump, the store and the forwarder. Safe from several threads."""

    def __init__(
        self, store: Store, ledger: Ledger, signals: Sequence[ForwardSignal] = SIGNALS, most_records: int = MOST_RECORDS
    ) -> None:
        self._store = store
        self._forwards = ledger.forwards
        self._signals = signals
        self._most_records = most_records
        self._appended = most_records
        """Since the size was looked at; the first look is at the first record."""

    def note(self, batch: Sequence[Delivery]) -> None:
        """These records are stored and about to be settled; what a demo sent stays here."""
        records = [
            ForwardRecord(
                d.key.segment, d.key.slot, d.project, d.traces, d.items - d.erased, d.received_ns, signal=signal
            )
            for d in batch
            for signal in self._signals
            if d.signal == signal and d.project != DEMO_PROJECT and d.items > d.erased
        ]
        self._forwards.append(records)
        self._appended += sum(1 + len(record.traces) // 8 for record in records)
        if self._appended * 10 >= self._most_records:
            self._appended = 0
            for signal in self._signals:
                rows, size = self._forwards.size(signal)
                if rows > self._most_records or size > MOST_BYTES:
                    self._forwards.fold(signal, RECORDS)

    def next(self, signal: ForwardSignal) -> Mapping[str, Any]:
        """The next batch: its items as OTLP, and what to say of it when it is done. Empty when nothing waits.

        Of copies of a span only the one that counts is there. What was erased or has expired meanwhile is not, and
        counts as gone.
        """
        records: list[ForwardRecord] = []
        for record in self._forwards.next(signal, RECORDS):
            if records and (record.until_ns or sum(r.items for r in records) + record.items > ITEMS):
                break
            records.append(record)
            if record.until_ns:
                break
        if not records:
            return {}
        items, done = self._period(records[0]) if records[0].until_ns else self._records(records)
        request = request_of(items, signal)
        body = base64.b64encode(request.SerializeToString()).decode()
        taken = self._forwards.state(signal).sent > 0
        return {"taken": taken, "items": count_of(request), "body": body, "done": done}

    def _records(self, records: Sequence[ForwardRecord]) -> tuple[list[Clean], Mapping[str, int]]:
        done: dict[str, int] = {"position": records[-1].seq}
        slots = {(record.segment, record.slot) for record in records}
        items: list[Clean]
        gone: list[ForwardRecord]
        if records[0].signal == "logs":
            arrived = self._store.received_logs({record.received_ns for record in records})
            items = [log for log in arrived if (log.origin.segment, log.origin.slot) in slots]
            here = {(item.origin.segment, item.origin.slot) for item in items}
            oldest_ns = self._oldest_ns()
            # Of a record that was sent twice the second copy is not here either, but its day is.
            gone = [r for r in records if (r.segment, r.slot) not in here and r.received_ns < oldest_ns]
        else:
            spans, stored = self._spans_of({(r.project, trace) for r in records for trace in r.traces})
            items = [span for span in spans if (span.origin.segment, span.origin.slot) in slots]
            gone = [r for r in records if not any((r.project, trace) in stored for trace in r.traces)]
        return items, done | (_gone(gone) if gone else {})

    def _period(self, period: ForwardRecord) -> tuple[list[Clean], Mapping[str, int]]:
        """The next of everything that was received in a period."""
        until_ns, count = period.until_ns, 0
        moments: list[int] = []
        for at_ns, number in self._store.received_moments(period.signal, period.received_ns, until_ns, RECORDS):
            if moments and count + number > ITEMS:
                break
            moments.append(at_ns)
            count += number
        done = {"position": period.seq}
        if not moments:
            return [], done | (_gone([period]) if period.until_ns < self._oldest_ns() else {})
        if moments[-1] < until_ns:
            done |= {"resume_ns": moments[-1] + 1, "items": count}
        if period.signal == "logs":
            logs = self._store.received_logs(moments)
            return [log for log in logs if log.origin.project != DEMO_PROJECT], done
        traces = {key for key in self._store.received_traces(moments) if key[0] != DEMO_PROJECT}
        spans, _ = self._spans_of(traces)
        return [span for span in spans if span.origin.received_ns in moments], done

    def _spans_of(self, traces: Collection[tuple[str, TraceId]]) -> tuple[list[CleanSpan], set[tuple[str, TraceId]]]:
        """Spans of these traces, and which of them are stored."""
        by_project: dict[str, list[TraceId]] = defaultdict(list)
        for project, trace in sorted(traces):
            by_project[project].append(trace)
        spans: list[CleanSpan] = []
        stored: set[tuple[str, TraceId]] = set()
        for project, wanted in by_project.items():
            for trace, evidence in self._store.read_traces(project, wanted).items():
                stored.add((project, trace))
                spans.extend(evidence.spans)
        return spans, stored

    def _oldest_ns(self) -> int:
        """The first moment of the oldest day that is stored: what was received before it has expired."""
        days = self._store.stored_days()
        oldest = days[0] if days else datetime.now(UTC).date()
        return int(datetime.combine(oldest, datetime.min.time(), UTC).timestamp()) * 10**9

    def advance(self, signal: ForwardSignal, done: Done) -> None:
        """The forwarder is done with a batch."""
        self._forwards.advance(signal, done)

    def fail(self, signal: ForwardSignal, trouble: str) -> None:
        """The forwarder could not send."""
        self._forwards.fail(signal, trouble)


def _gone(records: Sequence[ForwardRecord]) -> dict[str, int]:
    return {
        "gone": sum(record.items for record in records),
        "gone_from_ns": min(record.received_ns for record in records),
        "gone_until_ns": max(max(record.received_ns, record.until_ns) for record in records),
    }


def forward_status(url: str, ledger: Ledger, *, logs: bool = True) -> ForwardStatus | None:
    """What a page says of forwarding, spans first and log records in it; None when no destination is set."""
    if not url:
        return None
    return _status(url, ledger, "spans", _status(url, ledger, "logs") if logs else None)


def _status(url: str, ledger: Ledger, signal: ForwardSignal, logs: ForwardStatus | None = None) -> ForwardStatus:
    state = ledger.forwards.state(signal)
    return ForwardStatus(
        destination=address_of(url, signal),
        offset=state.position,
        sent=state.sent,
        refused=state.refused,
        failures=state.failures,
        waiting=state.waiting,
        oldest_ns=state.oldest_ns,
        sent_ns=state.sent_ns,
        trouble=state.trouble,
        gone=state.gone,
        gone_from_ns=state.gone_from_ns,
        gone_until_ns=state.gone_until_ns,
        logs=logs,
    )


def _journal(house: House) -> Journal:
    if house.journal is None:
        raise RefusedError("Nothing is forwarded: TRACETAPE_FORWARD_URL is not set.")
    return house.journal


def _signal(arguments: Mapping[str, Any]) -> ForwardSignal:
    return "logs" if arguments.get("signal") == "logs" else "spans"


def _advance(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    told: Mapping[str, Any] = arguments["done"]
    done = Done(sent=int(arguments["sent"]), refused=int(arguments["refused"]), **{k: int(v) for k, v in told.items()})
    _journal(house).advance(_signal(arguments), done)
    return {}


def _fail(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    _journal(house).fail(_signal(arguments), str(arguments["trouble"]))
    return {}


def _next(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    return _journal(house).next(_signal(arguments))


VERBS: Mapping[str, Verb] = {"forward_next": _next, "forward_advance": _advance, "forward_fail": _fail}
"""What the forwarder process asks of main through the control socket."""
