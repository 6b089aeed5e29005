"""Recorded traffic of real frameworks against facts that were stated without looking at the trace."""

from __future__ import annotations

import json
import random
import re
from functools import cache

import pytest

from runs.naming import UNNAMED, is_telling
from tests.runs.misses import MISSES
from tests.runs.scoring import assemble_all, checks, load, read, recorded, runs_of
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


@pytest.mark.parametrize("name", NAMES)
def test_order_and_repetition_change_nothing(name):
    straight = assembled(name)
    mixed = [*facts(name), *facts(name)[::3]]
    random.Random(7).shuffle(mixed)
    assert assemble_all(mixed) == straight


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
