from __future__ import annotations

import json
from decimal import Decimal

from store.api import Bucket, Totals
from tests.builders import NOW_NS, SECOND_NS
from web.charts import Marker, chart_json, denials_chart, runs_chart, spend_chart, with_markers

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


def test_nothing_is_said_to_be_nothing():
    empty = (Bucket(NOW_NS, Totals()),)
    assert all(chart(empty).is_empty for chart in (runs_chart, spend_chart, denials_chart))


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
