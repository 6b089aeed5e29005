from __future__ import annotations

from spans.health import Health, IngestStatus, QuarantinedRecord, Refusals, SignalCount
from web.pages.ingest import build_ingest

RECORD = QuarantinedRecord("name", "spans", 3, "default", 1, 2, "It failed.", 9, can_be_redriven=True)


def test_a_gap_in_the_delivery_check_is_not_hidden():
    page = build_ingest(Health(spans=SignalCount(acked=10, stored=9)), IngestStatus())
    assert not page.holds
    assert page.rows[0].gap == 1
    assert build_ingest(Health(), IngestStatus()).holds


def test_refusals_are_told_in_words_most_first():
    status = IngestStatus(
        refusals=(Refusals("spans", "400", 2), Refusals("logs", "UNAVAILABLE", 7), Refusals("x", "9", 0))
    )
    rows = build_ingest(Health(), status).refusals
    assert [(row.code, row.items) for row in rows] == [("UNAVAILABLE", 7), ("400", 2)]
    assert "come back" in rows[0].meaning


def test_only_a_record_that_is_there_is_asked_about():
    page = build_ingest(Health(), IngestStatus(), [RECORD], may_decide=True, asked="name")
    assert page.asked == "name"
    assert build_ingest(Health(), IngestStatus(), [RECORD], asked="another").asked == ""
