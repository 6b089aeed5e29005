from __future__ import annotations

from datetime import date


def test_receipts_are_kept_newest_first(ledger):
    ledger.receipts.write("content", date(2026, 1, 1), {"span_contents": 5})
    ledger.receipts.write("metadata", date(2025, 1, 1), {"spans": 7})
    assert [(r.kind, r.day, r.removed) for r in ledger.receipts.list()] == [
        ("metadata", date(2025, 1, 1), {"spans": 7}),
        ("content", date(2026, 1, 1), {"span_contents": 5}),
    ]
    assert [r.kind for r in ledger.receipts.list("content")] == ["content"]
