"""A workflow's hub: owner and switch first, then tabs that answer how it does, what it costs, what it tried, what it may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import quote

from insights.audit import PolicyAudit
from insights.budgets import BudgetMode, BudgetState
from insights.economics import Economics
from insights.near_misses import Ranked
from insights.objectives import Objective
from spans.finding import Finding, Severity
from spans.policy import Owner, Policy
from store.judged import OfferedTool, UsedTool
from store.ledger.reviews import Reviewed
from store.ledger.workflow_states import WorkflowState, WorkMode
from web.format import NONE, change, count, day_clock, duration, money, percent, plural
from web.pages.findings import FindingRow
from web.pages.near_misses import KindLine, kind_line, review_of
from web.pages.overview import COUNTED_SHAPES, Tile
from web.pages.success_form import SuccessForm
from web.places import Place, TimeRange
from web.sparks import spark

TABS = (
    ("summary", "Summary"),
    ("runs", "Runs"),
    ("spend", "Spend"),
    ("drift", "Drift"),
    ("near-misses", "Near misses"),
    ("versions", "Versions"),
    ("tools", "Tools"),
    ("policy", "Policy"),
)
MODE_WORDS: Mapping[WorkMode, str] = {
    WorkMode.RUN: "on",
    WorkMode.DRAFT_ONLY: "drafts only",
    WorkMode.STOP: "stopped",
}
OBJECTIVE_WORDS = {
    "success_rate": "Success rate",
    "cost_per_success_usd": "Cost per success",
    "p95_duration_s": "95 % end within",
    "intervention_rate": "Interventions",
}
LONGER_NS = 14 * 86_400 * 1_000_000_000
"""The range in which a version is looked for that came before the only one of a shorter range."""
_NO_SPARK = spark([])


def workflow_href(place: Place, workflow: str, **params: object) -> str:
    """The hub of a workflow."""
    return place.url(f"/workflows/{quote(workflow, safe='')}", **params)


def set_elsewhere(place: Place, state: WorkflowState) -> tuple[str, str]:
    """Where a position of the switch was set and the hub that sets it, when its environment is not the chosen one."""
    if not state.since_ns or state.environment == place.environment:
        return "", ""
    where = f"in {state.environment}" if state.environment else "for all environments"
    return where, workflow_href(replace(place, environment=state.environment), state.workflow)


@dataclass(frozen=True, slots=True)
class HubTab:
    """One tab."""

    key: str
    label: str
    href: str
    active: bool
    number: int = 0


@dataclass(frozen=True, slots=True)
class Todo:
    """One thing the owner should do, as a sentence and a door, the gravest first."""

    glyph: str
    words: str
    small: str
    href: str


@dataclass(frozen=True, slots=True)
class ObjectiveLine:
    """One service level in words."""

    label: str
    target: str
    measured: str
    state: str
    """met, missed or learning."""
    used: float | None
    budget: str
    have: int


@dataclass(frozen=True, slots=True)
class EconomicsLine:
    """One row of a table of cost per success."""

    figures: Economics
    key: str
    cost: str
    interval: str
    faults: tuple[tuple[str, str], ...]
    href: str
    change: str = ""
    """Of the cost per success against the version before it in the same environment, as `format.change` writes it."""
    is_dearer: bool = False


@dataclass(frozen=True, slots=True)
class EconomicsTable:
    """Lines of cost per success, and what they say in a sentence."""

    lines: tuple[EconomicsLine, ...]
    sentence: str = ""
    longer_href: str = ""
    """The same over two weeks, where the range is too short to hold two versions."""


@dataclass(frozen=True, slots=True)
class ToolLine:
    """One tool: offered, used, allowed, what it does, its schema, its trouble."""

    tool: str
    offered: int
    calls: int
    runs: int
    allowed: str
    allowed_bad: bool
    effect: str
    effect_from: str
    schema: str
    schemas: int
    schema_since_ns: int
    error_share: float | None
    denied_share: float | None
    href: str
    last_ns: int


@dataclass(frozen=True, slots=True)
class WorkflowPage:
    """The hub with the content of one tab; what belongs to other tabs is empty."""

    workflow: str
    tabs: tuple[HubTab, ...]
    tab: str
    owner: Owner
    has_policy: bool
    state: WorkflowState
    mode_words: str
    state_who: str
    state_where: str
    """Where it was set, when that is not the environment that the buttons set."""
    state_href: str
    """The hub where that switch is set."""
    may_switch: bool
    may_define: bool
    needs_definition: bool
    todos: tuple[Todo, ...]
    calm: str
    tiles: tuple[Tile, ...]
    objectives: tuple[ObjectiveLine, ...]
    budget: BudgetState | None
    budget_words: str
    budget_small: str
    tables: tuple[tuple[str, EconomicsTable], ...]
    by_attribute: tuple[tuple[str, str, bool], ...]
    """(attribute, address, whether it is shown)."""
    kinds: tuple[KindLine, ...]
    tools: tuple[ToolLine, ...]
    success: SuccessForm | None
    findings: tuple[Finding, ...]
    versions: tuple[FindingRow, ...]
    """New versions and models against those before them, what must go back first."""
    runs_href: str
    policy_href: str
    is_all_environments: bool
    api_path: str
    history: tuple[tuple[WorkflowState, str, str], ...]
    """(state, words, who), newest first."""


def build_tabs(place: Place, workflow: str, active: str, numbers: Mapping[str, int]) -> tuple[HubTab, ...]:
    """The tabs; Runs leaves for the list of runs."""
    return tuple(
        HubTab(
            key,
            label,
            place.url("/runs", workflow=workflow, shape=COUNTED_SHAPES)
            if key == "runs"
            else workflow_href(place, workflow, tab=None if key == "summary" else key),
            key == active,
            numbers.get(key, 0),
        )
        for key, label in TABS
    )


def build_todos(
    place: Place,
    workflow: str,
    *,
    findings: Sequence[Finding],
    ranked: Sequence[Ranked],
    objectives: Sequence[Objective],
    budget: BudgetState | None,
    is_defined: bool,
    has_policy: bool,
) -> tuple[Todo, ...]:
    """What the owner should look at, the gravest first; at most seven."""
    found: list[tuple[int, Todo]] = []
    for finding in findings:
        if finding.detail.get("recommendation") == "hold":
            continue  # nothing to do yet; the tab Versions shows how many runs are missing
        rank = {Severity.PAGE: 0, Severity.TICKET: 2, Severity.INFO: 4}[finding.severity]
        href = place.url(f"/findings/{finding.finding_id}") if finding.finding_id else ""
        found.append((rank, Todo("denied" if rank == 0 else "waiting", finding.summary, _since(finding), href)))
    told = {f.kind.value for f in findings}
    violations = sum(r.group.count for r in ranked if r.group.kind == "violation")
    if violations and "violation" not in told:
        words = f"{plural(violations, 'call')} ran although the policy forbids {'it' if violations == 1 else 'them'}"
        found.append((1, Todo("denied", words, "", workflow_href(place, workflow, tab="near-misses"))))
    new = [r for r in ranked if r.is_new and r.group.kind == "stopped"]
    if new and "near_miss" not in told:
        names = ", ".join(dict.fromkeys(r.group.tool for r in new[:3]))
        words = f"New near misses: {names}"
        found.append(
            (3, Todo("denied", words, "never stopped before", workflow_href(place, workflow, tab="near-misses")))
        )
    if budget is not None and budget.mode is not BudgetMode.OK and "budget" not in told:
        rank = 2 if budget.mode is BudgetMode.TICKET else 0
        found.append((rank, Todo("error", _budget_words(budget), "", workflow_href(place, workflow, tab="spend"))))
    found += [
        (3, Todo("error", f"{OBJECTIVE_WORDS[o.name]} misses its target", _objective_small(o), ""))
        for o in objectives
        if o.is_met is False and "objective" not in told
    ]
    if not is_defined:
        words = "Nobody has said what success is, so there is no success rate and no cost per success"
        found.append((5, Todo("learning", words, "Define it below; it takes a minute.", "#define-success")))
    elif not has_policy:
        words = "No policy: nothing says which tools it may use or what it may spend"
        found.append((6, Todo("learning", words, "", place.url(f"/policies/{quote(workflow, safe='')}"))))
    return tuple(todo for _, todo in sorted(found, key=lambda pair: pair[0])[:7])


def _since(finding: Finding) -> str:
    return f"since {day_clock(finding.since_ns)} UTC"


def _objective_small(objective: Objective) -> str:
    line = objective_line(objective)
    return f"{line.measured}, target {line.target}"


def _budget_words(state: BudgetState) -> str:
    per = "day" if state.budget.per_days == 1 else f"{state.budget.per_days} days"
    if state.mode is BudgetMode.SPENT:
        return f"The budget of {money(state.budget.usd)} per {per} is gone: {money(state.spent_usd)} spent"
    return f"{money(state.spent_usd)} of {money(state.budget.usd)} per {per} spent"


def budget_sentences(state: BudgetState) -> tuple[str, str]:
    """How a budget stands, and where it is going."""
    small = f"{money(state.per_day_usd)} a day over the last week"
    if state.mode is BudgetMode.SPENT and state.exhausted_ns is not None:
        small += f"; it went on {day_clock(state.exhausted_ns)} UTC"
    elif state.exhausted_ns is not None:
        small += f"; at that rate gone on {day_clock(state.exhausted_ns)} UTC"
    else:
        small += f"; {money(state.forecast_usd)} by {day_clock(state.period.until_ns)} UTC, so it lasts"
    return _budget_words(state), small


def objective_line(objective: Objective) -> ObjectiveLine:
    """One service level in words."""
    name = objective.name

    def shown(value: float | None) -> str:
        if value is None:
            return NONE
        if name in {"success_rate", "intervention_rate"}:
            return percent(value)
        if name == "cost_per_success_usd":
            return money(Decimal(repr(value)))
        return duration(int(value * 1e9))

    sign = "\N{GREATER-THAN OR EQUAL TO}" if name == "success_rate" else "\N{LESS-THAN OR EQUAL TO}"
    budget = ""
    if objective.allowed is not None:
        used = (
            NONE if objective.used is None else ("all" if objective.used == float("inf") else percent(objective.used))
        )
        noun = "jobs without success" if name == "success_rate" else "interventions"
        budget = f"{used} of {objective.allowed:,.1f} allowed {noun} used"
    state = "learning" if objective.is_met is None else ("met" if objective.is_met else "missed")
    return ObjectiveLine(
        OBJECTIVE_WORDS[name],
        f"{sign} {shown(objective.target)}",
        shown(objective.measured),
        state,
        objective.used,
        budget,
        objective.have,
    )


def economics_lines(
    place: Place, workflow: str, rows: Sequence[Economics], filter_name: str
) -> tuple[EconomicsLine, ...]:
    """A table of cost per success; every row opens its runs."""
    lines = []
    for figures in rows:
        here = place.of(figures.environment)
        faults = tuple(
            (name.replace("_", " "), percent(rate)) for name, rate in figures.fault_rates.items() if rate > 0
        )
        lines.append(
            EconomicsLine(
                figures,
                figures.key or "not named",
                money(figures.cost_per_success),
                interval_words(figures),
                faults,
                here.url(
                    "/runs", workflow=workflow, shape=COUNTED_SHAPES, **{filter_name.replace(".", "__"): figures.key}
                ),
            )
        )
    return tuple(lines)


def by_version(rows: Sequence[Economics]) -> tuple[tuple[Economics, Economics | None], ...]:
    """Versions, the one that ran last first, environment by environment; each with the one before it there."""
    most = {e: max(r.row.runs for r in rows if r.environment == e) for e in {r.environment for r in rows}}
    ordered = sorted(rows, key=lambda r: (-most[r.environment], r.environment, -r.row.last_started_ns))
    following = [*ordered[1:], None][: len(ordered)]
    return tuple(
        (own, before if before is not None and before.environment == own.environment else None)
        for own, before in zip(ordered, following, strict=True)
    )


def version_lines(place: Place, workflow: str, rows: Sequence[Economics]) -> tuple[EconomicsLine, ...]:
    """The table of versions: each says what its cost per success is against the version before it."""
    pairs = by_version(rows)
    lines = economics_lines(place, workflow, [own for own, _ in pairs], "version")
    changed = []
    for line, (own, before) in zip(lines, pairs, strict=True):
        now, then = own.cost_per_success, before.cost_per_success if before is not None else None
        is_dearer = now is not None and then is not None and now > then
        changed.append(replace(line, change=change(now, then), is_dearer=is_dearer))
    return tuple(changed)


def version_table(place: Place, workflow: str, rows: Sequence[Economics]) -> EconomicsTable:
    """Versions with the sentence that says which of them made it dearer, or where to look for the one before."""
    lines = version_lines(place, workflow, rows)
    names = {row.key for row in rows}
    if len(names) != 1 or place.range.length_ns >= LONGER_NS:
        return EconomicsTable(lines, dearer_sentence(rows))
    longer = replace(place, range=TimeRange(0, LONGER_NS, "14d"))
    only = next(iter(names)) or "without a name"
    return EconomicsTable(
        lines,
        f"Only version {only} ran in the {place.range.words()}.",
        workflow_href(longer, workflow, tab="versions"),
    )


def dearer_sentence(rows: Sequence[Economics]) -> str:
    """Which version made the workflow dearer or cheaper, as surely as the intervals allow; empty when none did."""
    for own, before in by_version(rows):
        if before is None or own.cost_per_success is None or not before.cost_per_success:
            continue
        ratio = own.cost_per_success / before.cost_per_success
        if Decimal("0.9") < ratio < Decimal("1.1"):
            continue
        where = f" in {own.environment}" if own.environment else ""
        way = "more" if ratio > 1 else "less"
        return (
            f"Version {own.key or 'without a name'}{where} costs {money(own.cost_per_success)} per success, "
            f"{way} than the {money(before.cost_per_success)} of {before.key or 'the version without a name'} before it"
            f"{'' if _apart(own, before) else '; the 95 % intervals overlap, so it may be chance'}."
        )
    return ""


def _apart(one: Economics, other: Economics) -> bool:
    """Whether two intervals do not meet."""
    if one.interval is None or other.interval is None:
        return False
    low, high = sorted((one.interval, other.interval), key=lambda i: i.low)
    return low.high is not None and low.high < high.low


def interval_words(figures: Economics) -> str:
    """The 95 % interval of cost per success, or why there is none."""
    interval = figures.interval
    if interval is None:
        return "" if figures.cost_per_success is None else "too few successes for an interval"
    if interval.high is None:
        return f"at least {money(interval.low)}"
    return f"{money(interval.low)} to {money(interval.high)}"


def build_tiles(
    place: Place, workflow: str, now: Economics, before: Economics, violations: int, stopped: int
) -> tuple[Tile, ...]:
    """Six numbers, each opens the runs behind it."""

    def runs(**more: object) -> str:
        return place.url("/runs", workflow=workflow, shape=COUNTED_SHAPES, **more)

    judged = (
        "of all jobs" if now.judged_share is None or now.judged_share > 0.999 else f"{percent(now.judged_share)} judged"
    )
    misses = plural(violations, "violation") if violations else "none against the policy"
    p95 = f"{duration(now.row.p95_duration_ns)} p95" if now.row.runs else "none in this time"
    intervened = f"{percent(now.intervention_rate)} with an intervention" if now.row.runs else ""
    wasted = f"{money(now.wasted_usd)} on failures" if now.wasted_usd else ""
    unpriced = f"{plural(now.row.unpriced_calls, 'call')} unpriced" if now.row.unpriced_calls else ""
    cps, cps_before = now.cost_per_success, before.cost_per_success
    rate, rate_before = now.success_rate, before.success_rate
    return (
        Tile("Runs", count(now.row.runs), change(now.row.runs, before.row.runs), False, p95, _NO_SPARK, runs()),
        Tile("Success", percent(rate), change(rate, rate_before), bool(rate and rate_before and rate < rate_before), judged if now.row.runs else "", _NO_SPARK, runs(outcome="success")),
        Tile("Cost per success", money(cps), change(cps, cps_before), bool(cps and cps_before and cps > cps_before), interval_words(now) or ("no success yet" if now.row.runs else ""), _NO_SPARK, runs(outcome="success")),
        Tile("Spend", money(now.row.cost_usd), change(now.row.cost_usd, before.row.cost_usd), False, wasted or unpriced, _NO_SPARK, runs(outcome="failure") if now.wasted_usd else runs()),
        Tile("Escalated", percent(now.escalation_rate), change(now.escalation_rate, before.escalation_rate), False, intervened, _NO_SPARK, runs(outcome="handed_off")),
        Tile("Near misses", count(stopped), "", bool(violations), misses, _NO_SPARK, workflow_href(place, workflow, tab="near-misses")),
    )  # fmt: skip


def tool_lines(
    place: Place,
    workflow: str,
    offered: Sequence[OfferedTool],
    used: Sequence[UsedTool],
    policy: Policy | None,
    effects: Mapping[str, str],
) -> tuple[ToolLine, ...]:
    """Every tool that was offered, used or named by the policy; used first."""
    by_offer: dict[str, list[OfferedTool]] = {}
    for one in offered:
        by_offer.setdefault(one.tool, []).append(one)
    by_use = {one.tool: one for one in used}
    named = [*policy.denied_tools, *policy.require_approval, *(policy.allowed_tools or ())] if policy else []
    names = list(dict.fromkeys([*by_use, *sorted(by_offer), *named]))
    lines = []
    for name in names:
        schemas = sorted(by_offer.get(name, ()), key=lambda o: (o.last_ns, o.first_ns))
        use = by_use.get(name)
        calls = sum(use.outcomes.values()) if use else 0
        allowed, is_bad = _allowed(policy, name, calls)
        wrong = sum(use.outcomes.get(o, 0) for o in ("error", "timeout", "invalid_arguments")) if use else 0
        lines.append(
            ToolLine(
                tool=name,
                offered=sum(o.runs for o in schemas),
                calls=calls,
                runs=use.runs if use else 0,
                allowed=allowed,
                allowed_bad=is_bad,
                effect=effects.get(name, ""),
                effect_from="policy" if policy and name in policy.tool_effects else "its name",
                schema=schemas[-1].schema if schemas else "",
                schemas=len({o.schema for o in schemas}),
                schema_since_ns=schemas[-1].first_ns if schemas else 0,
                error_share=wrong / calls if calls else None,
                denied_share=(use.outcomes.get("denied", 0) / calls) if use and calls else None,
                href=place.url("/runs", workflow=workflow, tool=name, shape="any"),
                last_ns=use.last_ns if use else (schemas[-1].last_ns if schemas else 0),
            )
        )
    return tuple(lines)


def _allowed(policy: Policy | None, tool: str, calls: int) -> tuple[str, bool]:
    if policy is None:
        return "no policy", False
    if tool in policy.denied_tools:
        return "never", calls > 0
    if tool in policy.require_approval:
        return "with approval", False
    if policy.allowed_tools is None:
        return "yes, no allow-list", False
    return ("yes", False) if tool in policy.allowed_tools else ("not listed", calls > 0)


def preview_words(audit: PolicyAudit) -> str:
    """`would label 412 of the last 500: 371 success, 41 failure`."""
    labelled = audit.success + audit.failure
    return (
        f"would label {labelled:,} of the last {audit.runs:,}: {audit.success:,} success, {audit.failure:,} failure"
        + (f"; {audit.unknown:,} stay unknown" if audit.unknown else "")
    )


def kind_lines(place: Place, ranked: Sequence[Ranked], reviews: Mapping[str, Reviewed]) -> tuple[KindLine, ...]:
    """Kinds of attempts of one workflow, violations first."""
    order = {"violation": 0, "stopped": 1, "malformed": 2}
    found = sorted(ranked, key=lambda r: (order.get(r.group.kind, 3), not r.is_new, -r.risk))
    return tuple(kind_line(place, r, review_of(reviews, r)) for r in found)
