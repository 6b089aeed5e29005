from __future__ import annotations

import pytest

from spans.kinds import OutcomeLabel, RunStatus
from spans.run import Outcome
from store.api import Bucket, Page, RunQuery, Totals
from tests.builders import NOW_NS, SECOND_NS, a_run, a_trace_id
from web.pages.run_row import run_state
from web.pages.runs import build_runs, default_shapes
from web.places import Place, TimeRange

PLACE = Place("", "default", TimeRange(NOW_NS - 86_400 * SECOND_NS, NOW_NS, "24h"))


def runs(*numbers: int, **changes: object):
    return tuple(
        a_run(run_id=a_trace_id(n), started_ns=NOW_NS + n, last_received_ns=NOW_NS, **changes) for n in numbers
    )


def page(query: RunQuery, rows=(), cursor=None, **changes):
    return build_runs(PLACE, query, Page(rows, cursor), {"agent": 3}, (), shape_is_default=True, **changes)


@pytest.mark.parametrize(
    ("counts", "shapes"),
    [
        ({}, ("agent",)),
        ({"agent": 1, "single_call": 90}, ("agent",)),
        ({"single_call": 3, "setup": 1}, ("single_call", "no_agent")),
        ({"no_agent": 3}, ("single_call", "no_agent")),
        ({"setup": 3}, ("setup",)),
    ],
)
def test_agent_runs_are_shown_unless_there_are_none(counts, shapes):
    assert default_shapes(counts) == shapes


def test_each_part_of_the_sentence_can_be_taken_away():
    query = RunQuery("default", workflow="a", tool="b", shape=("agent",))
    chips = page(query).chips
    assert [c.words for c in chips] == ["workflow is a", "called tool b"]
    assert chips[0].without == "/runs?tool=b"


def test_the_next_page_keeps_the_filters():
    shown = page(RunQuery("default", workflow="a", shape=("agent",)), runs(1), "next")
    assert shown.older_href == "/runs?workflow=a&cursor=next"
    assert shown.live.startswith("/runs/live?workflow=a&shown=agent&after=")


@pytest.mark.parametrize("shape", ["single_call", "no_agent", "setup"])
def test_only_the_default_of_agent_runs_stays_while_a_list_is_open(shape):
    """What stands in for agent runs while there are none is looked for anew; what somebody chose stays anyway."""
    assert "shown=" not in page(RunQuery("default", shape=(shape,)), runs(1)).live
    chosen = build_runs(PLACE, RunQuery("default", shape=(shape,)), Page(runs(1), None), {}, (), shape_is_default=False)
    assert chosen.live.startswith(f"/runs/live?shape={shape}&after=")


def test_an_older_page_does_not_move_by_itself():
    shown = page(RunQuery("default", cursor="x", shape=("agent",)), runs(1))
    assert shown.live == ""
    assert shown.newer_href == "/runs"


def test_a_bar_narrows_the_list_to_its_own_time():
    width = 3600 * SECOND_NS
    series = (
        Bucket(PLACE.range.since_ns, Totals(runs=4, errors=1, denials=2)),
        Bucket(PLACE.range.since_ns + width, Totals()),
    )
    shown = build_runs(PLACE, RunQuery("default", workflow="a"), Page((), None), {}, series, shape_is_default=True)
    first, second = shown.bars
    assert first.href == "/runs?since=2026-11-19T12%3A00%3A00Z&until=2026-11-19T13%3A00%3A00Z&workflow=a"
    assert (first.height, first.bad, first.denied) == (100, 25, True)
    assert second.height == 0
    assert first.words.replace("\xa0", " ") == "19 Nov 12:00 UTC: 4 runs, 1 with an error, 2 denied"


@pytest.mark.parametrize(
    ("changes", "glyph"),
    [
        ({}, "ok"),
        ({"waiting_for": "human_approval", "denials": 1}, "waiting"),
        ({"denials": 1, "status": RunStatus.ERROR}, "denied"),
        ({"status": RunStatus.ERROR}, "error"),
        ({"outcome": Outcome(OutcomeLabel.FAILURE, "policy")}, "failure"),
        ({"status": RunStatus.RUNNING}, "running"),
        ({"complete": False}, "incomplete"),
        ({"outcome": Outcome(OutcomeLabel.SUCCESS, "policy")}, "success"),
    ],
)
def test_the_glyph_of_a_run_is_what_somebody_must_look_at(changes, glyph):
    assert run_state(a_run(**changes)).glyph == glyph
