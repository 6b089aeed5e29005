"""Hourly roll-ups: what they count, how durations are kept so that quantiles can be read, and the sums in plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from spans.kinds import OutcomeLabel, RunMode, RunStatus, SpanKind, UsageRole
from spans.run import Assembly, Run, Step
from store.text import clean_text

HOUR_NS = 3_600_000_000_000
LONGEST_NS = 30 * 24 * HOUR_NS
"""Longer durations count as this: one broken clock must not fill a sum."""
CALL_KINDS = (SpanKind.MODEL, SpanKind.EMBEDDING, SpanKind.RERANKER, SpanKind.TOOL, SpanKind.RETRIEVAL)
"""Kinds of steps that the roll-up of calls counts."""
_FINE = 32
"""Buckets per power of two: a quantile is off by at most 1.6 %."""
_FINE_BITS = 5


class HourField(StrEnum):
    """What runs can be told apart by."""

    HOUR = "hour_ns"
    ENVIRONMENT = "environment"
    WORKFLOW = "workflow"
    VERSION = "workflow_version"
    MODE = "mode"
    SHAPE = "shape"
    OUTCOME = "outcome"
    STATUS = "status"


class CallField(StrEnum):
    """What calls can be told apart by. `NAME` is the tool, or the model that answered."""

    HOUR = "hour_ns"
    ENVIRONMENT = "environment"
    WORKFLOW = "workflow"
    VERSION = "workflow_version"
    MODE = "mode"
    KIND = "kind"
    PROVIDER = "provider"
    NAME = "name"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class HourQuery:
    """Which hours of a project; None means "any".

    Hours are whole and UTC: every hour that begins at or after `since_ns` and before `until_ns` is counted in full.
    """

    project: str
    since_ns: int | None = None
    until_ns: int | None = None
    environment: str | None = None
    workflow: str | None = None
    version: str | None = None
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class HourRow:
    """Sums over the runs that began in some hours; what it was not grouped by is empty, `hour_ns` then 0.

    `jobs`, `success`, `failure`, `handed_off` and `failed_usd` leave out shadow runs and all but the last part of a job in
    several runs. `duration_ns` and `durations` are of ended runs only.
    `cost_usd` is None when no run could be priced; `costliest_usd` is the dearest single run.
    """

    hour_ns: int = 0
    environment: str = ""
    workflow: str = ""
    workflow_version: str = ""
    mode: str = ""
    shape: str = ""
    outcome: str = ""
    status: str = ""
    runs: int = 0
    success: int = 0
    failure: int = 0
    handed_off: int = 0
    shadow: int = 0
    error_runs: int = 0
    ended_runs: int = 0
    waiting_runs: int = 0
    denied_runs: int = 0
    jobs: int = 0
    intervened_runs: int = 0
    failed_usd: Decimal = Decimal(0)
    tool_outcomes: Mapping[str, int] = field(default_factory=dict)
    cost_usd: Decimal | None = None
    costliest_usd: Decimal | None = None
    unpriced_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    spans: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    retrievals: int = 0
    denials: int = 0
    interventions: int = 0
    errors: int = 0
    redactions: int = 0
    duration_ns: int = 0
    durations: Mapping[int, int] = field(default_factory=dict)

    def duration_quantile_ns(self, share: float) -> int | None:
        """The duration that `share` of the ended runs stay under, within 1.6 %; None without ended runs."""
        return quantile_ns(self.durations, share)


@dataclass(frozen=True, slots=True)
class CallRow:
    """Sums over the calls of runs that began in some hours; what it was not grouped by is empty.

    Of every call reported twice one counts. `outcome` is a tool's outcome, or the status of any other call.
    """

    hour_ns: int = 0
    environment: str = ""
    workflow: str = ""
    workflow_version: str = ""
    mode: str = ""
    kind: str = ""
    provider: str = ""
    name: str = ""
    outcome: str = ""
    calls: int = 0
    cost_usd: Decimal | None = None
    unpriced_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    duration_ns: int = 0
    durations: Mapping[int, int] = field(default_factory=dict)

    def duration_quantile_ns(self, share: float) -> int | None:
        """The duration that `share` of the calls stay under, within 1.6 %; None without calls."""
        return quantile_ns(self.durations, share)


@dataclass(frozen=True, slots=True, order=True)
class HourUnit:
    """What is recomputed together: one hour of one workflow in one partition."""

    day: date
    project: str
    environment: str
    workflow: str
    hour_ns: int


def unit_of(run: Run, day: date) -> HourUnit:
    """The unit a run is summed in, when its rows stand in the partition of `day`."""
    project, environment, workflow = (clean_text(name) for name in (run.project, run.environment, run.workflow))
    return HourUnit(day, project, environment, workflow, hour_of(run.started_ns))


def hour_of(time_ns: int) -> int:
    """When the hour of a time began."""
    clamped = min(max(time_ns, 0), 2**64 - 1)
    return clamped - clamped % HOUR_NS


def bucket_of(duration_ns: int) -> int:
    """The bucket a duration is counted in: exact up to 63 ns, then 32 buckets per power of two."""
    duration = min(max(duration_ns, 0), LONGEST_NS)
    if duration < 2 * _FINE:
        return duration
    shift = duration.bit_length() - 1 - _FINE_BITS
    return shift * _FINE + (duration >> shift)


def bucket_middle_ns(bucket: int) -> int:
    """The duration that stands for a bucket."""
    if bucket < 2 * _FINE:
        return bucket
    shift = bucket // _FINE - 1
    return ((bucket % _FINE + _FINE) << shift) + (1 << shift) // 2


def quantile_ns(durations: Mapping[int, int], share: float) -> int | None:
    """The middle of the bucket in which a share of all durations is reached."""
    wanted = share * sum(durations.values())
    seen = 0
    for bucket in sorted(durations):
        seen += durations[bucket]
        if seen >= wanted:
            return bucket_middle_ns(bucket)
    return None


def run_hours(assemblies: Iterable[Assembly], query: HourQuery, by: Sequence[HourField]) -> tuple[HourRow, ...]:
    """The roll-up of runs in plain Python: what every engine must agree with."""
    names = [name.value for name in by]
    groups: defaultdict[tuple[Any, ...], list[Run]] = defaultdict(list)
    for assembly in assemblies:
        keys = _run_keys(assembly.run)
        if _wanted(keys, assembly.run.project, query):
            groups[tuple(keys[name] for name in names)].append(assembly.run)
    return tuple(_run_row(dict(zip(names, key, strict=True)), groups[key]) for key in sorted(groups))


def call_hours(assemblies: Iterable[Assembly], query: HourQuery, by: Sequence[CallField]) -> tuple[CallRow, ...]:
    """The roll-up of calls in plain Python."""
    names = [name.value for name in by]
    groups: defaultdict[tuple[Any, ...], list[Step]] = defaultdict(list)
    for assembly in assemblies:
        keys = _run_keys(assembly.run)
        if not _wanted(keys, assembly.run.project, query):
            continue
        for step in assembly.steps:
            if step.kind in CALL_KINDS and (step.counted or step.usage_role is UsageRole.OWN):
                own = {**keys, **_call_keys(step)}
                groups[tuple(own[name] for name in names)].append(step)
    return tuple(_call_row(dict(zip(names, key, strict=True)), groups[key]) for key in sorted(groups))


def _run_keys(run: Run) -> dict[str, Any]:
    return {
        "hour_ns": hour_of(run.started_ns),
        "environment": run.environment,
        "workflow": run.workflow,
        "workflow_version": run.workflow_version,
        "mode": run.mode.value,
        "shape": run.shape.value,
        "outcome": run.outcome.label.value,
        "status": run.status.value,
    }


def _call_keys(step: Step) -> dict[str, str]:
    tool = step.kind is SpanKind.TOOL
    return {
        "kind": step.kind.value,
        "provider": "" if tool else step.provider,
        "name": step.tool_name if tool else step.response_model or step.request_model,
        "outcome": (step.tool_outcome.value if step.tool_outcome else "") if tool else step.status.value,
    }


def _wanted(keys: Mapping[str, Any], project: str, query: HourQuery) -> bool:
    pairs = (
        ("environment", query.environment),
        ("workflow", query.workflow),
        ("workflow_version", query.version),
        ("mode", query.mode),
    )
    return (
        project == query.project
        and (query.since_ns is None or keys["hour_ns"] >= query.since_ns)
        and (query.until_ns is None or keys["hour_ns"] < query.until_ns)
        and all(value is None or keys[name] == value for name, value in pairs)
    )


def _run_row(keys: Mapping[str, Any], runs: Sequence[Run]) -> HourRow:
    live = [run for run in runs if run.mode is not RunMode.SHADOW]
    judged = [run for run in live if run.continued_by is None]
    ended = [run for run in runs if run.status is not RunStatus.RUNNING]
    costs = [run.cost_usd for run in runs if run.cost_usd is not None]

    def labelled(label: OutcomeLabel) -> int:
        return sum(run.outcome.label is label for run in judged)

    def total(of: Callable[[Run], int | None]) -> int:
        return sum(of(run) or 0 for run in runs)

    return HourRow(
        **keys,
        runs=len(runs),
        success=labelled(OutcomeLabel.SUCCESS),
        failure=labelled(OutcomeLabel.FAILURE),
        handed_off=labelled(OutcomeLabel.HANDED_OFF),
        shadow=len(runs) - len(live),
        error_runs=sum(run.status is RunStatus.ERROR for run in runs),
        ended_runs=len(ended),
        waiting_runs=sum(bool(run.waiting_for) for run in runs),
        denied_runs=sum(run.denials > 0 for run in runs),
        jobs=len(judged),
        intervened_runs=sum(run.interventions > 0 for run in runs),
        failed_usd=sum(
            (run.cost_usd or Decimal(0) for run in judged if run.outcome.label is OutcomeLabel.FAILURE), Decimal(0)
        ),
        tool_outcomes=dict(sum((Counter(run.tool_outcomes) for run in runs), Counter())),
        cost_usd=sum(costs, Decimal(0)) if costs else None,
        costliest_usd=max(costs, default=None),
        unpriced_calls=total(lambda r: r.unpriced_calls),
        input_tokens=total(lambda r: r.usage.input),
        output_tokens=total(lambda r: r.usage.output),
        cache_read_tokens=total(lambda r: r.usage.cache_read),
        cache_write_tokens=total(lambda r: r.usage.cache_write),
        reasoning_tokens=total(lambda r: r.usage.reasoning),
        spans=total(lambda r: r.span_count),
        model_calls=total(lambda r: r.model_calls),
        tool_calls=total(lambda r: r.tool_calls),
        retrievals=total(lambda r: r.retrievals),
        denials=total(lambda r: r.denials),
        interventions=total(lambda r: r.interventions),
        errors=total(lambda r: r.errors),
        redactions=total(lambda r: r.redactions),
        duration_ns=sum(_bounded(run.duration_ns) for run in ended),
        durations=dict(Counter(bucket_of(run.duration_ns) for run in ended)),
    )


def _call_row(keys: Mapping[str, Any], steps: Sequence[Step]) -> CallRow:
    counted = [step for step in steps if step.counted]
    own = [step for step in steps if step.usage_role is UsageRole.OWN]
    costs = [step.cost.usd for step in own if step.cost is not None]

    def tokens(name: str) -> int:
        return sum(getattr(step.usage, name) or 0 for step in own if step.usage is not None)

    return CallRow(
        **keys,
        calls=len(counted),
        cost_usd=sum(costs, Decimal(0)) if costs else None,
        unpriced_calls=sum(step.unpriced for step in own),
        input_tokens=tokens("input"),
        output_tokens=tokens("output"),
        cache_read_tokens=tokens("cache_read"),
        cache_write_tokens=tokens("cache_write"),
        reasoning_tokens=tokens("reasoning"),
        duration_ns=sum(_bounded(step.duration_ns) for step in counted),
        durations=dict(Counter(bucket_of(step.duration_ns) for step in counted)),
    )


def _bounded(duration_ns: int) -> int:
    return min(max(duration_ns, 0), LONGEST_NS)
