"""What had left the house before an erasure: exports, backups and forwarded spans, as the access log knows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from spans.ids import TraceId
from store.api import Store, TraceTimes
from store.ledger import Ledger
from store.ledger.audit import AuditEntry
from store.ledger.erasures import Departure
from tracetape.forwarding.journal import SIGNALS

_FOR_EVER = 2**63 - 1
_WRITTEN = " written"


def departures(
    store: Store, ledger: Ledger, project: str, traces: Sequence[TraceId], forward_url: str = ""
) -> tuple[Departure, ...]:
    """Everything that left since the first of these traces was received and may hold one of them, oldest first.

    None of it can be called back from here: whoever made it has to destroy it.
    """
    times = store.times_of(project, traces)
    if times is None:
        return ()
    entries = ledger.audit.exports(project, times.first_received_ns)
    rows = {e.detail["entry"]: int(e.detail["rows"]) for e in entries if e.target.endswith(_WRITTEN)}
    wanted = set(map(str, traces))
    found = [
        Departure(
            _what(entry),
            entry.time_ns,
            entry.actor,
            {k: v for k, v in entry.detail.items() if k != "entry"}
            | ({"target": entry.target} if entry.target else {}),
            rows.get(str(entry.entry_id)),
            _is_certain(entry, times, wanted),
        )
        for entry in entries
        if not entry.target.endswith(_WRITTEN) and _may_hold(entry, times, wanted)
    ]
    return (*found, *_forwarded(ledger, times, forward_url))


def _what(entry: AuditEntry) -> str:
    return "backup" if entry.target == "backup" else "export"


def _may_hold(entry: AuditEntry, times: TraceTimes, wanted: set[str]) -> bool:
    if _is_run(entry):
        return entry.target in wanted
    since_ns, until_ns = _range(entry)
    return since_ns <= times.last_began_ns and times.first_began_ns < until_ns


def _is_certain(entry: AuditEntry, times: TraceTimes, wanted: set[str]) -> bool:
    if _is_run(entry):
        return entry.target in wanted
    if entry.target not in {"files", "backup"} or entry.time_ns < times.last_received_ns:
        return False
    since_ns, until_ns = _range(entry)
    return since_ns <= times.first_began_ns and times.last_began_ns < until_ns


def _is_run(entry: AuditEntry) -> bool:
    return len(entry.target) == 32 and all(c in "0123456789abcdef" for c in entry.target)


def _range(entry: AuditEntry) -> tuple[int, int]:
    return int(entry.detail.get("since_ns", 0)), int(entry.detail.get("until_ns", _FOR_EVER))


def _forwarded(ledger: Ledger, times: TraceTimes, url: str) -> Iterator[Departure]:
    """The offset names no traces, so all that can be said is that something has left since then."""
    for signal in SIGNALS:
        state = ledger.forwards.state(signal)
        if state.sent and state.sent_ns >= times.first_received_ns:
            where = {"signal": signal} | ({"destination": urlsplit(url).netloc} if url else {})
            yield Departure("forwarded", state.sent_ns, "forwarder", where, None, certain=False)
