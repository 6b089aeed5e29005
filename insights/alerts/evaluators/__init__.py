"""One evaluator per kind of rule: rule and inputs in, readings out. A new kind is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from insights.alerts.evaluators.burn import evaluate_burn
from insights.alerts.evaluators.findings import evaluate_findings
from insights.alerts.evaluators.health import evaluate_health
from insights.alerts.evaluators.no_data import evaluate_no_data
from insights.alerts.evaluators.per_run import evaluate_per_run
from insights.alerts.evaluators.threshold import evaluate_threshold
from insights.alerts.inputs import Inputs
from insights.alerts.machine import Reading
from insights.alerts.rule import FROM_FINDINGS, Rule, RuleType

Evaluator = Callable[[Rule, Inputs, int], Sequence[Reading]]

EVALUATORS: Mapping[RuleType, Evaluator] = {
    RuleType.THRESHOLD: evaluate_threshold,
    RuleType.BURN: evaluate_burn,
    RuleType.PER_RUN: evaluate_per_run,
    RuleType.NO_DATA: evaluate_no_data,
    RuleType.HEALTH: evaluate_health,
    **dict.fromkeys(sorted(FROM_FINDINGS), evaluate_findings),
}


def evaluate(rule: Rule, inputs: Inputs, now_ns: int) -> Sequence[Reading]:
    """What a rule sees at a moment; a silenced or healthy workflow is a reading too."""
    return EVALUATORS[rule.type](rule, inputs, now_ns)
