"""The spend detector over a store: a spike is found in its hour, said in a sentence, and explained."""

from __future__ import annotations

import random
from decimal import Decimal
from functools import cache

import pytest
from msgspec import structs

from insights.detectors.base import HOUR_NS, Inputs
from insights.detectors.spend import SPEND, _times, explain
from insights.spend import SpendDetector
from spans.finding import FeatureChange, Severity
from spans.ids import RunId
from spans.kinds import RunStatus
from spans.run import Assembly, Measures
from store.measures import SpendPart
from store.memory import MemoryStore
from tests.builders import NOW_NS, a_run

NOW = NOW_NS // HOUR_NS * HOUR_NS
DAYS = 8


@cache
def a_fleet(per_hour=2, surge=1, price=1.0, version="v1", big=0.0):
    """A week of even spend; in the last hour `surge` times the runs at `price` times the cost, of another version."""
    rng = random.Random(1)
    made = []
    for hour in range(DAYS * 24):
        start = NOW - (DAYS * 24 - hour) * HOUR_NS
        late = hour == DAYS * 24 - 1
        for n in range(per_hour * (surge if late else 1)):
            cost = rng.lognormvariate(-3, 0.4) * (price if late else 1)
            made.append(
                one(len(made), start + n, cost, version if late else "v1", 4000 if late and price > 1 else 1000)
            )
        if late and big:
            made.append(one(len(made), start + 99, big, "v1", 1000))
    store = MemoryStore()
    store.write_derived(made)
    while store.roll_up():
        pass
    return store


def one(number, at, cost, version, tokens):
    rng = random.Random(number)
    run = a_run(
        run_id=RunId(f"{number + 1:032x}"),
        workflow="refunds",
        environment="prod",
        started_ns=at,
        status=RunStatus.OK,
        cost_usd=Decimal(str(round(cost, 9))),
        workflow_version=version,
        models=("m",),
        user_id=f"u{number % 5}",
        session_id="",
    )
    numbers = {"cost_usd": cost, "input_tokens": tokens * rng.uniform(0.9, 1.1)}
    return Assembly(run, (), Measures(numbers, (), ()))


def found(store, now_ns=NOW):
    return list(SPEND.evaluate(Inputs("default", now_ns - HOUR_NS, now_ns, store)))


def test_a_quiet_workflow_says_nothing():
    assert found(a_fleet()) == []


def test_history_does_not_see_the_rest_of_the_hour_at_hand():
    store, within = a_fleet(surge=10), NOW - HOUR_NS + 60 * 10**9
    assert len(found(store, within)) == 1  # live: what is stored by then is all there is
    assert list(SPEND.evaluate(Inputs("default", within - HOUR_NS, within, store, is_past=True))) == []
    assert len(list(SPEND.evaluate(Inputs("default", within, NOW, store, is_past=True)))) == 1


def test_a_surge_is_found_in_its_hour_and_explained():
    (finding,) = found(a_fleet(surge=10, price=1.5, version="v2"))
    assert finding.since_ns == NOW - HOUR_NS
    assert finding.summary.startswith("refunds spent $")
    assert "of the excess is version v2" in finding.summary
    assert "a growing context" in finding.summary
    assert finding.features[0].name == "spend_usd"
    assert finding.features[0].after == pytest.approx(finding.detail["spend_usd"])
    assert float(finding.impact.usd) == pytest.approx(
        finding.detail["spend_usd"] - finding.detail["expected_usd"], abs=1e-5
    )
    assert finding.impact.runs == 20
    assert finding.severity is Severity.TICKET  # worth less than five dollars


def test_a_cost_per_run_that_stayed_is_not_called_minus_nothing():
    (finding,) = found(a_fleet(surge=10))
    assert "cost per run -0 %" not in finding.summary
    assert _times(FeatureChange("cost_usd", 0.0040, 0.00399, 0.0, "usd")) == "as before"
    assert _times(FeatureChange("cost_usd", 0.0040, 0.0030, 0.0, "usd")) == "-25 %"


def test_one_run_of_many_times_the_usual_is_named():
    (finding,) = found(a_fleet(big=30.0))
    assert finding.run_ids[0] == RunId(f"{DAYS * 24 * 2 + 1:032x}")
    assert finding.severity is Severity.PAGE
    assert "the five dearest runs make up" in finding.summary


def test_only_hours_since_the_last_look_are_judged():
    store = a_fleet(surge=10)
    assert list(SPEND.evaluate(Inputs("default", NOW + 30 * HOUR_NS, NOW + 31 * HOUR_NS, store))) == []
    assert len(found(store)) == 1


def test_what_is_fed_reads_like_what_is_added():
    rng = random.Random(2)
    hours = [(rng.random(), 3) for _ in range(300)]
    fed, added = SpendDetector(), SpendDetector()
    for n, (spend, runs) in enumerate(hours):
        if n < 299:
            fed.feed(n, spend, runs)
        added_last = added.add(n, spend, runs)
    assert fed.add(299, *hours[-1]) == added_last


def test_a_tenant_that_explains_the_spike_is_named():
    rng = random.Random(5)
    made = []
    for hour in range(DAYS * 24):
        start, late = NOW - (DAYS * 24 - hour) * HOUR_NS, hour == DAYS * 24 - 1
        for n in range(22 if late else 2):
            tenant = "umbrella" if n > 1 else rng.choice(["acme", "initech"])
            run = one(len(made), start + n, rng.lognormvariate(-3, 0.4), "v1", 1000)
            made.append(
                structs.replace(run, run=structs.replace(run.run, attributes={"tenant": tenant, "plan": "pro"}))
            )
    store = MemoryStore()
    store.write_derived(made)
    while store.roll_up():
        pass
    (spike,) = found(store)
    assert "of the excess is tenant umbrella" in spike.summary
    first = spike.detail["explained_by"][0]
    assert (first["field"], first["value"]) == ("attr.tenant", "umbrella")
    assert "attr.plan" not in [row["field"] for row in spike.detail["explained_by"]]


def test_the_value_that_explains_most_is_named_only_when_it_does():
    rows = (SpendPart("a", 9.0, 9, 70.0, 70), SpendPart("b", 8.0, 2, 0.0, 0))
    assert explain({"version": rows}, 8.0, 0.1) == (("version", "b", 1.0),)
    always = (SpendPart("input", 8.0, 9, 40.0, 70), SpendPart("output", 2.0, 9, 10.0, 70))  # as before, only more of it
    assert explain({"token_class": always}, 5.0, 0.1) == ()
    longer = (SpendPart("output", 6.0, 9, 10.0, 70), SpendPart("input", 4.0, 9, 40.0, 70))
    assert explain({"token_class": longer}, 5.0, 0.1) == (("token_class", "output", 1.0),)
    even = tuple(SpendPart(f"u{n}", 1.0, 1, 1.0, 1) for n in range(10))
    assert explain({"user": even}, 9.0, 0.1) == ()
    assert explain({"model": (SpendPart("only", 9.0, 9, 1.0, 1),)}, 8.0, 0.1) == ()
