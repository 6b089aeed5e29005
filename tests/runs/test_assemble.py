from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.assemble import assemble
from runs.facts import facts_of
from spans.ids import TraceId
from spans.kinds import RunShape, RunStatus, SpanKind, ToolOutcome, UsageRole
from spans.naming import NamingRule, NamingRules
from spans.span import StatusCode
from tests.runs.spans_of import BOOK, agent, an_id, assembled, chat, clean, clean_log, tool

OTHER = TraceId("1" * 32)
STORY = (
    agent(1, end=900),
    chat(2, parent=1, start=10, end=100, attributes={"gen_ai.response.id": "chatcmpl-0001"}),
    tool(3, "lookup", parent=1, start=110, end=120, attributes={"gen_ai.tool.call.id": "call_00001"}),
    chat(4, parent=1, start=130, end=200, attributes={"gen_ai.response.id": "chatcmpl-0002"}),
    clean(5, "no parent ever", {}, parent=99, start=5, end=6),
    chat(6, parent=7, start=300, end=310),
    clean(7, "circle", {}, parent=6, start=300, end=320),
    clean(2, "chat gpt-4o-mini", {"gen_ai.operation.name": "chat"}, parent=1, start=10, end=None),
    clean_log(
        "gen_ai.evaluation.result", {"gen_ai.evaluation.name": "helpful", "gen_ai.evaluation.score.value": 0.9}, span=2
    ),
    clean_log(
        "gen_ai.client.inference.operation.details",
        {"gen_ai.response.id": "chatcmpl-0003", "gen_ai.request.model": "gpt-4o-mini", "gen_ai.usage.input_tokens": 5},
        span=50,
        at=400,
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(range(len(STORY))), max_size=20), st.permutations(range(len(STORY))))
def test_any_order_and_any_repetition_give_the_same_run(again, order):
    facts = [facts_of(item) for item in STORY]
    mixed = [facts[i] for i in order] + [facts[i] for i in again]
    assert assemble(mixed, book=BOOK) == assemble(facts, book=BOOK)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 8), st.one_of(st.none(), st.integers(1, 9)), st.integers(0, 50)),
        min_size=1,
        max_size=12,
    )
)
def test_any_tree_assembles_and_loses_no_span(edges):
    items = {number: chat(number, parent=parent, start=start, end=start + 5) for number, parent, start in edges}
    run = assembled(*items.values())
    assert {step.span_id for step in run.steps} == {an_id(number) for number in items}
    assert run.run.model_calls <= len(items)


def test_a_story_reads_as_it_was():
    run = assembled(*STORY).run
    assert run.workflow == "support"
    assert run.shape is RunShape.AGENT
    assert run.tool_calls == 1
    assert not run.complete


def test_an_ended_copy_beats_a_pending_one():
    steps = {step.span_id: step for step in assembled(*STORY).steps}
    assert steps[an_id(2)].usage.input == 120
    assert steps[an_id(2)].evaluations[0].name == "helpful"


def test_two_finished_copies_that_disagree_are_flagged():
    run = assembled(chat(1, end=100), chat(1, end=120))
    assert "conflict" in run.steps[0].flags
    assert run.steps[0].duration_ns == 120_000_000


def test_an_orphan_is_a_root_and_the_run_is_incomplete():
    run = assembled(tool(2, parent=99))
    assert run.steps[0].flags == ("orphan",)
    assert (run.run.status, run.run.complete) == (RunStatus.RUNNING, False)


def test_a_circle_of_parents_is_cut_at_its_earliest_span():
    run = assembled(chat(1, parent=2, start=0), clean(2, "x", {}, parent=1, start=5))
    assert [(step.span_id, step.depth) for step in run.steps] == [(an_id(1), 0), (an_id(2), 1)]
    assert "cycle" in run.steps[0].flags


def test_a_call_that_only_a_log_tells_of_is_a_step():
    run = assembled(
        clean_log(
            "gen_ai.client.inference.operation.details",
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.usage.input_tokens": 9,
                "gen_ai.usage.output_tokens": 1,
            },
            span=8,
        )
    )
    assert (run.steps[0].kind, run.steps[0].flags) == (SpanKind.MODEL, ("synthetic",))
    assert run.run.usage.input == 9


def test_logs_that_prove_nothing_still_make_an_honest_run():
    run = assembled(clean_log("something", {"a": 1}, body="x", span=None))
    assert run.run.shape is RunShape.NO_AGENT


def test_no_facts_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        assemble([], book=BOOK)


def test_an_inner_tool_error_does_not_colour_the_run():
    run = assembled(agent(1), tool(2, parent=1, status=StatusCode.ERROR, message="boom"))
    assert (run.run.status, run.run.errors) == (RunStatus.OK, 1)


def test_an_error_that_climbs_is_counted_once():
    run = assembled(agent(1, status=StatusCode.ERROR), tool(2, parent=1, status=StatusCode.ERROR))
    assert (run.run.status, run.run.errors) == (RunStatus.ERROR, 1)


def test_an_unfinished_root_is_running():
    run = assembled(agent(1, end=None), chat(2, parent=1))
    assert run.run.status is RunStatus.RUNNING


def test_a_call_reported_in_two_traces_counts_in_one_of_them():
    one = chat(2, parent=1, attributes={"gen_ai.response.id": "msg_0123456789"})
    other = chat(9, trace=OTHER, scope="com.anthropic.sdk.python", attributes={"gen_ai.response.id": "msg_0123456789"})
    here = assembled(agent(1), one, near=[other])
    there = assembled(other, near=[one])
    assert here.run.usage.input == 120
    assert (there.run.usage.input, there.run.model_calls) == (None, 0)
    assert there.steps[0].usage_role is UsageRole.DUPLICATE
    assert there.steps[0].duplicate_of == an_id(2)


def test_equal_calls_in_parallel_seen_by_two_layers_stay_as_many_as_they_were():
    outer = [chat(10 + i, parent=1, start=i, end=100 - i, scope="framework") for i in range(3)]
    inner = [chat(20 + i, parent=1, start=10 + i, end=90 - i, scope="sdk") for i in range(3)]
    run = assembled(agent(1, end=200), *outer, *inner).run
    assert (run.model_calls, run.usage.input) == (3, 360)


def test_the_same_layer_in_two_traces_tells_of_two_calls():
    one = chat(2, attributes={"gen_ai.response.id": "msg_0123456789"})
    other = chat(9, trace=OTHER, attributes={"gen_ai.response.id": "msg_0123456789"})
    assert assembled(one, near=[other]).run.usage.input == 120
    assert assembled(other, near=[one]).run.usage.input == 120


def test_a_tool_result_in_the_next_call_proves_an_execution():
    messages = (
        '[{"role":"user","parts":[{"type":"text","content":"hi"}]},'
        '{"role":"assistant","parts":[{"type":"tool_call","id":"call_00001","name":"refund","arguments":{"a":1}}]},'
        '{"role":"tool","parts":[{"type":"tool_call_response","id":"call_00001","response":"PermissionError: too much"}]}]'
    )
    run = assembled(chat(1, attributes={"gen_ai.input.messages": messages}))
    made = run.steps[1]
    assert (made.kind, made.tool_name, made.tool_outcome) == (SpanKind.TOOL, "refund", ToolOutcome.DENIED)
    assert "synthetic" in made.flags
    assert (run.run.tool_calls, run.run.denials) == (1, 1)


def test_history_is_not_counted_again():
    messages = (
        '[{"role":"assistant","parts":[{"type":"tool_call","id":"call_00001","name":"f","arguments":{}}]},'
        '{"role":"tool","parts":[{"type":"tool_call_response","id":"call_00001","response":"4"}]},'
        '{"role":"user","parts":[{"type":"text","content":"and now?"}]}]'
    )
    assert assembled(chat(1, attributes={"gen_ai.input.messages": messages})).run.tool_calls == 0


def test_an_unanswered_approval_is_waited_for_and_a_later_trace_continues():
    asks = '[{"role":"assistant","parts":[{"type":"tool_call","id":"call_00001","name":"wipe","arguments":{}}]}]'
    first = chat(1, attributes={"gen_ai.output.messages": asks})
    later = tool(9, "wipe", trace=OTHER, start=9000, end=9001, attributes={"gen_ai.tool.call.id": "call_00001"})
    assert assembled(first, near=[later]).run.continued_by == OTHER
    assert assembled(later, near=[first]).run.continues == first.span.trace_id


def test_a_naming_rule_comes_first():
    rules = NamingRules((NamingRule("refunds", service="refund-*"),))
    run = assemble([facts_of(agent(1))], book=BOOK, naming=rules).run
    assert (run.workflow, run.workflow_source) == ("refunds", "rule")


def test_cost_is_the_sum_of_priced_calls():
    run = assembled(agent(1), chat(2, parent=1), chat(3, parent=1, start=200, end=300)).run
    assert run.cost_usd == 2 * (Decimal(120) * Decimal("0.15") + Decimal(30) * Decimal("0.6")) / 1_000_000


def test_a_run_knows_the_prompts_it_was_given_each_once():
    def asked(number, text):
        return chat(number, start=number, end=number, attributes={"gen_ai.system_instructions": text})

    run = assembled(asked(1, "Be brief."), asked(2, "Be brief."), asked(3, "Be kind.")).run
    assert len(run.prompts) == 2
    assert all(prompt.startswith("h1:") for prompt in run.prompts)


def test_the_version_grows_with_evidence_and_neighbours():
    one = chat(2, parent=1, attributes={"gen_ai.response.id": "msg_0123456789"})
    other = chat(9, trace=OTHER, attributes={"gen_ai.response.id": "msg_0123456789"})
    versions = [
        assembled(one).run.version,
        assembled(one, agent(1)).run.version,
        assembled(one, agent(1), near=[other]).run.version,
    ]
    assert versions == sorted(set(versions))


def test_a_streamed_call_without_an_id_meets_the_sdks_report_in_another_trace():
    framework = chat(
        2,
        parent=1,
        start=10,
        end=400,
        scope="openinference.instrumentation.langchain",
        attributes={"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 80},
    )
    sdk = chat(
        3,
        trace=TraceId("ff" * 16),
        start=150,
        end=390,
        scope="com.anthropic.sdk",
        attributes={
            "gen_ai.request.stream": True,
            "gen_ai.response.id": "msg_019bb18687b4fe28cec472bd29",
            "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
            "gen_ai.usage.input_tokens": 69,
            "gen_ai.usage.output_tokens": 80,
        },
    )
    told = assembled(framework, near=[sdk])
    own = assembled(sdk, near=[framework])
    assert (told.run.model_calls, told.run.usage.output) == (0, None)
    assert (own.run.model_calls, own.run.usage.input, own.run.usage.output) == (1, 69, 80)


def test_a_streamed_call_beside_another_that_outlasts_it_is_its_own():
    half = {"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 80}
    whole = {"gen_ai.request.stream": True, "gen_ai.response.id": "msg_019bb18687b4fe28cec472bd29", **half}
    framework = chat(2, parent=1, end=200, scope="some.framework", attributes=half)
    other = chat(3, trace=TraceId("ff" * 16), start=150, end=390, scope="some.sdk", attributes=whole)
    assert assembled(framework, near=[other]).run.model_calls == 1


def test_a_step_that_a_resumed_run_plays_back_adds_usage_and_no_call():
    inference = {"mastra.span.type": "model_inference", "gen_ai.operation.name": "chat", "mastra.metadata.runId": "r1"}
    paused = clean(2, "chat m", inference, parent=1, scope="@mastra/otel-exporter")
    played = {
        **inference,
        "mastra.metadata.resumed": True,
        "gen_ai.usage.input_tokens": 150,
        "gen_ai.usage.output_tokens": 27,
    }
    again = clean(3, "chat m", played, parent=1, start=500, end=502, scope="@mastra/otel-exporter")
    later = {**played, "mastra.completion_start_time": "2026-11-22T02:30:46.698Z"}
    new = clean(4, "chat m", later, parent=1, start=600, end=700, scope="@mastra/otel-exporter")
    run = assembled(agent(1, end=700), paused, again, new).run
    assert (run.model_calls, run.usage.input, run.usage.output) == (2, 300, 54)
