"""The metrics a rule can watch: each a function of sums over runs, so that windows of any length add up exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

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


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its value from sums (None: nothing to say), its unit, and how a page writes it."""

    name: str
    says: str
    unit: str
    of: Callable[[Sums], float | None]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _cost(sums: Sums) -> float:
    return sums.cost_nano_usd / NANO


def _judged(sums: Sums) -> int:
    return sums.success + sums.failure + sums.handed_off


METRICS: Mapping[str, Metric] = {
    m.name: m
    for m in (
        Metric("cost_usd", "spend", "usd", _cost),
        Metric("cost_per_run", "cost per run", "usd", lambda s: _cost(s) / s.runs if s.runs else None),
        Metric("cpsc", "cost per success", "usd", lambda s: _cost(s) / s.success if s.success else None),
        Metric("runs", "runs", "count", lambda s: float(s.runs)),
        Metric("success_rate", "success rate", "share", lambda s: _share(s.success, _judged(s))),
        Metric("failure_rate", "failure rate", "share", lambda s: _share(s.failure, _judged(s))),
        Metric("escalation_rate", "escalation rate", "share", lambda s: _share(s.handed_off, _judged(s))),
        Metric("error_rate", "error rate", "share", lambda s: _share(s.error_runs, s.runs)),
        Metric("denial_rate", "share of runs with a denial", "share", lambda s: _share(s.denied_runs, s.runs)),
        Metric("denials", "denied calls", "count", lambda s: float(s.denials)),
        Metric("tokens", "tokens", "count", lambda s: float(s.input_tokens + s.output_tokens)),
        Metric("input_tokens", "input tokens", "count", lambda s: float(s.input_tokens)),
        Metric("output_tokens", "output tokens", "count", lambda s: float(s.output_tokens)),
        Metric("tool_calls", "tool calls", "count", lambda s: float(s.tool_calls)),
        Metric("model_calls", "model calls", "count", lambda s: float(s.model_calls)),
        Metric("unpriced_calls", "calls without a price", "count", lambda s: float(s.unpriced_calls)),
        Metric("mean_duration_s", "mean duration", "s", lambda s: s.duration_ns / s.ended / NANO if s.ended else None),
        Metric("max_duration_s", "longest run", "s", lambda s: s.slowest_ns / NANO if s.ended else None),
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
