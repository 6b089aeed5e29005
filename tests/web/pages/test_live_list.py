from __future__ import annotations

import pytest
from msgspec import structs

from spans.errors import RefusedError
from tests.builders import NOW_NS, SECOND_NS, a_run, a_trace_id
from web.pages.live_list import SLACK_NS, Seen, build_live, seen_of
from web.places import Place, TimeRange

PLACE = Place("", "default", TimeRange(NOW_NS - 86_400 * SECOND_NS, NOW_NS, "24h"))


def runs(*numbers: int, **changes: object):
    return tuple(
        a_run(**{"run_id": a_trace_id(n), "started_ns": NOW_NS + n, "last_received_ns": NOW_NS, **changes})
        for n in numbers
    )


def told(live) -> Seen:
    return Seen.read(live.poll.partition("after=")[2])


def test_new_runs_are_announced_once_and_not_inserted():
    seen = seen_of(runs(3, 2, 1))
    assert build_live(PLACE, runs(3, 2, 1), seen, own={}) is None
    live = build_live(PLACE, runs(5, 4, 3, 2), seen, own={})
    assert (live.new, live.changed) == (2, ())
    assert told(live).announced == 2
    assert build_live(PLACE, runs(5, 4, 3, 2), told(live), own={}) is None
    assert build_live(PLACE, runs(6, 5, 4, 3), told(live), own={}).new == 3


def test_a_run_that_began_before_the_newest_and_was_stored_after_it_is_announced():
    seen = seen_of(runs(9, 7))
    assert build_live(PLACE, runs(9, 8, 7), seen, own={}).new == 1


def test_a_changed_run_is_told_once():
    before = runs(2, 1)
    after = (before[0], structs.replace(before[1], last_received_ns=NOW_NS + 5))
    live = build_live(PLACE, after, seen_of(before), own={"workflow": "a"})
    assert ([r.run_id for r in live.changed], live.new) == ([a_trace_id(1)], 0)
    assert "workflow=a" in live.poll
    assert build_live(PLACE, after, told(live), own={}) is None


def test_a_change_that_was_received_before_another_and_stored_after_it_is_told():
    before = runs(2, 1)
    one = (structs.replace(before[0], last_received_ns=NOW_NS + 9), before[1])
    live = build_live(PLACE, one, seen_of(before), own={})
    both = (one[0], structs.replace(before[1], last_received_ns=NOW_NS + 5))
    assert [r.run_id for r in build_live(PLACE, both, told(live), own={}).changed] == [a_trace_id(1)]


def test_a_run_at_the_end_of_a_full_page_is_told_of_when_its_begin_moves():
    before = runs(5, 4)
    seen = seen_of(before, is_full=True)
    moved = structs.replace(before[1], started_ns=NOW_NS + 4 - SLACK_NS, last_received_ns=NOW_NS + 5)
    assert seen.since_ns == moved.started_ns
    assert [r.run_id for r in build_live(PLACE, (before[0], moved), seen, own={}).changed] == [a_trace_id(4)]


def test_a_run_below_a_full_page_is_not_new():
    assert build_live(PLACE, runs(5, 4, 3), seen_of(runs(5, 4), is_full=True), own={}) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.2",
        "1.2.3",
        "1.2.3.4.5.6",
        "a.b.c.d.e",
        "a.2.r",
        "1.<b>.2.0.0",
        "1.2.3.-4.5",
        "1.2.r123",
        "1.1.r" + "9" * 6000,
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(text):
    with pytest.raises(RefusedError):
        Seen.read(text)


@pytest.mark.parametrize("seen", [Seen(), seen_of(runs(*range(1, 51)), is_full=True)])
def test_a_cursor_is_read_as_it_was_written(seen):
    assert Seen.read(seen.write()) == seen
    assert len(seen.write()) < 600


def test_an_empty_list_waits_for_its_first_run():
    assert build_live(PLACE, runs(1), seen_of(()), own={}).new == 1


def test_a_page_that_was_open_before_an_upgrade_goes_on():
    for text in ("{}.ab.7.0", "{}.ab.7.0.3"):
        seen = Seen.read(text.format(NOW_NS + 2))
        assert build_live(PLACE, runs(2, 1), seen, own={}) is None
        assert build_live(PLACE, runs(3, 2, 1), seen, own={}).new == 1
