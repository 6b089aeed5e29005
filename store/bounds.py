"""The numbers of a run that a bound may compare, in SQL; the words are ours, every value is bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

_REPEAT = "ifNull(repeats.longest, 0)"

RUN_NUMBERS: Mapping[str, str] = {
    "cost_usd": "toFloat64(ifNull(cost_usd, 0))",
    "duration_s": "duration_ns / 1e9",
    "runtime_s": "duration_ns / 1e9",
    "tokens": "ifNull(input_tokens, 0) + ifNull(output_tokens, 0)",
    "tool_calls": "tool_calls",
    "model_calls": "model_calls",
    "denials": "denials",
    "errors": "errors",
    "same_tool_in_a_row": _REPEAT,
}
COMPARISONS = (">", ">=", "<", "<=")


class Bound(Protocol):
    """A checked bound."""

    @property
    def number(self) -> str:
        """One of `RUN_NUMBERS`."""

    @property
    def comparison(self) -> str:
        """One of `COMPARISONS`."""

    @property
    def value(self) -> float:
        """What it is compared with."""


def bounds_sql(bounds: Sequence[Bound]) -> tuple[str, dict[str, object]]:
    """A condition that holds for a run beyond one of the bounds, and its parameters; `false` without bounds."""
    clauses: list[str] = []
    params: dict[str, object] = {}
    for number, bound in enumerate(bounds):
        name = f"bound_{number}"
        clauses.append(f"{RUN_NUMBERS[bound.number]} {bound.comparison} {{{name}:Float64}}")
        params[name] = bound.value
    return " OR ".join(clauses) or "false", params


def needs_repeats(bounds: Sequence[Bound]) -> bool:
    """Whether one of them looks at the order of tool calls."""
    return any(RUN_NUMBERS[bound.number] == _REPEAT for bound in bounds)
