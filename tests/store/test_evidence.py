from __future__ import annotations

import itertools

from spans.span import Event
from store.columns import plain_row
from store.evidence import winners
from store.rows import evidence_tables
from tests.builders import NOW_NS, a_clean_log, a_clean_span, a_span_id, some_facts


def rows_of(item, **changes):
    tables = evidence_tables([item], [some_facts(**changes)])
    return {name: [plain_row(row) for row in table.to_pylist()] for name, table in tables.items()}


def test_any_order_of_copies_has_the_same_winner():
    copies = [
        rows_of(a_clean_span(name=str(n), events=(Event(str(n)),)), end_ns=end, content_hash=f"{n:032x}")
        for n, end in enumerate([0, 5, 7, 7])
    ]
    for order in itertools.permutations(copies):
        found = winners(
            [row for c in order for row in c["spans"]],
            [row for c in order for row in c["span_contents"]],
            [],
        )
        assert [(s.span.name, s.span.events[0].name) for s in found.spans] == [("3", "3")]


def test_spans_come_by_start_and_logs_by_time():
    spans = [rows_of(a_clean_span(span_id=a_span_id(n), start_ns=NOW_NS - n))["spans"][0] for n in (1, 2, 3)]
    logs = [
        rows_of(a_clean_log(log_id=str(n) * 32, time_ns=t, observed_ns=o))["logs"][0]
        for n, (t, o) in enumerate([(5, 0), (0, 3), (4, 9)])
    ]
    found = winners(spans, [], logs)
    assert [s.span.span_id for s in found.spans] == [a_span_id(3), a_span_id(2), a_span_id(1)]
    assert [log.log_id[0] for log in found.logs] == ["1", "2", "0"]


def test_without_its_contents_a_span_is_still_there():
    """Content expires before metadata."""
    rows = rows_of(a_clean_span(attributes={"long": "x" * 300, "n": 1}, status_message="boom"))
    (span,) = winners(rows["spans"], [], []).spans
    assert (span.span.attributes, span.span.status_message) == ({"n": 1}, "")
