"""Charts of what detectors say: spend with its expected band, a feature before and after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from insights.feature_words import value_in_words, words_of
from web.charts import Chart, ChartTable
from web.format import NONE, money, rfc3339

BINS = 24
_AXIS: dict[str, Any] = {"gridcolor": "--line", "linecolor": "--line", "zeroline": False, "fixedrange": True}


@dataclass(frozen=True, slots=True)
class BandPoint:
    """One hour: what was spent, what was expected, and from where on it would be a spike; None while learning."""

    start_ns: int
    spend: float
    expected: float | None
    limit: float | None


def band_chart(points: Sequence[BandPoint], workflow: str, spikes: Sequence[tuple[int, int]] = ()) -> Chart:
    """Spend per hour with the band it was expected in.

    Args:
        points: The hours of the range.
        workflow: Whose spend it is; empty: that of all together.
        spikes: Since and until, in Unix nanoseconds, of the spikes of single workflows: their hours are marked, too, since
            one workflow's spike can hide in what all of them spend.
    """
    total = sum(p.spend for p in points)
    over = [p for p in points if p.limit is not None and p.spend > p.limit]
    within = [p for p in points if p.spend and any(since <= p.start_ns < until for since, until in spikes)]
    marked = {p.start_ns for p in (*over, *within)}
    top = max((max(p.spend, p.expected or 0.0) for p in points), default=0.0)
    x = [_x(p.start_ns) for p in points]
    known = [p for p in points if p.limit is not None]
    band_x = [_x(p.start_ns) for p in known]
    data: list[dict[str, Any]] = [
        {
            "type": "scatter", "mode": "lines", "name": "limit", "x": band_x, "y": [p.limit for p in known],
            "line": {"color": "--line-strong", "width": 1}, "hovertemplate": "$%{y:.4~f} would be a spike<extra></extra>",
        },
        {
            "type": "scatter", "mode": "lines", "name": "expected", "x": band_x, "y": [p.expected for p in known],
            "line": {"color": "--muted", "width": 1, "dash": "dot"}, "fill": "tonexty", "fillcolor": "--band",
            "hovertemplate": "$%{y:.4~f} expected<extra></extra>",
        },
        {
            "type": "bar", "name": "spend", "x": x, "y": [p.spend for p in points],
            "marker": {"color": ["--bad" if p.start_ns in marked else "--mark-2" for p in points]},
            "hovertemplate": "$%{y:.4~f} spent<extra></extra>",
        },
    ]  # fmt: skip
    rows = tuple(
        (p.start_ns, (_usd(p.spend), _usd(p.expected), _usd(p.limit))) for p in points if p.spend or p.expected
    )
    told = f"{len(over)} of {len(points)} hours above the band" if known else "the band appears after four days"
    alone = len(marked) - len(over)
    if alone and not workflow:
        told += f"; {alone} more in which one workflow alone spent more than it usually does"
    layout = _layout("date", prefix="$")
    # The limit of a few runs an hour lies far above what they cost; the bars are what one looks at.
    layout["yaxis"] |= {"range": [0, 1.2 * top or 1], "autorange": False}
    return Chart(
        key="band",
        title=f"Spend per hour{f' of {workflow}' if workflow else ''}",
        sentence=f"{_usd(total)} in all; {told}.",
        figure={"data": data, "layout": layout},
        table=ChartTable(("Spent", "Expected", "A spike from"), rows),
        is_empty=not total,
    )


@dataclass(frozen=True, slots=True)
class Histogram:
    """A feature before and after, in equal bins: shares of runs."""

    edges: tuple[float, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]


def histogram(before: Sequence[float], after: Sequence[float], bins: int = BINS) -> Histogram | None:
    """Both groups over the same bins; what lies beyond the 99 % quantile falls into the last one. None without values."""
    both = sorted([*before, *after])
    if not before or not after:
        return None
    low, high = both[0], both[min(len(both) - 1, int(0.99 * len(both)))]
    if high <= low:
        high = low + 1.0
    is_count = all(v == math.floor(v) for v in both) and high - low < bins
    number = int(high - low) + 1 if is_count else bins
    width = 1.0 if is_count else (high - low) / bins

    def shares(values: Sequence[float]) -> tuple[float, ...]:
        counts = [0] * number
        for value in values:
            counts[min(number - 1, max(0, int((value - low) / width)))] += 1
        return tuple(n / len(values) for n in counts)

    return Histogram(tuple(low + n * width for n in range(number)), shares(before), shares(after))


def change_chart(feature: str, unit: str, found: Histogram) -> Chart:
    """A feature before and after as two rows of bars."""
    labels = [value_in_words(edge, unit) for edge in found.edges]
    data = [
        {
            "type": "bar", "name": name, "x": list(found.edges), "y": list(shares), "marker": {"color": colour},
            "hovertemplate": "%{y:.1%} of runs " + name + "<extra></extra>",
        }
        for name, shares, colour in (("before", found.before, "--muted"), ("after", found.after, "--mark-2"))
    ]  # fmt: skip
    step = max(1, len(labels) // 6)
    layout = _layout("linear")
    layout["xaxis"] |= {"tickvals": list(found.edges)[::step], "ticktext": labels[::step]}
    layout["yaxis"] |= {"tickformat": ".0%"}
    return Chart(
        key="change",
        title=f"{words_of(feature)}, before and after",
        sentence="Share of runs from each value on; the grey bars are before.",
        figure={"data": data, "layout": layout},
        table=ChartTable((), ()),
    )


def change_rows(unit: str, found: Histogram) -> tuple[tuple[str, str, str], ...]:
    """The table twin of `change_chart`: value from, share before, share after; empty bins left out."""
    return tuple(
        (value_in_words(edge, unit), f"{before:.1%}", f"{after:.1%}")
        for edge, before, after in zip(found.edges, found.before, found.after, strict=True)
        if before or after
    )


def _layout(kind: str, prefix: str = "") -> dict[str, Any]:
    return {
        "barmode": "group",
        "bargap": 0.15,
        "height": 190,
        "margin": {"l": 44, "r": 4, "t": 6, "b": 38},
        "showlegend": False,
        "hovermode": "x unified",
        "xaxis": {**_AXIS, "type": kind, "showgrid": False, "nticks": 7},
        "yaxis": {**_AXIS, "rangemode": "tozero", "nticks": 4, "automargin": True, "tickprefix": prefix},
    }


def _usd(value: float | None) -> str:
    return NONE if value is None else money(Decimal(str(round(value, 10))))


def _x(at_ns: int) -> str:
    return rfc3339(at_ns)[:19] + "Z"
