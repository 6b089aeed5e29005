from __future__ import annotations

from dataclasses import replace

import pytest

from spans.errors import RefusedError
from store.ledger.periods import Period, period_detail


def test_an_override_replaces_the_one_before(ledger):
    ledger.periods.put(Period("p", "", 10, 20, "ann"))
    ledger.periods.put(Period("p", "refunds", 90, 400, "ann"))
    ledger.periods.put(Period("p", "refunds", 180, 400, "bob"))
    assert [(p.workflow, p.content_days, p.metadata_days, p.changed_by) for p in ledger.periods.list()] == [
        ("", 10, 20, "ann"),
        ("refunds", 180, 400, "bob"),
    ]
    assert ledger.periods.remove("p", "refunds")
    assert not ledger.periods.remove("p", "refunds")


@pytest.mark.parametrize("days", [(0, 1), (2, 1), (1, 4000), (-1, -1)])
def test_periods_that_make_no_sense_are_refused(ledger, days):
    with pytest.raises(RefusedError):
        ledger.periods.put(Period("p", "", *days))


RECORDS = Period("p", "", 30, 184, "ann", is_record=True)


def test_records_cannot_be_shortened_without_a_reason(ledger):
    with pytest.raises(RefusedError, match="six months"):
        ledger.periods.put(replace(RECORDS, metadata_days=183))
    ledger.periods.put(RECORDS)
    ledger.periods.put(replace(RECORDS, content_days=1, metadata_days=400))  # content may go, and longer is no question
    for shorter in (
        replace(RECORDS, metadata_days=183),
        replace(RECORDS, is_record=False, metadata_days=400),  # it would leave the class
        Period("p", "refunds", 1, 30),  # a workflow in a project of records
    ):
        with pytest.raises(RefusedError, match="access log"):
            ledger.periods.put(shorter)
        ledger.periods.put(replace(shorter, workflow="other" if shorter.workflow else "", override="counsel said so"))
        ledger.periods.put(RECORDS)


def test_records_do_not_go_back_to_the_default_without_a_reason(ledger):
    ledger.periods.put(RECORDS)
    with pytest.raises(RefusedError, match="six months"):
        ledger.periods.remove("p", "")
    with pytest.raises(RefusedError, match="six months"):
        ledger.periods.remove("p", "", " ")
    assert ledger.periods.remove("p", "", "the system was withdrawn")
    assert ledger.periods.list() == ()


def test_the_access_log_is_told_the_class_and_the_reason():
    told = period_detail(replace(RECORDS, metadata_days=90, override=" counsel said so "))
    assert told == {"content_days": "30", "metadata_days": "90", "class": "records", "override": "counsel said so"}
    assert period_detail(Period("p", "", 10, 20)) == {"content_days": "10", "metadata_days": "20"}
