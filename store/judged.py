"""What pages ask of judged runs: kinds of attempts, the moments behind cost per success, tools, writes; and plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from spans.ids import RunId, SpanId
from spans.kinds import OutcomeLabel, RunMode, RunStatus, SpanKind, ToolOutcome
from spans.run import Assembly, Run

MOST_PARTS = 32
"""Runs that one job is followed through."""
MOST_GROUPS = 2_000
WROTE = (ToolOutcome.OK.value, ToolOutcome.RETRIED_THEN_OK.value, ToolOutcome.EMPTY.value)
"""A write that answers nothing has been done all the same."""


@dataclass(frozen=True, slots=True)
class AttemptQuery:
    """Which attempts of a project; None or empty means any. `until_ns` is exclusive."""

    project: str
    since_ns: int
    until_ns: int
    environment: str | None = None
    workflow: str | None = None
    kind: str = ""
    tool: str | None = None
    rule: str | None = None
    reason: str | None = None
    shape: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptGroup:
    """One kind of attempt: workflow, tool, rule and shape of arguments. `before` counts the time before the range."""

    environment: str
    workflow: str
    kind: str
    reason: str
    level: str
    tool: str
    rule: str
    shape: str
    harm: str
    count: int
    runs: int
    before: int
    followed: Mapping[str, int]
    grades: Mapping[str, int]
    versions: tuple[str, ...]
    cost_usd: Decimal
    """Of the runs in which it happened."""
    first_ns: int
    """When this kind was first seen in what was looked at, the time before the range included."""
    last_ns: int
    run_id: RunId
    span_id: SpanId
    """The newest example."""


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt with the run it belongs to."""

    run_id: RunId
    span_id: SpanId
    environment: str
    workflow: str
    version: str
    at_ns: int
    kind: str
    reason: str
    grade: str
    level: str
    tool: str
    rule: str
    by: str
    shape: str
    followed: str
    outcome: str
    cost_usd: Decimal | None


class EconomicsField(StrEnum):
    """What cost per success can be told apart by; a promoted attribute is asked for by its key."""

    NONE = ""
    WORKFLOW = "workflow"
    VERSION = "version"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class EconomicsRow:
    """Sums over runs that count (shadow runs do not), enough for rates, cost per success and its interval.

    A job that spans several runs is judged once, on its last part; its cost is counted in every part. Squares and
    products are floats of dollars; money is exact.
    """

    key: str = ""
    environment: str = ""
    runs: int = 0
    jobs: int = 0
    success: int = 0
    failure: int = 0
    handed_off: int = 0
    errors: int = 0
    intervened: int = 0
    """Runs in which a person stepped in."""
    interventions: int = 0
    cost_usd: Decimal | None = None
    failed_usd: Decimal = Decimal(0)
    """Spent on jobs that failed, in every part of them that matches."""
    unpriced_calls: int = 0
    cost_squares: float = 0.0
    cost_of_success: float = 0.0
    """Sum of the cost of the runs that succeeded."""
    tool_outcomes: Mapping[str, int] = field(default_factory=dict)
    p95_duration_ns: int = 0
    last_started_ns: int = 0


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool under one schema: when runs were offered it."""

    tool: str
    schema: str
    runs: int
    first_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class UsedTool:
    """Calls of a tool by what became of them, in how many runs, and how many of those ended well."""

    tool: str
    outcomes: Mapping[str, int]
    runs: int
    good_runs: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class WriteRow:
    """One tool call that succeeded, with what makes a repeat."""

    run_id: RunId
    span_id: SpanId
    environment: str
    workflow: str
    tool: str
    repeat_hash: str
    idempotency: str
    call_id: str
    at_ns: int
    outcome: str


# The same in plain Python, for the store in memory.


def attempt_groups(runs: Iterable[Run], query: AttemptQuery, before_ns: int) -> tuple[AttemptGroup, ...]:
    """Groups of the range, the most frequent first; `before_ns` is how far back before it to look."""
    found: defaultdict[tuple[str, ...], list[tuple[Run, int]]] = defaultdict(list)
    for run in runs:
        for number, attempt in enumerate(run.attempts):
            if _fits(run, number, query, query.since_ns - before_ns):
                key = (
                    *(run.environment, run.workflow, attempt.kind.value, attempt.reason.value, attempt.level),
                    *(attempt.tool, attempt.rule, attempt.shape),
                )
                found[key].append((run, number))
    groups = [group for key, rows in found.items() if (group := _group(key, rows, query.since_ns)) is not None]
    return tuple(sorted(groups, key=lambda g: (-g.count, g.workflow, g.tool, g.rule, g.shape))[:MOST_GROUPS])


def _fits(run: Run, number: int, query: AttemptQuery, since_ns: int) -> bool:
    attempt = run.attempts[number]
    wanted = (
        (query.environment, run.environment),
        (query.workflow, run.workflow),
        (query.kind or None, attempt.kind.value),
        (query.tool, attempt.tool),
        (query.rule, attempt.rule),
        (query.reason, attempt.reason.value),
        (query.shape, attempt.shape),
    )
    return (
        run.project == query.project
        and since_ns <= run.started_ns < query.until_ns
        and all(w is None or w == got for w, got in wanted)
    )


def _group(key: tuple[str, ...], rows: list[tuple[Run, int]], since_ns: int) -> AttemptGroup | None:
    inside = [(run, n) for run, n in rows if run.started_ns >= since_ns]
    if not inside:
        return None
    newest, number = max(inside, key=lambda row: (row[0].attempts[row[1]].at_ns, row[0].run_id))
    followed: defaultdict[str, int] = defaultdict(int)
    grades: defaultdict[str, int] = defaultdict(int)
    for run, n in inside:
        followed[run.attempts[n].followed.value] += 1
        grades[run.attempts[n].grade.value] += 1
    distinct = {run.run_id: run for run, _ in inside}
    environment, workflow, kind, reason, level, tool, rule, shape = key
    return AttemptGroup(
        environment=environment,
        workflow=workflow,
        kind=kind,
        reason=reason,
        level=level,
        tool=tool,
        rule=rule,
        shape=shape,
        harm=newest.attempts[number].harm.value,
        count=len(inside),
        runs=len(distinct),
        before=len(rows) - len(inside),
        followed=dict(followed),
        grades=dict(grades),
        versions=tuple(sorted({run.workflow_version for run in distinct.values() if run.workflow_version}))[:5],
        cost_usd=sum((run.cost_usd or Decimal(0) for run in distinct.values()), Decimal(0)),
        first_ns=min(run.attempts[n].at_ns for run, n in rows),
        last_ns=max(run.attempts[n].at_ns for run, n in inside),
        run_id=newest.run_id,
        span_id=newest.attempts[number].span_id,
    )


def attempt_rows(runs: Iterable[Run], query: AttemptQuery, limit: int) -> tuple[AttemptRow, ...]:
    """Attempts of the range, newest first."""
    rows = [
        AttemptRow(
            run_id=run.run_id,
            span_id=attempt.span_id,
            environment=run.environment,
            workflow=run.workflow,
            version=run.workflow_version,
            at_ns=attempt.at_ns,
            kind=attempt.kind.value,
            reason=attempt.reason.value,
            grade=attempt.grade.value,
            level=attempt.level,
            tool=attempt.tool,
            rule=attempt.rule,
            by=attempt.by,
            shape=attempt.shape,
            followed=attempt.followed.value,
            outcome=run.outcome.label.value,
            cost_usd=run.cost_usd,
        )
        for run in runs
        for number, attempt in enumerate(run.attempts)
        if _fits(run, number, query, query.since_ns)
    ]
    return tuple(sorted(rows, key=lambda r: (-r.at_ns, r.run_id, r.span_id))[:limit])


def economics_of(
    groups: Mapping[tuple[str, str], Sequence[Run]], by_id: Mapping[RunId, Run]
) -> tuple[EconomicsRow, ...]:
    """Sums by (key, environment), the dearest first; `by_id` are all runs of the project."""
    rows = [_economics(key, environment, runs, by_id) for (key, environment), runs in groups.items()]
    rows = [row for row in rows if row.runs]
    return tuple(sorted(rows, key=lambda r: (-(r.cost_usd or Decimal(0)), -r.runs, r.key, r.environment)))


def _is_failed(run: Run, by_id: Mapping[RunId, Run]) -> bool:
    """Whether the job that a run is a part of failed in the end."""
    last: Run | None = run
    for _ in range(MOST_PARTS):
        if last is None or last.mode is RunMode.SHADOW or last.continued_by is None:
            break
        last = by_id.get(last.continued_by)
    is_over = last is not None and last.continued_by is None and last.mode is not RunMode.SHADOW
    return is_over and last is not None and last.outcome.label is OutcomeLabel.FAILURE


def _economics(key: str, environment: str, runs: Sequence[Run], by_id: Mapping[RunId, Run]) -> EconomicsRow:
    counted = [run for run in runs if run.mode is not RunMode.SHADOW]
    judged = [run for run in counted if run.continued_by is None]
    outcomes: defaultdict[str, int] = defaultdict(int)
    for run in counted:
        for outcome, calls in run.tool_outcomes.items():
            outcomes[outcome] += calls
    priced = [run.cost_usd for run in counted if run.cost_usd is not None]
    good = [run for run in judged if run.outcome.label is OutcomeLabel.SUCCESS]
    bad = [run for run in judged if run.outcome.label is OutcomeLabel.FAILURE]
    ended = sorted(run.duration_ns for run in counted if run.status is not RunStatus.RUNNING)
    return EconomicsRow(
        key=key,
        environment=environment,
        runs=len(counted),
        jobs=len(judged),
        success=len(good),
        failure=len(bad),
        handed_off=sum(run.outcome.label is OutcomeLabel.HANDED_OFF for run in judged),
        errors=sum(run.status is RunStatus.ERROR for run in counted),
        intervened=sum(run.interventions > 0 for run in counted),
        interventions=sum(run.interventions for run in counted),
        cost_usd=sum(priced, Decimal(0)) if priced else None,
        failed_usd=sum((run.cost_usd or Decimal(0) for run in counted if _is_failed(run, by_id)), Decimal(0)),
        unpriced_calls=sum(run.unpriced_calls for run in counted),
        cost_squares=sum(float(cost) ** 2 for cost in priced),
        cost_of_success=float(sum((run.cost_usd or Decimal(0) for run in good), Decimal(0))),
        tool_outcomes=dict(sorted(outcomes.items())),
        p95_duration_ns=ended[int(0.95 * len(ended))] if ended else 0,
        last_started_ns=max((run.started_ns for run in counted), default=0),
    )


def offered_tools(runs: Iterable[Run]) -> tuple[OfferedTool, ...]:
    """Every tool and schema that runs were offered."""
    found: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for run in runs:
        for tool, schema in run.tool_schemas.items():
            found[tool, schema].append(run.started_ns)
    rows = [OfferedTool(t, s, len(at), min(at), max(at)) for (t, s), at in found.items()]
    return tuple(sorted(rows, key=lambda r: (r.tool, r.first_ns, r.schema)))


def used_tools(assemblies: Iterable[Assembly]) -> tuple[UsedTool, ...]:
    """Calls by tool, each call once, those that never ran included."""
    outcomes: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    runs: defaultdict[str, dict[RunId, Run]] = defaultdict(dict)
    for assembly in assemblies:
        for step in assembly.steps:
            if step.kind is not SpanKind.TOOL or not step.tool_name or step.duplicate_of is not None:
                continue
            if step.tool_outcome and (step.counted or step.tool_outcome.value in NOT_COUNTED):
                outcomes[step.tool_name][step.tool_outcome.value] += 1
                runs[step.tool_name][assembly.run.run_id] = assembly.run
    rows = [
        UsedTool(
            tool,
            dict(sorted(outcomes[tool].items())),
            len(inside),
            sum(run.outcome.label is OutcomeLabel.SUCCESS for run in inside.values()),
            max(run.started_ns for run in inside.values()),
        )
        for tool, inside in runs.items()
    ]
    return tuple(sorted(rows, key=lambda r: (-sum(r.outcomes.values()), r.tool)))


NOT_COUNTED = (
    ToolOutcome.INVALID_ARGUMENTS.value,
    ToolOutcome.APPROVAL_PENDING.value,
    ToolOutcome.NOT_EXECUTED.value,
)
"""Calls that never ran; they are no tool calls of the run, but a tool's own table lists them."""


def repeated_writes(assemblies: Iterable[Assembly], since_ns: int, until_ns: int) -> tuple[WriteRow, ...]:
    """Successful calls of the range whose tool and arguments occur more than once in a workflow, oldest first."""
    groups: defaultdict[tuple[str, str, str, str], list[WriteRow]] = defaultdict(list)
    for assembly in assemblies:
        run = assembly.run
        for step in assembly.steps:
            if (
                step.kind is SpanKind.TOOL
                and step.counted
                and step.tool_repeat_hash
                and step.tool_outcome is not None
                and step.tool_outcome.value in WROTE
                and since_ns <= step.start_ns < until_ns
                and run.mode is not RunMode.SHADOW
            ):
                row = WriteRow(
                    run_id=run.run_id,
                    span_id=step.span_id,
                    environment=run.environment,
                    workflow=run.workflow,
                    tool=step.tool_name,
                    repeat_hash=step.tool_repeat_hash,
                    idempotency=step.tool_idempotency,
                    call_id=step.tool_call_id,
                    at_ns=step.start_ns,
                    outcome=step.tool_outcome.value,
                )
                groups[run.environment, run.workflow, row.tool, row.repeat_hash].append(row)
    rows = [row for some in groups.values() if len(some) > 1 for row in some]
    return tuple(sorted(rows, key=lambda r: (r.at_ns, r.run_id, r.span_id)))
