"""Configure ▸ Policies: what is in force, one policy with its editor, versions and what it says of stored runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from insights.audit import PolicyAudit, PolicyChange, RuleHit
from insights.policy_file import PolicyFileError, parse_policy
from spans.policy import Policy
from store.api import FleetRow
from store.ledger.policies import PolicyVersion
from web.diff import Diff, diff_texts
from web.places import Place

RULE_WORDS = {
    "denied_tools": "never allowed",
    "require_approval": "ran without an approval",
    "allowed_tools": "not on the allow-list",
    "max_tool_calls": "more tool calls than allowed",
    "max_cost_usd": "dearer than allowed",
    "max_duration_s": "longer than allowed",
    "max_tokens": "more tokens than allowed",
}


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """One workflow of the list, with or without a policy."""

    workflow: str
    href: str
    version: PolicyVersion | None
    says: str
    runs: int
    covered_by_all: bool


@dataclass(frozen=True, slots=True)
class PoliciesPage:
    """Every policy, and every workflow that has none."""

    lines: tuple[PolicyLine, ...]
    managed: str
    has_all: bool


def policy_href(place: Place, workflow: str, **params: object) -> str:
    """The page of a workflow's policy."""
    return place.url(f"/policies/{quote(workflow, safe='')}", **params)


def build_policies(
    place: Place, current: Sequence[PolicyVersion], fleet: Sequence[FleetRow], managed: str
) -> PoliciesPage:
    """Build the list: policies first, then workflows without one, the busiest first."""
    by_name = {version.workflow: version for version in current}
    runs: dict[str, int] = {}
    for row in fleet:
        if row.workflow:
            runs[row.workflow] = runs.get(row.workflow, 0) + row.totals.runs
    names = [*by_name, *sorted((n for n in runs if n not in by_name), key=lambda n: (-runs[n], n))]
    return PoliciesPage(
        lines=tuple(
            PolicyLine(
                name,
                policy_href(place, name),
                by_name.get(name),
                _says(by_name[name]) if name in by_name else "",
                runs.get(name, 0) if name != "*" else sum(runs.values()),
                name not in by_name and "*" in by_name,
            )
            for name in names
        ),
        managed=managed,
        has_all="*" in by_name,
    )


def _says(version: PolicyVersion) -> str:
    try:
        return says(parse_policy(version.text))
    except PolicyFileError:
        return "cannot be read by this version of tracetape; it judges nothing"


def says(policy: Policy) -> str:
    """A policy in one line."""
    parts = []
    if policy.allowed_tools is not None:
        parts.append(f"{len(policy.allowed_tools)} tools allowed")
    if policy.denied_tools:
        parts.append(f"{len(policy.denied_tools)} never allowed")
    if policy.require_approval:
        parts.append(f"{len(policy.require_approval)} with approval")
    limits = policy.limits
    if any(
        v is not None for v in (limits.max_tool_calls, limits.max_cost_usd, limits.max_duration_s, limits.max_tokens)
    ):
        parts.append("limits per run")
    if policy.success.is_defined():
        parts.append("success defined")
    if policy.budget is not None:
        parts.append(
            f"${policy.budget.usd:f} per {'day' if policy.budget.per_days == 1 else f'{policy.budget.per_days} days'}"
        )
    targets = policy.targets
    if any(
        v is not None
        for v in (targets.success_rate, targets.cost_per_success_usd, targets.p95_duration_s, targets.intervention_rate)
    ):
        parts.append("service levels")
    return ", ".join(parts) or "names the workflow and nothing else"


@dataclass(frozen=True, slots=True)
class HitLine:
    """One rule of an audit, with the door to an example."""

    hit: RuleHit
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One saved version."""

    version: PolicyVersion
    who: str
    href: str
    shown: bool


@dataclass(frozen=True, slots=True)
class PolicyPage:
    """One policy: its text, what is wrong with it, what it says of stored runs, its history."""

    workflow: str
    text: str
    number: int
    """The newest version; 0 when none was ever saved."""
    in_force: bool
    error: str
    error_line: int
    checked: bool
    """Whether the text is a draft that was checked and not saved."""
    may_edit: bool
    managed: str
    audit: PolicyAudit | None
    hits: tuple[HitLine, ...]
    unlisted: tuple[tuple[str, int], ...]
    newly_denied: tuple[HitLine, ...]
    newly_allowed: tuple[HitLine, ...]
    versions: tuple[VersionLine, ...]
    diff: Diff | None
    diff_words: str
    summary: str
    example: str
    saved: bool
    said: str
    """What a draft that this page was opened with does."""


def build_policy(
    place: Place,
    workflow: str,
    *,
    text: str,
    versions: Sequence[PolicyVersion],
    names: Mapping[str, str],
    error: str = "",
    checked: bool = False,
    may_edit: bool = False,
    managed: str = "",
    audited: PolicyAudit | None = None,
    changed: PolicyChange | None = None,
    shown: int = 0,
    saved: bool = False,
    said: str = "",
) -> PolicyPage:
    """Build the page of one workflow's policy; `shown` is the version whose changes are shown."""
    newest = versions[0] if versions else None
    compared = next((v for v in versions if v.number == shown), None)
    older = next((v for v in versions if compared is not None and v.number == compared.number - 1), None)
    diff = None
    words = ""
    if checked and newest is not None and not error:
        diff, words = diff_texts(newest.text, text), f"Your draft against version {newest.number}"
    elif compared is not None:
        diff = diff_texts(older.text if older else "", compared.text)
        words = f"What version {compared.number} changed"
    try:
        summary = says(parse_policy(text)) if text.strip() else ""
    except PolicyFileError:
        summary = ""

    def lines(hits: Sequence[RuleHit]) -> tuple[HitLine, ...]:
        return tuple(HitLine(h, RULE_WORDS.get(h.rule, h.rule), _example(place, h)) for h in hits)

    return PolicyPage(
        workflow=workflow,
        text=text,
        number=newest.number if newest else 0,
        in_force=newest is not None and bool(newest.text),
        error=error,
        error_line=_line_of(error),
        checked=checked,
        may_edit=may_edit and not managed,
        managed=managed,
        audit=audited,
        hits=lines(audited.hits) if audited else (),
        unlisted=audited.unlisted if audited else (),
        newly_denied=lines(changed.newly_denied) if changed else (),
        newly_allowed=lines(changed.newly_allowed) if changed else (),
        versions=tuple(
            VersionLine(
                v, names.get(v.author, v.author), policy_href(place, workflow, version=v.number), v.number == shown
            )
            for v in versions
        ),
        diff=diff,
        diff_words=words,
        summary=summary,
        example=EXAMPLE,
        saved=saved,
        said=said,
    )


def _example(place: Place, hit: RuleHit) -> str:
    run_id, span_id = hit.example
    return place.url(f"/runs/{run_id}", span=span_id)


def _line_of(error: str) -> int:
    """The line that an error of the policy file names."""
    _, _, rest = error.partition(", line ")
    digits = rest.partition(":")[0]
    return int(digits) if digits.isdecimal() else 0


EXAMPLE = """\
workflow_id: billing_adjustments
owner: {team: payments, to: [payments-oncall], runbook_url: "https://…"}
allowed_tools: [read_invoice, create_adjustment_draft]
require_approval: [apply_adjustment]
denied_tools: [execute_refund]
limits: {max_tool_calls: 12, max_cost_usd: 0.35}
success: {status: ok, no_denials: true}
slo: {success_rate: 0.95, cost_per_success_usd: 0.20}
budget: {usd: 40, per: 1d}
"""
