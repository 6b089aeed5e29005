"""Overview: one sentence, the fleet worst first, six numbers that are doors, two charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from store.api import Bucket, FleetRow, Totals
from web.charts import Chart, denials_chart, runs_chart, spend_chart
from web.format import NONE, change, count, money, percent
from web.places import Place
from web.sparks import Spark, spark

COUNTED_SHAPES = "agent,single_call"
POINTS = 14
"""Points of a tile's line."""
CHART_BARS = 42
"""Bars of a chart: a multiple of the points, so that one series serves both."""
MOST_ROWS = 50
LOUD_SHARE = 0.05
"""One failure in twenty runs: below that a coloured chip on every row would hide the bad one."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that went wrong, as a sentence and a door."""

    glyph: str
    words: str
    href: str


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
    glyph: str
    state: str
    runs: int
    success: str
    cost_per_success: Decimal | None
    spend_usd: Decimal | None
    unpriced_calls: int
    denials: int
    failed: int
    loud: bool
    """Whether so many failed that the row must say so in colour."""
    p95_ns: int
    last_ns: int
    runs_href: str
    denied_href: str
    failed_href: str


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """The Overview with data."""

    troubles: tuple[Trouble, ...]
    calm: str
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
) -> OverviewPage:
    """Build the Overview of a place from the numbers of its range and of the range before."""
    lines = fleet_lines(place, fleet)
    return OverviewPage(
        troubles=_troubles(place, totals),
        calm=_calm(place, totals),
        fleet=lines[:MOST_ROWS],
        more_workflows=max(0, len(lines) - MOST_ROWS),
        tiles=_tiles(place, totals, before, series),
        charts=(runs_chart(series), spend_chart(series), denials_chart(series)),
        has_runs=totals.runs > 0,
    )


def _troubles(place: Place, totals: Totals) -> tuple[Trouble, ...]:
    found = []
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


def _these(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def _calm(place: Place, totals: Totals) -> str:
    if not totals.runs:
        return f"No runs in the {place.range.words()}." if place.range.key else f"No runs from {place.range.words()}."
    return f"{_these(totals.runs, 'run')}, {place.range.words()}: no errors, nothing denied, nobody waited for."


def fleet_lines(place: Place, fleet: Sequence[FleetRow]) -> tuple[FleetLine, ...]:
    """The fleet as lines, worst first: by share of runs in trouble, then by spend, then by runs."""

    def badness(row: FleetRow) -> tuple[float, Decimal, int]:
        trouble = max(row.totals.errors, row.totals.failure) + row.totals.denials
        share = trouble / row.totals.runs if row.totals.runs else 0.0
        return (-share, -(row.totals.cost_usd or Decimal(0)), -row.totals.runs)

    return tuple(_fleet_line(place, row) for row in sorted(fleet, key=badness))


def _fleet_line(place: Place, row: FleetRow) -> FleetLine:
    totals = row.totals
    here = Place(place.root, place.project, place.range, row.environment or place.environment, place.home_project)
    glyph, state = _fleet_state(totals)
    own = {"workflow": row.workflow, "shape": COUNTED_SHAPES}
    return FleetLine(
        workflow=row.workflow or "no workflow named",
        environment=row.environment,
        href=here.url("/runs", **own),
        glyph=glyph,
        state=state,
        runs=totals.runs,
        success=success_words(totals),
        cost_per_success=cost_per_success(totals),
        spend_usd=totals.cost_usd,
        unpriced_calls=totals.unpriced_calls,
        denials=totals.denials,
        failed=max(totals.failure, totals.errors),
        loud=max(totals.failure, totals.errors) >= LOUD_SHARE * totals.runs,
        p95_ns=row.p95_duration_ns,
        last_ns=row.last_started_ns,
        runs_href=here.url("/runs", **own),
        denied_href=here.url("/runs", **own, denied=1),
        failed_href=here.url(
            "/runs", **own, **({"outcome": "failure"} if totals.failure >= totals.errors else {"status": "error"})
        ),
    )


def _fleet_state(totals: Totals) -> tuple[str, str]:
    if totals.denials:
        return "denied", f"{totals.denials:,} denied"
    if totals.waiting:
        return "waiting", f"{totals.waiting:,} waiting"
    return "ok", "ok"


def success_words(totals: Totals) -> str:
    """The share of runs that succeeded; a dash while nobody has said what success is."""
    return percent(totals.success / totals.runs) if totals.success + totals.failure else NONE


def cost_per_success(totals: Totals) -> Decimal | None:
    """All spend divided by the runs that succeeded; None while there are none."""
    return totals.cost_usd / totals.success if totals.cost_usd is not None and totals.success else None


def _tiles(place: Place, totals: Totals, before: Totals, series: Sequence[Bucket]) -> tuple[Tile, ...]:
    points = _merge(series, POINTS)
    judged = totals.success + totals.failure
    rate = totals.success / totals.runs if judged else None
    rate_before = before.success / before.runs if before.success + before.failure else None
    cps, cps_before = cost_per_success(totals), cost_per_success(before)
    undefined = "" if judged else "not defined yet"

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
            "Success", percent(rate), change(rate, rate_before), bool(rate and rate_before and rate < rate_before),
            undefined, line([p.success / p.runs if p.success + p.failure else None for p in points]),
            runs_url(outcome="success") if judged else runs_url(),
        ),
        Tile(
            "Cost per success", money(cps), change(cps, cps_before), bool(cps and cps_before and cps > cps_before),
            undefined, line([cost_per_success(p) for p in points]),
            runs_url(outcome="success") if judged else runs_url(),
        ),
        Tile(
            "Spend", money(totals.cost_usd), change(totals.cost_usd, before.cost_usd), False,
            f"{totals.unpriced_calls:,} calls unpriced" if totals.unpriced_calls else "",
            line([p.cost_usd for p in points]), runs_url(min_cost="0.000001"),
        ),
        Tile(
            "Near misses", count(totals.denials), change(totals.denials, before.denials),
            totals.denials > before.denials, "", line([p.denials for p in points]), place.url("/near-misses"),
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
    )
