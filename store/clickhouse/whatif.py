"""A policy compiled to SQL: what it would have meant for stored runs, computed where the runs are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from spans.policy import Policy
from spans.whatif import (
    MOST_EXAMPLES,
    MOST_GROUPS,
    UNREADABLE_TOOL,
    CallGroup,
    Change,
    LimitGroup,
    Stop,
    WhatIf,
    in_order,
)
from store.api import RunQuery
from store.clickhouse.sql import statement
from store.columns import trimmed
from store.filters import where

Select = Callable[[str, Mapping[str, object]], list[dict[str, Any]]]

RULES = ("", "denied_tools", "require_approval", "allowed_tools")
_CHANGES = tuple(Change)
_NO_CALLS: Mapping[str, Any] = {
    "kinds": 0,
    "calls_by_change": (0,) * len(_CHANGES),
    "cut_runs": 0,
    "cut_successful": 0,
    "cut_value": 0,
}
_EXAMPLES_PER_READ = 1_000
RUNS_AT_ONCE = 50_000
"""Runs whose steps may be in memory together."""
_EXECUTED = "what_if_executed"


@dataclass(frozen=True, slots=True)
class _Limit:
    """How a limit reads in SQL. Each speaks of its own value, bound under the name of the rule."""

    exceeded: str
    """Which runs may exceed it, in columns of a run."""
    exceeds: str
    """Whether a run does, once its steps are known."""
    place: str
    """The first of its ordered steps that starts when the limit is over; 0 when none does."""


_LIMITS: Mapping[str, _Limit] = {
    "max_tool_calls": _Limit(
        "{many_calls}",
        "arraySum(executed) > {max_tool_calls:Int64}",
        "arrayFirstIndex((ran, calls) -> ran = 1 AND calls >= {max_tool_calls:Int64}, executed, before)",
    ),
    "max_cost_usd": _Limit(
        "cost_usd > {max_cost_usd:Decimal(38, 12)}",
        "ifNull(run_cost_usd > {max_cost_usd:Decimal(38, 12)}, 0)",
        "arrayFirstIndex((sum, own) -> sum - own > {max_cost_usd:Decimal(38, 12)}, arrayCumSum(costs), costs)",
    ),
    "max_duration_s": _Limit(
        "duration_ns > {max_duration_s:Float64} * 1e9",
        "duration_ns > {max_duration_s:Float64} * 1e9",
        "arrayFirstIndex(at -> toInt64(at) - toInt64(started_ns) > {max_duration_s:Float64} * 1e9, starts)",
    ),
    "max_tokens": _Limit(
        "ifNull(input_tokens, 0) + ifNull(output_tokens, 0) > {max_tokens:Int64}",
        "run_tokens > {max_tokens:Int64}",
        "arrayFirstIndex((sum, own) -> sum - own > {max_tokens:Int64}, arrayCumSum(used), used)",
    ),
}


def what_if(select: Select, query: RunQuery, policy: Policy) -> WhatIf:
    """Judge the runs of a query by a candidate policy; equal to `spans.whatif.what_if` over the same runs."""
    shown = where(query)
    params: dict[str, object] = {
        **shown.params,
        "project": query.project,
        "policy_workflow": policy.workflow_id,
        "denied": list(policy.denied_tools),
        "approval": list(policy.require_approval),
        "allowed": list(policy.allowed_tools or ()),
        "has_allowed": policy.allowed_tools is not None,
        "unreadable": UNREADABLE_TOOL,
    }
    days = select(statement("what_if_days", where=shown.clause), params)
    params["days"] = [day["partition_day"] for day in days]
    approved = statement("what_if_approved") if policy.require_approval else "0"
    calls = statement("what_if_calls", where=shown.clause, approved=approved)
    rows = select(statement("what_if_groups", calls=calls), {**params, "most": MOST_GROUPS})
    whole = rows[0] if rows else _NO_CALLS
    spans = _spans(select, params, rows)
    return WhatIf(
        runs=sum(day["runs"] for day in days),
        counts={change: number for change, number in zip(_CHANGES, whole["calls_by_change"], strict=True) if number},
        kinds=whole["kinds"],
        groups=in_order(_group(row, spans) for row in rows),
        cut_runs=whole["cut_runs"],
        cut_successful=whole["cut_successful"],
        cut_value_usd=trimmed(Decimal(whole["cut_value"])),
        limits=_limits(select, policy, shown.clause, params, days),
    )


def _spans(
    select: Select, params: Mapping[str, object], rows: Sequence[Mapping[str, Any]]
) -> dict[tuple[str, int], str]:
    """The span of every example, by run and place."""
    wanted = [(_run_id(run), ordinal) for row in rows for _, run, ordinal in row["examples"]]
    sql = statement("what_if_spans")
    return {
        (row["run_id"], row["ordinal"]): row["span_id"]
        for start in range(0, len(wanted), _EXAMPLES_PER_READ)
        for row in select(sql, {**params, "examples": wanted[start : start + _EXAMPLES_PER_READ]})
    }


def _run_id(number: int) -> str:
    return f"{number:032x}"


def _group(row: Mapping[str, Any], spans: Mapping[tuple[str, int], str]) -> CallGroup:
    return CallGroup(
        change=_CHANGES[row["change"]],
        tool=row["tool"],
        rule=RULES[row["rule"]],
        shape=row["shape"],
        calls=row["calls"],
        runs=row["runs"],
        successful_runs=row["successful_runs"],
        arguments=row["arguments"],
        examples=tuple((_run_id(run), spans.get((_run_id(run), ordinal), "")) for _, run, ordinal in row["examples"]),
    )


def _limits(
    select: Select, policy: Policy, clause: str, params: Mapping[str, Any], days: Sequence[Mapping[str, Any]]
) -> tuple[LimitGroup, ...]:
    """Some days at a time: a run and its steps stand in one partition, so days add up, and memory holds a few at a time."""
    asked = {rule: limit for rule in _LIMITS if (limit := getattr(policy.limits, rule)) is not None}
    if not asked:
        return ()
    sql = _limit_statement(asked, clause)
    found: dict[str, list[Mapping[str, Any]]] = {rule: [] for rule in asked}
    for some in _chunks_of(days):
        for row in select(sql, {**params, **asked, "some_days": some}):
            found[row["rule"]].append(row)
    unpriced = sum(day["unpriced"] for day in days)
    return tuple(_limit_group(rule, rows, unpriced if rule == "max_cost_usd" else 0) for rule, rows in found.items())


def _chunks_of(days: Sequence[Mapping[str, Any]]) -> Iterator[list[date]]:
    """Days in order, as many together as hold RUNS_AT_ONCE runs; a day with more stands alone."""
    some: list[date] = []
    runs = 0
    for day in days:
        if some and runs + day["runs"] > RUNS_AT_ONCE:
            yield some
            some, runs = [], 0
        some.append(day["partition_day"])
        runs += day["runs"]
    if some:
        yield some


def _limit_statement(asked: Iterable[str], clause: str) -> str:
    executed = statement(_EXECUTED)
    limits = [(rule, _LIMITS[rule]) for rule in asked]
    exceeded = " OR ".join(limit.exceeded for _, limit in limits)
    chosen = (
        f"partition_day IN {{some_days:Array(Date)}} AND {clause} "
        "AND ({policy_workflow:String} = '*' OR workflow = {policy_workflow:String}) "
        f"AND ({exceeded.replace('{many_calls}', statement('what_if_many_calls', executed=executed))})"
    )
    stops = ", ".join(f"('{rule}', {limit.place}, {limit.exceeds})" for rule, limit in limits)
    return statement("what_if_limits", executed=executed, chosen=chosen, stops=stops, where=clause)


def _limit_group(rule: str, rows: Iterable[Mapping[str, Any]], cannot_evaluate: int) -> LimitGroup:
    days = list(rows)
    newest = sorted(example for day in days for example in day["examples"])[:MOST_EXAMPLES]
    return LimitGroup(
        rule=rule,
        runs=sum(day["runs"] for day in days),
        successful_runs=sum(day["successful_runs"] for day in days),
        saved_usd=trimmed(sum((Decimal(day["saved_usd"]) for day in days), Decimal(0))),
        cannot_evaluate=cannot_evaluate,
        examples=tuple(
            Stop(run_id, span_id, call, after_ns, trimmed(Decimal(saved)))
            for _, run_id, span_id, call, after_ns, saved in newest
        ),
    )
