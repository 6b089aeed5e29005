"""What the receivers of a data folder say of themselves, added up: `serve` has one, apart there may be several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from collector.broker import BrokerStatus
from collector.tally import ARRIVALS_MAX
from spans.health import Arrival, IngestStatus, Refusals
from tracetape.folder import DataFolder, read_status

_ADDED = ("received", "acked", "refused", "answers", "took_s", "refused_by")


def receiver_figures(folder: DataFolder) -> dict[str, object]:
    """Counters of every receiver together; empty before their first word."""
    found = [read_status(folder.receiver_files(name)[0]) for name in folder.receivers()]
    return merged([figures for figures in found if figures])


def ingest_status(folder: DataFolder, broker: BrokerStatus) -> IngestStatus:
    """What is arriving now, and whether anybody receives and redacts."""
    status = receiver_figures(folder)
    arrivals, spool = status.get("arrivals", []), status.get("spool", {})
    return IngestStatus(
        arrivals=tuple(Arrival(**a) for a in arrivals) if isinstance(arrivals, list) else (),
        spans_per_s=float(str(status.get("spans_per_s", 0.0))),
        last_accepted_ns=int(str(status.get("last_accepted_ns", 0))),
        workers_ready=broker.workers_ready,
        workers=broker.workers,
        receiver_ready=any(read_status(folder.receiver_files(name)[1]) for name in folder.receivers()),
        refusals=_refusals(status.get("refused_by")),
        newer_segments=broker.newer_segments,
        spool_refusal=str(spool.get("refusal", "")) if isinstance(spool, dict) else "",
    )


def merged(figures: list[dict[str, object]]) -> dict[str, object]:
    """One set of figures out of several: counts added, arrivals newest first, the slowest sync, the last acceptance."""
    if len(figures) < 2:
        return figures[0] if figures else {}
    spools = [one for one in (f.get("spool") for f in figures) if isinstance(one, dict)]
    arrivals = [a for f in figures for a in _list(f.get("arrivals"))]
    together: dict[str, object] = {key: _added(f.get(key) for f in figures) for key in _ADDED}
    return together | {
        "arrivals": sorted(arrivals, key=lambda a: -int(str(a.get("time_ns", 0))))[:ARRIVALS_MAX],
        "spans_per_s": round(sum(float(str(f.get("spans_per_s", 0.0))) for f in figures), 2),
        "last_accepted_ns": max(int(str(f.get("last_accepted_ns", 0))) for f in figures),
        "spool": _added({k: v for k, v in s.items() if k != "last_sync_ms"} for s in spools)
        | {
            "last_sync_ms": max((float(s.get("last_sync_ms", 0)) for s in spools), default=0.0),
            "refusal": next((str(s["refusal"]) for s in spools if s.get("refusal")), ""),
        },
    }


def _added(maps: Iterable[object]) -> dict[str, object]:
    total: Counter[str] = Counter()
    for one in maps:
        if isinstance(one, Mapping):
            total.update({str(k): v for k, v in one.items() if isinstance(v, int | float)})
    return dict(total)


def _list(value: object) -> list[dict[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _refusals(counts: object) -> tuple[Refusals, ...]:
    """Out of the receivers' counters, such as `spans 503`."""
    found = counts if isinstance(counts, dict) else {}
    words = ((str(key).split(" "), int(n)) for key, n in found.items())
    return tuple(Refusals(key[0], key[1], n) for key, n in sorted(words, key=lambda one: -one[1]) if len(key) == 2)
