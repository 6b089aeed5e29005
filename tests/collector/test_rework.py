"""Originals of withheld texts are tried again, replace their placeholders, and are destroyed only then."""

from __future__ import annotations

import pytest

from collector.rework import MAX_TRIES, Again, Reworked
from collector.spool.sidestore import SetAside
from spans.errors import BusyError
from spans.ids import TraceId

TRACE = TraceId("a" * 32)


def kept(name: str) -> SetAside:
    return SetAside(name, "seg", 3, "spans", "default", 2, 1, 1, "withheld")


class Originals:
    def __init__(self, *names: str) -> None:
        self.names = list(names)

    def list(self):
        return tuple(map(kept, self.names))

    def remove(self, name: str) -> None:
        self.names.remove(name)


class Broker:
    def __init__(self, originals: Originals, answer) -> None:
        self.withheld = originals
        self.answer = answer
        self.asked: list[str] = []

    def rework(self, one: SetAside) -> Reworked:
        self.asked.append(one.name)
        return self.answer(one)


def an_again(broker: Broker):
    did: list[object] = []
    known: dict[str, str] = {}
    again = Again(
        broker,
        lambda tables: did.append(("write", dict(tables))),
        lambda project, traces: did.append(("mark", project, tuple(traces))),
        known.__setitem__,
        lambda name: known.get(name, ""),
    )
    return again, did


def test_what_is_redacted_now_is_stored_before_its_original_goes():
    broker = Broker(Originals("a"), lambda _: Reworked({"spans": 1}, (TRACE,), 0))
    again, did = an_again(broker)
    assert again.retry("rules") == (1, 0)
    assert did == [("write", {"spans": 1}), ("mark", "default", (TRACE,))]
    assert broker.withheld.names == []


def test_what_fails_again_stays_and_is_not_tried_for_ever():
    broker = Broker(Originals("a"), lambda _: Reworked({}, (), 1))
    again, did = an_again(broker)
    assert [again.retry("rules") for _ in range(MAX_TRIES + 2)] == [(0, 1)] * (MAX_TRIES + 2)
    assert len(broker.asked) == MAX_TRIES
    again.retry("other rules")
    assert len(broker.asked) == MAX_TRIES + 1
    assert did == []
    assert broker.withheld.names == ["a"]


def test_a_store_that_fails_keeps_the_original():
    broker = Broker(Originals("a"), lambda _: Reworked({}, (), 0))
    again, _ = an_again(broker)
    again._write = lambda _tables: 1 / 0
    with pytest.raises(ZeroDivisionError):
        again.retry("rules")
    assert broker.withheld.names == ["a"]


def test_it_happens_by_itself_once_after_a_change():
    def busy(_one):
        raise BusyError("loading")

    broker = Broker(Originals("a", "b"), busy)
    again, _ = an_again(broker)
    assert again.after_a_change("rules 1") == (0, 2)
    assert again.after_a_change("rules 1") == (0, 0)
    assert again.after_a_change("rules 2") == (0, 2)
    assert broker.asked == ["a", "b"] * 2
