"""Rules over a store that fills: what fires, when, whom it tells, and that a back-test says the same."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import pytest

from insights.alerts.backtest import backtest
from insights.alerts.inputs import Trouble
from insights.alerts.metrics import METRICS
from insights.alerts.rule_file import parse_rule
from insights.economics import economics_of
from spans.errors import BusyError
from spans.finding import FindingKind
from spans.kinds import OutcomeLabel, RunMode, RunStatus, ToolOutcome
from spans.run import Outcome
from store.api import RunQuery
from store.ledger import Ledger
from store.ledger.pins import PinReason
from store.ledger.workflow_states import WorkMode
from store.memory import MemoryStore
from tests.builders import NOW_NS, a_finding, a_run, a_trace_id, an_assembly
from tracetape.alerting.answers import LiveAnswers, history_of, no_budget
from tracetape.alerting.driver import AlertDriver
from tracetape.alerting.pinning import keep_pins
from tracetape.demo import DEMO_PROJECT

SECOND = 10**9
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
START = NOW_NS // HOUR * HOUR


class Clock:
    def __init__(self):
        self.now_ns = START

    def __call__(self):
        return self.now_ns


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(tmp_path, clock):
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}", clock=clock)
    yield opened
    opened.close()


class House:
    """A driver over a store in memory, with a clock that is moved by hand."""

    def __init__(self, ledger, clock, **options):
        self.ledger, self.clock, self.store = ledger, clock, MemoryStore()
        self.options = options
        self.driver = self.new_driver()
        self._ids = iter(range(1, 10_000))

    def new_driver(self):
        return AlertDriver(self.store, self.ledger, clock_ns=self.clock, **self.options)

    def rule(self, text, project="default"):
        rule = parse_rule(text)
        self.ledger.alert_rules.put(project, rule.rule_id, text, "tests")
        return rule

    def run(self, cost="0.01", **changes):
        base = {"workflow": "refund", "environment": "production", "started_ns": self.clock.now_ns}
        run = a_run(run_id=a_trace_id(next(self._ids)), cost_usd=Decimal(cost), **{**base, **changes})
        self.store.write_derived([an_assembly(**{f: getattr(run, f) for f in run.__struct_fields__})])
        self.store.roll_up()
        return run

    def pass_s(self, seconds):
        """Time passes in steps of a minute at most, and the driver looks at each."""
        for _ in range(0, seconds, 60):
            self.clock.now_ns += min(60, seconds) * SECOND
            self.driver.look()

    def flips(self):
        return [(f.rule_id, f.workflow, f.notice) for f in reversed(self.ledger.alerts.flips("default")) if f.notice]


@pytest.fixture
def house(ledger, clock):
    ledger.channels.put("default", "team", "webhook", "https://example.com/x", "ticket")
    ledger.channels.put("default", "oncall", "webhook", "https://example.com/y", "page")
    return House(ledger, clock)


SPEND = "{id: spend, type: threshold, metric: cost_usd, above: 3, window: 1h, severity: page, to: [team, oncall]}"


def test_spend_over_its_limit_is_told_once_and_resolved(house):
    house.rule(SPEND)
    house.run("2")
    house.pass_s(600)
    assert house.flips() == []
    dear = house.run("4")
    house.pass_s(600)
    house.pass_s(5400)
    assert house.flips() == [("spend", "refund", "firing"), ("spend", "refund", "resolved")]
    told = [(m.channel, m.notice) for m in reversed(house.ledger.outbox.list("default"))]
    assert told == [("team", "firing"), ("oncall", "firing"), ("team", "resolved"), ("oncall", "resolved")]
    (incident,) = house.ledger.incidents.list("default")
    assert dear.run_id in house.ledger.alerts.flips("default")[-1].reading.run_ids
    assert not incident.is_firing


def test_it_is_told_at_the_next_multiple_of_its_interval(house):
    house.rule(SPEND)
    house.clock.now_ns = START + 7 * SECOND
    house.run("9")
    house.pass_s(240)
    assert house.flips() == []
    house.pass_s(60)
    assert len(house.flips()) == 1


def test_a_ticket_does_not_reach_the_channel_of_pages(house):
    house.rule(SPEND.replace("severity: page", "severity: ticket"))
    house.run("9")
    house.pass_s(300)
    assert [m.channel for m in house.ledger.outbox.list("default")] == ["team"]


def test_shadow_runs_spend_nobodys_budget(house):
    house.rule(SPEND)
    house.run("9", mode=RunMode.SHADOW)
    house.pass_s(600)
    assert house.flips() == []


def test_environments_are_judged_apart(house):
    house.rule(SPEND.replace("type: threshold", "type: threshold, environment: production"))
    house.run("9", environment="staging")
    house.run("2")
    house.pass_s(600)
    assert house.flips() == []


def test_a_restart_neither_repeats_nor_forgets(house):
    house.rule(SPEND)
    house.run("9")
    house.pass_s(300)
    for _ in range(5):
        house.driver = house.new_driver()
        house.driver.look()
    house.pass_s(3600)
    house.driver = house.new_driver()
    house.pass_s(1800)
    assert house.flips() == [("spend", "refund", "firing"), ("spend", "refund", "resolved")]


def test_two_drivers_tell_once(house):
    house.rule(SPEND)
    house.run("9")
    other = house.new_driver()
    house.clock.now_ns += 300 * SECOND
    other.look()
    house.driver.look()
    assert len(house.ledger.outbox.list("default")) == 2, "one message for each of two channels"


def test_a_silence_keeps_it_quiet_and_on_record(house):
    house.rule(SPEND)
    house.ledger.alert_rules.silence("default", "spend", "*", house.clock() + 24 * HOUR, "planned move", "ana")
    house.run("9")
    house.pass_s(300)
    assert house.ledger.outbox.list("default") == ()
    assert house.ledger.alerts.flips("default")[0].silenced == "silenced: planned move"
    assert house.ledger.incidents.firing("default") == 1


def test_the_demo_fires_and_sends_nothing(house):
    house.rule(SPEND, project=DEMO_PROJECT)
    house.run("9", project=DEMO_PROJECT)
    house.pass_s(300)
    assert house.ledger.incidents.firing(DEMO_PROJECT) == 1
    assert house.ledger.outbox.list(DEMO_PROJECT) == ()


def test_a_finding_is_told_within_one_look(house):
    house.rule("{id: twice, type: duplicate_write, severity: page, to: [oncall]}")
    finding = a_finding(
        kind=FindingKind.DUPLICATE_WRITE,
        project="default",
        workflow="refund",
        environment="production",
        summary="execute_refund succeeded twice with equal arguments.",
        run_ids=(a_trace_id(7),),
    )
    house.ledger.findings.record([finding], house.clock(), HOUR)
    house.pass_s(10)
    assert house.flips() == [("twice", "refund", "firing")]
    (incident,) = house.ledger.incidents.list("default")
    assert (incident.first_bad_run, incident.sentence) == (a_trace_id(7), finding.summary)
    house.pass_s(4000)
    assert house.flips()[-1] == ("twice", "refund", "resolved")
    house.ledger.findings.record([replace(finding, since_ns=finding.since_ns)], house.clock() - 1, HOUR * 24)
    assert len(house.flips()) == 2


def test_a_near_miss_that_comes_back_is_told_again(house):
    house.rule("{id: denied, type: near_miss, to: [team]}")
    told = a_finding(kind=FindingKind.NEAR_MISS, workflow="refund", environment="production", detected_ns=house.clock())
    house.ledger.findings.record([told], house.clock(), 48 * HOUR)
    house.pass_s(7_200)
    assert [f[2] for f in house.flips()] == ["firing", "resolved"]
    house.ledger.findings.close_unseen("default", [FindingKind.NEAR_MISS], house.clock(), HOUR)
    house.ledger.findings.record([told], house.clock(), 48 * HOUR)
    house.pass_s(7_200)
    assert [f[2] for f in house.flips()] == ["firing", "resolved"] * 2
    house.ledger.findings.record([told], house.clock(), 48 * HOUR)
    house.pass_s(7_200)
    assert len(house.flips()) == 4, "seen once more is no news"


def test_a_run_beyond_its_bound_is_named(house):
    house.rule("{id: cap, type: per_run, any: [cost_usd > 2], every: 1m, to: [team]}")
    house.run("0.5")
    bad = house.run("2.5")
    house.pass_s(60)
    assert house.ledger.alerts.flips("default")[0].reading.run_ids == (bad.run_id,)


def test_the_owners_channels_are_asked_of_the_policy(ledger, clock):
    house = House(ledger, clock, owners_of=lambda _project, workflow: {"refund": ("payments",)}.get(workflow, ()))
    house.rule(SPEND.replace("[team, oncall]", "[owner]"))
    house.run("9")
    house.pass_s(300)
    assert [m.channel for m in ledger.outbox.list("default")] == ["payments"]


def test_runs_of_an_incident_stay_until_long_after_it_is_closed(house):
    house.rule(SPEND)
    bad = house.run("9")
    house.pass_s(300)
    (incident,) = house.ledger.incidents.list("default")
    assert [p.run_id for p in house.ledger.pins.list("default")] == [bad.run_id]
    during, other = house.run("0.1"), house.run("0.1", workflow="triage")
    assert keep_pins(house.store, house.ledger, house.clock()) == (1, 0)
    house.ledger.pins.add("default", other.run_id, PinReason.INCIDENT, by="ana")
    house.ledger.incidents.close(incident, "ana")
    assert keep_pins(house.store, house.ledger, house.clock() + 89 * 24 * HOUR) == (0, 0)
    assert {p.run_id for p in house.ledger.pins.list("default")} == {bad.run_id, during.run_id, other.run_id}
    assert keep_pins(house.store, house.ledger, house.clock() + 90 * 24 * HOUR) == (0, 2)
    assert [p.run_id for p in house.ledger.pins.list("default")] == [other.run_id]


def test_budgets_come_from_the_policy(ledger, clock):
    house = House(ledger, clock, budget_of=lambda _project, _workflow: (1.0, 30))
    house.rule("{id: budget, type: burn, to: [team]}")
    for _ in range(3):
        house.run("0.1")
    house.pass_s(300)
    assert house.flips() == [("budget", "refund", "firing")]


def test_a_rule_that_crashes_never_stalls_the_others(house, monkeypatch):
    house.rule(SPEND)
    house.rule("{id: cap, type: per_run, any: [cost_usd > 2], to: [team]}")
    whole = house.store.run_sums

    def broken(query, width_ns, bounds=()):
        if bounds:
            raise ZeroDivisionError
        return whole(query, width_ns, bounds)

    monkeypatch.setattr(house.store, "run_sums", broken)
    house.run("9")
    house.pass_s(600)
    assert house.flips() == [("spend", "refund", "firing")]
    assert house.driver.status("default")["cap"].error == "failed: ZeroDivisionError"


def test_a_busy_store_loses_no_look(house, monkeypatch):
    house.rule(SPEND)
    house.run("9")

    def busy(*_, **__):
        raise BusyError("Busy.")

    with monkeypatch.context() as patched:
        patched.setattr(house.store, "run_sums", busy)
        house.clock.now_ns += 300 * SECOND
        with pytest.raises(BusyError):
            house.driver.look()
    house.pass_s(10)
    assert house.flips() == [("spend", "refund", "firing")]


def test_trouble_of_tracetape_itself_fires_and_ends(ledger, clock):
    trouble = [Trouble("disk", "The volume is 95 % full.")]
    house = House(ledger, clock, troubles=lambda: tuple(trouble))
    house.rule("{id: itself, type: health, to: [team]}")
    house.pass_s(20)
    trouble.clear()
    house.pass_s(180)
    assert house.flips() == [("itself", "tracetape", "firing"), ("itself", "tracetape", "resolved")]


def _some_history(house):
    """A day of runs with two surges and a gap; yields the end."""
    for minute in range(0, 24 * 60, 30):
        house.clock.now_ns = START + minute * MINUTE
        if 900 < minute < 1200:
            continue
        surge = 600 <= minute < 720 or 1260 <= minute < 1320
        failed = minute % 90 == 0
        house.run(
            "1.7" if surge else "0.2",
            status=RunStatus.ERROR if failed else RunStatus.OK,
            outcome=Outcome(OutcomeLabel.FAILURE if failed else OutcomeLabel.SUCCESS, "policy"),
        )
    return START + 24 * HOUR


@pytest.mark.parametrize(
    "text",
    [
        "{id: a, every: 15m, type: threshold, metric: cost_usd, above: 3, warn: 2, window: 1h}",
        "{id: a, every: 15m, type: threshold, metric: success_rate, below: 0.7, window: 2h, no_data: no_data}",
        "{id: a, every: 15m, type: threshold, metric: max_duration_s, above: 0, window: 1h}",
        "{id: a, every: 15m, type: no_data, window: 1h}",
        "{id: a, every: 15m, type: threshold, metric: cost_usd, above: 6, window: 8h}",
        "{id: a, every: 15m, type: per_run, any: [cost_usd > 1], window: 30m, fire_after: 2}",
        "{id: a, every: 15m, type: burn, budget: 100, per: 30d}",
    ],
)
def test_a_back_test_says_what_live_evaluation_did(house, text):
    end = _some_history(house)
    rule = house.rule(text)
    house.clock.now_ns = START
    while house.clock.now_ns < end:
        house.clock.now_ns += rule.every_s * SECOND
        house.driver.look()
    live = []
    for flip in reversed(house.ledger.alerts.flips("default")):
        if flip.after == "firing" and flip.before != "firing":
            live.append([flip.time_ns, None])
        elif flip.before == "firing" and flip.after != "firing":
            live[-1][1] = flip.time_ns
    history = history_of("default", rule, house.store, house.ledger, START, end, no_budget)
    episodes = backtest("default", rule, history, START + 1, end)
    assert [[e.began_ns, e.ended_ns] for e in episodes] == live
    assert live, "a history in which nothing fires proves nothing"


@pytest.mark.parametrize(
    ("kind", "text", "decide"),
    [
        (FindingKind.DRIFT, "{id: a, type: drift}", "close"),
        (FindingKind.DRIFT, "{id: a, type: drift, fire_after: 2}", "expect"),
        (FindingKind.NEAR_MISS, "{id: a, type: near_miss, resolve_after: 1}", "nothing"),
    ],
)
def test_a_back_test_knows_findings_that_are_over(house, kind, text, decide):
    rule = house.rule(text)
    found = {}
    for minute in range(5, 12 * 60, 5):
        house.clock.now_ns = START + minute * MINUTE
        if minute in {60, 90, 500}:
            stated = a_finding(kind=kind, subject=f"s{minute}", detected_ns=house.clock(), since_ns=house.clock())
            (found[minute],) = house.ledger.findings.record([stated], house.clock(), HOUR)
        if minute == 300 and decide == "close":
            house.ledger.findings.close_unseen("default", [kind], house.clock(), HOUR)
        if minute == 300 and decide == "expect":
            house.ledger.findings.expect("default", found[60].finding_id, "ana")
        house.driver.look()
    live = {(f.time_ns, f.after) for f in house.ledger.alerts.flips("default") if "firing" in {f.before, f.after}}
    live = {(t, after) for t, after in live if after in {"firing", "ok"}}
    history = history_of("default", rule, house.store, house.ledger, START, house.clock(), no_budget)
    episodes = backtest("default", rule, history, START + 1, house.clock())
    tried = {(e.began_ns, "firing") for e in episodes} | {(e.ended_ns, "ok") for e in episodes if e.ended_ns}
    assert tried == live
    assert len(episodes) == 3


def test_metrics_say_what_the_table_of_economics_says(house):
    """Over six hours read from runs, and over a day read from roll-ups; every seventh run went on in the next one."""
    rng = random.Random(3)
    labels = [*OutcomeLabel]
    first = int(house.run("0", started_ns=START - 40 * HOUR).run_id, 16) + 1
    for n in range(80):
        house.run(
            f"{rng.random():.6f}",
            started_ns=START + rng.randrange(0, 300) * MINUTE,
            outcome=Outcome(rng.choice(labels), "policy"),
            mode=RunMode.SHADOW if n % 9 == 0 else RunMode.LIVE,
            continued_by=a_trace_id(first + n + 1) if n % 7 == 0 else None,
            interventions=n % 4 == 0,
            tool_outcomes={o.value: rng.randrange(4) for o in ToolOutcome},
        )
    house.clock.now_ns = START + 6 * HOUR
    (row,) = house.store.economics(RunQuery("default", since_ns=START))
    told = economics_of(row)
    runs = house.store.find_runs(RunQuery("default", since_ns=START, limit=200)).rows
    last_parts = sum(
        r.cost_usd
        for r in runs
        if r.outcome.label is OutcomeLabel.FAILURE and r.continued_by is None and r.mode is not RunMode.SHADOW
    )
    assert told.wasted_usd > last_parts  # earlier parts of failed jobs are among them
    expected = {
        "cpsc": float(told.cost_per_success),
        "success_rate": told.success_rate,
        "escalation_rate": told.escalation_rate,
        "intervention_rate": told.intervention_rate,
        "retries_per_success": told.retries_per_success,
        "wasted_usd": float(told.wasted_usd),
        "wasted_share": told.wasted_share,
        "tool_error_rate": told.fault_rates["error"],
        "tool_timeout_rate": told.fault_rates["timeout"],
        "tool_invalid_rate": told.fault_rates["invalid_arguments"],
        "tool_denied_rate": told.fault_rates["denied"],
    }
    answers = LiveAnswers("default", house.store, house.ledger)
    for hours in (6, 24):
        for name, value in expected.items():
            rule = parse_rule(f"{{id: x, type: threshold, metric: {name}, window: {hours}h, above: 0}}")
            (sums,) = answers.sums(rule, house.clock.now_ns - hours * HOUR, house.clock.now_ns).values()
            assert METRICS[name].of(sums) == pytest.approx(value, abs=1e-8), (name, hours)


def test_runs_that_arrive_late_are_seen_and_never_open_what_is_over_again(house):
    house.rule("{id: cap, type: per_run, any: [cost_usd > 2], window: 5m, to: [team]}")
    house.run("0.1")
    house.pass_s(900)
    began = house.clock.now_ns - 8 * MINUTE
    house.run("9", started_ns=began)
    house.pass_s(300)
    assert house.flips() == [("cap", "refund", "firing")]
    house.pass_s(300)
    assert house.flips()[-1] == ("cap", "refund", "resolved")
    house.run("9", started_ns=began + MINUTE)
    house.pass_s(900)
    assert len(house.flips()) == 2, "a window that has been told of is told of once"


def test_what_is_older_than_a_rule_does_not_fire_it(house):
    house.run("9")
    house.pass_s(600)
    house.rule("{id: cap, type: per_run, any: [cost_usd > 2], window: 5m, to: [team]}")
    house.pass_s(900)
    assert house.flips() == []


def switch(house):
    state = house.ledger.states.get("default", "production", "refund")
    return state.mode, state.set_by


def test_a_rule_turns_the_switch_when_it_fires_and_never_back(house):
    house.rule(SPEND.replace("severity: page", "severity: page, switch: draft_only"))
    house.run("1")
    house.pass_s(300)
    assert switch(house) == (WorkMode.RUN, "")
    house.run("9")
    house.pass_s(300)
    assert switch(house) == (WorkMode.DRAFT_ONLY, "rule:spend")
    state = house.ledger.states.get("default", "production", "refund")
    assert state.reason == house.ledger.alerts.flips("default")[0].reading.sentence
    assert [(e.actor, e.target) for e in house.ledger.audit.list() if e.action == "rule_change"] == [
        ("rule:spend", "refund")
    ]
    house.pass_s(2 * 3_600)
    assert house.flips()[-1] == ("spend", "refund", "resolved")
    assert switch(house) == (WorkMode.DRAFT_ONLY, "rule:spend")


def test_a_rule_leaves_a_stricter_switch_and_a_silenced_one_turns_nothing(house):
    house.rule(SPEND.replace("severity: page", "severity: page, switch: draft_only"))
    house.ledger.states.put("default", "", "refund", WorkMode.STOP, reason="by hand", set_by="member:ana")
    house.run("9")
    house.pass_s(300)
    assert switch(house) == (WorkMode.STOP, "member:ana")
    house.ledger.alert_rules.silence("default", "spend", "triage", house.clock() + 24 * HOUR, "planned", "ana")
    house.run("9", workflow="triage")
    house.pass_s(300)
    assert ("spend", "triage", "firing") in house.flips()
    assert house.ledger.states.get("default", "production", "triage").mode is WorkMode.RUN


def test_a_rule_for_all_environments_holds_all_though_one_is_held_already(house):
    house.rule(SPEND.replace("severity: page", "severity: page, switch: draft_only"))
    house.ledger.states.put("default", "production", "refund", WorkMode.STOP, reason="by hand", set_by="member:ana")
    house.run("9", environment="")
    house.pass_s(300)
    assert house.ledger.states.get("default", "staging", "refund").mode is WorkMode.DRAFT_ONLY


def test_without_the_word_a_rule_leaves_the_switch_alone(house):
    house.rule(SPEND)
    house.run("9")
    house.pass_s(300)
    assert house.flips() == [("spend", "refund", "firing")]
    assert switch(house) == (WorkMode.RUN, "")
