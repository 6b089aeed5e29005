"""Exactly once for every reader: whatever arrives again, totals stay equal to the cent and nothing comes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from runs.facts import facts_of
from runs.pricing import PriceBook
from spans.ids import RunId
from store import open_store
from store.api import ExportQuery, ExportTable, RunQuery
from store.hours import CallField, HourField, HourQuery
from store.rows import evidence_tables
from tests.builders import DAY, NOW_NS, SECOND_NS, a_clean_log, a_clean_span, a_span, a_span_id, a_trace_id
from tracetape.assembler import Assembler

TRACES = tuple(a_trace_id(n + 1) for n in range(4))
PROJECT = "default"


def a_run_of(trace, number):
    """An agent with two model calls, a tool call and a log, as clean items."""
    start = NOW_NS + number * 600 * SECOND_NS

    def item(n, name, attributes, parent=1):
        span = a_span(
            trace_id=trace,
            span_id=a_span_id(n),
            parent_span_id=a_span_id(parent) if n > 1 else None,
            name=name,
            start_ns=start + n * SECOND_NS,
            end_ns=start + (n + 1) * SECOND_NS,
            attributes=attributes,
        )
        return a_clean_span(span, slot=number, position=n)

    def call(n, tokens):
        usage = {"gen_ai.usage.input_tokens": tokens, "gen_ai.usage.output_tokens": 30 + number}
        chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o"}
        return item(n, "chat gpt-4o", {**chat, **usage, "gen_ai.input.messages": f"hello {number} " * 60})

    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "refunds"}
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "read_invoice", "gen_ai.tool.call.id": "c1"}
    log = a_clean_log(trace_id=trace, span_id=a_span_id(2), log_id=f"{number + 1:032x}", time_ns=start)
    return [item(1, "invoke_agent refunds", agent), call(2, 1200 + number), item(3, "read", tool), call(4, 900), log]


def everything():
    return [item for number, trace in enumerate(TRACES) for item in a_run_of(trace, number)]


def tables(items, **changes):
    own = [replace(item, origin=replace(item.origin, **changes)) for item in items]
    return evidence_tables(own, [facts_of(item) for item in own])


class Opened:
    """A store with the assembler that main would run."""

    def __init__(self, path):
        self.path = path
        self.open()

    def open(self):
        self.store = open_store(f"chdb://{self.path}")
        self.store.migrate()
        book = PriceBook()
        self.assembler = Assembler(self.store, lambda: book)

    def arrive(self, items, **changes):
        self.store.write_evidence(tables(items, **changes))
        self.assembler.assemble_now(PROJECT, TRACES)
        while self.store.roll_up():
            pass

    def seen(self):
        """What every kind of reader sees."""
        store, query, hours = self.store, RunQuery(PROJECT), HourQuery(PROJECT)
        totals = store.totals(query)
        by_hour = store.hours(hours, ())
        calls = store.call_hours(hours, (CallField.KIND, CallField.NAME, CallField.OUTCOME))
        return {
            "totals": totals,
            "list": [(r.run_id, r.cost_usd, r.usage.input, r.span_count) for r in store.find_runs(query).rows],
            "series": sum(bucket.totals.runs for bucket in store.series(query, 7)),
            "fleet": [(row.workflow, row.totals.runs, row.totals.cost_usd) for row in store.fleet(query)],
            "hours": [(row.runs, row.cost_usd, row.input_tokens, row.model_calls, row.tool_calls) for row in by_hour],
            "by outcome": [(r.outcome, r.runs) for r in store.hours(hours, (HourField.OUTCOME,))],
            "calls": [(row.kind, row.name, row.calls, row.cost_usd, row.input_tokens) for row in calls],
            "steps": [len(store.read_steps(PROJECT, RunId(trace))) for trace in TRACES],
            "evidence": [len(store.read_evidence(PROJECT, trace).spans) for trace in TRACES],
            "logs": [len(store.read_evidence(PROJECT, trace).logs) for trace in TRACES],
            "export": {
                table.value: sum(piece.num_rows for piece in store.export(ExportQuery(PROJECT), table))
                for table in ExportTable
            },
        }


@pytest.fixture
def house(tmp_path):
    opened = Opened(tmp_path / "store")
    opened.arrive(everything())
    yield opened
    opened.store.close()


def test_the_first_sight_is_right(house):
    seen = house.seen()
    input_tokens = sum(1200 + n + 900 for n in range(4))
    assert seen["totals"].runs == 4
    assert seen["totals"].input_tokens == input_tokens
    (hours,) = seen["hours"]
    assert hours == (4, seen["totals"].cost_usd, input_tokens, 8, 4)
    assert seen["totals"].cost_usd == sum((row[1] for row in seen["list"]), Decimal(0)) > 0
    assert seen["evidence"] == [4] * 4
    assert seen["export"] == {"runs": 4, "steps": sum(seen["steps"]), "spans": 16, "logs": 4}


def test_replays_resends_midnight_new_rules_and_a_restart_change_nothing(house):
    first = house.seen()
    for _ in range(3):
        house.arrive(everything())
    assert house.seen() == first, "every batch three times"

    house.arrive(everything(), received_day=DAY + timedelta(days=1), received_ns=NOW_NS + 86_400 * SECOND_NS)
    assert house.seen() == first, "again after midnight"

    house.arrive(everything()[::-1], segment="00000009", slot=7)
    assert house.seen() == first, "the whole spool replayed, in another order"

    other = [
        replace(item, fingerprint="rules-2", span=replace(item.span, attributes={**item.span.attributes, "extra": "x"}))
        for item in everything()
        if hasattr(item, "span")
    ]
    house.arrive(other, received_day=DAY + timedelta(days=1))
    again = house.seen()
    assert again == first, "the same spans under other redaction rules"

    house.store.close()
    # nothing may depend on a log of the engine's that can be lost: there is none, and the sorting key decides
    assert not list(house.path.rglob("deduplication_logs"))
    house.open()
    house.arrive(everything())
    assert house.seen() == first, "everything again after a restart"


def test_the_second_of_two_days_can_go_and_the_first_takes_everything_along(house):
    first = house.seen()
    house.arrive(everything(), received_day=DAY + timedelta(days=1))
    house.store.drop_day(DAY + timedelta(days=1))
    house.store.roll_up()
    assert house.seen() == first

    house.store.drop_day(DAY)
    house.store.roll_up()
    gone = house.seen()
    assert gone["totals"].runs == 0
    assert gone["hours"] == gone["calls"] == gone["list"] == []
    assert set(gone["export"].values()) == {0}


def test_a_day_that_went_is_not_resurrected_by_the_duplicates_of_the_next(house):
    house.arrive(everything()[:5], received_day=DAY + timedelta(days=1))
    house.store.drop_day(DAY)
    house.assembler.assemble_now(PROJECT, TRACES)
    house.store.roll_up()
    seen = house.seen()
    assert seen["totals"].runs == 1, "only what still has evidence is a run"
    assert seen["hours"][0][0] == 1
