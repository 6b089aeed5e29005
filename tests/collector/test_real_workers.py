"""Worker processes with the real pipeline: how many there are changes nothing, and a rotated key is taken in full flight."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from collector.broker import Broker, BrokerSettings
from collector.pseudonym_key import KEY_BYTES, NAME, load_keys, rotate_key
from collector.spool.format import Payload, Signal
from collector.spool.keys import ensure_spool_keys, load_seal_key, write_secret
from collector.spool.writer import SpoolSettings, SpoolWriter
from spans.pseudonym import pseudonym
from tests.collector.helpers import CollectingSink, FakeSlots, Place, trace_id, traces, wait_until, workers

PIPELINE = "collector.pipeline:build_pipeline"
LATER = {"facts": {"score"}}
"""It says which copy was received first."""
PEOPLE = ("anna@example.com", "bela@example.org", "carla@example.net")


def a_conversation(number: int) -> bytes:
    """Spans that repeat and grow, as agents send them; every third record belongs to the same trace."""
    history = [
        {
            "role": "user",
            "content": f"I am Dr. Maria Gonzalez, {PEOPLE[turn % 3]}, card 4111 1111 1111 1111, turn {turn}.",
        }
        for turn in range(number % 5 + 1)
    ]
    request = traces("chat", "tool", first=number * 100 + 1, **{"gen_ai.input.messages": json.dumps(history)})
    for span in request.resource_spans[0].scope_spans[0].spans:
        span.trace_id = trace_id(number % 3 + 1)
    return request.SerializeToString()


def offered(writer: SpoolWriter, numbers: range) -> None:
    for number in numbers:
        writer.offer(Signal.SPANS, f"project-{number % 2}", 2, Payload(a_conversation(number))).result(5)


def a_writer(place: Place) -> SpoolWriter:
    ensure_spool_keys(place.keys)
    write_secret(place.keys / NAME, bytes(range(KEY_BYTES)))  # the same for every run of one test
    writer = SpoolWriter(place.spool, lambda: load_seal_key(place.keys), SpoolSettings())
    writer.start()
    return writer


def a_real_broker(place: Place, sink: CollectingSink) -> Broker:
    settings = BrokerSettings(place.spool, place.keys, place.socket, redaction_mode="rules")
    broker = Broker(settings, sink.slots, sink)
    sink.confirm = broker.confirm
    broker.start()
    return broker


def rows(sink: CollectingSink) -> list[dict[str, Any]]:
    """Every row of every table, without what the place and the hour in the spool decide; each with its table's name."""
    place = {"segment", "slot", "position", "received_ns", "received_day"}
    latest = {delivery.key: delivery for delivery in sink.deliveries}
    found = [
        {"table": name, **{key: value for key, value in row.items() if key not in place | LATER.get(name, set())}}
        for delivery in latest.values()
        for name, table in delivery.tables.items()
        for row in table.to_pylist()
    ]
    return sorted(found, key=str)


def processed(place: Place, count: int, numbers: list[int]) -> list[dict[str, Any]]:
    writer = a_writer(place)
    for number in numbers:
        offered(writer, range(number, number + 1))
    writer.close(5)
    sink = CollectingSink(FakeSlots())
    broker = a_real_broker(place, sink)
    try:
        with workers(place, count, PIPELINE):
            wait_until(lambda: broker.status().pending_spans == 0, 60)
    finally:
        broker.stop(0.5)
    return rows(sink)


def test_one_two_or_three_workers_and_any_order_store_the_same_bytes(tmp_path: Path) -> None:
    numbers = list(range(24))
    alone = processed(a_place(tmp_path / "1"), 1, numbers)
    assert len([row for row in alone if row["table"] == "spans"]) == 48
    assert not any(person in str(alone) for person in PEOPLE)
    assert processed(a_place(tmp_path / "2"), 2, numbers[::-1]) == alone
    assert processed(a_place(tmp_path / "3"), 3, numbers[::2] + numbers[1::2]) == alone


def a_place(root: Path) -> Place:
    root.mkdir()
    return Place(root)


def test_workers_take_a_rotated_key_in_full_flight_and_nothing_waits(place: Place) -> None:
    writer = a_writer(place)
    sink = CollectingSink(FakeSlots())
    broker = a_real_broker(place, sink)
    try:
        with workers(place, 2, PIPELINE) as running:
            offered(writer, range(6))
            wait_until(lambda: broker.status().pending_spans == 0, 60)
            began = [process.pid for process in running]
            rotate_key(place.keys)
            offered(writer, range(6, 30))
            wait_until(lambda: broker.status().pending_spans == 0, 60)
            told = broker.pseudonyms("project-0", "EMAIL_ADDRESS", PEOPLE[0])
            assert [process.pid for process in running] == began, "no worker was started again"
    finally:
        broker.stop(0.5)
        writer.close(5)
    current, retired = load_keys(place.keys).all
    tokens = {
        key.key_id: {pseudonym("EMAIL_ADDRESS", PEOPLE[0], key.of_project(f"project-{n}")) for n in (0, 1)}
        for key in (current, retired)
    }
    assert set(told) <= tokens[current.key_id] | tokens[retired.key_id]
    assert (told[0] in tokens[current.key_id], told[1] in tokens[retired.key_id]) == (True, True)
    contents = {(row["trace_id"], row["span_id"]): str(row) for row in rows(sink) if row["table"] == "span_contents"}
    spans = [row for row in rows(sink) if row["table"] == "spans"]
    assert [row["key_id"] for row in spans].count(retired.key_id) == 12
    assert [row["key_id"] for row in spans].count(current.key_id) == 48
    for row in spans:
        other = retired if row["key_id"] == current.key_id else current
        text = contents[row["trace_id"], row["span_id"]]
        assert any(token in text for token in tokens[row["key_id"]])
        assert not any(token in text for token in tokens[other.key_id])
    assert not broker_holds(broker, place)


def broker_holds(broker: Broker, place: Place) -> list[str]:
    """Attributes of main's broker in which a pseudonym key lies."""
    roots = [key.root for key in load_keys(place.keys).all]
    return [name for name, value in vars(broker).items() if value in roots]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
