"""A policy compiled to SQL: what it would have meant for stored runs, computed where the runs are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from spans.policy import Policy
from spans.whatif import MOST_EXAMPLES, UNREADABLE_TOOL, CallGroup, Change, LimitGroup, Stop, WhatIf, in_order
from store.api import RunQuery
from store.clickhouse.sql import statement
from store.columns import trimmed
from store.filters import where

Select = Callable[[str, Mapping[str, object]], list[dict[str, Any]]]

_LIMITS: Mapping[str, tuple[str, str, str]] = {
    "max_tool_calls": (
        "tool_calls >= 0",
        "executed = 1 AND calls_before >= {limit:Int64}",
        "all_calls > {limit:Int64}",
    ),
    "max_cost_usd": ("cost_usd > {limit:Decimal(38, 12)}", "spent_before > {limit:Decimal(38, 12)}", "1"),
    "max_duration_s": (
        "duration_ns > {limit:Float64} * 1e9",
        "toInt64(start_ns) - toInt64(started_ns) > {limit:Float64} * 1e9",
        "1",
    ),
    "max_tokens": (
        "ifNull(input_tokens, 0) + ifNull(output_tokens, 0) > {limit:Int64}",
        "used_before > {limit:Int64}",
        "1",
    ),
}
"""Per limit: which runs may exceed it, which step is over it, and which of those runs really exceeded it."""


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
    approved = statement("what_if_approved") if policy.require_approval else "0"
    calls = statement("what_if_calls", where=shown.clause, approved=approved)
    groups = [_group(row) for row in select(statement("what_if_groups", calls=calls), params)]
    cut = select(statement("what_if_cut", calls=calls), params)[0]
    total = select(statement("what_if_runs", where=shown.clause), params)[0]
    return WhatIf(
        runs=total["runs"],
        calls=sum(group.calls for group in groups),
        groups=in_order(groups),
        cut_runs=cut["cut_runs"],
        cut_successful=cut["cut_successful"],
        cut_value_usd=trimmed(Decimal(cut["cut_value"])),
        limits=tuple(_limits(select, policy, shown.clause, params, total["unpriced"])),
    )


def _group(row: Mapping[str, Any]) -> CallGroup:
    return CallGroup(
        change=Change(row["change"]),
        tool=row["tool"],
        rule=row["rule"],
        calls=row["calls"],
        runs=row["runs"],
        successful_runs=row["successful_runs"],
        arguments=row["arguments"],
        examples=tuple((run_id, span_id) for _, run_id, _, span_id in row["examples"]),
    )


def _limits(
    select: Select, policy: Policy, clause: str, params: Mapping[str, object], unpriced: int
) -> Iterable[LimitGroup]:
    for rule, (exceeds, over, counted) in _LIMITS.items():
        limit = getattr(policy.limits, rule)
        if limit is None:
            continue
        sql = statement("what_if_stops", where=clause, exceeds=exceeds, over=over, counted=counted)
        stops = [(row, _stop(row)) for row in select(sql, {**params, "limit": limit})]
        stops.sort(key=lambda pair: (-pair[0]["started_ns"], pair[0]["run_id"]))
        yield LimitGroup(
            rule=rule,
            runs=len(stops),
            successful_runs=sum(1 for row, _ in stops if row["outcome"] == "success"),
            saved_usd=trimmed(sum((stop.saved_usd for _, stop in stops), Decimal(0))),
            cannot_evaluate=unpriced if rule == "max_cost_usd" else 0,
            examples=tuple(stop for _, stop in stops[:MOST_EXAMPLES]),
        )


def _stop(row: Mapping[str, Any]) -> Stop:
    if not row["overs"]:
        return Stop(row["run_id"], "", row["all_calls"], row["duration_ns"], Decimal(0))
    return Stop(
        row["run_id"],
        row["stop_span"],
        row["stop_calls"] + 1,
        max(0, row["stop_ns"] - row["started_ns"]),
        trimmed(Decimal(row["saved"])),
    )
