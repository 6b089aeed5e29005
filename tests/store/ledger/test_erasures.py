from __future__ import annotations

import pytest

from spans.errors import NotFoundError
from spans.ids import TraceId
from store.ledger.erasures import Subject


def test_a_tombstone_is_there_before_anything_goes_and_becomes_a_certificate(ledger, clock):
    made = ledger.erasures.begin("p", Subject.PERSON, "PERSON_x", [TraceId("1" * 32)], by="ann")
    (open_,) = ledger.erasures.list("p")
    assert (open_.traces, open_.finished_ns, open_.removed) == ((TraceId("1" * 32),), None, {})
    clock.pass_s(60)
    done = ledger.erasures.finish(made.erasure_id, {"spans": 3})
    assert (done.removed, done.finished_ns) == ({"spans": 3}, clock.now_ns)
    assert ledger.erasures.list() == (done,)
    assert ledger.erasures.list("other") == ()
    with pytest.raises(NotFoundError):
        ledger.erasures.finish("nothing", {})
