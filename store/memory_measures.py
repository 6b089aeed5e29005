"""The measure reader over runs in memory: plain loops and the reference tests."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from spans.kinds import RunMode, RunStatus, UsageRole
from spans.run import Assembly, Run
from store.derived_rows import cost_by_class
from store.measures import (
    DAY_NS,
    JUDGED,
    LEAST_USUAL,
    LONGEST_RUN_NS,
    SCHEMA_DIGITS,
    SUCCESS,
    TIMES_THE_USUAL,
    USUAL_NS,
    Activity,
    Comparison,
    Example,
    FeatureTest,
    Flagged,
    LabelField,
    Point,
    Reach,
    SpendField,
    SpendPart,
    Spent,
    ToolRow,
    VersionSpan,
)
from store.rank_tests import Sample, compare_numbers, compare_rates

_SECOND_NS = 1_000_000_000
_LEAST_YES = 3

_SPEND_FIELDS: Mapping[SpendField, Callable[[Run], str]] = {
    SpendField.WORKFLOW: lambda run: run.workflow,
    SpendField.VERSION: lambda run: run.workflow_version,
    SpendField.USER: lambda run: run.user_id,
    SpendField.SESSION: lambda run: run.session_id,
}
_LABEL_FIELDS: Mapping[LabelField, Callable[[Run], Iterable[str]]] = {
    LabelField.VERSION: lambda run: (run.workflow_version,),
    LabelField.MODEL: lambda run: run.models,
    LabelField.PROMPT: lambda run: run.prompts,
    LabelField.TOOLS: lambda run: (f"{t} {s[:SCHEMA_DIGITS]}".rstrip() for t, s in run.tool_schemas.items()),
}


class MemoryMeasures:
    """Implements `store.measures.MeasureReader`; keeps every run, whatever share is asked for."""

    def __init__(self, assemblies: Callable[[], Iterable[Assembly]]) -> None:
        self._assemblies = assemblies

    def activity(self, project: str, since_ns: int, at_ns: int) -> tuple[Activity, ...]:
        """Workflows that ran in [since, at)."""
        grouped: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for a in self._ended(project, since_ns, at_ns):
            grouped[a.run.workflow, a.run.environment].append(a.run.started_ns)
        return tuple(
            _activity(workflow, environment, times, at_ns) for (workflow, environment), times in sorted(grouped.items())
        )

    def compare(self, project: str, comparisons: Sequence[Comparison]) -> tuple[FeatureTest, ...]:
        """Both tests over every feature of every comparison."""
        return tuple(test for n, c in enumerate(comparisons) for test in self._compared(project, n, c))

    def series(
        self, project: str, where: Comparison, feature: str, *, is_rate: bool, bucket_ns: int
    ) -> tuple[Point, ...]:
        """The feature over both windows, by bucket."""
        buckets: defaultdict[int, list[float]] = defaultdict(list)
        for a, _ in self._groups(project, where):
            value = _value(a, feature, is_rate=is_rate)
            if value is not None:
                buckets[a.run.started_ns // bucket_ns].append(value)
        middle = statistics.mean if is_rate else statistics.median
        return tuple(Point(n * bucket_ns, len(values), middle(values)) for n, values in sorted(buckets.items()))

    def examples(
        self,
        project: str,
        where: Comparison,
        feature: str,
        *,
        is_rate: bool,
        current: bool,
        near: float | None,
        limit: int,
    ) -> tuple[Example, ...]:
        """Runs of one group nearest to a value, or the largest."""
        found = [
            Example(a.run.run_id, value)
            for a, day in self._groups(project, where)
            if (day < 0) is current and (value := _value(a, feature, is_rate=is_rate)) is not None
        ]
        found.sort(key=lambda e: (-e.value if near is None else abs(e.value - near), e.run_id))
        return tuple(found[:limit])

    def reach(self, project: str, workflow: str, environment: str, since_ns: int, until_ns: int) -> Reach:
        """What the workflow's runs of a period touched."""
        found = [
            a
            for a in self._assemblies()
            if (a.run.project, a.run.workflow, a.run.environment) == (project, workflow, environment)
            and since_ns <= a.run.started_ns < until_ns
            and a.run.mode is not RunMode.SHADOW
        ]
        costs = [a.run.cost_usd for a in found if a.run.cost_usd is not None]
        return Reach(
            len(found),
            len({a.run.user_id for a in found if a.run.user_id}),
            sum(costs, Decimal(0)) if costs else None,
            Counter(tool for a in found for tool in a.measures.tools),
        )

    def values(
        self, project: str, where: Comparison, feature: str, *, is_rate: bool, limit: int
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Values of the feature in both groups."""
        sides: dict[bool, list[float]] = {True: [], False: []}
        for a, day in self._groups(project, where):
            value = _success(a.run) if feature == SUCCESS else _value(a, feature, is_rate=is_rate)
            if value is not None:
                sides[day < 0].append(value)
        return tuple(sides[True][:limit]), tuple(sides[False][:limit])

    def spent(
        self, project: str, workflow: str, environment: str | None, since_ns: Sequence[int], until_ns: int
    ) -> tuple[Spent, ...]:
        """Spend since each of some moments."""
        own = [
            a.run
            for a in self._assemblies()
            if (a.run.project, a.run.workflow) == (project, workflow)
            and environment in (None, a.run.environment)
            and a.run.mode is not RunMode.SHADOW
        ]
        seen = ([run for run in own if since <= run.started_ns < until_ns] for since in since_ns)
        return tuple(Spent(sum((run.cost_usd or Decimal(0) for run in runs), Decimal(0)), len(runs)) for runs in seen)

    def spend_parts(
        self, project: str, where: Comparison, field: SpendField, attribute: str = ""
    ) -> tuple[SpendPart, ...]:
        """Spend of both windows by one field or attribute."""
        parts: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0, 0.0, 0])
        for a in self._assemblies():
            run, at = a.run, a.run.started_ns
            if run.project != project or where.workflow not in ("", run.workflow):
                continue
            if where.environment not in ("", run.environment):
                continue
            is_current = where.current_since_ns <= at < where.current_until_ns
            if is_current or where.reference_since_ns <= at < where.reference_until_ns:
                for value, usd in _split(a, field, attribute).items():
                    part = parts[value]
                    part[0 if is_current else 2] += float(usd)
                    part[1 if is_current else 3] += 1
        found = [SpendPart(v, p[0], int(p[1]), p[2], int(p[3])) for v, p in parts.items()]
        return tuple(sorted(found, key=lambda p: (-p.usd, p.value))[:200])

    def tool_rows(self, project: str, comparisons: Sequence[Comparison], limit: int) -> tuple[tuple[ToolRow, ...], ...]:
        """The tools of every comparison's runs."""
        return tuple(self._tools(project, where, limit) for where in comparisons)

    def looped(self, project: str, since_ns: int, until_ns: int, limit: int) -> tuple[Flagged, ...]:
        """Runs with a loop in them, or with far more calls than usual."""
        counts: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        usual_ns = max(since_ns - USUAL_NS, 0)
        for a in (a for a in self._ended(project, usual_ns, since_ns) if _end_ns(a.run) < since_ns):
            counts[a.run.workflow, a.run.environment].append(a.run.tool_calls)
        usual = {key: _quantile(some, 0.99) for key, some in counts.items() if len(some) >= LEAST_USUAL}
        found = [
            Flagged(run.workflow, run.environment, run.run_id, run.started_ns, tools, is_row, run.tool_calls, most)
            for run, tools, is_row, most in (
                (
                    a.run,
                    a.measures.tools,
                    "loop" in a.measures.flags,
                    usual.get((a.run.workflow, a.run.environment), 0.0),
                )
                for a in self._assemblies()
            )
            if run.project == project
            and since_ns - LONGEST_RUN_NS <= run.started_ns < until_ns
            and _end_ns(run) >= since_ns
            and run.mode is not RunMode.SHADOW
            and (
                is_row or ((run.workflow, run.environment) in usual and run.tool_calls > TIMES_THE_USUAL * max(1, most))
            )
        ]
        return tuple(sorted(found, key=lambda f: (f.started_ns, f.run_id))[:limit])

    def _tools(self, project: str, where: Comparison, limit: int) -> tuple[ToolRow, ...]:
        rows = [
            ToolRow(day < 0, _stratum(a.run, where.utc_offset_s), a.measures.tools)
            for a, day in self._groups(project, where)
        ]
        return tuple(row for side in (True, False) for row in [r for r in rows if r.is_current is side][:limit])

    def versions(self, project: str, since_ns: int, at_ns: int) -> tuple[VersionSpan, ...]:
        """Workflow versions that ran."""
        return self.labels(project, LabelField.VERSION, since_ns, at_ns)

    def labels(self, project: str, field: LabelField, since_ns: int, at_ns: int) -> tuple[VersionSpan, ...]:
        """Labels of a kind that ran."""
        seen: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
        for a in self._assemblies():
            run = a.run
            if run.project == project and since_ns <= run.started_ns < at_ns and run.mode is not RunMode.SHADOW:
                for label in _LABEL_FIELDS[field](run):
                    if label:
                        seen[run.workflow, run.environment, label].append(run.started_ns)
        spans = [VersionSpan(*key, len(times), min(times), max(times)) for key, times in seen.items()]
        return tuple(sorted(spans, key=lambda v: (v.workflow, v.environment, v.first_ns, v.label)))

    def _ended(self, project: str, since_ns: int, until_ns: int) -> Iterator[Assembly]:
        for a in self._assemblies():
            run = a.run
            counts = run.mode is not RunMode.SHADOW and run.status is not RunStatus.RUNNING
            if counts and run.project == project and since_ns <= run.started_ns < until_ns:
                yield a

    def _groups(self, project: str, c: Comparison) -> Iterator[tuple[Assembly, int]]:
        """Runs of both groups: -1 for the current one, else days before the end of the reference."""
        for a in self._ended(project, 0, max(c.current_until_ns, c.reference_until_ns)):
            run = a.run
            if (run.workflow, run.environment) != (c.workflow, c.environment):
                continue
            at, version = run.started_ns, run.workflow_version
            is_current = c.current_since_ns <= at < c.current_until_ns and c.current_version in (None, version)
            if is_current and (not c.current_model or c.current_model in run.models):
                yield a, -1
            elif c.reference_since_ns <= at < c.reference_until_ns and c.reference_version in (None, version):
                yield a, (c.reference_until_ns - 1 - at) // DAY_NS

    def _compared(self, project: str, number: int, c: Comparison) -> Iterator[FeatureTest]:
        groups = list(self._groups(project, c))
        for feature in sorted({name for a, _ in groups for name in a.measures.numbers}):
            compared = compare_numbers(*_sides(groups, feature, c.utc_offset_s, is_rate=False))
            if compared is not None:
                yield FeatureTest(number, feature, is_rate=False, compared=compared)
        flags = Counter(flag for a, _ in groups for flag in a.measures.flags)
        for feature in sorted(name for name, yes in flags.items() if yes >= _LEAST_YES):
            compared = compare_rates(*_sides(groups, feature, c.utc_offset_s, is_rate=True))
            if compared is not None:
                yield FeatureTest(number, feature, is_rate=True, compared=compared)


def _split(assembly: Assembly, field: SpendField, attribute: str) -> Mapping[str, Decimal]:
    """What a run cost, by value of the field: several only for a run of several models."""
    run = assembly.run
    cost = run.cost_usd or Decimal(0)
    if attribute:
        return {run.attributes.get(attribute, ""): cost}
    if field is SpendField.TOKEN_CLASS:
        return cost_by_class(assembly) or {"": cost}
    if field is not SpendField.MODEL:
        return {_SPEND_FIELDS[field](run): cost}
    if len(run.models) < 2:
        return {"".join(run.models): cost}
    split: defaultdict[str, Decimal] = defaultdict(Decimal)
    for step in assembly.steps:
        if step.usage_role is UsageRole.OWN:
            split[step.response_model or step.request_model] += step.cost.usd if step.cost else 0
    return split


def _sides(
    groups: Sequence[tuple[Assembly, int]], feature: str, utc_offset_s: int, *, is_rate: bool
) -> tuple[list[Sample], list[Sample]]:
    sides: tuple[list[Sample], list[Sample]] = ([], [])
    for a, day in groups:
        value = _value(a, feature, is_rate=is_rate)
        if value is not None:
            sides[day >= 0].append(Sample(day, _stratum(a.run, utc_offset_s), value))
    return sides


def _value(assembly: Assembly, feature: str, *, is_rate: bool) -> float | None:
    if is_rate:
        return float(feature in assembly.measures.flags)
    return assembly.measures.numbers.get(feature)


def _success(run: Run) -> float | None:
    is_judged = run.continued_by is None and run.outcome.label.value in JUDGED
    return float(run.outcome.label.value == SUCCESS) if is_judged else None


def _end_ns(run: Run) -> int:
    return run.started_ns + max(run.duration_ns, 0)


def _quantile(values: Sequence[int], share: float) -> float:
    """Between the two nearest values, as the engine's exact inclusive quantile."""
    ordered, at = sorted(values), share * (len(values) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])


def _stratum(run: Run, utc_offset_s: int) -> int:
    at = datetime.fromtimestamp(run.started_ns // _SECOND_NS + utc_offset_s, UTC)
    return (at.weekday() >= 5) * 4 + at.hour // 6


def _activity(workflow: str, environment: str, times: list[int], at_ns: int) -> Activity:
    late = sorted((t for t in times if t >= at_ns - 3 * DAY_NS), reverse=True)
    return Activity(
        workflow,
        environment,
        len(times),
        min(times),
        sum(t >= at_ns - DAY_NS for t in times),
        len(late),
        late[29] if len(late) >= 30 else 0,
    )
