"""Prometheus metrics of receiver and main as text; no label ever carries a string that a sender chose."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from collector.spool.writer import SpoolSettings
from spans.errors import BusyError
from spans.health import ForwardStatus
from tracetape.forwarding.journal import forward_status

if TYPE_CHECKING:
    from tracetape.house import House

PREFIX = "tracetape_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SIGNALS = ("spans", "logs")
_AUTH_KINDS = {
    "401": "wrong or missing key",
    "UNAUTHENTICATED": "wrong or missing key",
    "403": "not allowed",
    "PERMISSION_DENIED": "not allowed",
}


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric with its samples: labels and value."""

    name: str
    kind: str
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


def render(metrics: Iterable[Metric]) -> str:
    """The text exposition format, version 0.0.4."""
    lines: list[str] = []
    for metric in metrics:
        if metric.kind:
            lines += [f"# HELP {PREFIX}{metric.name} {metric.help}", f"# TYPE {PREFIX}{metric.name} {metric.kind}"]
        for labels, value in metric.samples:
            inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in sorted(labels.items()))
            lines.append(f"{PREFIX}{metric.name}{f'{{{inside}}}' if inside else ''} {value!r}")
    return "\n".join(lines) + "\n"


def metrics_of(house: House) -> str:
    """Everything measured in this moment."""
    health, broker = house.health(), house.broker.status()
    receiver = house.receiver_figures()
    refused = _numbers(receiver.get("refused_by"))
    spool = _numbers(receiver.get("spool"))
    found: list[Metric] = []
    for signal in _SIGNALS:
        count = health.spans if signal == "spans" else health.logs
        reasons = {key.split(" ")[1]: n for key, n in refused.items() if key.startswith(f"{signal} ")}
        found += [
            _counter(f"receiver_accepted_{signal}_total", f"Durable and acknowledged {signal}.", count.acked),
            Metric(
                f"receiver_refused_{signal}_total",
                "counter",
                f"Refused {signal}, by the code that was answered.",
                tuple(({"reason": code}, float(n)) for code, n in sorted(reasons.items())),
            ),
            _counter(f"store_inserted_{signal}_total", f"Stored and searchable {signal}.", count.stored),
            _gauge(f"spool_pending_{signal}", f"Acknowledged {signal} on their way into the store.", count.pending),
            _counter(
                f"worker_redacted_{signal}_total", "Through redaction since the start.", house.pump.redacted[signal]
            ),
            Metric(
                f"worker_quarantined_{signal}_total",
                "counter",
                f"Sealed {signal} set aside since the start, by reason.",
                tuple(({"reason": r}, float(n)) for (s, r), n in sorted(house.set_aside.items()) if s == signal),
            ),
            _gauge(f"worker_quarantined_{signal}", f"Sealed {signal} that wait for a person.", count.quarantined),
            _counter(f"quarantine_dropped_{signal}_total", "Dropped by a person.", count.dropped_by_person),
            _counter(f"quarantine_expired_{signal}_total", "Destroyed after their time.", count.expired),
            _counter(
                f"redaction_unprocessed_{signal}_total",
                "Stored with a placeholder because redaction failed.",
                count.stored_as.get("withheld", 0),
            ),
            _gauge(f"conservation_gap_{signal}", "Unaccounted for; anything but 0 is a bug.", count.gap()),
        ]
    took = sum(_numbers(receiver.get("took_s")).values())
    answers = sum(_numbers(receiver.get("answers")).values())
    files = [p for p in house.folder.spool.rglob("*.seg") if p.is_file()]
    found += [
        Metric(
            "receiver_requests_total",
            "counter",
            "Answered requests.",
            tuple(
                ({"transport": words[0], "code": words[1]}, float(n))
                for key, n in sorted(_numbers(receiver.get("answers")).items())
                if len(words := key.split(" ")) == 2
            ),
        ),
        *_summary("receiver_request_seconds", "From a request to its answer.", took, answers),
        _counter(
            "redaction_unprocessed_total",
            "Items stored with a placeholder because redaction failed.",
            sum(count.stored_as.get("withheld", 0) for count in (health.spans, health.logs)),
        ),
        *_summary("worker_redaction_seconds", "One record in a worker.", house.pump.work_s, house.pump.records),
        _gauge("spool_bytes", "Bytes of all segments.", sum(_size(p) for p in files)),
        _gauge("spool_capacity_bytes", "Beyond this, senders are told to wait.", SpoolSettings().capacity_bytes),
        _gauge("spool_oldest_age_seconds", "Age of the oldest record that is not stored.", broker.oldest_age_s),
        _gauge("spool_fsync_seconds", "How long the last write and sync took.", spool.get("last_sync_ms", 0) / 1000),
        _gauge(
            "spool_group_size",
            "Requests per sync, on average.",
            spool.get("records", 0) / max(1, spool.get("groups", 0)),
        ),
        _counter("spool_failures_total", "Writes or syncs that failed.", spool.get("failures", 0)),
        _counter("spool_corrupt_records_total", "Damaged on disk and lost.", broker.lost_records),
        _gauge("workers_ready", "Workers that can redact.", broker.workers_ready),
        _counter("store_insert_failures_total", "Inserts that had to be repeated.", house.pump.failures),
        *_summary("store_insert_seconds", "Time to make one insert durable.", house.pump.insert_s, house.pump.inserts),
        *_of_the_store(house),
        *_of_forwarding(house),
        Metric(
            "auth_failures_total",
            "counter",
            "Requests refused for their key.",
            tuple(({"kind": kind}, float(n)) for kind, n in sorted(_auth_failures(receiver).items())),
        ),
    ]
    return render(found)


def _of_the_store(house: House) -> Iterable[Metric]:
    """Left out while the store is busy: a page of metrics is most wanted then."""
    with contextlib.suppress(BusyError):
        yield _gauge("store_active_parts", "Parts of the store in use.", house.store.part_count())
        days = house.store.stored_days()
        born = datetime.combine(days[0], datetime.min.time(), UTC).timestamp() if days else time.time()
        yield _gauge(
            "retention_oldest_row_age_seconds",
            "Since the first moment of the oldest received day that is kept.",
            round(max(0.0, time.time() - born), 3),
        )
    newest = house.ledger.audit.list(1)
    yield _counter("audit_entries_total", "Entries of the access log.", newest[0].entry_id if newest else 0)


def _of_forwarding(house: House) -> Iterable[Metric]:
    """Nothing while nothing is forwarded."""
    status = forward_status(house.settings.forward_url, house.ledger, logs=house.settings.forward_logs)
    if status is None:
        return
    lanes: dict[str, ForwardStatus] = {"spans": status, **({"logs": status.logs} if status.logs else {})}
    for name, lane in lanes.items():
        yield _counter(f"forward_sent_{name}_total", "Taken by the other backend.", lane.sent)
        yield _counter(f"forward_refused_{name}_total", "Refused there for good.", lane.refused)
        yield _counter(f"forward_gone_{name}_total", "Expired or erased before they could be sent.", lane.gone)
        yield _gauge(f"forward_pending_{name}", f"Stored {name} that are not forwarded yet.", lane.waiting)
    yield _counter(
        "forward_failures_total", "Requests that had to be repeated.", sum(lane.failures for lane in lanes.values())
    )
    lag_s = max(lane.lag_s(time.time_ns()) for lane in lanes.values())
    yield _gauge("forward_lag_seconds", "Age of the oldest of them.", round(lag_s, 3))
    offset = max(lane.offset for lane in lanes.values())
    yield _gauge("forward_offset", "Place in the journal up to which everything is forwarded.", offset)


def _auth_failures(receiver: Mapping[str, object]) -> Counter[str]:
    """No key or a wrong one, and a key that may not send there."""
    found: Counter[str] = Counter()
    for key, n in _numbers(receiver.get("answers")).items():
        kind = _AUTH_KINDS.get(key.partition(" ")[2])
        if kind:
            found[kind] += int(n)
    return found


def _size(path: object) -> int:
    try:
        return int(path.stat().st_size)  # type: ignore[attr-defined]
    except OSError:  # removed since it was listed
        return 0


def _counter(name: str, text: str, value: float) -> Metric:
    return Metric(name, "counter", text, (({}, float(value)),))


def _gauge(name: str, text: str, value: float) -> Metric:
    return Metric(name, "gauge", text, (({}, float(value)),))


def _summary(name: str, text: str, total: float, count: float) -> tuple[Metric, ...]:
    return Metric(name, "summary", text, ()), _bare(f"{name}_sum", total), _bare(f"{name}_count", count)


def _bare(name: str, value: float) -> Metric:
    return Metric(name, "", "", (({}, float(value)),))


def _numbers(value: object) -> dict[str, float]:
    if not isinstance(value, Mapping):
        return {}
    return {str(k): float(v) for k, v in value.items() if isinstance(v, int | float)}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
