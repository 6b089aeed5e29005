from __future__ import annotations

import pytest

from spans.errors import NotFoundError
from spans.ids import RunId
from store.ledger.pins import PinReason

RUN = RunId("1" * 32)


def reasons(ledger):
    return {pin.reason for pin in ledger.pins.list("p", RUN)}


def test_a_run_stays_pinned_until_its_last_reason_is_lifted(ledger):
    ledger.pins.add("p", RUN, PinReason.INCIDENT, by="ann", note="INC-1")
    ledger.pins.add("p", RUN, PinReason.LEGAL_HOLD, by="bob")
    ledger.pins.add("p", RUN, PinReason.INCIDENT, by="ann", note="INC-2")
    assert reasons(ledger) == {PinReason.INCIDENT, PinReason.LEGAL_HOLD}
    assert "INC-2" in [pin.note for pin in ledger.pins.list()]
    ledger.pins.lift("p", RUN, PinReason.INCIDENT)
    assert reasons(ledger) == {PinReason.LEGAL_HOLD}
    with pytest.raises(NotFoundError):
        ledger.pins.lift("p", RUN, PinReason.INCIDENT)
    assert ledger.pins.list("other") == ()
