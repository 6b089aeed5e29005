from __future__ import annotations

import json
import random
from dataclasses import replace
from functools import cache

import pytest

from replay.replayability import replayability
from runs.cuts import cut_keys, is_cut, is_cut_json
from runs.facts import facts_of
from tests.runs.scoring import assemble_all, load, recorded

DOCUMENT = json.dumps(
    {"role": "user", "n": [1, -2.5e3, True, None, {"deep": 'a "quoted" \\ wörd'}], "z": ["x" * 20, {}]},
    ensure_ascii=False,
)


def test_every_beginning_of_a_document_is_cut_and_the_document_is_not():
    assert not is_cut_json(DOCUMENT)
    assert not is_cut_json(json.dumps(json.loads(DOCUMENT)))
    for text in (DOCUMENT, json.dumps(json.loads(DOCUMENT))):
        missed = [text[:n] for n in range(1, len(text)) if not is_cut_json(text[:n])]
        assert missed == []


@pytest.mark.parametrize(
    "text",
    [
        "{'role': 'user', 'content': 'a Python literal'}",
        "[INST] a template [/INST]",
        "{name} asked for {thing}",
        '{"a": 1} {"a": 2}',
        "[1, 2, 3] and what follows",
        "{}",
        '{"a": \\x}',
    ],
)
def test_what_only_looks_like_json_is_not_cut(text):
    assert not is_cut_json(text)


def test_a_text_of_the_length_of_a_limit_is_cut_when_it_also_stops_in_a_sentence():
    assert is_cut("a" * 256)
    assert not is_cut("a" * 255 + ".")
    assert not is_cut("a" * 257)
    assert is_cut("a" * 4_095 + ".")
    assert is_cut("short...[TRUNCATED: original length 90000]")


def test_proses_that_end_at_one_length_were_cut_at_a_limit_of_the_sender():
    one, other = "the first text of a span " * 4, "a text that tells another " * 4
    assert set(cut_keys({"a": one[:77], "b": other[:77], "c": "shorter"})) == {"a", "b"}
    assert not set(cut_keys({"a": one[:77], "b": one[:77]}))
    assert not set(cut_keys({"a": one[:77], "b": other[:77], "c": one[:80]}))
    assert not set(cut_keys({"a": "f" * 71, "b": "0" * 71}))
    assert not set(cut_keys({"exception.stacktrace": "f" * 4_000}))


@cache
def capture(name):
    return load(recorded()[name])


def cut_to(span, limit):
    def short(attributes):
        return {key: value[:limit] if isinstance(value, str) else value for key, value in attributes.items()}

    events = tuple(replace(event, attributes=short(event.attributes)) for event in span.events)
    return replace(span, attributes=short(span.attributes), events=events)


def truncated_runs(spans, logs):
    runs = assemble_all([facts_of(item) for item in (*spans, *logs)]).values()
    return {a.run.run_id for a in runs if "truncated" in replayability(a.run, a.steps)[1]}


NAMES = [
    "haystack__native",
    "crewai__openinference-plus-openai",
    "dspy__openinference",
    "langfuse__sdk",
    "openai-agents__openinference",
    "pydantic-ai__v5-default",
    "plain-otel__gen-ai-latest",
    "vercel-ai-6__http-json",
    "langchain__openinference",
    "langchain__openllmetry",
    "openai-sdk__openinference",
    "openai-sdk__openllmetry",
]


def longest(span):
    texts = (v for at in (span.attributes, *(e.attributes for e in span.events)) for k, v in at.items())
    return max((len(v) for v in texts if isinstance(v, str)), default=0)


@pytest.mark.parametrize("seed", range(50))
def test_acceptance_32_truncated_content_is_detected(seed):
    chance = random.Random(seed)
    name = chance.choice(NAMES)
    found = capture(name)
    span = chance.choice([s for s in found.spans if longest(s.span) > 900 and "exception" not in str(s.span.events)])
    limit = chance.choice([128, 250, 256, 500, 512, chance.randrange(100, 800)])
    trace = [s for s in found.spans if s.span.trace_id == span.span.trace_id]
    logs = [log for log in found.logs if log.log.trace_id == span.span.trace_id]
    assert not truncated_runs(trace, logs)
    assert truncated_runs([replace(s, span=cut_to(s.span, limit)) for s in trace], logs)
