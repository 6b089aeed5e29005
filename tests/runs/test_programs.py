"""Traffic of small agents that we ran against a model server of our own, which alone told the facts (tests/long/record.py)."""

from __future__ import annotations

import json
import random
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from runs.naming import UNNAMED, is_telling
from spans.kinds import SpanKind
from tests.runs.scoring import assemble_all, load, programs, read, runs_of

PROGRAMS = programs()
NAMES = sorted(PROGRAMS)


@cache
def assembled(name: str):
    return assemble_all(load(PROGRAMS[name]).facts())


@cache
def facts(name: str):
    return json.loads(read(PROGRAMS[name], "facts.json"))


def test_every_program_was_recorded():
    written = Path(__file__).parents[1] / "long" / "programs"
    assert sorted(path.stem for path in written.glob("[a-z]*.*")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_call_is_counted_once_with_its_tokens(name):
    runs = [assembly.run for assembly in assembled(name).values()]
    assert sum(run.model_calls for run in runs) == facts(name)["model_calls"]
    assert sum(run.usage.input or 0 for run in runs) == facts(name)["input_tokens"]
    assert sum(run.usage.output or 0 for run in runs) == facts(name)["output_tokens"]


@pytest.mark.parametrize("name", NAMES)
def test_every_tool_call_is_counted_once_and_what_came_back_is_there(name):
    steps = [step for one in assembled(name).values() for step in one.steps]
    calls = [step for step in steps if step.kind is SpanKind.TOOL and step.counted]
    asked = {tool: count for tool, count in facts(name)["tools"].items() if tool not in WITHOUT_CALL}
    assert Counter(step.tool_name for step in calls) == asked
    shown = [span for run in runs_of(load(PROGRAMS[name]), assembled(name)) for span in run["spans"]]
    results = [span["tool"]["result"] for span in shown if span["kind"] == "tool"]
    assert all(result is not None for result in results) or "result" in NOT_SENT.get(name, ())


NOT_SENT = {
    "claude-code__logs": {"result", "asked", "answered"},  # sizes alone; question and answer are records of their own
    "gemini-cli__logs": {"result", "asked"},  # what was asked stands on the other record of the same call
    "gemini-cli__traces": {"asked"},
    "codex__otel": {"asked", "answered", "result", "question"},
    # no text of the model leaves it; what its log records say of calls and prompts stands on plumbing spans, and steps do not show it yet
    "claude-code__traces": {"answered"},  # of a call that asks for a tool it tells only that it does
}
"""What an instrumentation leaves out of the traffic, by its own design, or puts where steps do not show it."""
WITHOUT_CALL = {"Answer"}
"""A schema in which a model answers looks like a tool to the model alone."""


@pytest.mark.parametrize("name", NAMES)
def test_question_and_answer_can_be_read(name):
    shown = runs_of(load(PROGRAMS[name]), assembled(name))
    if "question" not in NOT_SENT.get(name, ()):
        assert any("Was order 7 refunded?" in run["input_preview"] for run in shown)
        assert any(facts(name)["answer"] in run["output_preview"] for run in shown)
    for span in (span for run in shown for span in run["spans"] if span["kind"] == "model" and span["counted"]):
        assert span["input_messages"] or "asked" in NOT_SENT.get(name, ()), span["name"]
        assert span["output_messages"] or "answered" in NOT_SENT.get(name, ()), span["name"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_what_a_team_would_say(name):
    for assembly in assembled(name).values():
        assert assembly.run.workflow != UNNAMED
        assert is_telling(assembly.run.workflow, set(assembly.run.models))
        assert not [step.name for step in assembly.steps if "{" in step.name]


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_arrival_changes_nothing(name):
    straight = {trace: assembly.run.digest for trace, assembly in assembled(name).items()}
    shuffled = load(PROGRAMS[name]).facts()
    random.Random(name).shuffle(shuffled)
    assert {trace: assembly.run.digest for trace, assembly in assemble_all(shuffled).items()} == straight
