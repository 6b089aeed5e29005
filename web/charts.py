"""Charts as pure functions from numbers to a figure; colours are token names that the page's script resolves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from store.api import Bucket
from web.format import count, money, percent, plural, rfc3339

Figure = dict[str, Any]
_DAY_MS = 86_400_000

_UNSAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


@dataclass(frozen=True, slots=True)
class ChartTable:
    """The table twin of a chart: a heading row and rows of text; the first cell of a row is a time in Unix ns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Marker:
    """A change that a chart marks: a new version, a new prompt, an incident."""

    at_ns: int
    words: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure, what it shows in a sentence, and its table."""

    key: str
    title: str
    sentence: str
    figure: Figure
    table: ChartTable
    is_empty: bool = False
    markers: tuple[Marker, ...] = ()


def with_markers(chart: Chart, markers: Sequence[Marker]) -> Chart:
    """The chart with a dotted line at each change; the words stand below it, so that none hides another."""
    lines = [
        {
            "type": "line", "xref": "x", "yref": "paper", "y0": 0, "y1": 1,
            "x0": _x(m.at_ns), "x1": _x(m.at_ns), "line": {"color": "--muted", "width": 1, "dash": "dot"},
        }
        for m in markers
    ]  # fmt: skip
    layout = {**chart.figure["layout"], "shapes": [*chart.figure["layout"].get("shapes", ()), *lines]}
    return replace(chart, figure={**chart.figure, "layout": layout}, markers=tuple(markers))


def _x(at_ns: int) -> str:
    return rfc3339(at_ns)[:19] + "Z"


def chart_json(figure: Figure) -> Markup:
    """A figure as JSON that cannot end the element it stands in."""
    text = json.dumps(figure, separators=(",", ":"), ensure_ascii=False)
    return Markup(text.translate(_UNSAFE))  # noqa: S704 - every character that HTML could read is escaped above


def runs_chart(buckets: Sequence[Bucket]) -> Chart:
    """Runs over time, those that ended in an error apart."""
    errors = [b.totals.errors for b in buckets]
    rest = [b.totals.runs - b.totals.errors for b in buckets]
    total = sum(b.totals.runs for b in buckets)
    rows = tuple((b.start_ns, (count(b.totals.runs), count(b.totals.errors))) for b in buckets if b.totals.runs)
    return Chart(
        key="runs",
        title="Runs",
        sentence=f"{plural(total, 'run')}, {sum(errors):,} with an error.",
        figure=_figure(
            [_bars(buckets, rest, "without error", "--mark"), _bars(buckets, errors, "with an error", "--bad")],
            stacked=True,
        ),
        table=ChartTable(("Runs", "With an error"), rows),
        is_empty=not total,
    )


def denials_chart(buckets: Sequence[Bucket]) -> Chart:
    """Calls that a control stopped, over time."""
    denials = [b.totals.denials for b in buckets]
    return Chart(
        key="denials",
        title="Near misses",
        sentence=f"{plural(sum(denials), 'call')} stopped by a control.",
        figure=_figure([_bars(buckets, denials, "stopped", "--stop", pattern="/")]),
        table=ChartTable(
            ("Stopped calls",), tuple((b.start_ns, (count(b.totals.denials),)) for b in buckets if b.totals.denials)
        ),
        is_empty=not sum(denials),
    )


def spend_chart(buckets: Sequence[Bucket]) -> Chart:
    """Spend over time; a bucket without any price is a gap, not a zero."""
    costs = [b.totals.cost_usd for b in buckets]
    known = [c for c in costs if c is not None]
    unpriced = sum(b.totals.unpriced_calls for b in buckets)
    rows = tuple(
        (b.start_ns, (money(b.totals.cost_usd), count(b.totals.unpriced_calls))) for b in buckets if b.totals.runs
    )
    tail = f" {plural(unpriced, 'call')} without a known price, not in it." if unpriced else ""
    return Chart(
        key="spend",
        title="Spend",
        sentence=f"{money(sum(known, Decimal(0)) if known else None)} in all.{tail}",
        figure=_figure(
            [_bars(buckets, [None if c is None else float(c) for c in costs], "US dollars", "--mark-2")],
            money_axis=True,
        ),
        table=ChartTable(("Spend", "Unpriced calls"), rows),
        is_empty=not known,
    )


def success_chart(buckets: Sequence[Bucket]) -> Chart:
    """The share of runs that succeeded, over time; a bucket in which nobody judged a run is a gap, not a zero."""
    rates = [b.totals.success_rate for b in buckets]
    jobs = sum(b.totals.runs - b.totals.beside for b in buckets)
    success, failure = (sum(getattr(b.totals, name) for b in buckets) for name in ("success", "failure"))
    judged = success + failure
    rows = tuple(
        (b.start_ns, (percent(rate), count(b.totals.success), count(b.totals.failure)))
        for b, rate in zip(buckets, rates, strict=True)
        if rate is not None
    )
    figure = _figure([_line(buckets, rates, "succeeded", "--good", "%{y:.1%}")])
    figure["layout"]["yaxis"] |= {"tickformat": ".0%", "range": [0, 1.05], "dtick": 0.25}
    said = f"{success:,} of {plural(jobs, 'run')} succeeded, {failure:,} failed."
    return Chart(
        key="success",
        title="Success",
        sentence=said if judged else "No run was judged: no rule says what success is.",
        figure=figure,
        table=ChartTable(("Success", "Succeeded", "Failed"), rows),
        is_empty=not judged,
    )


def cost_per_success_chart(buckets: Sequence[Bucket]) -> Chart:
    """All spend by runs that succeeded, over time; a bucket without a success is a gap, and is told."""
    costs = [b.totals.cost_per_success for b in buckets]
    spent = sum((b.totals.cost_usd - b.totals.shadow_usd for b in buckets if b.totals.cost_usd is not None), Decimal(0))
    success = sum(b.totals.success for b in buckets)
    barren = sum(bool(b.totals.cost_usd) and not b.totals.success for b in buckets)
    rows = tuple(
        (b.start_ns, (money(cost), money(b.totals.cost_usd), count(b.totals.success)))
        for b, cost in zip(buckets, costs, strict=True)
        if b.totals.runs
    )
    tail = f" {plural(barren, 'bar')} of spend without a success: a gap here." if barren else ""
    is_known = any(c is not None for c in costs)
    figure = _figure(
        [_line(buckets, [None if c is None else float(c) for c in costs], "per success", "--mark-2", "$%{y:.4~f}")],
        money_axis=True,
    )
    return Chart(
        key="cost-per-success",
        title="Cost per success",
        sentence=f"{money(spent / success)}: {money(spent)} by {success:,}.{tail}"
        if is_known
        else "No priced success.",
        figure=figure,
        table=ChartTable(("Cost per success", "Spend", "Succeeded"), rows),
        is_empty=not is_known,
    )


def waiting_chart(buckets: Sequence[Bucket]) -> Chart:
    """Runs that wait for somebody."""
    waiting = [b.totals.waiting for b in buckets]
    total = sum(waiting)
    return Chart(
        key="waiting",
        title="Waiting",
        sentence=f"{plural(total, 'run')} {'waits' if total == 1 else 'wait'} for somebody.",
        figure=_figure([_bars(buckets, waiting, "waiting", "--wait")]),
        table=ChartTable(
            ("Waiting runs",), tuple((b.start_ns, (count(b.totals.waiting),)) for b in buckets if b.totals.waiting)
        ),
        is_empty=not total,
    )


def _line(buckets: Sequence[Bucket], values: Sequence[float | None], name: str, colour: str, shown: str) -> Figure:
    """A line with a dot at every known value: one between two gaps would not show otherwise."""
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": [_x(b.start_ns) for b in buckets],
        "y": list(values),
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "size": 5},
        "connectgaps": False,
        "hovertemplate": f"{shown} {name}<extra></extra>",
    }


def _bars(
    buckets: Sequence[Bucket], values: Sequence[float | None], name: str, colour: str, pattern: str = ""
) -> Figure:
    marker: Figure = {"color": colour}
    if pattern:
        marker["pattern"] = {"shape": pattern, "size": 5, "solidity": 0.5}
    return {
        "type": "bar",
        "name": name,
        "x": [_x(b.start_ns) for b in buckets],
        "y": list(values),
        "marker": marker,
        "hovertemplate": "%{y} " + name + "<extra></extra>",
    }


def _figure(data: list[Figure], *, stacked: bool = False, money_axis: bool = False) -> Figure:
    axis: Figure = {"gridcolor": "--line", "linecolor": "--line", "zeroline": False, "fixedrange": True}
    return {
        "data": data,
        "layout": {
            "barmode": "stack" if stacked else "group",
            "bargap": 0.25,
            "height": 190,
            "margin": {"l": 40, "r": 4, "t": 6, "b": 24},
            "showlegend": False,
            "hovermode": "x unified",
            "xaxis": {
                **axis,
                "type": "date",
                "showgrid": False,
                "nticks": 7,
                "tickformatstops": [
                    {"dtickrange": [None, _DAY_MS - 1], "value": "%H:%M"},
                    {"dtickrange": [_DAY_MS, None], "value": "%-d %b"},
                ],
            },
            "yaxis": {
                **axis,
                "rangemode": "tozero",
                "nticks": 4,
                "automargin": True,
                **({"tickprefix": "$"} if money_axis else _counted(data)),
            },
        },
    }


def _counted(data: Sequence[Figure]) -> Figure:
    """An axis of whole things: few of them get a line each, because half a run says nothing."""
    highest = sum(max((y or 0 for y in bars["y"]), default=0) for bars in data)
    return {"tickformat": "~s", **({"dtick": 1} if highest <= 4 else {})}


def hidden_chart(begins: Sequence[int], by_entity: Mapping[str, Sequence[int]]) -> Chart:
    """Hidden values over time, stacked by entity.

    Args:
        begins: Where each period begins (Unix ns).
        by_entity: Values hidden in each period, the most frequent entity first; at most as many as there are colours.
    """
    totals = [sum(values) for values in zip(*by_entity.values(), strict=True)] if by_entity else []
    bars = [
        {
            "type": "bar",
            "name": entity.lower().replace("_", " "),
            "x": [_x(at) for at in begins],
            "y": list(values),
            "marker": {"color": colour},
            "hovertemplate": "%{y} " + entity.lower().replace("_", " ") + "<extra></extra>",
        }
        for (entity, values), colour in zip(by_entity.items(), _HIDDEN_COLOURS, strict=False)
    ]
    rows = tuple(
        (at, tuple(count(values[place]) for values in by_entity.values()))
        for place, at in enumerate(begins)
        if totals and totals[place]
    )
    return Chart(
        key="hidden",
        title="Hidden over time",
        sentence=f"{plural(sum(totals), 'value')} hidden.",
        figure=_figure(bars, stacked=True),
        table=ChartTable(tuple(entity.lower().replace("_", " ") for entity in by_entity), rows),
        is_empty=not sum(totals),
    )


_HIDDEN_COLOURS = ("--k-model", "--k-tool", "--k-retrieval", "--k-agent", "--k-guardrail", "--k-human", "--k-other")
"""One colour per entity of the hidden chart; what is rarer is summed up as the last."""
HIDDEN_SERIES = len(_HIDDEN_COLOURS)
