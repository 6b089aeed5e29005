"""What if: a candidate policy over stored runs, said in numbers and doors; it observes and reports, and blocks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from spans.policy import Policy
from spans.whatif import CallGroup, Change, LimitGroup, WhatIf
from web.format import NBSP, duration, money, plural
from web.places import Place

EXAMPLE = """workflow_id: "*"
denied_tools: [execute_refund]
require_approval: [apply_adjustment]
limits: {max_tool_calls: 12, max_cost_usd: 0.35}
"""
WORDS: Mapping[Change, tuple[str, str]] = {
    Change.NEWLY_DENIED: ("Newly denied", "ran, and would not have"),
    Change.NEEDS_APPROVAL: ("Now needs approval", "would have waited for a person"),
    Change.NEWLY_ALLOWED: ("Newly allowed", "was stopped, and would have run"),
    Change.CANNOT_EVALUATE: ("Cannot evaluate", "the tool's name is missing or redacted"),
    Change.UNCHANGED: ("Unchanged", "the same as it was"),
}
LIMIT_WORDS = {
    "max_tool_calls": "tool calls",
    "max_cost_usd": "cost",
    "max_duration_s": "duration",
    "max_tokens": "tokens",
}


MOST_SHOWN = 200
"""Rows of the table; the JSON answer has more of them."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One kind of change with its count."""

    key: str
    label: str
    note: str
    calls: int


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group with doors to its runs."""

    change: str
    tool: str
    rule: str
    shape: str
    calls: int
    runs: int
    successful_runs: int
    arguments: int
    doors: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class StopRow:
    """Where one run would have stopped."""

    run_id: str
    href: str
    words: str


@dataclass(frozen=True, slots=True)
class LimitRow:
    """What one limit would have done."""

    label: str
    limit: str
    runs: int
    successful_runs: int
    saved: str
    cannot: int
    stops: tuple[StopRow, ...]


@dataclass(frozen=True, slots=True)
class WhatIfPage:
    """The form, and the answer when a policy was given."""

    text: str
    error: str
    said: str
    """What makes this policy differ from the one in force, when the page was opened with it."""
    action: str
    has_answer: bool
    workflow: str
    sentence: str
    tiles: tuple[Tile, ...]
    groups: tuple[GroupRow, ...]
    more_kinds: int
    """Kinds of changed calls that are only counted."""
    limits: tuple[LimitRow, ...]
    range_words: str
    command: str


def build_whatif(
    place: Place, text: str, policy: Policy | None = None, found: WhatIf | None = None, error: str = "", said: str = ""
) -> WhatIfPage:
    """Build the page; without an answer it is only the form."""
    changed = [g for g in found.groups if g.change is not Change.UNCHANGED] if found else []
    return WhatIfPage(
        text=text or EXAMPLE,
        error=error,
        said=said,
        action=place.url("/whatif"),
        has_answer=found is not None,
        workflow=policy.workflow_id if policy else "",
        sentence=sentence_of(found) if found else "",
        tiles=tuple(Tile(c.value, *WORDS[c], found.count(c)) for c in Change) if found else (),
        groups=tuple(_group(place, g) for g in changed[:MOST_SHOWN]),
        more_kinds=max(0, len(changed) - MOST_SHOWN) + (found.kinds - len(found.groups) if found else 0),
        limits=tuple(_limit(place, policy, g) for g in found.limits) if found and policy else (),
        range_words=place.range.words(),
        command=f"tracetape whatif policy.yaml --since {place.range.key or '30d'}",
    )


def sentence_of(found: WhatIf) -> str:
    """The answer in one sentence."""
    if not found.runs:
        return "No run in this range is of the workflow that the policy speaks of."
    denied, allowed = found.count(Change.NEWLY_DENIED), found.count(Change.NEWLY_ALLOWED)
    ran = f" {plural(allowed, 'call')} that a control stopped would have run." if allowed else ""
    if not denied:
        said = f"No call of {plural(found.runs, 'run')} would have been newly denied.{ran}"
        return said.replace(NBSP, " ")
    said = (
        f"{plural(denied, 'call')} in {plural(found.cut_runs, 'run')} would have been denied; "
        f"{plural(found.cut_successful, 'of those runs was', 'of those runs were')} successful"
        f" and had cost {money(found.cut_value_usd)}.{ran}"
    )
    return said.replace(NBSP, " ")


def _group(place: Place, group: CallGroup) -> GroupRow:
    return GroupRow(
        change=group.change.value,
        tool=group.tool or "(no name)",
        rule=group.rule,
        shape=group.shape,
        calls=group.calls,
        runs=group.runs,
        successful_runs=group.successful_runs,
        arguments=group.arguments,
        doors=tuple((run_id, place.url(f"/runs/{run_id}", span=span_id)) for run_id, span_id in group.examples),
    )


def _limit(place: Place, policy: Policy, group: LimitGroup) -> LimitRow:
    return LimitRow(
        label=LIMIT_WORDS[group.rule],
        limit=f"{getattr(policy.limits, group.rule):g}"
        if group.rule != "max_cost_usd"
        else money(policy.limits.max_cost_usd),
        runs=group.runs,
        successful_runs=group.successful_runs,
        saved=money(group.saved_usd),
        cannot=group.cannot_evaluate,
        stops=tuple(
            StopRow(
                stop.run_id,
                place.url(f"/runs/{stop.run_id}/replay", span=stop.span_id),
                f"before call {stop.call}, after {duration(stop.after_ns)}, saving {money(stop.saved_usd)}"
                if stop.span_id
                else f"only its last step went over, after {duration(stop.after_ns)}: nothing saved",
            )
            for stop in group.examples
        ),
    )
