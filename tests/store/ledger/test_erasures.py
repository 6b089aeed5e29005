from __future__ import annotations

from dataclasses import replace

import pytest

from spans.errors import NotFoundError
from spans.ids import TraceId
from store.ledger.erasures import Departure, Erasure, Subject


def test_a_tombstone_is_there_before_anything_goes_and_becomes_a_certificate(ledger, clock):
    made = ledger.erasures.begin("p", Subject.PERSON, "PERSON_x", [TraceId("1" * 32)], by="ann")
    (open_,) = ledger.erasures.list("p")
    assert ledger.erasures.unfinished() == (made.erasure_id,)
    assert (open_.traces, open_.finished_ns, open_.removed) == ((TraceId("1" * 32),), None, {})
    clock.pass_s(60)
    ledger.erasures.add(made.erasure_id, {"spans": 1})
    ledger.erasures.add(made.erasure_id, {"spans": 2, "notes": 1})
    done = ledger.erasures.finish(made.erasure_id)
    assert (done.removed, done.finished_ns) == ({"spans": 3, "notes": 1}, clock.now_ns)
    assert ledger.erasures.list() == (done,)
    assert ledger.erasures.unfinished() == ()
    assert ledger.erasures.find(made.erasure_id) == done
    assert ledger.erasures.list("other") == ()
    for ask in (ledger.erasures.finish, ledger.erasures.find, lambda name: ledger.erasures.add(name, {})):
        with pytest.raises(NotFoundError):
            ask("nothing")


def test_a_trace_that_turns_up_later_makes_it_unfinished_again(ledger):
    made = ledger.erasures.begin("p", Subject.PERSON, "PERSON_x", [TraceId("2" * 32)], by="ann")
    ledger.erasures.finish(made.erasure_id)
    assert ledger.erasures.add(made.erasure_id, {"arrived_later": 1}, [TraceId("2" * 32)]).finished_ns is not None
    again = ledger.erasures.add(made.erasure_id, {"arrived_later": 1}, [TraceId("1" * 32), TraceId("2" * 32)])
    assert (again.traces, again.finished_ns) == ((TraceId("2" * 32), TraceId("1" * 32)), None)
    assert again.removed == {"arrived_later": 2}


def test_a_tombstone_of_another_ledger_is_kept_as_unfinished_and_once(ledger, clock):
    left = Departure("export", 7, "ann", {"folder": "out"}, 12, certain=True)
    other = Erasure("e1", "p", Subject.RUN, "1" * 32, (TraceId("1" * 32),), "ann", 5, 9, {"spans": 3}, (left,))
    ledger.erasures.adopt(other)
    assert ledger.erasures.find("e1") == replace(other, finished_ns=None, removed={})
    ledger.erasures.finish("e1")
    ledger.erasures.adopt(other)
    assert ledger.erasures.find("e1").finished_ns == clock.now_ns
