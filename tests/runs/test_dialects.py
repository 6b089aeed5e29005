"""Habits of single instrumentations that no golden case covers."""

from __future__ import annotations

import json

from runs.content import content_of
from spans.kinds import SpanKind, UsageRole
from tests.runs.spans_of import assembled, clean, facts

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
