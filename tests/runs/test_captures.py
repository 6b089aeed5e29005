"""Recorded traffic of real frameworks against facts that were stated without looking at the trace."""

from __future__ import annotations

import io
import json
import random
import re
from functools import cache

import pyarrow as pa
import pytest

from runs import values
from runs.dialects import DIALECTS
from runs.facts import facts_of
from runs.naming import UNNAMED, is_telling
from runs.reading import dialects_of
from runs.view import View
from store.derived_rows import RUNS, STEPS
from tests.runs.misses import MISSES
from tests.runs.scoring import assemble_all, bodies_of, checks, items_in, load, read, recorded, runs_of, split
from tests.runs.workflows import WORKFLOWS

RECORDED = recorded()
NAMES = sorted(RECORDED)


def capture(name):
    return load(RECORDED[name])


@cache
def facts(name):
    return tuple(capture(name).facts())


@cache
def assembled(name):
    return assemble_all(list(facts(name)))


@cache
def shown(name):
    return runs_of(capture(name), assembled(name))


def test_all_captures_are_here():
    assert len(NAMES) == 45


@pytest.mark.parametrize("name", NAMES)
def test_every_check_passes_unless_the_traffic_does_not_tell(name):
    observed = json.loads(read(RECORDED[name], "observed.json"))
    found = checks(RECORDED[name], observed, shown(name))
    failed = {check: (got, wanted) for check, (got, wanted, passed) in found.items() if not passed}
    assert set(failed) == set(MISSES.get(name, {})), failed


@pytest.mark.parametrize(("name", "check"), [(name, check) for name, found in MISSES.items() for check in found])
def test_each_miss_is_proven_from_the_payload(name, check):
    assert MISSES[name][check].proof(capture(name), json.loads(read(RECORDED[name], "facts.json")))


@pytest.mark.parametrize("name", NAMES)
def test_workflows_have_the_names_that_were_checked_by_hand(name):
    runs = [assembly.run for assembly in assembled(name).values()]
    assert {run.workflow: run.workflow_source for run in runs} == WORKFLOWS[name]


@pytest.mark.parametrize("name", NAMES)
def test_no_workflow_is_named_by_an_id_or_a_model(name):
    runs = [assembly.run for assembly in assembled(name).values()]
    models = {model for run in runs for model in run.models}
    assert all(run.workflow != UNNAMED and is_telling(run.workflow, models) for run in runs)


def rows(assemblies):
    """Derived rows as they are handed to the store, as bytes."""
    runs = sorted((assembly.run for assembly in assemblies.values()), key=lambda run: run.run_id)
    steps = [step for run in runs for step in assemblies[run.run_id].steps]
    sink = io.BytesIO()
    for table in (RUNS.table(runs), STEPS.table(steps)):
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table.combine_chunks())
    return sink.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_bodies_and_spans_shuffled_repeated_and_split_give_the_same_bytes(name):
    chance = random.Random(name)
    bodies = bodies_of(RECORDED[name])
    straight = rows(assembled(name))
    whole = [*bodies, *chance.choices(bodies, k=2)]
    chance.shuffle(whole)
    assert rows(assemble_all([facts_of(item) for item in items_in(whole)])) == straight
    pieces = [piece for body in bodies for piece in split(*body)]
    pieces += chance.choices(pieces, k=len(pieces) // 5)
    chance.shuffle(pieces)
    assert rows(assemble_all([facts_of(item) for item in items_in(pieces)])) == straight


@pytest.mark.parametrize("name", NAMES)
def test_every_step_is_in_the_tree_once_and_after_its_parent(name):
    for assembly in assembled(name).values():
        steps = assembly.steps
        assert [step.ordinal for step in steps] == list(range(len(steps)))
        place = {step.span_id: step.ordinal for step in steps}
        assert len(place) == len(steps)
        assert all(place.get(step.parent_span_id, -1) < step.ordinal for step in steps)


@pytest.mark.parametrize("name", NAMES)
def test_only_own_usage_is_summed_and_priced(name):
    for assembly in assembled(name).values():
        own = [step for step in assembly.steps if step.usage_role == "own"]
        assert sum(step.usage.input or 0 for step in own) == (assembly.run.usage.input or 0)
        assert all(step.cost is None for step in assembly.steps if step.usage_role != "own")
        lines = [line for step in own if step.cost for line in step.cost.lines]
        assert all(line.tokens > 0 and line.usd >= 0 for line in lines)


@pytest.mark.parametrize("name", NAMES)
def test_no_facts_hold_long_text(name):
    for one in facts(name):
        assert len(one.input_preview) <= 200
        assert len(one.output_preview) <= 200
        assert len(one.error_message) <= 300


@pytest.mark.parametrize("name", NAMES)
def test_the_json_is_json_and_has_every_field(name):
    for run in shown(name):
        text = json.dumps(run)
        assert re.fullmatch(r"[0-9a-f]{32}", run["run_id"])
        assert {"outcome", "usage", "denials", "waiting_for", "replayability", "spans"} <= set(json.loads(text))
        for span in run["spans"]:
            assert {"tool", "retrieval", "model", "usage", "cost", "decisions", "redactions", "flags"} <= set(span)


@pytest.mark.parametrize("name", NAMES)
def test_nobody_changes_a_parsed_text_that_others_read_too(name, monkeypatch):
    kept = {}
    parse = values._parsed.__wrapped__
    monkeypatch.setattr(values, "_parsed", lambda text: kept.setdefault(text, parse(text)))
    runs_of(capture(name))
    assert {text for text, found in kept.items() if found != parse(text)} == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_dialect_is_found_by_its_own_signs_whatever_was_read_before(name):
    for item in (*capture(name).spans, *capture(name).logs):
        view = View(item)
        own = [d for d in DIALECTS if d.is_told_by(view.scope, view.families) or d.detect(view)]
        assert list(dialects_of(view)) == own
