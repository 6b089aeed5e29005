"""Of every stored copy the one that counts: the same rule whichever engine returned the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from spans.facts import SpanFacts
from store.api import TraceEvidence
from store.rows import FACTS, log_of, span_of

Row = Mapping[str, Any]


def winners(spans: Iterable[Row], contents: Iterable[Row], logs: Iterable[Row]) -> TraceEvidence:
    """Each span once (the copy with the highest score, with its own contents) and each log once."""
    best: dict[str, Row] = {}
    for row in spans:
        known = best.get(row["span_id"])
        if known is None or _order(row) > _order(known):
            best[row["span_id"]] = row
    # Contents are matched by hash: a loser's contents must never stand beside a winner's light attributes.
    heavy = {(row["span_id"], row["content_hash"]): row for row in contents}
    first: dict[str, Row] = {}
    for row in logs:
        known = first.get(row["log_id"])
        if known is None or _arrival(row) < _arrival(known):
            first[row["log_id"]] = row
    return TraceEvidence(
        tuple(
            span_of(row, heavy.get((row["span_id"], row["content_hash"])))
            for row in sorted(best.values(), key=lambda row: (row["start_ns"], row["span_id"]))
        ),
        tuple(
            log_of(row)
            for row in sorted(first.values(), key=lambda row: (row["time_ns"] or row["observed_ns"], row["log_id"]))
        ),
    )


def newest_facts(rows: Iterable[Row]) -> list[SpanFacts]:
    """Facts of every copy, each copy as the newest rules see it."""
    best: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = (row["trace_id"], row["span_id"], row["source"], row["content_hash"], row["received_day"])
        known = best.get(key)
        if known is None or row["score"] > known["score"]:
            best[key] = row
    return [FACTS.item(row) for row in best.values()]


def _order(row: Row) -> tuple[Any, ...]:
    """Highest score; of identical copies the one received first."""
    return (row["score"], -row["received_ns"], row["segment"], -row["slot"], -row["position"])


def _arrival(row: Row) -> tuple[Any, ...]:
    return (row["received_ns"], row["segment"], row["slot"], row["position"])
