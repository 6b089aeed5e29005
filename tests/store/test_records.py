from __future__ import annotations

from decimal import Decimal

import pytest

from spans.facts import AskedCall, Decision, Evaluation, SpanFacts, ToolFacts
from spans.kinds import Evidence, ToolOutcome, Verdict
from spans.run import Run
from spans.usage import ReportedCost, Usage
from store.columns import TEXT, plain_row
from store.derived_rows import RUNS, STEPS
from store.records import Record
from store.rows import FACTS
from tests.builders import SPAN, a_run, a_step, some_facts


def back(record, item):
    return record.item(plain_row(record.table([item]).to_pylist()[0]))


def test_facts_with_everything_survive():
    facts = some_facts(
        parent_span_id=SPAN,
        tool=ToolFacts(
            "refund", "call_1", "ab", has_arguments=True, outcome=ToolOutcome.DENIED, evidence=Evidence.GUESS
        ),
        asked=(AskedCall("c", "refund", "h"),),
        decisions=(Decision(Verdict.DENY, "r", "policy", wait_ms=3),),
        evaluations=(Evaluation("helpful", 0.5),),
        reported_cost=ReportedCost(Decimal("0.1"), "gen_ai.cost"),
        usage=Usage(assumed=True),
        promoted={"a": "b"},
        ttft_ns=5,
        shared_keys=("a", "b"),
    )
    assert back(FACTS, facts) == facts


def test_a_run_and_a_step_survive():
    assert back(RUNS, a_run(cost_usd=None)) == a_run(cost_usd=None)
    step = a_step(tool_outcome=ToolOutcome.ERROR, tool_evidence=Evidence.EXPLICIT, duplicate_of=SPAN, ttft_ns=1)
    assert back(STEPS, step) == step


def test_what_a_step_does_not_have_is_nothing_rather_than_an_empty_text():
    root = back(STEPS, a_step(parent_span_id=None, tool_outcome=None))
    assert root.parent_span_id is None
    assert root.tool_outcome is None


def test_defaults_take_no_room():
    assert "prompt_name" not in FACTS.table([some_facts()]).to_pylist()[0]["data"]


def test_a_row_of_a_newer_program_is_read_without_what_we_do_not_know():
    row = plain_row(FACTS.table([some_facts()]).to_pylist()[0])
    row["data"] = row["data"][:-1] + ',"from_the_future":1}'
    assert FACTS.item(row) == some_facts()


def test_a_row_of_an_older_program_gets_todays_defaults():
    row = plain_row(FACTS.table([some_facts(tags=("a",))]).to_pylist()[0])
    row["data"] = row["data"].replace(',"tags":["a"]', "")
    assert FACTS.item(row) == some_facts()


def test_a_field_that_does_not_exist_is_found_at_once():
    with pytest.raises(TypeError, match="no field nonsense"):
        Record(Run, {"nonsense": TEXT})


@pytest.mark.parametrize("kind", [SpanFacts])
def test_an_item_without_optional_text_reads_none(kind):
    assert back(STEPS, a_step(parent_span_id=None)).parent_span_id is None
