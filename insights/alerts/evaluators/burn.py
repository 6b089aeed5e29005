"""A budget that is spent too fast: long and short windows that must agree (Google SRE workbook, chapter 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from insights.alerts.inputs import Inputs, Key
from insights.alerts.machine import RESOLVE_SHARE, Look, Reading
from insights.alerts.metrics import NANO, Sums, length, shown
from insights.alerts.rule import Rule, Severity

SECOND_NS = 1_000_000_000
DAY_S = 86_400
LEAST_RUNS = 3
"""Runs in the shortest window: one dear run is a `per_run` rule's business."""


@dataclass(frozen=True, slots=True)
class Burn:
    """Two windows that must both burn at `rate` times the even pace."""

    rate: float
    long_s: int
    short_s: int
    severity: Severity


TABLE: tuple[Burn, ...] = (
    Burn(14.4, 3_600, 300, Severity.PAGE),
    Burn(6.0, 6 * 3_600, 1_800, Severity.PAGE),
    Burn(1.0, 3 * DAY_S, 6 * 3_600, Severity.TICKET),
)
"""2 %, 5 % and 10 % of a 30-day budget; loudest first."""


SHORTEST_S = min(row.short_s for row in TABLE)


def evaluate_burn(rule: Rule, inputs: Inputs, now_ns: int) -> Sequence[Reading]:
    """One reading per workflow and environment with a budget."""
    windows = sorted({w for row in TABLE for w in (row.long_s, row.short_s)})
    spent = {w: inputs.sums(rule, now_ns - w * SECOND_NS, now_ns) for w in windows}
    readings = []
    for key in sorted(spent[windows[-1]].keys() | inputs.known(rule, now_ns)):
        budget = (rule.budget, rule.per_days) if rule.budget is not None else inputs.budget(key[0])
        if budget is not None:
            readings.append(_reading(rule, key, budget, {w: spent[w].get(key, Sums()) for w in windows}))
    return readings


def _reading(rule: Rule, key: Key, budget: tuple[float, int], spent: Mapping[int, Sums]) -> Reading:
    amount, days = budget
    rates = {w: _used(rule.unit, sums) / (amount * w / (days * DAY_S)) for w, sums in spent.items()}
    enough = spent[min(spent)].runs >= LEAST_RUNS
    for row in TABLE:
        if rates[row.long_s] >= row.rate and rates[row.short_s] >= row.rate and (enough or row.short_s > min(spent)):
            return _bad(rule, key, budget, row, rates[row.long_s])
    near = any(rates[row.short_s] >= row.rate * RESOLVE_SHARE and rates[row.long_s] >= row.rate for row in TABLE)
    return Reading(key[0], key[1], Look.NEAR if near else Look.GOOD, value=rates[3_600], limit=TABLE[0].rate)


def _bad(rule: Rule, key: Key, budget: tuple[float, int], row: Burn, rate: float) -> Reading:
    amount, days = budget
    unit = "usd" if rule.unit == "usd" else "count"
    what = "" if rule.unit == "usd" else f" {rule.unit.replace('_', ' ')}"
    left = length(max(60, int(days * DAY_S / rate) // 60 * 60))
    sentence = (
        f"{key[0]} burns its budget of {shown(amount, unit)}{what} per {length(days * DAY_S)} at {rate:.1f} times the "
        f"even pace over {length(row.long_s)}; at this pace a whole budget lasts {left}."
    )
    return Reading(key[0], key[1], Look.BAD, severity=row.severity, value=rate, limit=row.rate, sentence=sentence)


def _used(unit: str, sums: Sums) -> float:
    if unit == "tokens":
        return float(sums.input_tokens + sums.output_tokens)
    return float(sums.tool_calls) if unit == "tool_calls" else sums.cost_nano_usd / NANO
