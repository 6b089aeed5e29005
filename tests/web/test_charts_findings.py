"""Charts of findings: the band, and a feature before and after; each with its table."""

from __future__ import annotations

import pytest

from web.charts_findings import BandPoint, band_chart, change_chart, change_rows, histogram

HOUR = 3_600_000_000_000


def test_hours_above_the_band_stand_out_and_are_counted():
    points = [BandPoint(n * HOUR, spend, 1.0, 3.0) for n, spend in enumerate([1.0, 5.0, 2.0])]
    chart = band_chart(points, "refunds")
    assert "1 of 3 hours above the band" in chart.sentence
    assert chart.figure["data"][2]["marker"]["color"] == ["--mark-2", "--bad", "--mark-2"]
    assert [cells for _, cells in chart.table.rows][1] == ("$5.00", "$1.00", "$3.00")


def test_while_learning_there_is_no_band():
    chart = band_chart([BandPoint(0, 1.0, None, None)], "")
    assert "appears after" in chart.sentence
    assert chart.figure["data"][0]["x"] == []
    assert band_chart([], "").is_empty


@pytest.mark.parametrize(
    ("before", "after", "bins"),
    [([1.0, 2.0, 2.0], [2.0, 3.0], 3), ([0.5, 1.5, 2.5], [9.5], 24), ([1.0], [1.0], 2)],
)
def test_both_groups_share_their_bins_and_every_run_is_in_one(before, after, bins):
    found = histogram(before, after)
    assert len(found.edges) == len(found.before) == len(found.after) == bins
    assert sum(found.before) == pytest.approx(1)
    assert sum(found.after) == pytest.approx(1)


def test_without_runs_there_is_no_histogram():
    assert histogram([], [1.0]) is None


def test_a_change_has_a_table_with_the_same_numbers():
    found = histogram([1.0, 2.0, 2.0, 2.0], [2.0, 3.0])
    assert change_rows("", found) == (("1", "25.0%", "0.0%"), ("2", "75.0%", "50.0%"), ("3", "0.0%", "50.0%"))
    chart = change_chart("tool_calls", "calls", found)
    assert chart.title == "tool calls per run, before and after"
    assert [d["name"] for d in chart.figure["data"]] == ["before", "after"]


def test_a_spike_of_one_workflow_is_marked_where_all_together_stay_in_the_band():
    points = [BandPoint(n * HOUR, 1.0, 1.0, 5.0) for n in range(4)]
    chart = band_chart(points, "", [(2 * HOUR, 3 * HOUR)])
    assert chart.figure["data"][2]["marker"]["color"] == ["--mark-2", "--mark-2", "--bad", "--mark-2"]
    assert "0 of 4 hours above the band; 1 more in which one workflow alone" in chart.sentence


def test_a_band_far_above_the_spend_does_not_flatten_it():
    chart = band_chart([BandPoint(0, 0.1, 0.05, 9.0)], "refunds")
    assert chart.figure["layout"]["yaxis"]["range"] == [0, pytest.approx(0.12)]
