from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runs.content import content_of
from runs.facts import facts_of, is_handoff, is_telling_id
from spans.clean import Redaction
from spans.kinds import SpanKind, ToolOutcome
from spans.span import StatusCode
from tests.runs.scoring import load
from tests.runs.spans_of import T0, agent, assembled, chat, clean, clean_log, facts, tool

FOLDER = Path(__file__).parents[1] / "data" / "captures"
KEYS = sorted({key for name in ("plain-otel__gen-ai-latest", "openai-sdk__openinference", "langchain__openllmetry",
                                "strands__native", "vercel-ai-6__http-json", "langfuse__sdk", "mlflow__otlp", "haystack__native")
               for span in load(FOLDER / name).spans for key in span.span.attributes}
              | {"gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response", "request_data", "response_data", "events",
                 "all_messages_events", "pydantic_ai.all_messages", "gen_ai.prompt", "gen_ai.completion", "langsmith.span.kind",
                 "mastra.span.type", "mastra.model_step.input", "mastra.model_step.output", "metadata", "logfire.span_type"})  # fmt: skip
SCOPES = ["", "ai", "gen_ai", "pydantic-ai", "gcp.vertex.agent", "strands.telemetry.tracer", "haystack", "logfire", "langsmith",
          "openinference.instrumentation.openai_agents", "opentelemetry.instrumentation.openai.v1", "@mastra/otel"]  # fmt: skip
NAMES = [
    "chat m",
    "execute_tool f",
    "invoke_agent a",
    "call_llm",
    "ai.generateText",
    "haystack.agent.step.llm",
    "running tools",
    "",
]
json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "type", "kwargs", "data", "id", "messages", "usage", "function", "name", "input", "generations"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
values = json_like | json_like.map(json.dumps) | st.sampled_from(["tool", "LLM", "CHAIN", '{"a":', "[1,", "'"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(KEYS), values, max_size=12), st.sampled_from(SCOPES), st.sampled_from(NAMES))
def test_no_value_under_any_known_key_breaks_the_reader(attributes, scope, name):
    span = clean(1, name, attributes, scope=scope)
    one = facts_of(span)
    content_of(span)
    assert one.kind in SpanKind
    json.dumps(content_of(span).input, default=str)
    log = clean_log("gen_ai.client.inference.operation.details", attributes, scope=scope, body=attributes.get("events"))
    facts_of(log)
    assembled(span, log)


def test_facts_are_the_same_for_equal_spans_and_differ_for_different_ones():
    assert facts_of(chat(1)) == facts_of(chat(1))
    assert facts_of(chat(1)).content_hash != facts_of(chat(1, end=101)).content_hash


def test_withheld_items_say_so():
    one = facts_of(replace(chat(1), redaction=Redaction.WITHHELD))
    assert one.withheld


def test_environment_service_and_version_come_from_the_resource():
    resource = {"service.name": "svc", "service.version": "1.4", "deployment.environment.name": "staging"}
    one = facts_of(chat(1, resource=resource))
    assert (one.service, one.service_version, one.environment) == ("svc", "1.4", "staging")


def test_a_framework_is_no_provider():
    one = facts_of(chat(1, attributes={"gen_ai.provider.name": "strands-agents"}))
    assert (one.provider, one.framework) == ("", "strands-agents")


def test_response_ids_and_long_call_ids_are_shared_keys():
    one = facts_of(
        chat(
            1,
            attributes={
                "gen_ai.response.id": "chatcmpl-123456",
                "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"tool_call","id":"call_000001","name":"f","arguments":{}}]}]',
            },
        )
    )
    assert one.shared_keys == ("response:chatcmpl-123456", "call:call_000001")


def test_placeholders_tie_nothing_together():
    assert not is_telling_id("chatcmpl-")
    assert not is_telling_id("short")
    assert is_telling_id("chatcmpl-123456")


def test_equal_arguments_have_equal_hashes_whatever_their_spelling():
    spellings = ['{"b": 2, "a": 1}', {"a": 1, "b": 2}, "{'a': 1, 'b': 2}"]
    hashes = {
        facts_of(tool(1, attributes={"gen_ai.tool.call.arguments": raw})).tool.arguments_hash for raw in spellings
    }
    assert len(hashes) == 1


def test_a_dispatcher_tells_the_tool_inside():
    one = facts_of(
        tool(1, "call_tool", attributes={"gen_ai.tool.call.arguments": '{"name": "refund", "arguments": {"a": 1}}'})
    )
    plain = facts_of(tool(1, "refund", attributes={"gen_ai.tool.call.arguments": '{"a": 1}'}))
    assert one.tool.inner_name == "refund"
    assert one.tool.inner_hash == plain.tool.arguments_hash


def test_the_prompt_hash_ignores_dates_and_ids():
    def hashed(text):
        return facts_of(chat(1, attributes={"gen_ai.system_instructions": text})).prompt_hash

    assert hashed("Today is 2026-11-24. Be brief.") == hashed("Today is 2026-11-25. Be brief.")
    assert hashed("Be brief.") != hashed("Be long.")
    assert hashed("Be brief.").startswith("h1:")


def test_exceptions_on_an_ok_tool_span_are_failures():
    one = facts_of(
        clean(
            1,
            "f",
            {"openinference.span.kind": "TOOL"},
            status=StatusCode.OK,
            events=[("exception", {"exception.type": "PermissionError", "exception.message": "no"})],
        )
    )
    assert one.tool.outcome is ToolOutcome.DENIED


def test_of_several_exceptions_the_last_that_is_no_control_flow_counts():
    one = facts_of(
        clean(
            1,
            "f",
            {"openinference.span.kind": "TOOL"},
            events=[
                ("exception", {"exception.type": "ValueError", "exception.message": "first"}),
                ("exception", {"exception.type": "KeyError", "exception.message": "second"}),
                ("exception", {"exception.type": "langgraph.errors.GraphInterrupt", "exception.message": "(Interrupt"}),
            ],
        )
    )
    assert (one.error_type, one.error_message) == ("KeyError", "second")


def test_marks_of_a_span_become_flags():
    one = facts_of(clean(1, "x", {}, end=None))
    assert "unfinished" in one.flags


def test_a_log_without_a_span_has_a_stable_identity():
    log = clean_log("e", {"a": 1}, span=None, trace=None)
    assert facts_of(log).span_id == log.log_id[:16]
    assert facts_of(log).trace_id == log.log_id


def test_previews_are_the_last_question_and_the_answer():
    one = facts_of(
        chat(
            1,
            attributes={
                "gen_ai.input.messages": '[{"role":"user","content":"first"},{"role":"assistant","content":"x"},{"role":"user","content":"second"}]',
                "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"answer"}]}]',
            },
        )
    )
    assert (one.input_preview, one.output_preview) == ("second", "answer")


def test_a_model_that_only_asked_for_tools_is_shown_by_what_it_asked():
    call = {"type": "tool_call", "id": "c", "name": "refund", "arguments": {"order": 7}}
    messages = json.dumps([{"role": "assistant", "parts": [call]}])
    asked = {"gen_ai.output.messages": messages, "output.value": '{"id": "chatcmpl-1", "choices": []}'}
    assert facts_of(chat(1, attributes=asked)).output_preview == 'refund({"order": 7})'
    told = {**asked, "output.value": "I asked for a refund."}
    assert facts_of(chat(1, attributes=told)).output_preview == "I asked for a refund."


def test_handoffs_are_not_tools():
    assert is_handoff("transfer_to_billing")
    assert is_handoff("handoff")
    assert not is_handoff("handoff_document")


def test_first_token_times_have_units():
    assert (
        facts(1, "chat", {"gen_ai.operation.name": "chat", "gen_ai.response.time_to_first_chunk": 0.25}).ttft_ns
        == 250_000_000
    )
    one = facts_of(clean(1, "llm", {"openinference.span.kind": "LLM"}, events=[("First Token Stream Event", {})]))
    assert one.ttft_ns == 0
    assert one.start_ns == T0


def test_agents_and_sessions_are_read():
    one = facts_of(
        agent(1, attributes={"gen_ai.conversation.id": "c-1", "enduser.id": "u-1", "gen_ai.agent.version": "7"})
    )
    assert (one.agent_name, one.agent_version, one.session_id, one.user_id) == ("support", "7", "c-1", "u-1")


def test_arguments_that_are_nested_a_thousand_levels_deep_do_not_keep_a_span_from_being_read():
    for deep in ("[" * 900 + "]" * 900, '{"a":' * 400 + "1" + "}" * 400, f"[{'[' * 5_000}"):
        told = facts(1, "execute_tool f", {"gen_ai.tool.name": "f", "gen_ai.tool.call.arguments": deep})
        assert told.tool.has_arguments
        asked = [{"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "f", "arguments": deep}]}]
        assert facts(2, "chat m", {"gen_ai.request.model": "m", "gen_ai.output.messages": json.dumps(asked)}).asked
        said = json.dumps([{"role": "user", "content": 0}]).replace("0", deep)
        facts(3, "chat m", {"gen_ai.request.model": "m", "gen_ai.input.messages": said})
