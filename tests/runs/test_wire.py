"""Examples of instrumentations without recorded traffic, as their own sources and documents write them."""

from __future__ import annotations

import json

from spans.kinds import SpanKind, ToolOutcome, Verdict
from tests.runs.spans_of import assembled, clean, clean_log, content, facts

USER = json.dumps([{"role": "user", "content": "hi"}])
CLAUDE_CODE = "com.anthropic.claude_code.tracing"


def test_a_model_call_of_claude_code_tells_session_time_and_end():
    call = facts(
        1,
        "claude_code.llm_request",
        {
            "span.type": "llm_request",
            "model": "claude-opus-5",
            "gen_ai.system": "anthropic",
            "input_tokens": 5,
            "output_tokens": 40,
            "cache_read_tokens": 128955,
            "cache_creation_tokens": 1253,
            "duration_ms": 2110,
            "ttft_ms": 640,
            "stop_reason": "tool_use",
            "request_id": "req_1",
            "session.id": "sess-7",
        },
        scope=CLAUDE_CODE,
    )
    assert (call.kind, call.session_id, call.ttft_ns) == (SpanKind.MODEL, "sess-7", 640_000_000)


def test_a_tool_of_claude_code_tells_what_it_was_given():
    read = content(
        1,
        "claude_code.tool",
        {"tool_name": "Bash", "tool_use_id": "toolu_1", "full_command": "ls", "tool_input": '{"command":"ls"}'},
        scope=CLAUDE_CODE,
    )
    assert read.tool_arguments == {"command": "ls"}


def test_codex_tells_arguments_and_results_in_logs():
    result = clean_log(
        "codex.tool_result",
        {
            "event.name": "codex.tool_result",
            "conversation.id": "c-1",
            "tool_name": "exec_command",
            "call_id": "call_1",
            "arguments": '{"cmd":"ls"}',
            "success": "true",
            "duration_ms": "31",
            "output": "a.txt",
        },
        scope="codex_otel.log_only",
    )
    call = clean(
        2,
        "handle_responses",
        {
            "gen_ai.usage.input_tokens": 9000,
            "gen_ai.usage.cache_read.input_tokens": 8000,
            "gen_ai.usage.output_tokens": 120,
            "codex.usage.reasoning_output_tokens": 64,
            "codex.usage.total_tokens": 9120,
        },
        scope="codex_exec",
    )
    run = assembled(call, result).run
    assert (run.usage.input, run.usage.cache_read, run.tool_calls) == (9000, 8000, 1)


def test_gemini_cli_tells_spans_too():
    call = facts(
        1,
        "llm_call",
        {
            "gen_ai.operation.name": "llm_call",
            "gen_ai.agent.name": "gemini-cli",
            "gen_ai.conversation.id": "g-1",
            "gen_ai.request.model": "gemini-3-pro",
            "gen_ai.input.messages": '[{"role":"user","parts":[{"text":"hi"}]}]',
            "gen_ai.usage.input_tokens": 30,
            "gen_ai.usage.output_tokens": 4,
        },
        scope="gemini-cli",
    )
    assert (call.kind, call.session_id, call.usage.input) == (SpanKind.MODEL, "g-1", 30)


def test_copilot_tells_calls_and_permissions():
    run = assembled(
        clean(
            1,
            "chat gpt-5",
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "github",
                "gen_ai.request.model": "gpt-5",
                "gen_ai.usage.input_tokens": 90,
                "gen_ai.usage.output_tokens": 5,
                "gen_ai.usage.reasoning_tokens": 512,
                "gen_ai.response.time_to_first_chunk": 0.45,
                "copilot_chat.time_to_first_token": 450,
            },
            scope="github.copilot",
        ),
        clean(2, "execute_tool runInTerminal", {"gen_ai.operation.name": "execute_tool"}, scope="github.copilot"),
        clean(3, "permission", {"github.copilot.permission.result": "denied"}, parent=2, scope="github.copilot"),
    )
    assert run.steps[0].ttft_ns == 450_000_000
    assert any(step.decisions for step in run.steps)


def test_crewais_own_spans_tell_crew_call_and_policy():
    run = assembled(
        clean(
            1,
            "execute crew Support",
            {"crewai.crew.usage_metrics": '{"total_tokens": 95}', "crewai.crew.name": "Support"},
            scope="crewai",
        ),
        clean(
            2,
            "call llm gpt-5",
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "gpt-5",
                "gen_ai.usage.input_tokens": 90,
                "gen_ai.usage.output_tokens": 5,
                "crewai.llm.call_id": "c1",
            },
            parent=1,
            scope="crewai",
        ),
        clean(
            3,
            "execute_tool refund",
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "refund",
                "crewai.policy.id": "p1",
                "crewai.policy.decision": "deny",
                "crewai.policy.reason": "over the limit",
            },
            parent=1,
            scope="crewai",
        ),
    )
    assert (run.run.usage.input, run.run.denials) == (90, 1)


def test_a_policy_of_crewai_that_could_not_judge_denies_nothing():
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "refund",
        "crewai.policy.name": "limits",
        "crewai.policy.decision": "deny",
        "crewai.policy.degradation.stage": "evaluate",
    }
    (decision,) = facts(1, "execute_tool refund", attributes, scope="crewai").decisions
    assert (decision.verdict, decision.rule, decision.by) == (Verdict.ERROR, "limits", "policy")


def test_a_hook_of_copilot_decides_once():
    attributes = {"github.copilot.hook.decision": "block", "copilot_chat.hook_type": "PreToolUse"}
    (decision,) = facts(1, "execute_hook", attributes, scope="github.copilot").decisions
    assert (decision.verdict, decision.rule, decision.by) == (Verdict.DENY, "PreToolUse", "hook")


def test_laminar_tells_content_and_session():
    attributes = {
        "lmnr.span.type": "LLM",
        "lmnr.span.input": USER,
        "lmnr.span.output": '[{"role":"assistant","content":"hello"}]',
        "lmnr.span.path": ["agent", "chat"],
        "lmnr.association.properties.session_id": "s-7",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 1,
    }
    call = facts(1, "chat", attributes, scope="lmnr")
    assert (call.kind, call.session_id, call.usage.input) == (SpanKind.MODEL, "s-7", 9)
    assert content(1, "chat", attributes, scope="lmnr").input_messages[0].parts[0].content == "hi"


def test_logfires_openai_spans_tell_requests_and_responses():
    attributes = {
        "logfire.span_type": "span",
        "request_data": '{"messages":[{"role":"user","content":"hi"}],"model":"gpt-5"}',
        "response_data": '{"message":{"role":"assistant","content":"hello"},"usage":{"prompt_tokens":9,"completion_tokens":1}}',
        "gen_ai.request.model": "gpt-5",
        "operation.cost": 0.01,
    }
    read = content(1, "Chat Completion with 'gpt-5'", attributes, scope="logfire.openai")
    assert read.input_messages[0].parts[0].content == "hi"
    assert facts(1, "Chat Completion with 'gpt-5'", attributes, scope="logfire.openai").kind is SpanKind.MODEL


def test_logfires_guardrail_says_whether_it_triggered():
    guard = facts(1, "Guardrail pii", {"name": "pii", "triggered": True}, scope="logfire.openai_agents")
    assert [decision.verdict.value for decision in guard.decisions] == ["deny"]


def test_semantic_kernel_tells_messages_in_logs():
    said = clean_log(
        "",
        {"event.name": "gen_ai.user.message", "gen_ai.system": "openai", "CHAT_MESSAGE_INDEX": 0},
        body='{"role":"user","content":"hi"}',
        scope="semantic_kernel.utils.telemetry.model_diagnostics",
    )
    attributes = {
        "gen_ai.operation.name": "chat.completions",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.response.finish_reason": "stop",
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 1,
    }
    scope = "semantic_kernel.utils.telemetry.model_diagnostics"
    assert content(1, "chat.completions gpt-5", attributes, scope=scope, logs=[said]).input_messages
    assert facts(1, "chat.completions gpt-5", attributes, scope=scope).finish_reasons == ("stop",)


def test_a_failed_tool_of_semantic_kernel_names_its_error():
    (step,) = assembled(
        clean(
            1,
            "execute_tool lookup",
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "lookup",
                "gen_ai.tool.call.id": "call_1",
                "error.type": "KeyError",
            },
            scope="semantic_kernel.functions.kernel_function",
        )
    ).steps
    assert (step.error_type, step.tool_outcome) == ("KeyError", ToolOutcome.ERROR)
