from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.messages import has_messages, messages_of, role_of
from runs.parts import parts_of, text_in

CALL = ("tool_call", "c1", "f", {"a": 1})


def calls(message):
    return [(part.type, part.id, part.name, part.arguments) for part in message.parts if part.type == "tool_call"]


def results(message):
    return [(part.id, part.content) for part in message.parts if part.type == "tool_result"]


@pytest.mark.parametrize(
    "raw",
    [
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "f", "arguments": '{"a":1}'}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}]},
        {"role": "assistant", "content": [{"type": "tool-call", "toolCallId": "c1", "toolName": "f", "input": {"a": 1}}]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": 1}}}]},
        {"type": "function_call", "call_id": "c1", "id": "fc_9", "name": "f", "arguments": '{"a":1}'},
        {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}}]},
        {"role": "assistant", "content": [{"tool_call": {"id": "c1", "tool_name": "f", "arguments": {"a": 1}}}]},
        {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "AIMessage"], "kwargs": {"content": "", "tool_calls": [{"id": "c1", "name": "f", "args": {"a": 1}, "type": "tool_call"}]}},
        {"type": "ai", "data": {"content": "", "tool_calls": [{"id": "c1", "name": "f", "args": {"a": 1}}]}},
    ],
)  # fmt: skip
def test_a_tool_call_of_any_vendor_is_one_tool_call(raw):
    (message,) = messages_of([raw])
    assert message.role == "assistant"
    assert calls(message) == [CALL]


@pytest.mark.parametrize(
    "raw",
    [
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "4"}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "result": "4"}]},
        {"role": "tool", "tool_call_id": "c1", "content": "4"},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "4"}]},
        {"role": "tool", "content": [{"type": "tool-result", "toolCallId": "c1", "output": {"type": "text", "value": "4"}}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "c1", "status": "success", "content": [{"text": "4"}]}}]},
        {"type": "function_call_output", "call_id": "c1", "output": "4"},
        {"role": "function", "parts": [{"functionResponse": {"id": "c1", "name": "f", "response": "4"}}]},
        {"role": "tool", "content": [{"tool_call_result": {"result": "4", "origin": {"id": "c1", "tool_name": "f"}, "error": False}}]},
        {"type": "tool", "data": {"content": "4", "tool_call_id": "c1", "status": "success"}},
    ],
)  # fmt: skip
def test_a_tool_result_of_any_vendor_is_one_tool_result(raw):
    (message,) = messages_of([raw])
    assert message.role == "tool"
    assert results(message) == [("c1", "4")]


def test_invalid_arguments_stay_text():
    (message,) = messages_of(
        [{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": '{"a": '}}]}]
    )
    assert message.parts[0].arguments == message.parts[0].arguments_raw == '{"a": '


@pytest.mark.parametrize(
    ("raw", "texts"),
    [
        ("hi", ["hi"]),
        ('{"messages":[{"role":"user","content":"hi"}]}', ["hi"]),
        ({"messages": [[{"lc": 1, "id": ["HumanMessage"], "kwargs": {"content": "hi"}}]]}, ["hi"]),
        ({"choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]}, ["hi"]),
        ({"generations": [[{"text": "hi", "message": {"kwargs": {"content": "hi", "type": "ai"}, "id": ["AIMessage"], "lc": 1}}]]}, ["hi"]),
        ({"candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finish_reason": "STOP"}]}, ["hi"]),
        ({"replies": [{"role": "assistant", "content": [{"text": "hi"}], "meta": {}}]}, ["hi"]),
        ({"output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]}]}, ["hi"]),
        ({"instructions": "be brief", "input": "hi"}, ["be brief", "hi"]),
        ([["human", "hi"], ["ai", "yo"]], ["hi", "yo"]),
        ([{"type": "text", "text": "hi"}], ["hi"]),
        ([json.dumps({"role": "user", "content": "hi"})], ["hi"]),
    ],
)  # fmt: skip
def test_transcripts_of_any_shape_are_read(raw, texts):
    assert [text_in(message.parts) for message in messages_of(raw)] == texts


def test_finish_reasons_come_out_canonical():
    (message,) = messages_of(
        {"choices": [{"message": {"role": "assistant", "content": "x"}, "finish_reason": "tool_calls"}]}
    )
    assert message.finish_reason == "tool_call"


@pytest.mark.parametrize(
    ("raw", "role"),
    [
        ("human", "user"),
        ("AI", "assistant"),
        ("model", "assistant"),
        ("function", "tool"),
        ("developer", "developer"),
        ("robot", "other"),
        (None, ""),
    ],
)
def test_roles_are_few(raw, role):
    assert role_of(raw) == role


def test_media_reasoning_and_unknown_blocks_are_kept():
    parts = parts_of(
        [
            {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "refusal", "refusal": "no"},
            {"type": "something_new", "x": 1},
        ]
    )
    assert [part.type for part in parts] == ["media", "reasoning", "refusal", "other"]
    assert (parts[0].uri, parts[0].modality) == ("https://x/y.png", "image")
    assert parts[3].raw == {"type": "something_new", "x": 1}


def test_a_prompt_that_only_looks_like_json_stays_text():
    assert parts_of("123")[0].content == "123"
    assert parts_of('[{"not": "blocks"}]')[0].content == '[{"not": "blocks"}]'


def test_generic_values_are_transcripts_only_if_they_look_so():
    assert has_messages('{"messages":[{"role":"user","content":"x"}]}')
    assert not has_messages('{"query": "x"}')
    assert not has_messages("hello")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "role",
                    "content",
                    "parts",
                    "type",
                    "text",
                    "tool_calls",
                    "id",
                    "name",
                    "messages",
                    "kwargs",
                    "data",
                    "message",
                    "function",
                    "arguments",
                    "x",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_no_value_breaks_the_reader(value):
    messages_of(value)
    has_messages(value)
    parts_of(value)
