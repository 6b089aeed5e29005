"""What detectors ask of the store: the engine's SQL gives what plain Python gives, to twelve digits."""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import pytest

from spans.ids import RunId
from spans.kinds import OutcomeLabel, RunMode, RunStatus, UsageRole
from spans.run import Assembly, Measures, Outcome
from spans.usage import Cost
from store import open_store
from store.measures import DAY_NS, SUCCESS, Comparison, LabelField, SpendField
from store.memory import MemoryStore
from tests.builders import NOW_NS, a_run, a_span_id, a_step

DAY = Comparison("w1", "prod", NOW_NS - DAY_NS, NOW_NS, NOW_NS - 8 * DAY_NS, NOW_NS - DAY_NS)
VERSIONS = Comparison("w2", "prod", NOW_NS - 9 * DAY_NS, NOW_NS, NOW_NS - 9 * DAY_NS, NOW_NS, "v2", "v1")
SHORT = Comparison("w2", "prod", NOW_NS - 3 * DAY_NS, NOW_NS, NOW_NS - 8 * DAY_NS, NOW_NS - 3 * DAY_NS, "v1")
MODEL = replace(DAY, current_model="m2")
EAST = replace(DAY, utc_offset_s=5 * 3600 + 1800)


def some_runs(count=500, seed=5):
    rng = random.Random(seed)
    made = []
    for n in range(count):
        at = NOW_NS - int(rng.random() * 9 * DAY_NS)
        late = at > NOW_NS - DAY_NS
        numbers = {"cost_usd": rng.lognormvariate(0.3 if late else 0, 0.5), "tool_calls": float(rng.randint(0, 4))}
        numbers["same"] = 1.0
        if rng.random() < 0.4:
            numbers["retrieval_score"] = rng.random()
        flags = [
            f
            for f, p in (("denied", 0.1 + 0.2 * late), ("refusal", 0.02), ("tools_a", 0.5), ("loop", 0.1))
            if rng.random() < p
        ]
        run = a_run(
            run_id=RunId(f"{n + 1:032x}"),
            started_ns=at,
            duration_ns=(n % 30) * DAY_NS // 24,
            workflow=rng.choice(["w1", "w2"]),
            environment="prod",
            version=1,
            status=rng.choices(list(RunStatus), [9, 1, 1])[0],
            mode=rng.choices(list(RunMode), [9, 1, 1])[0],
            workflow_version=rng.choice(["v1", "v2", ""]),
            models=rng.choice([("m",), ("m", "m2"), ("m2",)]),
            prompts=(rng.choice(["h1:a", "h1:b"]), "h1:c"),
            tool_schemas={"issue_refund": rng.choice(["1f4c09aa77b1", "77"]), "lookup": ""},
            user_id=rng.choice(["", "u1", "u2"]),
            cost_usd=Decimal(n),
            tool_calls=60 if late and n % 7 == 0 else n % 5,
            session_id=rng.choice(["s1", "s2"]),
            outcome=Outcome(list(OutcomeLabel)[n % len(OutcomeLabel)]),
            continued_by=RunId(f"{n + 7000:032x}") if n % 11 == 0 else None,
            attributes={"team": ("blue", "red")[n % 2]} if n % 3 else {},
        )
        steps = tuple(
            a_step(
                run_id=run.run_id,
                span_id=a_span_id(ordinal + 1),
                ordinal=ordinal,
                response_model="" if n % 3 else model,
                request_model=model,
                usage_role=UsageRole.OWN if n % 5 else UsageRole.DUPLICATE,
                cost=Cost(Decimal(n + ordinal), "computed") if n % 4 else None,
                start_ns=at,
            )
            for ordinal, model in enumerate((*run.models, *run.models))
        )
        made.append(Assembly(run, steps, Measures(numbers, tuple(flags), tuple(rng.choice("abc") for _ in range(3)))))
    return made


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    rows = some_runs()
    memory = MemoryStore()
    with closing(open_store(f"chdb://{tmp_path_factory.mktemp('measures') / 'store'}")) as engine:
        engine.migrate()
        for store in (engine, memory):
            store.write_derived(rows)
        yield engine.measures, memory.measures


def test_both_tests_agree_for_every_feature_day_and_version(stores):
    engine, memory = (
        {(t.comparison, t.feature): t for t in s.compare("default", [DAY, VERSIONS, SHORT, MODEL, EAST])}
        for s in stores
    )
    assert engine.keys() == memory.keys()
    assert {(0, "cost_usd"), (0, "denied"), (1, "tools_a"), (2, "retrieval_score")} <= engine.keys()
    assert not {key for key in engine if key[1] == "same"}  # all equal: nothing to compare
    assert engine[0, "cost_usd"].compared.z != engine[4, "cost_usd"].compared.z  # other hours, other strata
    for key, test in engine.items():
        ours, theirs = test.compared, memory[key].compared
        assert test.is_rate is memory[key].is_rate
        for name in ("z", "effect", "before", "after", "current_runs", "reference_runs", "dispersion"):
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-12, abs=1e-12), (key, name)


def test_a_sample_is_the_same_each_time(stores):
    engine = stores[0]
    half = replace(DAY, keep_permille=500)
    first, again = (engine.compare("default", [half]) for _ in range(2))
    assert first == again
    assert 0 < first[0].compared.reference_runs < engine.compare("default", [DAY])[0].compared.reference_runs


def test_reading_runs_agrees(stores):
    engine, memory = stores
    assert engine.activity("default", 0, NOW_NS) == memory.activity("default", 0, NOW_NS)
    assert engine.reach("default", "w1", "prod", 0, NOW_NS) == memory.reach("default", "w1", "prod", 0, NOW_NS)
    for field in LabelField:
        seen = engine.labels("default", field, 0, NOW_NS)
        assert seen == memory.labels("default", field, 0, NOW_NS) != ()
    assert {span.label for span in seen} == {"issue_refund 1f4c09aa", "issue_refund 77", "lookup"}
    assert engine.versions("default", 0, NOW_NS) == engine.labels("default", LabelField.VERSION, 0, NOW_NS)
    rows = [
        sorted((r.is_current, r.stratum, r.tools) for r in s.tool_rows("default", [VERSIONS, DAY], 10_000)[1])
        for s in stores
    ]
    assert rows[0] == rows[1]
    assert {r.is_current for r in engine.tool_rows("default", [DAY], 5)[0]} == {True, False}
    assert len(engine.tool_rows("default", [DAY], 5)[0]) == 10
    loops = [s.looped("default", 0, NOW_NS, 9) for s in stores]
    assert loops[0] == loops[1]
    assert len(loops[0]) == 9
    lately = [s.looped("default", NOW_NS - DAY_NS, NOW_NS, 500) for s in stores]
    assert lately[0] == lately[1]
    many = [run for run in lately[0] if not run.is_row]
    assert many
    assert {(run.calls, run.usual_calls) for run in many} == {(60, 4.0)}
    assert {run.started_ns < NOW_NS - DAY_NS for run in lately[0]} == {True, False}  # those that were still going, too


@pytest.mark.parametrize(("feature", "is_rate"), [("cost_usd", False), ("denied", True)])
def test_series_and_examples_agree(stores, feature, is_rate):
    engine, memory = stores
    ours, theirs = (s.series("default", DAY, feature, is_rate=is_rate, bucket_ns=DAY_NS) for s in stores)
    assert [(p.start_ns, p.runs) for p in ours] == [(p.start_ns, p.runs) for p in theirs]
    assert [p.value for p in ours] == pytest.approx([p.value for p in theirs])
    for near in (None, 1.0):
        for current in (True, False):
            asked = {"is_rate": is_rate, "current": current, "near": near, "limit": 5}
            assert engine.examples("default", DAY, feature, **asked) == memory.examples(
                "default", DAY, feature, **asked
            )


def test_what_was_spent_since_several_moments_agrees_and_is_exact(stores):
    engine, memory = stores
    moments = (NOW_NS - 9 * DAY_NS, NOW_NS - DAY_NS, NOW_NS - DAY_NS, NOW_NS - 1)
    for environment in ("prod", None, "elsewhere"):
        ours, theirs = (s.spent("default", "w1", environment, moments, NOW_NS) for s in stores)
        assert ours == theirs
        assert ours[1] == ours[2]
    reached = memory.reach("default", "w1", "prod", moments[0], NOW_NS)
    (first, *_) = engine.spent("default", "w1", "prod", moments, NOW_NS)
    assert (first.runs, first.usd) == (reached.runs, reached.usd)
    assert first.runs > 100


@pytest.mark.parametrize(("feature", "is_rate"), [("cost_usd", False), ("denied", True), (SUCCESS, True)])
def test_values_of_both_groups_agree(stores, feature, is_rate):
    ours, theirs = (s.values("default", DAY, feature, is_rate=is_rate, limit=10_000) for s in stores)
    assert [sorted(values) for values in ours] == [sorted(values) for values in theirs]
    assert all(values for values in ours)


@pytest.mark.parametrize("field", list(SpendField))
def test_spend_is_split_alike(stores, field):
    ours, theirs = (s.spend_parts("default", DAY, field) for s in stores)
    assert [(p.value, p.runs, p.before_runs) for p in ours] == [(p.value, p.runs, p.before_runs) for p in theirs]
    for a, b in zip(ours, theirs, strict=True):
        assert (a.usd, a.before_usd) == pytest.approx((b.usd, b.before_usd))


def test_a_run_of_two_models_counts_at_both(stores):
    parts = {p.value: p for p in stores[1].spend_parts("default", DAY, SpendField.MODEL)}
    assert parts.keys() == {"m", "m2"}
    runs = next(p for p in stores[1].spend_parts("default", DAY, SpendField.WORKFLOW)).runs
    assert sum(p.runs for p in parts.values()) > runs


def test_spend_is_split_alike_by_an_attribute(stores):
    ours, theirs = (s.spend_parts("default", DAY, SpendField.WORKFLOW, "team") for s in stores)
    assert [(p.value, p.runs, p.before_runs) for p in ours] == [(p.value, p.runs, p.before_runs) for p in theirs]
    assert {p.value for p in ours} == {"blue", "red", ""}


def test_other_projects_have_nothing(stores):
    for store in stores:
        assert store.compare("other", [DAY]) == ()
        assert store.activity("other", 0, NOW_NS) == ()
        assert store.reach("other", "w1", "prod", 0, NOW_NS).runs == 0
