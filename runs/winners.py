"""Of several copies of one span the best is kept: ended beats unended, then later end, whole, more attributes, content hash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from spans.facts import SpanFacts
from spans.ids import SpanId


@dataclass(frozen=True, slots=True)
class Evidence:
    """The facts of one trace, each span and log once."""

    spans: dict[SpanId, SpanFacts]
    logs: tuple[SpanFacts, ...]
    conflicts: frozenset[SpanId]
    """Spans of which two finished copies disagree."""


def winners(facts: Iterable[SpanFacts]) -> Evidence:
    """Choose among copies. The result does not depend on order or repetition."""
    spans: dict[SpanId, SpanFacts] = {}
    hashes: dict[SpanId, set[str]] = {}
    logs: dict[tuple[SpanId, str], SpanFacts] = {}
    for one in facts:
        if one.source == "log":
            key = (one.span_id, one.content_hash)
            if key not in logs or _rank(one) > _rank(logs[key]):
                logs[key] = one
            continue
        if one.end_ns and one.fold != "pending" and not one.withheld:
            hashes.setdefault(one.span_id, set()).add(one.content_hash)
        best = spans.get(one.span_id)
        if best is None or _rank(one) > _rank(best):
            spans[one.span_id] = one
    conflicts = frozenset(span_id for span_id, seen in hashes.items() if len(seen) > 1)
    whole = {(log.span_id, log.start_ns, log.received_ns) for log in logs.values() if not log.withheld}
    kept = (
        log for log in logs.values() if not (log.withheld and (log.span_id, log.start_ns, log.received_ns) in whole)
    )  # a record whose texts were withheld has another hash, so both stay when its original was redacted later
    ordered = tuple(sorted(kept, key=lambda log: (log.start_ns, log.content_hash)))
    return Evidence(dict(sorted(spans.items())), ordered, conflicts)


def _rank(one: SpanFacts) -> tuple[bool, bool, int, bool, int, str, int, int]:
    """Last come what only breaks ties between equal copies: newer rules, then the earlier arrival."""
    return (
        one.fold != "pending",
        one.end_ns > 0,
        one.end_ns,
        not one.withheld,
        one.attribute_count,
        one.content_hash,
        one.version,
        -one.received_ns,
    )
