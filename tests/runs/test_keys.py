from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.dialects import DIALECTS
from runs.keys import field_class
from spans.fields import FieldClass

FOLDER = Path(__file__).parents[1] / "data" / "captures"


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("gen_ai.input.messages", FieldClass.CONTENT),
        ("gen_ai.prompt.0.content", FieldClass.CONTENT),
        ("gen_ai.prompt.0.role", FieldClass.IDENTIFIER),
        ("gen_ai.completion.0.tool_calls.0.name", FieldClass.NAME),
        ("gen_ai.completion.0.tool_calls.0.arguments", FieldClass.CONTENT),
        ("llm.input_messages.3.message.content", FieldClass.CONTENT),
        ("llm.input_messages.3.message.tool_call_id", FieldClass.IDENTIFIER),
        ("llm.token_count.prompt", FieldClass.IDENTIFIER),
        ("gen_ai.usage.input_tokens", FieldClass.IDENTIFIER),
        ("gen_ai.tool.name", FieldClass.NAME),
        ("gen_ai.tool.call.result", FieldClass.CONTENT),
        ("traceloop.entity.input", FieldClass.CONTENT),
        ("ai.prompt.messages", FieldClass.CONTENT),
        ("ai.usage.inputTokens", FieldClass.IDENTIFIER),
        ("mlflow.spanInputs", FieldClass.CONTENT),
        ("langfuse.observation.output", FieldClass.CONTENT),
        ("langfuse.observation.type", FieldClass.IDENTIFIER),
        ("pydantic_ai.all_messages", FieldClass.CONTENT),
        ("haystack.agent.step.llm.input", FieldClass.CONTENT),
        ("user.id", FieldClass.IDENTITY),
        ("enduser.id", FieldClass.IDENTITY),
        ("exception.message", FieldClass.CONTENT),
        ("exception.type", FieldClass.IDENTIFIER),
        ("session.id", FieldClass.IDENTIFIER),
        ("my.own.key", FieldClass.PLAIN),
        ("", FieldClass.PLAIN),
    ],
)
def test_keys_have_the_class_their_dialect_declares(key, field):
    assert field_class(key) is field


@given(st.text(max_size=60))
def test_any_key_has_a_class(key):
    assert field_class(key) in FieldClass


def test_dialects_have_ids_titles_and_no_twins():
    ids = [dialect.id for dialect in DIALECTS]
    assert len(set(ids)) == len(ids)
    assert all(dialect.id and dialect.title for dialect in DIALECTS)
    assert {name for dialect in DIALECTS for name in dialect.covers} <= set(ids)


def test_every_dialect_declares_what_its_content_is():
    silent = {"ai7", "sk", "agentops", "copilot", "autogen", "adot", "mcp", "weave"}
    without = {dialect.id for dialect in DIALECTS if FieldClass.CONTENT not in dialect.classes}
    assert without == silent, json.dumps(sorted(without))
