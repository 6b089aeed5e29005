"""What main gives the forwarder: everything that is stored, once, however long the destination was away."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime

import pytest

from collector.broker import Delivery
from collector.decode import decode_logs, decode_traces
from store.ledger import Ledger
from store.ledger.forwards import Done
from store.ledger.slots import SlotKey
from store.memory import MemoryStore
from tests.builders import a_clean_log, a_clean_span, a_span_id, a_trace_id
from tests.store.contract import tables_for
from tracetape.demo import DEMO_PROJECT
from tracetape.forwarding.journal import RECORDS, Journal, forward_status

NOW_NS = time.time_ns()
DAY_NS = 86_400 * 10**9


def day_of(at_ns):
    return datetime.fromtimestamp(at_ns // 10**9, UTC).date()


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def store():
    return MemoryStore()


def stored(store, number, signal="spans", *, project="default", received_ns=None, trace_id=None):
    """One record of two items in the store, as the pump delivers it."""
    at_ns = NOW_NS + number if received_ns is None else received_ns
    origin = {
        "project": project,
        "received_ns": at_ns,
        "received_day": day_of(at_ns),
        "segment": "s1",
        "slot": number,
    }
    if signal == "spans":
        items = [
            a_clean_span(trace_id=a_trace_id(number + 1), span_id=a_span_id(n), name=f"{number}.{n}", **origin)
            for n in (1, 2)
        ]
    else:
        items = [
            a_clean_log(log_id=f"{number * 2 + n:032x}", event_name=f"{number}.{n}", trace_id=trace_id, **origin)
            for n in (1, 2)
        ]
    store.write_evidence(tables_for(*items))
    return Delivery(
        key=SlotKey("s1", number),
        signal=signal,
        project=project,
        items=2,
        received_ns=at_ns,
        tables={},
        traces=(a_trace_id(number + 1),),
    )


def sent(batch, signal):
    decode = decode_traces if signal == "spans" else decode_logs
    return [item.name if signal == "spans" else item.event_name for item in decode(base64.b64decode(batch["body"]))]


def drain(journal, signal="spans", until=10_000):
    """Take everything as the forwarder does."""
    found = []
    for _ in range(until):
        batch = journal.next(signal)
        if not batch:
            return found
        found += sent(batch, signal)
        journal.advance(signal, Done(sent=batch["items"], **batch["done"]))
    raise AssertionError("it never ends")


@pytest.mark.parametrize("signal", ["spans", "logs"])
def test_every_item_of_a_signal_is_given_once_and_the_demo_stays_here(store, ledger, signal):
    journal = Journal(store, ledger)
    demo = stored(store, 99, signal, project=DEMO_PROJECT)
    journal.note([*(stored(store, n, signal) for n in range(3)), demo])
    assert sorted(drain(journal, signal)) == [f"{n}.{k}" for n in range(3) for k in (1, 2)]
    assert journal.next("logs" if signal == "spans" else "spans") == {}


def test_log_records_without_a_trace_are_given_too(store, ledger):
    journal = Journal(store, ledger)
    journal.note([stored(store, 0, "logs")])
    assert sorted(drain(journal, "logs")) == ["0.1", "0.2"]


def test_log_records_wait_for_nobody_who_did_not_ask_for_them(store, ledger):
    journal = Journal(store, ledger, ("spans",))
    journal.note([stored(store, 0, "logs"), stored(store, 1)])
    assert journal.next("logs") == {}
    assert drain(journal) == ["1.1", "1.2"]


@pytest.mark.parametrize("signal", ["spans", "logs"])
def test_a_long_outage_keeps_the_journal_short_and_loses_nothing(store, ledger, signal):
    journal = Journal(store, ledger, most_records=80)
    count = 600
    for n in range(count):
        journal.note([stored(store, n, signal)])
    stored(store, 999, signal, project=DEMO_PROJECT, received_ns=NOW_NS + 300)
    assert ledger.forwards.size(signal)[0] <= 80 + RECORDS
    assert ledger.forwards.state(signal).waiting == count * 2
    assert sorted(drain(journal, signal)) == sorted(f"{n}.{k}" for n in range(count) for k in (1, 2))
    state = ledger.forwards.state(signal)
    assert (state.sent, state.waiting, state.gone) == (count * 2, 0, 0)


def test_a_period_that_was_left_in_the_middle_goes_on_there(store, ledger):
    journal = Journal(store, ledger, most_records=80)
    journal.note([stored(store, n) for n in range(300)])
    first = journal.next("spans")
    journal.advance("spans", Done(sent=first["items"], **first["done"]))
    period = journal.next("spans")
    assert period["done"]["resume_ns"]
    journal.advance("spans", Done(sent=period["items"], **period["done"]))
    again = Journal(store, ledger, most_records=80)
    assert {*sent(first, "spans"), *sent(period, "spans")}.isdisjoint(drain(again))
    assert ledger.forwards.state("spans").sent == 600


@pytest.mark.parametrize("signal", ["spans", "logs"])
@pytest.mark.parametrize("most_records", [80, 1_000])
def test_what_expired_before_it_could_be_sent_is_a_gap_with_its_times(store, ledger, signal, most_records):
    journal = Journal(store, ledger, most_records=most_records)
    old_ns = NOW_NS - 3 * DAY_NS
    journal.note([stored(store, n, signal, received_ns=old_ns + n) for n in range(200)])
    journal.note([stored(store, 200 + n, signal) for n in range(3)])
    store.drop_day(day_of(old_ns))
    assert sorted(drain(journal, signal)) == sorted(f"{200 + n}.{k}" for n in range(3) for k in (1, 2))
    status = forward_status("https://x.test", ledger)
    assert status is not None
    told = status if signal == "spans" else status.logs
    assert told is not None
    assert (told.gone, told.sent, told.waiting) == (400, 6, 0)
    assert (told.gone_from_ns, told.gone_until_ns) == (old_ns, old_ns + 199)


def test_a_record_that_was_sent_twice_is_no_gap(store, ledger):
    journal = Journal(store, ledger)
    one = stored(store, 1)
    again = Delivery(
        key=SlotKey("s1", 77),
        signal="spans",
        project="default",
        items=2,
        received_ns=NOW_NS + 9,
        tables={},
        traces=one.traces,
    )
    journal.note([one, again])
    assert drain(journal) == ["1.1", "1.2"]
    assert ledger.forwards.state("spans").gone == 0
