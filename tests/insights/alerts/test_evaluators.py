"""Every kind of rule, judged over hand-made sums."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from insights.alerts.evaluators import evaluate
from insights.alerts.inputs import Told, Trouble
from insights.alerts.machine import Look
from insights.alerts.metrics import NANO, Sums
from insights.alerts.rule import Rule, RuleType, Severity, WhenSilent
from insights.alerts.rule_file import parse_rule

NOW = 1_800_000_000 * 10**9
HOUR = 3_600 * 10**9
KEY = ("refund", "production")


@dataclass
class Canned:
    """The same sums for every window, unless a length of window has its own."""

    by_window_s: dict = field(default_factory=dict)
    told: tuple = ()
    budgets: dict = field(default_factory=dict)
    seen: frozenset = frozenset({KEY})
    trouble: tuple = ()

    def sums(self, rule, since_ns, until_ns):
        found = self.by_window_s.get((until_ns - since_ns) // 10**9, self.by_window_s.get("any"))
        return {KEY: found} if found else {}

    def known(self, rule, until_ns):
        return self.seen

    def findings(self, rule, until_ns):
        return self.told

    def budget(self, workflow):
        return self.budgets.get(workflow)

    def troubles(self):
        return self.trouble


def dollars(amount, runs=10, **more):
    return Sums(runs=runs, cost_nano_usd=int(amount * NANO), **more)


def one(rule, inputs):
    (reading,) = evaluate(rule, inputs, NOW)
    return reading


def test_spend_above_a_limit_is_bad_and_says_so():
    rule = parse_rule("{id: a, type: threshold, metric: cost_usd, above: 3, window: 1h, severity: page}")
    reading = one(rule, Canned({"any": dollars(12.4)}))
    assert reading.look is Look.BAD
    assert reading.severity is Severity.PAGE
    assert reading.sentence == "refund: spend $12.40 in the last 1 hour, above the limit of $3.00."


def test_a_warning_is_a_ticket_before_the_page():
    rule = parse_rule("{id: a, type: threshold, metric: cost_usd, above: 50, warn: 30, window: 1h, severity: page}")
    reading = one(rule, Canned({"any": dollars(40)}))
    assert (reading.look, reading.severity) == (Look.BAD, Severity.TICKET)


def test_a_rate_of_no_runs_is_no_news():
    rule = parse_rule("{id: a, type: threshold, metric: success_rate, below: 0.9, window: 1h}")
    assert one(rule, Canned()).look is Look.SILENT
    assert one(replace(rule, when_silent=WhenSilent.ZERO), Canned()).look is Look.BAD
    spend = parse_rule("{id: a, type: threshold, metric: cost_usd, above: 3, window: 1h}")
    assert one(spend, Canned()).look is Look.GOOD


def test_too_few_runs_fire_nothing():
    rule = parse_rule("{id: a, type: threshold, metric: error_rate, above: 0.1, window: 1h, min_runs: 30}")
    assert one(rule, Canned({"any": Sums(runs=29, error_runs=29)})).look is Look.NEAR
    assert one(rule, Canned({"any": Sums(runs=30, error_runs=29)})).look is Look.BAD


def test_cost_per_success_counts_failures_too():
    rule = parse_rule("{id: a, type: threshold, metric: cpsc, above: 0.4, window: 1d}")
    reading = one(rule, Canned({"any": dollars(10, success=20, failure=5)}))
    assert (reading.look, reading.value) == (Look.BAD, 0.5)


def test_a_budget_burns_only_when_both_windows_agree():
    rule = parse_rule("{id: b, type: burn}")
    per_hour = 30 / 720  # an even pace of $30 in 30 days
    hot = {3_600: dollars(per_hour * 15), 300: dollars(per_hour / 12 * 15, runs=3)}
    calm = {w: dollars(0.0) for w in (1_800, 21_600, 259_200)}
    reading = one(rule, Canned({**calm, **hot}, budgets={"refund": (30.0, 30)}))
    assert (reading.look, reading.severity) == (Look.BAD, Severity.PAGE)
    assert "15.0 times the even pace" in reading.sentence
    over = {**calm, **hot, 300: dollars(0.0)}
    assert one(rule, Canned(over, budgets={"refund": (30.0, 30)})).look is Look.GOOD
    few = {**calm, **hot, 300: dollars(per_hour / 12 * 15, runs=2)}
    assert one(rule, Canned(few, budgets={"refund": (30.0, 30)})).look is not Look.BAD


def test_a_slow_burn_is_a_ticket():
    rule = parse_rule("{id: b, type: burn, unit: tool_calls, budget: 3000, per: 30d}")
    spent = {w: Sums(runs=5) for w in (300, 1_800, 3_600)}
    spent |= {259_200: Sums(runs=99, tool_calls=320), 21_600: Sums(runs=9, tool_calls=30)}
    reading = one(rule, Canned(spent))
    assert (reading.look, reading.severity) == (Look.BAD, Severity.TICKET)


def test_a_workflow_without_a_budget_is_not_read():
    assert evaluate(parse_rule("{id: b, type: burn}"), Canned({"any": dollars(99)}), NOW) == []


def test_one_run_beyond_a_bound_is_enough():
    rule = parse_rule("{id: c, type: per_run, any: [cost_usd > 2]}")
    reading = one(rule, Canned({"any": Sums(runs=500, matching=1)}))
    assert reading.look is Look.BAD
    assert reading.sentence == "refund: 1 run costing more than $2 in the last 1 hour."
    assert one(rule, Canned({"any": Sums(runs=500)})).look is Look.GOOD


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("cost_usd > 0.5", "costing more than $0.5"),
        ("duration_s >= 90", "taking at least 90 s"),
        ("tokens > 20000", "with more than 20,000 tokens"),
        ("tool_calls < 1", "with fewer than 1 tool calls"),
        ("same_tool_in_a_row >= 5", "calling one tool at least 5 times in a row"),
    ],
)
def test_a_bound_is_told_as_a_person_says_it(condition, told):
    assert parse_rule(f"{{id: c, type: per_run, any: [{condition}]}}").any_of[0].told() == told


def test_a_workflow_that_stopped_running_is_noticed():
    rule = parse_rule("{id: d, type: no_data, window: 6h}")
    assert one(rule, Canned()).sentence == "refund had no run in the last 6 hours."
    assert one(rule, Canned({"any": Sums(runs=1)})).look is Look.GOOD


def test_every_trouble_of_tracetape_itself_is_its_own_alert():
    rule = parse_rule("{id: h, type: health}")
    readings = evaluate(rule, Canned(trouble=(Trouble("disk", "Full."), Trouble("spool", "Torn."))), NOW)
    assert [(r.group, r.look) for r in readings] == [("disk", Look.BAD), ("spool", Look.BAD)]


def told(kind=RuleType.DRIFT, **changes):
    base = Told("f1", kind, "refund", "production", NOW - HOUR, NOW, NOW - 9 * HOUR, True, "It changed.", score=4.2)
    return replace(base, **changes)


def test_a_finding_fires_while_it_is_open():
    rule = Rule("d", RuleType.DRIFT)
    assert one(rule, Canned(told=(told(),))).look is Look.BAD
    assert one(rule, Canned(told=(told(is_open=False),))).look is Look.GOOD


def test_sensitivity_decides_which_findings_are_loud():
    quiet = parse_rule("{id: d, type: drift, sensitivity: quiet}")
    assert evaluate(quiet, Canned(told=(told(),)), NOW) == []
    watch = parse_rule("{id: d, type: drift, sensitivity: watch}")
    assert len(evaluate(watch, Canned(told=(told(score=-3.6),)), NOW)) == 1


def test_something_that_happened_once_calms_down_after_an_hour():
    rule = Rule("w", RuleType.DUPLICATE_WRITE)
    once = told(RuleType.DUPLICATE_WRITE, last_seen_ns=NOW - HOUR // 2)
    assert one(rule, Canned(told=(once,))).look is Look.BAD
    assert one(rule, Canned(told=(replace(once, last_seen_ns=NOW - HOUR),))).look is Look.GOOD


def test_a_rule_speaks_of_its_own_workflow_and_environment_only():
    assert evaluate(Rule("d", RuleType.DRIFT, workflow="other"), Canned(told=(told(),)), NOW) == []
    assert evaluate(Rule("d", RuleType.DRIFT, environment="staging"), Canned(told=(told(),)), NOW) == []


def test_a_small_impact_is_no_alert():
    rule = parse_rule("{id: s, type: spike, min_impact_usd: 5}")
    assert evaluate(rule, Canned(told=(told(RuleType.SPIKE, score=2.0, impact_usd=4.9),)), NOW) == []
    assert len(evaluate(rule, Canned(told=(told(RuleType.SPIKE, score=2.0, impact_usd=5.1),)), NOW)) == 1
