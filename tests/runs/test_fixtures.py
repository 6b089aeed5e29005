"""The golden cases F1 to F40 of the dialects reference, each in all three encodings of OTLP."""

from __future__ import annotations

import json
import math

import pytest

from collector.answers import RefusalError
from collector.decode import decode_traces
from collector.signals import TRACES
from runs.facts import facts_of
from runs.pricing import PriceBook
from spans.clean import CleanSpan, Redaction
from spans.kinds import Evidence, SpanKind, ToolOutcome, UsageRole, Verdict
from spans.span import StatusCode
from spans.values import tag_double
from tests.runs.otlp import ENCODINGS, HALF, Halved, admitted, put, request_of, sent_as
from tests.runs.scoring import ORIGIN
from tests.runs.spans_of import agent, assembled, chat, clean, clean_log, content, facts, tool

PYD = "pydantic-ai"


@pytest.fixture(autouse=True, params=ENCODINGS)
def encoding(request):
    """Everything the builders make travels over the wire first."""
    with sent_as(request.param):
        yield request.param


def usage_of(assembly):
    return assembly.run.usage.input, assembly.run.usage.output


def roles(assembly):
    return {step.span_id[-1]: step.usage_role for step in assembly.steps}


def test_f1_aggregated_usage_of_an_agent_is_a_rollup():
    run = assembled(
        clean(
            1,
            "invoke_agent a",
            {"gen_ai.aggregated_usage.input_tokens": 113, "gen_ai.aggregated_usage.output_tokens": 11},
            scope=PYD,
        ),
        chat(2, parent=1, scope=PYD, attributes={"gen_ai.usage.input_tokens": 56, "gen_ai.usage.output_tokens": 5}),
        chat(
            3,
            parent=1,
            scope=PYD,
            start=100,
            end=200,
            attributes={"gen_ai.usage.input_tokens": 57, "gen_ai.usage.output_tokens": 6},
        ),
    )
    assert usage_of(run) == (113, 11)
    assert roles(run)["1"] is UsageRole.ROLLUP


def test_f2_plain_usage_on_the_agent_gives_the_same():
    run = assembled(
        clean(1, "agent run", {"gen_ai.usage.input_tokens": 113, "gen_ai.usage.output_tokens": 11}, scope=PYD),
        chat(2, parent=1, scope=PYD, attributes={"gen_ai.usage.input_tokens": 56, "gen_ai.usage.output_tokens": 5}),
        chat(
            3,
            parent=1,
            scope=PYD,
            start=100,
            end=200,
            attributes={"gen_ai.usage.input_tokens": 57, "gen_ai.usage.output_tokens": 6},
        ),
    )
    assert usage_of(run) == (113, 11)


def test_f3_vercel_7_counts_the_chat_only():
    tokens = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 16}
    run = assembled(
        clean(1, "invoke_agent gpt-5", {"gen_ai.operation.name": "invoke_agent", **tokens}, scope="gen_ai"),
        clean(2, "step 1", {"gen_ai.operation.name": "agent_step"}, parent=1, scope="gen_ai"),
        chat(3, parent=2, scope="gen_ai", attributes=tokens),
    )
    assert usage_of(run) == (10, 16)
    assert run.run.model_calls == 1


def test_f4_nested_embeddings_are_one_call():
    tokens = {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.request.model": "text-embedding-3-small",
        "gen_ai.usage.input_tokens": 28,
    }
    run = assembled(
        clean(1, "embeddings m", tokens, scope="gen_ai"),
        clean(2, "embeddings m", tokens, parent=1, start=1, end=99, scope="gen_ai"),
    )
    assert run.run.usage.input == 28
    assert run.run.model_calls == 1


CLAUDE_CODE = "com.anthropic.claude_code.tracing"


def test_f5_claude_code_counts_cached_tokens_beside_the_input():
    usage = facts(
        1,
        "claude_code.llm_request",
        {
            "model": "claude-opus-5",
            "input_tokens": 5,
            "cache_read_tokens": 128955,
            "cache_creation_tokens": 1253,
            "output_tokens": 40,
        },
        scope=CLAUDE_CODE,
    ).usage
    assert (usage.input, usage.cache_read, usage.cache_write, usage.total()) == (130_213, 128_955, 1253, 130_253)


def test_f6_pydantic_ai_has_added_them_already():
    usage = facts(
        1,
        "chat claude-opus-5",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.usage.input_tokens": 130213,
            "gen_ai.usage.cache_read.input_tokens": 128955,
            "gen_ai.usage.details.cache_write_tokens": 1253,
            "gen_ai.usage.output_tokens": 40,
        },
        scope=PYD,
    ).usage
    assert (usage.input, usage.output) == (130_213, 40)


def test_f19_a_user_who_refuses_in_claude_code_denies_the_call():
    run = assembled(
        clean(1, "claude_code.interaction", {}, scope=CLAUDE_CODE),
        clean(2, "claude_code.tool", {"tool_name": "Bash", "tool_use_id": "toolu_1"}, parent=1, scope=CLAUDE_CODE),
        clean(
            3,
            "claude_code.tool.blocked_on_user",
            {"decision": "reject", "source": "user_reject", "duration_ms": 4200},
            parent=2,
            scope=CLAUDE_CODE,
        ),
    )
    step = run.steps[1]
    assert step.tool_outcome is ToolOutcome.DENIED
    assert (step.decisions[0].verdict, step.decisions[0].by, step.decisions[0].wait_ms) == (Verdict.DENY, "human", 4200)
    assert (run.run.denials, run.run.tool_calls) == (1, 0)


def test_f22_a_litellm_proxy_call_counts_once():
    same = {
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.id": "chatcmpl-123456",
        "gen_ai.system": "openai",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 2,
    }
    run = assembled(
        clean(1, "Received Proxy Server Request", same, scope="litellm"),
        clean(2, "litellm_request", same, parent=1, start=1, end=99, scope="litellm"),
        clean(
            3, "raw_gen_ai_request", {"llm.openai.id": "chatcmpl-123456"}, parent=2, start=2, end=98, scope="litellm"
        ),
    )
    assert usage_of(run) == (10, 2)
    assert run.run.model_calls == 1


def test_f32_codex_counts_the_one_response_with_usage():
    usage = {"gen_ai.usage.input_tokens": 9000, "gen_ai.usage.output_tokens": 120}
    total = {"codex.turn.token_usage.input_tokens": 9000, "codex.turn.token_usage.output_tokens": 120}
    responses = [
        clean(10 + i, "handle_responses", {}, parent=1, start=i, end=i + 1, scope="codex_exec") for i in range(11)
    ]
    run = assembled(
        clean(1, "session_task.turn", total, scope="codex_exec"),
        *responses,
        clean(30, "handle_responses", usage, parent=1, start=50, end=60, scope="codex_exec"),
    )
    assert usage_of(run) == (9000, 120)
    assert run.run.model_calls == 1
    assert sum("noise" in step.flags for step in run.steps) == 11


def test_f33_a_sandbox_that_denies_is_heard_although_the_tool_says_success():
    run = assembled(
        clean(1, "session_task.turn", {}, scope="codex_exec"),
        clean(2, "exec_command", {"tool_name": "exec_command", "call_id": "call_1"}, parent=1, scope="codex_exec"),
        clean_log("codex.tool_result", {"call_id": "call_1", "success": "true"}, span=2, scope="codex_otel.log_only"),
        clean_log(
            "codex.sandbox_outcome", {"call_id": "call_1", "outcome": "denied"}, span=77, scope="codex_otel.log_only"
        ),
    )
    assert run.steps[1].tool_outcome is ToolOutcome.DENIED
    assert run.steps[1].decisions[0].by == "sandbox"


def test_f7_a_total_proves_that_cached_tokens_come_on_top():
    usage = facts(
        1,
        "x",
        {
            "gen_ai.request.model": "m",
            "gen_ai.system": "acme",
            "gen_ai.usage.input_tokens": 2000,
            "gen_ai.usage.cache_read_input_tokens": 8000,
            "gen_ai.usage.output_tokens": 100,
            "gen_ai.usage.total_tokens": 10100,
        },
    ).usage
    assert (usage.input, usage.cache_read, usage.assumed) == (10_000, 8000, False)


def test_f8_a_total_proves_that_cached_tokens_are_inside():
    usage = facts(
        1,
        "x",
        {
            "gen_ai.request.model": "m",
            "gen_ai.system": "acme",
            "gen_ai.usage.input_tokens": 10_000,
            "gen_ai.usage.cache_read_input_tokens": 8000,
            "gen_ai.usage.output_tokens": 100,
            "gen_ai.usage.total_tokens": 10_100,
        },
    ).usage
    assert (usage.input, usage.assumed) == (10_000, False)


def test_f9_langfuse_buckets_are_disjoint():
    usage = facts(
        1,
        "gen",
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.usage_details": '{"input":86,"input_cached_tokens":17817,"output":12,"total":17915}',
        },
        scope="langfuse-sdk",
    ).usage
    assert (usage.input, usage.cache_read, usage.output) == (17_903, 17_817, 12)


def test_f10_counts_may_be_text():
    assert facts(1, "chat", {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": "25"}).usage.input == 25


def test_f11_several_tool_results_of_one_message_are_kept_in_order():
    message = {
        "role": "tool",
        "parts": [
            {"type": "tool_call_response", "id": "a", "response": "one"},
            {"type": "tool_call_response", "id": "b", "response": "two"},
        ],
    }
    read = content(1, "chat", {"gen_ai.operation.name": "chat", "gen_ai.output.messages": [message]})
    assert [(part.id, part.content) for part in read.output_messages[0].parts] == [("a", "one"), ("b", "two")]


def test_f12_one_odd_message_drops_no_other():
    raw = json.dumps(
        [
            {"role": "user", "parts": [{"type": "text", "content": "a"}]},
            {"role": "user", "content": "b"},
            {"role": "assistant"},
        ]
    )
    read = content(1, "chat", {"gen_ai.operation.name": "chat", "gen_ai.input.messages": raw})
    assert [message.role for message in read.input_messages] == ["user", "user", "assistant"]
    assert read.input_messages[1].parts[0].content == "b"


def test_f13_flattened_messages_may_have_gaps_and_keep_their_index():
    attributes = {"openinference.span.kind": "LLM"}
    for index in (40, 41, 44, 99_999):
        attributes[f"llm.input_messages.{index}.message.role"] = "user"
        attributes[f"llm.input_messages.{index}.message.content"] = f"m{index}"
    read = content(1, "llm", attributes)
    assert [message.index for message in read.input_messages] == [40, 41, 44, 99_999]


def test_f14_strands_events_become_an_ordered_transcript():
    read = content(
        1,
        "chat",
        {"gen_ai.operation.name": "chat", "gen_ai.system": "strands-agents"},
        scope="strands.telemetry.tracer",
        events=[
            ("gen_ai.user.message", {"content": '[{"text":"hi"}]'}),
            ("gen_ai.assistant.message", {"content": '[{"toolUse":{"toolUseId":"t1","name":"f","input":{}}}]'}),
            (
                "gen_ai.tool.message",
                {"content": '[{"toolResult":{"toolUseId":"t1","content":[{"text":"4"}]}}]', "role": "tool"},
            ),
            ("gen_ai.choice", {"finish_reason": "end_turn", "message": '[{"text":"done"}]'}),
        ],
    )
    assert [message.role for message in read.input_messages] == ["user", "assistant", "tool"]
    assert read.input_messages[2].parts[0].content == "4"
    assert read.output_messages[0].parts[0].content == "done"
    assert read.output_messages[0].finish_reason == "stop"


def test_f15_adot_moves_content_into_one_log_named_like_the_scope():
    log = clean_log(
        "strands.telemetry.tracer",
        {"event.name": "strands.telemetry.tracer"},
        body={
            "input": {"messages": [{"role": "user", "content": '[{"text":"hi"}]'}]},
            "output": {"messages": [{"role": "assistant", "content": '[{"text":"hello"}]'}]},
        },
        scope="strands.telemetry.tracer",
    )
    read = content(1, "chat", {"gen_ai.operation.name": "chat"}, logs=[log])
    assert read.input_messages[0].parts[0].content == "hi"
    assert read.output_messages[0].parts[0].content == "hello"


@pytest.mark.parametrize("span_first", [True, False])
def test_f16_a_details_log_folds_onto_its_span_whichever_comes_first(span_first):
    log = clean_log(
        "gen_ai.client.inference.operation.details",
        {"gen_ai.operation.name": "chat", "gen_ai.response.id": "chatcmpl-123456", "gen_ai.usage.input_tokens": 7},
    )
    span = clean(1, "chat m", {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini"})
    run = assembled(*((span, log) if span_first else (log, span)))
    assert len(run.steps) == 1
    assert run.steps[0].usage.input == 7
    assert run.steps[0].response_id == "chatcmpl-123456"


def test_f17_an_interrupt_is_no_error_and_asks_for_approval():
    run = assembled(
        agent(1),
        clean(
            2,
            "tools",
            {"openinference.span.kind": "CHAIN"},
            parent=1,
            status=StatusCode.ERROR,
            events=[
                (
                    "exception",
                    {"exception.type": "langgraph.errors.GraphInterrupt", "exception.message": "(Interrupt(...))"},
                )
            ],
        ),
    )
    assert run.run.status == "ok"
    assert run.run.errors == 0
    assert run.run.waiting_for == "approval"


def test_f18_a_class_of_the_same_name_from_elsewhere_stays_an_error():
    step = assembled(
        tool(
            1,
            status=StatusCode.ERROR,
            events=[("exception", {"exception.type": "my.app.GraphInterrupt", "exception.message": "boom"})],
        )
    ).steps[0]
    assert step.status == "error"
    assert step.tool_outcome is ToolOutcome.ERROR


def test_f20_langsmiths_own_kind_beats_the_operation_name():
    found = facts(
        1, "KB", {"langsmith.span.kind": "retriever", "gen_ai.operation.name": "embeddings"}, scope="langsmith"
    )
    assert found.kind is SpanKind.RETRIEVAL


def test_f21_mlflow_encodes_its_kinds_as_json():
    assert (
        facts(1, "Completions", {"mlflow.spanType": '"CHAT_MODEL"', "mlflow.traceRequestId": '"tr-1"'}).kind
        is SpanKind.MODEL
    )


def test_f23_three_layers_of_one_call_count_once():
    same = {"gen_ai.response.id": "msg_0123456789", "gen_ai.response.model": "claude-sonnet-4-5"}
    run = assembled(
        clean(
            1,
            "messages.create",
            {
                "openinference.span.kind": "LLM",
                "llm.model_name": "claude-sonnet-4-5",
                "llm.token_count.prompt": 120,
                "llm.token_count.completion": 30,
            },
            scope="openinference.instrumentation.anthropic",
        ),
        chat(2, parent=1, start=5, end=95, scope="com.anthropic.sdk.python", attributes=same),
        chat(3, parent=2, start=10, end=90, scope="com.anthropic.claude-platform", attributes=same),
    )
    assert run.run.model_calls == 1
    assert usage_of(run) == (120, 30)


def test_f24_adks_merged_span_is_no_tool_call():
    run = assembled(
        clean(
            1,
            "execute_tool (merged tools)",
            {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "(merged tools)"},
            scope="gcp.vertex.agent",
        ),
        tool(2, "a", parent=1, scope="gcp.vertex.agent"),
        tool(3, "b", parent=1, scope="gcp.vertex.agent"),
    )
    assert run.run.tool_calls == 2


@pytest.mark.parametrize(
    ("scope", "value"), [("strands.telemetry.tracer", 450), ("openlit.instrumentation.openai", 0.45)]
)
def test_f25_time_to_first_token_has_its_unit_from_the_scope(scope, value):
    found = facts(
        1, "chat", {"gen_ai.operation.name": "chat", "gen_ai.server.time_to_first_token": value}, scope=scope, end=1000
    )
    assert found.ttft_ns == 450_000_000


def test_f26_an_agent_that_alone_carries_usage_counts():
    run = assembled(
        agent(1, attributes={"gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 3}), tool(2, parent=1)
    )
    assert usage_of(run) == (9, 3)


def test_f27_polling_counts_nothing():
    same = {"gen_ai.response.id": "resp_0123456789", "gen_ai.response.model": "gpt-5"}
    polls = [
        chat(
            10 + i, start=200 + 10 * i, end=205 + 10 * i, attributes={**same, "gen_ai.operation.name": "fetch_response"}
        )
        for i in range(5)
    ]
    assert usage_of(assembled(chat(1, attributes=same), *polls)) == (120, 30)


def test_f28_one_span_with_a_broken_id_costs_no_other(encoding):
    request = request_of(*(chat(n).span for n in range(1, 11)))
    request.resource_spans[0].scope_spans[0].spans[4].trace_id = b"abc"
    accepted = admitted(request, TRACES, encoding)
    assert (accepted.items, accepted.rejected) == (9, 1)
    assert len(list(decode_traces(accepted.payload.otlp))) == 9


def test_f29_logs_sent_to_the_path_of_spans_are_told_the_right_one(encoding):
    with pytest.raises(RefusalError, match="/v1/logs") as refused:
        admitted(request_of(clean_log("gen_ai.choice", body="hello").log), TRACES, encoding)
    assert refused.value.trouble.http == 400


def test_f30_odd_values_are_stored_and_understood(encoding):
    odd = {"nothing": None, "not.a.number": math.nan, "nul": "a\0b", "half": HALF, "gen_ai.response.id": HALF}
    request = request_of(chat(1).span)
    span = request.resource_spans[0].scope_spans[0].spans[0]
    put(span.attributes, odd)
    span.attributes.add(key="no value")
    accepted = admitted(Halved(request), TRACES, encoding)
    assert (accepted.items, accepted.rejected) == (1, 0)
    (read,) = decode_traces(accepted.payload.otlp)
    assert (read.attributes["nothing"], read.attributes["no value"], read.attributes["nul"]) == (None, None, "ab")
    assert read.attributes["not.a.number"] == tag_double(math.nan)
    assert "utf8_repaired" in accepted.payload.marks[0]
    told = facts_of(CleanSpan(read, ORIGIN, (), Redaction.OFF, ""))
    assert (told.usage.input, told.usage.output) == (120, 30)


def test_f31_a_triggered_guardrail_denies_without_error():
    step = assembled(
        clean(
            1,
            "pii",
            {
                "openinference.span.kind": "GUARDRAIL",
                "output.value": '{"triggered": true}',
                "output.mime_type": "application/json",
            },
            status=StatusCode.ERROR,
        )
    ).steps[0]
    assert [decision.verdict for decision in step.decisions] == [Verdict.DENY]
    assert step.status == "ok"


def test_f34_a_cut_message_says_so():
    raw = '[{"role":"user","parts":[{"text":"hi' + "x" * 50 + "...[TRUNCATED: original length 20000]"
    found = facts(1, "llm_call", {"gen_ai.operation.name": "llm_call", "gen_ai.input.messages": raw})
    assert found.content_state == "truncated"


def test_f35_an_unknown_usage_key_is_never_added():
    usage = facts(
        1, "chat", {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5, "gen_ai.usage.foo": 7}
    ).usage
    assert usage.input == 5


def test_f36_client_and_server_of_an_mcp_call_are_one_tool_call():
    run = assembled(
        tool(1, "lookup"),
        clean(
            2, "MCP send tools/call lookup", {"mcp.method.name": "tools/call"}, parent=1, kind=3, scope="mcp-python-sdk"
        ),
        clean(
            3,
            "tools/call lookup",
            {"mcp.method.name": "tools/call", "gen_ai.tool.name": "lookup"},
            parent=2,
            kind=2,
            scope="mcp-python-sdk",
        ),
    )
    assert run.run.tool_calls == 1
    assert run.run.tools == ("lookup",)


def test_f37_the_session_of_the_root_is_the_runs():
    run = assembled(chat(2, parent=1, start=10), agent(1, attributes={"session.id": "s-7"}, end=300))
    assert run.run.session_id == "s-7"


def test_f38_request_units_are_no_dollars():
    assert facts(1, "chat", {"gen_ai.operation.name": "chat", "github.copilot.cost": 3}).reported_cost is None


def test_f39_zero_tokens_on_an_answered_call_are_missing_tokens():
    run = assembled(
        chat(
            1,
            attributes={
                "gen_ai.usage.input_tokens": 0,
                "gen_ai.usage.output_tokens": 0,
                "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"hello"}]}]',
            },
        )
    )
    assert run.steps[0].usage is None
    assert run.run.cost_usd is None


def test_f40_the_same_batch_twice_is_one_run():
    items = (agent(1), chat(2, parent=1), tool(3, parent=1))
    assert assembled(*items, *items) == assembled(*items)


def test_a_denial_in_our_own_words_is_explicit():
    step = assembled(
        tool(
            1,
            "execute_refund",
            status=StatusCode.ERROR,
            attributes={
                "tracetape.decision": "deny",
                "tracetape.decision.by": "policy",
                "tracetape.decision.rule": "refund-limit",
                "tracetape.decision.reason": "too much",
            },
        )
    ).steps[0]
    assert (step.tool_outcome, step.tool_evidence) == (ToolOutcome.DENIED, Evidence.EXPLICIT)
    assert (step.decisions[0].rule, step.decisions[0].reason) == ("refund-limit", "too much")


def test_an_unknown_model_is_unpriced_and_never_zero():
    run = assembled(chat(1, attributes={"gen_ai.request.model": "nobody-knows-1", "gen_ai.provider.name": "acme"}))
    assert run.steps[0].unpriced
    assert (run.run.cost_usd, run.run.unpriced_calls) == (None, 1)


def test_a_price_book_is_asked_once_per_model():
    book = PriceBook()
    first = book.price(
        facts(1, "chat", {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 10}).usage,
        provider="openai",
        models=["gpt-4o-mini"],
        at_ns=1,
    )
    again = book.price(
        facts(1, "chat", {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 10}).usage,
        provider="openai",
        models=["gpt-4o-mini"],
        at_ns=1,
    )
    assert first == again
