"""Sums over runs per workflow, environment and stretch of time, and how many runs break a bound: what alert rules ask."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from spans.errors import RefusedError
from spans.kinds import OutcomeLabel, RunMode, RunStatus, SpanKind, ToolOutcome
from spans.run import Run, Step
from store.bounds import COMPARISONS, RUN_NUMBERS

if TYPE_CHECKING:
    from store.api import RunQuery

NANO = 1_000_000_000
MOST_EXAMPLES = 5
TOOL_COUNTS: Mapping[str, ToolOutcome] = {
    "tool_errors": ToolOutcome.ERROR,
    "tool_timeouts": ToolOutcome.TIMEOUT,
    "tool_invalid": ToolOutcome.INVALID_ARGUMENTS,
    "tool_denied": ToolOutcome.DENIED,
    "tool_retried": ToolOutcome.RETRIED_THEN_OK,
}
"""Which field of the sums counts which outcome of tool calls."""


@dataclass(frozen=True, slots=True)
class RunBound:
    """A bound on one number of a run; `number` is one of `RUN_NUMBERS`, `comparison` one of `COMPARISONS`."""

    number: str
    comparison: str
    value: float


@dataclass(frozen=True, slots=True)
class RunSums:
    """Sums over the runs that began in [start, start + width), shadow runs left out of all but `shadow`.

    A job in several runs is judged on its last part: `jobs`, `success`, `failure`, `handed_off` and `failed_nano_usd` count
    last parts only, as the table of economics does. `*_nano_usd` are billionths of a US dollar; `ended`, `duration_ns` and
    `slowest_ns` are of ended runs; `tool_results` are tool calls by how they ended, all of them.
    """

    start_ns: int
    workflow: str
    environment: str
    runs: int = 0
    shadow: int = 0
    success: int = 0
    failure: int = 0
    handed_off: int = 0
    error_runs: int = 0
    denied_runs: int = 0
    denials: int = 0
    jobs: int = 0
    intervened: int = 0
    tool_results: int = 0
    tool_errors: int = 0
    tool_timeouts: int = 0
    tool_invalid: int = 0
    tool_denied: int = 0
    tool_retried: int = 0
    failed_nano_usd: int = 0
    tool_calls: int = 0
    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    unpriced_calls: int = 0
    cost_nano_usd: int = 0
    ended: int = 0
    duration_ns: int = 0
    slowest_ns: int = 0
    matching: int = 0
    """Runs beyond one of the bounds."""
    examples: tuple[str, ...] = ()
    """The first of those, oldest first; at most five."""


SUM_FIELDS = tuple(f.name for f in fields(RunSums))[3:-1]
"""The sums themselves, in order: everything but what they are sums of, and the examples."""


@dataclass(frozen=True, slots=True, eq=False)
class RunSeries:
    """The sums of one workflow and environment in every stretch that had runs, oldest first, as arrays of int64.

    A month of five-minute stretches of fifty workflows is half a million of them: too many for an object each.
    """

    workflow: str
    environment: str
    starts_ns: np.ndarray
    sums: Mapping[str, np.ndarray]
    """By the names of `SUM_FIELDS`."""


def series_of(
    columns: Mapping[str, np.ndarray], workflows: Sequence[str], environments: Sequence[str]
) -> tuple[RunSeries, ...]:
    """One series per workflow and environment, out of columns in whose order each stands together."""
    keys = list(zip(workflows, environments, strict=True))
    if not keys:
        return ()
    edges = [n for n in range(len(keys)) if n == 0 or keys[n] != keys[n - 1]]
    return tuple(
        RunSeries(
            *keys[first],
            columns["start_ns"][first:end].astype(np.int64),
            {name: columns[name][first:end].astype(np.int64) for name in SUM_FIELDS},
        )
        for first, end in zip(edges, [*edges[1:], len(keys)], strict=True)
    )


_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def check_bounds(bounds: Sequence[RunBound]) -> None:
    """Refuse what no engine knows.

    Raises:
        RefusedError: an unknown number or comparison.
    """
    for bound in bounds:
        if bound.number not in RUN_NUMBERS or bound.comparison not in COMPARISONS:
            raise RefusedError(
                f"A run has no number {bound.number[:40]!r} to compare; numbers are {', '.join(RUN_NUMBERS)}."
            )


def ends_of(query: RunQuery, bounds: Sequence[RunBound]) -> tuple[int, int]:
    """Both ends of a query's range, in Unix nanoseconds.

    Raises:
        RefusedError: it lacks one, or a bound cannot be read.
    """
    check_bounds(bounds)
    if query.since_ns is None or query.until_ns is None:
        raise RefusedError("Sums need a range with both ends: since and until.")
    return max(0, query.since_ns), query.until_ns


def exceeds(run: Run, steps: Sequence[Step], bounds: Sequence[RunBound]) -> bool:
    """Whether a run is beyond one of the bounds; the meaning of the SQL."""
    return any(_COMPARE[b.comparison](_number(run, steps, b.number), b.value) for b in bounds)


def _number(run: Run, steps: Sequence[Step], name: str) -> float:
    plain = {
        "cost_usd": float(run.cost_usd or 0),
        "duration_s": run.duration_ns / NANO,
        "runtime_s": run.duration_ns / NANO,
        "tokens": (run.usage.input or 0) + (run.usage.output or 0),
        "tool_calls": run.tool_calls,
        "model_calls": run.model_calls,
        "denials": run.denials,
        "errors": run.errors,
    }
    return float(plain[name]) if name in plain else float(longest_repeat(steps))


def longest_repeat(steps: Iterable[Step]) -> int:
    """How often the same tool was called in a row, at most."""
    tools = [s.tool_name for s in sorted(steps, key=lambda s: s.ordinal) if s.kind is SpanKind.TOOL and s.counted]
    return max((sum(1 for _ in same) for _, same in groupby(tools)), default=0)


def sums_of(
    found: Sequence[tuple[Run, Sequence[Step]]], since_ns: int, width_ns: int, bounds: Sequence[RunBound]
) -> tuple[RunSums, ...]:
    """The sums in plain Python."""
    groups: dict[tuple[int, str, str], list[tuple[Run, Sequence[Step]]]] = {}
    for run, steps in found:
        start = since_ns + (run.started_ns - since_ns) // width_ns * width_ns
        groups.setdefault((start, run.workflow, run.environment), []).append((run, steps))
    return tuple(_one(*key, items, bounds) for key, items in sorted(groups.items()))


def _one(
    start_ns: int,
    workflow: str,
    environment: str,
    items: Sequence[tuple[Run, Sequence[Step]]],
    bounds: Sequence[RunBound],
) -> RunSums:
    live = [(run, steps) for run, steps in items if run.mode is not RunMode.SHADOW]
    runs = [run for run, _ in live]
    ended = [run for run in runs if run.status is not RunStatus.RUNNING]
    jobs = [run for run in runs if run.continued_by is None]
    outcomes: Counter[str] = Counter()
    for run in runs:
        outcomes.update(run.tool_outcomes)
    beyond = sorted((run.started_ns, run.run_id) for run, steps in live if exceeds(run, steps, bounds))
    return RunSums(
        start_ns,
        workflow,
        environment,
        runs=len(runs),
        shadow=len(items) - len(live),
        success=sum(r.outcome.label is OutcomeLabel.SUCCESS for r in jobs),
        failure=sum(r.outcome.label is OutcomeLabel.FAILURE for r in jobs),
        handed_off=sum(r.outcome.label is OutcomeLabel.HANDED_OFF for r in jobs),
        error_runs=sum(r.status is RunStatus.ERROR for r in runs),
        denied_runs=sum(r.denials > 0 for r in runs),
        denials=sum(r.denials for r in runs),
        jobs=len(jobs),
        intervened=sum(r.interventions > 0 for r in runs),
        tool_results=outcomes.total(),
        **{name: outcomes[outcome.value] for name, outcome in TOOL_COUNTS.items()},
        failed_nano_usd=int(sum((r.cost_usd or 0) for r in jobs if r.outcome.label is OutcomeLabel.FAILURE) * NANO),
        tool_calls=sum(r.tool_calls for r in runs),
        model_calls=sum(r.model_calls for r in runs),
        input_tokens=sum(r.usage.input or 0 for r in runs),
        output_tokens=sum(r.usage.output or 0 for r in runs),
        unpriced_calls=sum(r.unpriced_calls for r in runs),
        cost_nano_usd=int(sum((r.cost_usd or 0) for r in runs) * NANO),
        ended=len(ended),
        duration_ns=sum(r.duration_ns for r in ended),
        slowest_ns=max((r.duration_ns for r in ended), default=0),
        matching=len(beyond),
        examples=tuple(run_id for _, run_id in beyond[:MOST_EXAMPLES]),
    )
