"""What was left out of messages that were sent: history, the call that ended an answer, definitions, a prompt, an order."""

from __future__ import annotations

import json

import pytest

from tests.runs.spans_of import agent, assembled, chat, tool

SYSTEM = '[{"type":"text","content":"You are careful."}]'
CALL = {"type": "tool_call", "id": "call_00001", "name": "lookup", "arguments": {"id": 1}}
RESULT = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_00001", "response": "found"}]}
TOOLS = json.dumps([{"type": "function", "name": "lookup", "parameters": {"type": "object"}}])


def said(*messages):
    return json.dumps([{"role": role, "parts": list(parts)} for role, *parts in messages])


def flags_of(attributes, **changes):
    return set(assembled(chat(1, attributes=attributes, **changes)).steps[0].flags)


USER = ("user", {"type": "text", "content": "hi"})
ASKS = {"gen_ai.input.messages": said(USER), "gen_ai.output.messages": said(("assistant", CALL))}


@pytest.mark.parametrize(
    ("attributes", "flag", "is_there"),
    [
        (ASKS, "tool_schemas_missing", True),
        (ASKS | {"gen_ai.tool.definitions": TOOLS}, "tool_schemas_missing", False),
        (ASKS | {"gen_ai.response.finish_reasons": ["tool_calls"]}, "answer_incomplete", False),
        (
            {"gen_ai.output.messages": said(("assistant", {"type": "text", "content": "One moment."}))}
            | {"gen_ai.response.finish_reasons": ["tool_calls"]},
            "answer_incomplete",
            True,
        ),
        ({"gen_ai.request.previous_response.id": "resp_1", **ASKS}, "provider_state", True),
        (ASKS, "provider_state", False),
        ({"gen_ai.input.messages": json.dumps([RESULT])}, "provider_state", True),
        (
            {"gen_ai.input.messages": json.dumps([{"role": "assistant", "parts": [CALL]}, RESULT])},
            "provider_state",
            False,
        ),
        # ids of calls and results written in two ways are no gap
        (
            {
                "gen_ai.input.messages": json.dumps(
                    [{"role": "assistant", "parts": [CALL | {"id": "fc_00000001"}]}, RESULT]
                )
            },
            "provider_state",
            False,
        ),
    ],
)
def test_what_a_call_says_of_its_own_gaps(attributes, flag, is_there):
    assert (flag in flags_of(attributes)) is is_there


@pytest.mark.parametrize(("own", "missing"), [({}, True), ({"gen_ai.system_instructions": SYSTEM}, False)])
def test_a_prompt_that_the_agent_has_and_its_call_has_not_is_missing(own, missing):
    run = assembled(
        agent(1, attributes={"gen_ai.system_instructions": SYSTEM}),
        chat(2, parent=1, start=10, attributes={"gen_ai.input.messages": said(USER), **own}),
    )
    call = next(step for step in run.steps if step.kind.value == "model")
    assert ("system_prompt_missing" in call.flags) is missing


def tied(*, asked):
    asks = {"gen_ai.output.messages": said(("assistant", CALL, CALL | {"id": "call_00002"}))} if asked else {}
    run = assembled(
        agent(1),
        chat(2, parent=1, start=10, end=20, attributes=asks),
        tool(3, "lookup", parent=1, start=30, end=40, attributes={"gen_ai.tool.call.id": "call_00001"}),
        tool(4, "lookup", parent=1, start=30, end=50, attributes={"gen_ai.tool.call.id": "call_00002"}),
    )
    return [step.span_id[-1] for step in run.steps if "unordered_siblings" in step.flags]


def test_two_that_began_at_one_moment_have_no_order_unless_an_answer_gives_them_one():
    assert tied(asked=True) == []
    assert len(tied(asked=False)) == 2
