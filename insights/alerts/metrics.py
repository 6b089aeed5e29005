"""The metrics a rule can watch: each a function of sums over runs, so that windows of any length add up exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over runs that began in one window. Shadow runs count in no field but `shadow`."""

    runs: int = 0
    shadow: int = 0
    success: int = 0
    failure: int = 0
    handed_off: int = 0
    error_runs: int = 0
    denied_runs: int = 0
    denials: int = 0
    jobs: int = 0
    """Runs without later parts: what success is counted over."""
    intervened: int = 0
    """Runs in which a person stepped in."""
    tool_results: int = 0
    """Tool calls by how they ended, all of them; the five below are some of these."""
    tool_errors: int = 0
    tool_timeouts: int = 0
    tool_invalid: int = 0
    tool_denied: int = 0
    tool_retried: int = 0
    failed_nano_usd: int = 0
    """Spent on jobs that failed."""
    tool_calls: int = 0
    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    unpriced_calls: int = 0
    cost_nano_usd: int = 0
    """Billionths of a US dollar: whole numbers, so that adding windows in any order gives the same amount."""
    ended: int = 0
    duration_ns: int = 0
    """Of runs that ended."""
    slowest_ns: int = 0
    matching: int = 0
    """Runs that meet the conditions of a `per_run` rule."""

    def __add__(self, other: Sums) -> Sums:
        """The sums of both windows."""
        return Sums(**{name: _joined(name, getattr(self, name), getattr(other, name)) for name in NAMES})


NAMES = tuple(f.name for f in fields(Sums))


def _joined(name: str, left: int, right: int) -> int:
    return max(left, right) if name == "slowest_ns" else left + right


Amount = Callable[[Sums], Any]
"""A number of a window; over sums whose fields are arrays, the numbers of many windows at once."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: a number, or a number per something, its unit, and how a page writes it."""

    name: str
    says: str
    unit: str
    top: Amount
    under: Amount | None = None
    """What it is divided by; nothing can be said where that is 0."""

    def of(self, sums: Sums) -> float | None:
        """Its value in a window; None: nothing to say."""
        if self.under is None:
            return float(self.top(sums))
        under = self.under(sums)
        return float(self.top(sums) / under) if under else None


def _nano(sums: Sums) -> Any:
    return sums.cost_nano_usd


def _cost(sums: Sums) -> Any:
    return sums.cost_nano_usd / NANO


def _judged_jobs(sums: Sums) -> Any:
    """Jobs, where anybody judged one of them: unknown is never success, but a window nobody judged says nothing."""
    return sums.jobs * (sums.success + sums.failure + sums.handed_off > 0)


def _tool_results(sums: Sums) -> Any:
    return sums.tool_results


def _runs(sums: Sums) -> Any:
    return sums.runs


METRICS: Mapping[str, Metric] = {
    m.name: m
    for m in (
        Metric("cost_usd", "spend", "usd", _cost),
        Metric("cost_per_run", "cost per run", "usd", _cost, _runs),
        Metric("cpsc", "cost per success", "usd", _cost, lambda s: s.success),
        Metric("runs", "runs", "count", _runs),
        Metric("success_rate", "success rate", "share", lambda s: s.success, _judged_jobs),
        Metric("failure_rate", "failure rate", "share", lambda s: s.failure, _judged_jobs),
        Metric("escalation_rate", "escalation rate", "share", lambda s: s.handed_off, _judged_jobs),
        Metric(
            "intervention_rate", "share of runs in which a person stepped in", "share", lambda s: s.intervened, _runs
        ),
        Metric("error_rate", "error rate", "share", lambda s: s.error_runs, _runs),
        Metric("denial_rate", "share of runs with a denial", "share", lambda s: s.denied_runs, _runs),
        Metric("denials", "denied calls", "count", lambda s: s.denials),
        Metric("tool_error_rate", "tool calls that failed", "share", lambda s: s.tool_errors, _tool_results),
        Metric("tool_timeout_rate", "tool calls that timed out", "share", lambda s: s.tool_timeouts, _tool_results),
        Metric("tool_invalid_rate", "malformed tool calls", "share", lambda s: s.tool_invalid, _tool_results),
        Metric("tool_denied_rate", "denied tool calls", "share", lambda s: s.tool_denied, _tool_results),
        Metric("retries_per_success", "retries per success", "count", lambda s: s.tool_retried, lambda s: s.success),
        Metric("wasted_usd", "spend on failed jobs", "usd", lambda s: s.failed_nano_usd / NANO),
        Metric("wasted_share", "share of spend on failed jobs", "share", lambda s: s.failed_nano_usd, _nano),
        Metric("tokens", "tokens", "count", lambda s: s.input_tokens + s.output_tokens),
        Metric("input_tokens", "input tokens", "count", lambda s: s.input_tokens),
        Metric("output_tokens", "output tokens", "count", lambda s: s.output_tokens),
        Metric("tool_calls", "tool calls", "count", lambda s: s.tool_calls),
        Metric("model_calls", "model calls", "count", lambda s: s.model_calls),
        Metric("unpriced_calls", "calls without a price", "count", lambda s: s.unpriced_calls),
        Metric("mean_duration_s", "mean duration", "s", lambda s: s.duration_ns / NANO, lambda s: s.ended),
        Metric("max_duration_s", "longest run", "s", lambda s: s.slowest_ns / NANO, lambda s: s.ended > 0),
    )
}
"""Every metric of a threshold rule, in the order of the form."""

RUN_METRICS: Mapping[str, str] = {
    "cost_usd": "cost in US dollars",
    "duration_s": "duration in seconds",
    "runtime_s": "duration in seconds",
    "tokens": "tokens",
    "tool_calls": "tool calls",
    "model_calls": "model calls",
    "denials": "denied calls",
    "errors": "failed steps",
    "same_tool_in_a_row": "times the same tool was called in a row",
}
"""What a condition on one run may compare; the store knows each by this name."""


def shown(value: float | None, unit: str) -> str:
    """A value as a sentence says it."""
    if value is None:
        return "nothing"
    if unit == "usd":
        return f"${value:,.2f}" if value >= 1 or value == 0 else f"${value:.4g}"
    if unit == "share":
        return f"{value * 100:.1f} %"
    if unit == "s":
        return f"{value:,.1f} s"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def length(seconds: int) -> str:
    """A window in words: `15 minutes`, `1 hour`, `30 days`."""
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0:
            n = seconds // size
            return f"{n} {name}" if n == 1 else f"{n} {name}s"
    return f"{seconds} seconds"
