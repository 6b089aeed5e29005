from __future__ import annotations

import json
from decimal import Decimal

from store.api import Bucket, Totals
from tests.builders import NOW_NS, SECOND_NS
from web.charts import (
    Marker,
    chart_json,
    cost_per_success_chart,
    denials_chart,
    runs_chart,
    spend_chart,
    success_chart,
    waiting_chart,
    with_markers,
)
from web.format import NONE

BUCKETS = (
    Bucket(NOW_NS, Totals(runs=5, errors=1, denials=2, cost_usd=Decimal("0.25"))),
    Bucket(NOW_NS + 3600 * SECOND_NS, Totals()),
    Bucket(NOW_NS + 7200 * SECOND_NS, Totals(runs=1, unpriced_calls=3)),
)
AXIS = {"gridcolor": "--line", "linecolor": "--line", "zeroline": False, "fixedrange": True}


def test_the_runs_figure_is_what_it_was():
    assert runs_chart(BUCKETS).figure == {
        "data": [
            {
                "type": "bar",
                "name": "without error",
                "x": ["2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z", "2026-11-20T14:00:00Z"],
                "y": [4, 0, 1],
                "marker": {"color": "--mark"},
                "hovertemplate": "%{y} without error<extra></extra>",
            },
            {
                "type": "bar",
                "name": "with an error",
                "x": ["2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z", "2026-11-20T14:00:00Z"],
                "y": [1, 0, 0],
                "marker": {"color": "--bad"},
                "hovertemplate": "%{y} with an error<extra></extra>",
            },
        ],
        "layout": {
            "barmode": "stack",
            "bargap": 0.25,
            "height": 190,
            "margin": {"l": 40, "r": 4, "t": 6, "b": 24},
            "showlegend": False,
            "hovermode": "x unified",
            "xaxis": {
                **AXIS,
                "type": "date",
                "showgrid": False,
                "nticks": 7,
                "tickformatstops": [
                    {"dtickrange": [None, 86_399_999], "value": "%H:%M"},
                    {"dtickrange": [86_400_000, None], "value": "%-d %b"},
                ],
            },
            "yaxis": {**AXIS, "rangemode": "tozero", "nticks": 4, "automargin": True, "tickformat": "~s"},
        },
    }


def test_spend_without_a_price_is_a_gap_and_is_said():
    chart = spend_chart(BUCKETS)
    assert chart.figure["data"][0]["y"] == [0.25, None, None]
    assert chart.sentence.replace("\xa0", " ") == "$0.25 in all. 3 calls without a known price, not in it."
    assert chart.figure["layout"]["yaxis"]["tickprefix"] == "$"


def test_the_table_holds_what_the_chart_shows():
    assert runs_chart(BUCKETS).table.rows == ((NOW_NS, ("5", "1")), (NOW_NS + 7200 * SECOND_NS, ("1", "0")))
    assert denials_chart(BUCKETS).table.rows == ((NOW_NS, ("2",)),)


JUDGED = (
    Bucket(NOW_NS, Totals(runs=5, success=3, failure=1, waiting=1, cost_usd=Decimal("0.30"))),
    Bucket(NOW_NS + 3600 * SECOND_NS, Totals(runs=2, failure=2, cost_usd=Decimal("0.10"))),
    Bucket(NOW_NS + 7200 * SECOND_NS, Totals(runs=1)),
)
HOURS = ["2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z", "2026-11-20T14:00:00Z"]


def _said(words: str) -> str:
    return words.replace("\xa0", " ")


def test_the_success_figure_is_what_it_was():
    chart = success_chart(JUDGED)
    assert chart.figure["data"] == [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "succeeded",
            "x": HOURS,
            "y": [0.6, 0.0, None],
            "line": {"color": "--good", "width": 2},
            "marker": {"color": "--good", "size": 5},
            "connectgaps": False,
            "hovertemplate": "%{y:.1%} succeeded<extra></extra>",
        }
    ]
    axis = {**AXIS, "rangemode": "tozero", "nticks": 4, "automargin": True}
    assert chart.figure["layout"]["yaxis"] == {**axis, "tickformat": ".0%", "range": [0, 1.05], "dtick": 0.25}
    assert _said(chart.sentence) == "3 of 8 runs succeeded, 3 failed."
    assert chart.table.columns == ("Success", "Succeeded", "Failed")
    assert [tuple(map(_said, cells)) for _, cells in chart.table.rows] == [("60.0 %", "3", "1"), ("0 %", "0", "2")]


def test_the_figure_of_cost_per_success_is_what_it_was():
    chart = cost_per_success_chart(JUDGED)
    assert chart.figure["data"] == [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "per success",
            "x": HOURS,
            "y": [0.1, None, None],
            "line": {"color": "--mark-2", "width": 2},
            "marker": {"color": "--mark-2", "size": 5},
            "connectgaps": False,
            "hovertemplate": "$%{y:.4~f} per success<extra></extra>",
        }
    ]
    assert chart.figure["layout"]["yaxis"]["tickprefix"] == "$"
    assert _said(chart.sentence) == "$0.1333: $0.40 by 3. 1 bar of spend without a success: a gap here."
    assert [cells for _, cells in chart.table.rows] == [
        ("$0.10", "$0.30", "3"),
        (NONE, "$0.10", "0"),
        (NONE, NONE, "0"),
    ]


def test_the_waiting_figure_is_what_it_was():
    chart = waiting_chart(JUDGED)
    assert chart.figure["data"] == [
        {
            "type": "bar",
            "name": "waiting",
            "x": HOURS,
            "y": [1, 0, 0],
            "marker": {"color": "--wait"},
            "hovertemplate": "%{y} waiting<extra></extra>",
        }
    ]
    assert chart.figure["layout"]["yaxis"]["dtick"] == 1
    assert _said(chart.sentence) == "1 run waits for somebody."
    assert chart.table.rows == ((NOW_NS, ("1",)),)


def test_nothing_is_said_to_be_nothing():
    empty = (Bucket(NOW_NS, Totals()),)
    assert all(chart(empty).is_empty for chart in (runs_chart, spend_chart, denials_chart))
    assert all(chart(empty).is_empty for chart in (success_chart, cost_per_success_chart, waiting_chart))
    assert "no rule says" in success_chart(empty).sentence


def test_a_figure_cannot_end_the_element_it_stands_in():
    hostile = {"name": "</script><script>alert(1)</script>&\u2028"}
    text = str(chart_json(hostile))
    assert "<" not in text
    assert json.loads(text) == hostile


def test_a_marked_change_is_a_line_in_the_figure_and_words_below_it():
    marked = with_markers(runs_chart(BUCKETS), [Marker(NOW_NS, "version v12 began", "/runs")])
    (line,) = marked.figure["layout"]["shapes"]
    assert (line["x0"], line["x1"], line["xref"]) == ("2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z", "x")
    assert marked.markers[0].words == "version v12 began"
    assert "shapes" not in runs_chart(BUCKETS).figure["layout"]
