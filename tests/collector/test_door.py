from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from collector import door as door_module
from collector.answers import RefusalError, Trouble
from collector.bounds import Bounds
from collector.credentials import Gate
from collector.door import Budget, Door
from collector.signals import LOGS, METRICS, TRACES
from collector.spool.keys import ensure_spool_keys, load_seal_key
from collector.spool.writer import SpoolWriter
from collector.tally import Tally
from spans.errors import BusyError
from tests.collector.helpers import Place, logs, traces
from tests.collector.test_credentials import Source, digest


@pytest.fixture
def door(place: Place) -> Door:
    ensure_spool_keys(place.keys)
    spool = SpoolWriter(place.spool, lambda: load_seal_key(place.keys))
    spool.start()
    gate = Gate(Source(), digest, keyless=True)
    return Door(gate, spool, Tally(place.status), Bounds(), 1000)


def test_what_is_admitted_becomes_durable(door: Door, place: Place) -> None:
    for raw, signal in ((traces("a").SerializeToString(), TRACES), (logs("b").SerializeToString(), LOGS)):
        admission = door.admit(raw, signal, "shop", is_json=False)
        assert admission.durable is not None
        admission.durable.result(5)
    assert [head.project for head in place.kept().heads] == ["shop", "shop"]
    assert len(place.kept().spans()) == len(place.kept().logs()) == 1


def test_nothing_is_spooled_for_empty_requests_and_metrics(door: Door) -> None:
    assert door.admit(b"", TRACES, "p", is_json=False).durable is None
    assert door.admit(b"{}", METRICS, "p", is_json=True).durable is None


def test_long_project_names_are_cut_where_a_head_has_room(door: Door, place: Place) -> None:
    admission = door.admit(traces("a").SerializeToString(), TRACES, "ü" * 300, is_json=False)
    assert admission.durable is not None
    admission.durable.result(5)
    assert place.kept().heads[0].project == "ü" * 100


def test_a_stopping_door_says_come_back(door: Door) -> None:
    assert door.is_ready()
    door.stop()
    assert not door.is_ready()
    with pytest.raises(RefusalError) as caught:
        door.admit(traces("a").SerializeToString(), TRACES, "p", is_json=False)
    assert caught.value.trouble is Trouble.BUSY


def test_a_spool_that_cannot_be_written_says_come_back(door: Door, place: Place) -> None:
    (place.spool).rename(place.root / "gone")
    time.sleep(0.6)
    assert not door.is_ready()
    with pytest.raises(BusyError):
        door.admit(traces("a").SerializeToString(), TRACES, "p", is_json=False)
    (place.root / "gone").rename(place.spool)
    time.sleep(0.6)
    assert door.is_ready()


def test_the_budget_refuses_the_second_and_always_takes_the_first() -> None:
    budget = Budget(10)
    budget.take(50)
    with pytest.raises(RefusalError):
        budget.take(1)
    budget.give_back(50)
    budget.take(10)


def test_a_crowd_is_told_to_come_back(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "JUDGED_WITHIN_S", 0.05)
    held = [door._judging.acquire() for _ in range(door_module.JUDGED_AT_ONCE)]
    assert all(held)
    started = threading.Event()
    started.set()
    with pytest.raises(RefusalError) as caught:
        door.admit(traces("a").SerializeToString(), TRACES, "p", is_json=False)
    assert caught.value.trouble is Trouble.BUSY


def test_items_of_refused_requests_are_counted_where_the_envelope_can_be_read(door: Door) -> None:
    raw = traces("a", "b").SerializeToString()
    assert door.count(raw, TRACES, is_json=False) == 2
    assert door.count(b"\xff", TRACES, is_json=False) == 0
    assert door.count(b"{}", TRACES, is_json=True) == 0


def test_an_unused_folder_is_made(tmp_path: Path) -> None:
    ensure_spool_keys(tmp_path / "deep" / "keys")
    assert (tmp_path / "deep" / "keys").stat().st_mode & 0o777 == 0o700
