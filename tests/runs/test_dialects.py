"""Habits of single instrumentations that no golden case covers."""

from __future__ import annotations

import json
from decimal import Decimal

from runs.content import content_of
from runs.dialects import DIALECTS
from runs.dialects.base import never
from runs.reading import dialects_of
from runs.view import View
from spans.kinds import SpanKind, ToolOutcome, UsageRole
from tests.runs.spans_of import assembled, clean, clean_log, facts, tool

PRINTED = (
    "{'completion_tokens': 19, 'prompt_tokens': 462, 'total_tokens': 481, "
    "'prompt_tokens_details': {'audio_tokens': None, 'cached_tokens': 336}}"
)


def test_litellm_prints_its_usage_as_python_does():
    usage = facts(
        1,
        "litellm_request",
        {
            "gen_ai.usage.input_tokens": 462,
            "gen_ai.usage.output_tokens": 19,
            "metadata.usage_object": PRINTED,
        },
        scope="litellm",
    ).usage
    assert (usage.input, usage.output, usage.cache_read) == (462, 19, 336)


def test_litellm_calls_below_a_span_of_the_application_are_told_by_their_raw_copies():
    """LiteLLM writes onto whatever span is open, so the last call overwrites the others there."""

    def raw(number, start, answered, given, made):
        return clean(
            number,
            "raw_gen_ai_request",
            {
                "llm.openai.id": f"chatcmpl-{answered}",
                "llm.openai.model": "gpt-4o-mini",
                "llm.openai.usage": str({"prompt_tokens": given, "completion_tokens": made}),
                "llm.openai.choices": str([{"message": {"role": "assistant", "content": answered}}]),
            },
            parent=1,
            start=start,
            end=start + 10,
            scope="litellm",
        )

    run = assembled(
        clean(
            1,
            "handle_request",
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.response.id": "chatcmpl-second",
                "gen_ai.usage.input_tokens": 200,
                "gen_ai.usage.output_tokens": 15,
            },
            scope="app",
        ),
        raw(2, 10, "first", 119, 44),
        raw(3, 50, "second", 200, 15),
    )
    assert (run.run.usage.input, run.run.usage.output, run.run.model_calls) == (319, 59, 2)
    assert run.steps[0].usage_role is UsageRole.ROLLUP
    assert content_of(raw(2, 10, "first", 1, 1), ()).output_messages[0].parts[0].content == "first"


def test_a_cost_beside_the_tokens_is_the_cost_of_the_call_whoever_wrote_it():
    counts = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m-large-2", "gen_ai.usage.input_tokens": 9}
    for scope in ("my agent", "openlit.instrumentation.openai"):
        told = facts(1, "chat m-large-2", {**counts, "gen_ai.usage.cost": 0.00385}, scope=scope)
        assert told.reported_cost.usd == Decimal("0.00385")


def test_openlit_passes_anthropics_counts_on_as_they_are():
    tokens = {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": 64,
        "gen_ai.usage.output_tokens": 44,
        "gen_ai.usage.cache_read.input_tokens": 100,
        "gen_ai.usage.cache_creation.input_tokens": 48,
    }
    scope = "openlit.instrumentation.anthropic"
    assert facts(1, "chat c", {**tokens, "gen_ai.provider.name": "anthropic"}, scope=scope).usage.input == 212
    inclusive = {**tokens, "gen_ai.usage.input_tokens": 212, "gen_ai.provider.name": "openai"}
    assert facts(1, "chat g", inclusive, scope="openlit.instrumentation.openai").usage.input == 212


TEAM = "44685cc3-954c-48e0-9db7-15b50c9dbd59"


def bus(message, name="process"):
    return clean(
        1,
        f"autogen {name} RoundRobinGroupChatManager_{TEAM}.({TEAM})-A",
        {"message": json.dumps(message), "messaging.destination": f"group_topic_{TEAM}.(default)-T"},
        scope="autogen SingleThreadedAgentRuntime",
    )


def test_what_autogens_agents_tell_each_other_is_read_off_the_bus_and_never_counted():
    said = {"id": "m-1", "source": "worker", "models_usage": {"prompt_tokens": 716, "completion_tokens": 57}}
    answer = bus({"message": {**said, "content": "I opened a case.", "type": "TextMessage"}})
    run = assembled(answer)
    assert (run.run.model_calls, run.run.usage.input, run.run.session_id) == (0, None, TEAM)
    assert content_of(answer, ()).output_messages[0].parts[0].content == "I opened a case."
    asked = bus({"message": {**said, "content": [{"id": "call_1", "name": "search", "arguments": '{"q": 1}'}]}})
    part = content_of(asked, ()).output_messages[0].parts[0]
    assert (part.type, part.name, part.id, part.arguments) == ("tool_call", "search", "call_1", {"q": 1})
    task = bus({"messages": [{"source": "user", "content": "Refund me.", "type": "TextMessage"}]})
    assert content_of(task, ()).input_messages[0].role == "user"
    assert assembled(task).steps[0].kind is SpanKind.OTHER


def test_plumbing_of_autogens_bus_is_noise():
    assert "noise" in assembled(bus({}, "ack")).steps[0].flags


def test_mcp_client_and_server_are_one_call_and_a_session_of_the_transport_is_none():
    run = assembled(
        tool(1, "lookup", scope="app"),
        clean(
            2,
            "MCP send tools/call lookup",
            {"mcp.method.name": "tools/call", "mcp.session.id": "transport-1"},
            parent=1,
            scope="mcp-python-sdk",
        ),
        clean(
            3,
            "tools/call lookup",
            {"mcp.method.name": "tools/call", "error.type": "tool_error"},
            parent=2,
            scope="mcp-python-sdk",
            kind=2,
        ),
    )
    assert (run.run.tool_calls, run.run.session_id) == (1, "")
    assert run.steps[1].dialects == ("mcp",)
    assert run.steps[2].tool_outcome is ToolOutcome.ERROR
    listed = assembled(clean(1, "MCP send tools/list", {"mcp.method.name": "tools/list"}, scope="mcp-python-sdk"))
    assert (listed.steps[0].kind, listed.steps[0].subkind, listed.run.shape) == (SpanKind.OTHER, "mcp", "setup")


def test_livekit_tells_turns_tools_and_speech_by_name():
    scope = "livekit-agents"
    called = {
        "lk.function_tool.name": "book",
        "lk.function_tool.id": "call_12345678",
        "lk.function_tool.is_error": True,
    }
    run = assembled(
        clean(1, "agent_turn", {"lk.room_name": "room-1"}, scope=scope),
        clean(
            2,
            "llm_node",
            {"lk.chat_ctx": json.dumps({"items": [{"role": "user", "content": "hi"}]})},
            parent=1,
            scope=scope,
        ),
        clean(3, "function_tool", {**called, "lk.function_tool.arguments": '{"day": 1}'}, parent=1, scope=scope),
        clean(4, "tts_request", {}, parent=1, scope=scope),
        clean(5, "user_speaking", {}, parent=1, scope=scope),
    )
    kinds = {step.name: (step.kind, step.subkind) for step in run.steps}
    assert kinds["agent_turn"] == (SpanKind.AGENT, "")
    assert kinds["tts_request"] == (SpanKind.MODEL, "speech")
    assert kinds["user_speaking"][0] is SpanKind.OTHER
    assert run.run.session_id == "room-1"
    assert next(s for s in run.steps if s.kind is SpanKind.TOOL).tool_outcome is ToolOutcome.ERROR


def test_voltagent_counts_and_names_in_its_own_words():
    found = facts(
        1,
        "llm:generateText",
        {
            "span.type": "llm",
            "usage.prompt_tokens": 30,
            "usage.completion_tokens": 4,
            "voltagent.conversation_id": "c-1",
        },
        scope="@voltagent/core",
    )
    assert (found.kind, found.usage.input, found.usage.output, found.session_id) == (SpanKind.MODEL, 30, 4, "c-1")


def test_genkit_types_its_actions():
    answer = {
        "message": {"role": "model", "content": [{"text": "hello"}]},
        "usage": {"inputTokens": 7, "outputTokens": 2},
    }
    item = clean(
        1,
        "googleai/gemini-2.5-flash",
        {
            "genkit:metadata:subtype": "model",
            "genkit:name": "googleai/gemini-2.5-flash",
            "genkit:input": json.dumps({"messages": [{"role": "user", "content": [{"text": "hi"}]}]}),
            "genkit:output": json.dumps(answer),
        },
        scope="genkit-tracer",
    )
    run = assembled(item)
    assert (run.run.model_calls, run.run.usage.input, run.run.usage.output) == (1, 7, 2)
    assert content_of(item, ()).output_messages[0].parts[0].content == "hello"
    assert facts(2, "flow", {"genkit:metadata:subtype": "flow", "genkit:name": "refund"}).workflow == "refund"


def test_spring_ai_writes_content_as_text_into_logs():
    item = clean(1, "chat gpt-4o", {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"})
    scope = "org.springframework.ai.chat.observation.ChatModelPromptContentObservationHandler"
    prompt = clean_log(body="Chat Model Prompt Content:\nIs it raining?", scope=scope)
    answer = clean_log(body="Chat Model Completion:\nNo.", scope=scope.replace("PromptContent", "Completion"))
    found = content_of(item, (prompt, answer))
    assert found.input_messages[0].parts[0].content == "Is it raining?"
    assert found.output_messages[0].parts[0].content == "No."
    called = facts(2, "tool_call lookup", {"spring.ai.tool.definition.name": "lookup"}).tool
    assert called.name == "lookup"


def test_braintrust_keeps_all_in_json():
    found = facts(
        1,
        "Chat Completion",
        {
            "braintrust.span_attributes": '{"type": "llm", "name": "chat"}',
            "braintrust.metadata": '{"model": "gpt-4o-mini", "session_id": "s-1"}',
            "braintrust.metrics": '{"prompt_tokens": 12, "completion_tokens": 3, "tokens": 15, "prompt_cached_tokens": 8}',
        },
    )
    assert (found.kind, found.request_model, found.session_id) == (SpanKind.MODEL, "gpt-4o-mini", "s-1")
    assert (found.usage.input, found.usage.output, found.usage.cache_read) == (12, 3, 8)


def test_platforms_add_sessions_tags_and_documents():
    assert facts(1, "x", {"wandb.thread_id": "t-1"}).session_id == "t-1"
    assert facts(1, "x", {"opik.thread_id": "t-2", "opik.tags": ["prod"]}).tags == ("prod",)
    contexts = json.dumps([{"document_id": "d1", "chunk_id": "c", "content": "text"}])
    found = content_of(clean(1, "x", {"langwatch.span.type": "rag", "langwatch.rag.contexts": contexts}), ())
    assert found.documents[0].id == "d1"


def test_a_scope_of_any_length_is_recognised_by_its_beginning_or_not_at_all():
    def told(scope):
        return [dialect.id for dialect in dialects_of(View(clean(scope=scope)))]

    assert told("agentops") == told("agentops" + "x" * 5_000) == ["agentops"]
    assert told("haystack") == ["haystack"]
    assert told("haystack" + "x" * 5_000) == []


def test_every_dialect_can_be_recognised():
    assert [d.id for d in DIALECTS if not d.scopes and not d.families and d.detect is never] == []
