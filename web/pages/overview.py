"""Overview: one sentence, the fleet worst first, six numbers that are doors, and a chart of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import quote

from insights.budgets import BudgetState
from insights.policies import PolicyBook
from spans.change import Mark
from store.api import Bucket, FleetRow, Totals
from store.ledger.incidents import Incident
from web.change_marks import mark_charts
from web.charts import (
    Chart,
    cost_per_success_chart,
    denials_chart,
    runs_chart,
    spend_chart,
    success_chart,
    waiting_chart,
)
from web.format import NONE, change, count, money, percent, plural
from web.places import Place
from web.sparks import Spark, spark

COUNTED_SHAPES = "agent,single_call"
POINTS = 14
"""Points of a tile's line."""
CHART_BARS = 42
"""Bars of a chart: a multiple of the points, so that one series serves both."""
CHARTS = (runs_chart, success_chart, cost_per_success_chart, spend_chart, denials_chart, waiting_chart)
"""One for each tile, in the order of the tiles."""
MOST_ROWS = 50
LEARNT_RUNS = 30
"""Runs of two weeks below which baselines of a workflow say nothing yet."""
LOUD_SHARE = 0.05
"""One failure in twenty runs: below that a coloured chip on every row would hide the bad one."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that went wrong, as a sentence and a door."""

    glyph: str
    words: str
    href: str
    time_ns: int = 0


@dataclass(frozen=True, slots=True)
class Around:
    """What the ledger and the policies know of a fleet, beside the numbers of its runs."""

    incidents: tuple[Incident, ...] = ()
    """Those that fire, newest first."""
    policies: PolicyBook = field(default_factory=PolicyBook)
    budgets: Mapping[tuple[str, str], BudgetState] = field(default_factory=dict)
    """By workflow and environment."""
    known: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Runs of the last 14 days by workflow and environment: what baselines learn from."""
    marks: tuple[Mark, ...] = ()
    """Changes of the range, oldest first."""
    violations: Mapping[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """Calls that ran although the policy forbids them, in the range and in as long a time before; by workflow and environment."""

    @property
    def all_violations(self) -> tuple[int, int]:
        """Over all workflows: in the range, and before it."""
        return sum(now for now, _ in self.violations.values()), sum(then for _, then in self.violations.values())


@dataclass(frozen=True, slots=True)
class Tile:
    """A number with its change, its line and the runs behind it."""

    label: str
    value: str
    change: str
    worse: bool
    note: str
    spark: Spark
    href: str


@dataclass(frozen=True, slots=True)
class FleetLine:
    """One workflow of the fleet table."""

    workflow: str
    environment: str
    href: str
    runs: int
    success: str
    cost_per_success: Decimal | None
    spend_usd: Decimal | None
    unpriced_calls: int
    budget: str
    budget_share: float | None
    """Of the budget of this period; None without a budget."""
    budget_note: str
    owner: str
    alerts: int
    learning: str
    denials: int
    violations: int
    waiting: int
    failed: int
    loud: bool
    """Whether so many failed that the row must say so in colour."""
    last_ns: int
    alerts_href: str
    runs_href: str
    denied_href: str
    violations_href: str
    waiting_href: str
    failed_href: str


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """The Overview with data."""

    incidents: tuple[Trouble, ...]
    """Firing, newest first."""
    calm: str
    """What stands there when nothing fires."""
    troubles: tuple[Trouble, ...]
    quiet: str
    fleet: tuple[FleetLine, ...]
    more_workflows: int
    tiles: tuple[Tile, ...]
    charts: tuple[Chart, ...]
    has_runs: bool


def build_overview(
    place: Place,
    totals: Totals,
    before: Totals,
    series: Sequence[Bucket],
    fleet: Sequence[FleetRow],
    around: Around | None = None,
) -> OverviewPage:
    """Build the Overview of a place from the numbers of its range and of the range before."""
    around = around or Around()
    lines = fleet_lines(place, fleet, around)
    return OverviewPage(
        incidents=tuple(_incident(place, i) for i in around.incidents),
        calm=_nothing_firing(lines),
        troubles=_troubles(place, totals, around.all_violations[0]),
        quiet=_calm(place, totals),
        fleet=lines[:MOST_ROWS],
        more_workflows=max(0, len(lines) - MOST_ROWS),
        tiles=_tiles(place, totals, before, series, around.all_violations),
        charts=mark_charts(tuple(draw(series) for draw in CHARTS), around.marks, place.environment),
        has_runs=totals.runs > 0,
    )


def _troubles(place: Place, totals: Totals, violations: int) -> tuple[Trouble, ...]:
    found = []
    if violations:
        words = f"{_these(violations, 'call')} ran although the policy forbids {'it' if violations == 1 else 'them'}"
        found.append(Trouble("denied", words, place.url("/near-misses", kind="violation")))
    if totals.errors:
        words = f"{_these(totals.errors, 'run')} ended in an error"
        found.append(Trouble("error", words, place.url("/runs", status="error", shape=COUNTED_SHAPES)))
    if totals.denials:
        words = f"{_these(totals.denials, 'call')} {'was' if totals.denials == 1 else 'were'} stopped by a control"
        found.append(Trouble("denied", words, place.url("/near-misses")))
    if totals.waiting:
        words = f"{_these(totals.waiting, 'run')} {'waits' if totals.waiting == 1 else 'wait'} for somebody"
        found.append(Trouble("waiting", words, place.url("/runs", waiting=1, shape=COUNTED_SHAPES)))
    return tuple(found)


def _incident(place: Place, incident: Incident) -> Trouble:
    where = f"{incident.workflow}: " if incident.workflow and incident.workflow not in incident.sentence else ""
    return Trouble(
        "error", f"{where}{incident.sentence}", place.url(f"/incidents/{incident.incident_id}"), incident.opened_ns
    )


def _nothing_firing(lines: Sequence[FleetLine]) -> str:
    learning = sum(bool(line.learning) for line in lines)
    return "Nothing firing" + (f"; {plural(learning, 'workflow')} still learning." if learning else ".")


def _these(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def _calm(place: Place, totals: Totals) -> str:
    if not totals.runs:
        return f"No runs in the {place.range.words()}." if place.range.key else f"No runs from {place.range.words()}."
    return f"{_these(totals.runs, 'run')}, {place.range.words()}: no errors, nothing denied, nobody waited for."


def fleet_lines(place: Place, fleet: Sequence[FleetRow], around: Around | None = None) -> tuple[FleetLine, ...]:
    """The fleet as lines, worst first: what fires, then by share of runs in trouble, then by spend, then by runs."""
    known = around or Around()

    def badness(row: FleetRow) -> tuple[int, float, Decimal, int]:
        trouble = max(row.totals.errors, row.totals.failure) + row.totals.denials + _violations(row, known)
        share = trouble / row.totals.runs if row.totals.runs else 0.0
        return (-_alerts(row, known), -share, -(row.totals.cost_usd or Decimal(0)), -row.totals.runs)

    return tuple(_fleet_line(place, row, known) for row in sorted(fleet, key=badness))


def _alerts(row: FleetRow, around: Around) -> int:
    return sum(i.workflow == row.workflow and i.environment in {"", row.environment} for i in around.incidents)


def _violations(row: FleetRow, around: Around) -> int:
    return around.violations.get((row.workflow, row.environment), (0, 0))[0]


def _learning(row: FleetRow, around: Around) -> str:
    have = around.known.get((row.workflow, row.environment))
    return f"learning: {have} of {LEARNT_RUNS} runs" if have is not None and have < LEARNT_RUNS else ""


def _fleet_line(place: Place, row: FleetRow, around: Around) -> FleetLine:
    totals = row.totals
    policy = around.policies.find(row.workflow)
    budget = around.budgets.get((row.workflow, row.environment))
    here = place.of(row.environment)
    own = {"workflow": row.workflow, "shape": COUNTED_SHAPES}
    return FleetLine(
        workflow=row.workflow or "no workflow named",
        environment=row.environment,
        href=here.url(f"/workflows/{quote(row.workflow, safe='')}") if row.workflow else here.url("/runs", **own),
        runs=totals.runs,
        success=success_words(totals),
        cost_per_success=totals.cost_per_success,
        spend_usd=totals.cost_usd,
        unpriced_calls=totals.unpriced_calls,
        budget=money(budget.budget.usd) if budget else "",
        budget_share=budget.share if budget else None,
        budget_note=_budget_note(budget) if budget else "",
        owner=policy.owner.team if policy else "",
        alerts=_alerts(row, around),
        learning=_learning(row, around),
        alerts_href=here.url("/incidents", workflow=row.workflow),
        denials=totals.denials,
        violations=_violations(row, around),
        waiting=totals.waiting,
        failed=max(totals.failure, totals.errors),
        loud=max(totals.failure, totals.errors) >= LOUD_SHARE * totals.runs,
        last_ns=row.last_started_ns,
        runs_href=here.url("/runs", **own),
        denied_href=here.url("/runs", **own, denied=1),
        violations_href=here.url("/near-misses", kind="violation", workflow=row.workflow),
        waiting_href=here.url("/runs", **own, waiting=1),
        failed_href=here.url(
            "/runs", **own, **({"outcome": "failure"} if totals.failure >= totals.errors else {"status": "error"})
        ),
    )


def _budget_note(budget: BudgetState) -> str:
    period = {1: "today", 7: "this week", 30: "these 30 days"}.get(budget.budget.per_days, "this period")
    return f"{money(budget.spent_usd)} of {money(budget.budget.usd)} {period}"


def success_words(totals: Totals) -> str:
    """The share of runs that succeeded; a dash while nobody has said what success is."""
    return percent(totals.success_rate) if totals.success_rate is not None else NONE


def _tiles(
    place: Place, totals: Totals, before: Totals, series: Sequence[Bucket], violations: tuple[int, int]
) -> tuple[Tile, ...]:
    points = _merge(series, POINTS)
    judged = totals.success + totals.failure
    rate, rate_before = totals.success_rate, before.success_rate
    cps, cps_before = totals.cost_per_success, before.cost_per_success
    undefined = "" if judged else "not defined yet"
    misses, misses_before = totals.denials + violations[0], before.denials + violations[1]

    def runs_url(**more: object) -> str:
        return place.url("/runs", shape=COUNTED_SHAPES, **more)

    def line(values: Sequence[float | Decimal | None]) -> Spark:
        return spark([None if v is None else float(v) for v in values])

    return (
        Tile(
            "Runs", count(totals.runs), change(totals.runs, before.runs), False, "",
            line([p.runs for p in points]), runs_url(),
        ),
        Tile(
            "Success", percent(rate), change(rate, rate_before),
            rate is not None and rate_before is not None and rate < rate_before,
            undefined, line([p.success_rate for p in points]),
            runs_url(outcome="success") if judged else runs_url(),
        ),
        Tile(
            "Cost per success", money(cps), change(cps, cps_before), bool(cps and cps_before and cps > cps_before),
            undefined, line([p.cost_per_success for p in points]),
            runs_url(outcome="success") if judged else runs_url(),
        ),
        Tile(
            "Spend", money(totals.cost_usd), change(totals.cost_usd, before.cost_usd), False,
            f"{plural(totals.unpriced_calls, 'call')} unpriced" if totals.unpriced_calls else "",
            line([p.cost_usd for p in points]), runs_url(min_cost="0.000001"),
        ),
        Tile(
            "Near misses", count(misses), change(misses, misses_before), misses > misses_before,
            f"{violations[0]:,} ran although forbidden" if violations[0] else "", line([p.denials for p in points]),
            place.url("/near-misses"),
        ),
        Tile(
            "Waiting", count(totals.waiting), change(totals.waiting, before.waiting), totals.waiting > before.waiting,
            "for somebody's approval" if totals.waiting else "", line([p.waiting for p in points]),
            runs_url(waiting=1),
        ),
    )  # fmt: skip


def _merge(series: Sequence[Bucket], points: int) -> tuple[Totals, ...]:
    size = max(1, len(series) // points)
    return tuple(add_totals([b.totals for b in series[i : i + size]]) for i in range(0, len(series), size))


def add_totals(parts: Sequence[Totals]) -> Totals:
    """The sum of totals; money is None only where nothing could be priced."""
    costs = [p.cost_usd for p in parts if p.cost_usd is not None]
    return Totals(
        runs=sum(p.runs for p in parts),
        success=sum(p.success for p in parts),
        failure=sum(p.failure for p in parts),
        errors=sum(p.errors for p in parts),
        denials=sum(p.denials for p in parts),
        waiting=sum(p.waiting for p in parts),
        cost_usd=sum(costs, Decimal(0)) if costs else None,
        unpriced_calls=sum(p.unpriced_calls for p in parts),
        input_tokens=sum(p.input_tokens for p in parts),
        output_tokens=sum(p.output_tokens for p in parts),
        beside=sum(p.beside for p in parts),
        shadow_usd=sum((p.shadow_usd for p in parts), Decimal(0)),
    )
