from __future__ import annotations

import pytest

from spans.errors import RefusedError
from store.ledger.periods import Period


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
