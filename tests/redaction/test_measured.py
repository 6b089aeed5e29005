"""The shipped measurement can be read."""

from __future__ import annotations

from redaction.measured import read_measurement


def test_shares_are_shares():
    measured = read_measurement()
    assert all(0 <= one.recall <= 1 and one.planted > 0 for one in measured.recall)
    assert measured.false_findings_per_400 >= 0
