from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import structs

from spans.facts import Decision
from spans.kinds import RunStatus, SpanKind, ToolOutcome, UsageRole, Verdict
from store.outline import outline_of
from tests.builders import NOW_NS, SECOND_NS, a_span_id, a_step
from web.places import Place, TimeRange
from web.tree import WINDOW, Tree, View
from web.waterfall import Waterfall, axis, draw, step_detail, step_name, step_state

PLACE = Place("", "default", TimeRange(0, 1, "24h"))


def build_waterfall(place, path, found, *, selected: str = "", start: int | None = None, show_noise=False) -> Waterfall:
    """Steps drawn as a page would draw them."""
    found = [structs.replace(step, ordinal=n) for n, step in enumerate(found)]
    chosen = next((s for s in found if s.span_id == selected), None)
    tree = Tree(outline_of(found), show_noise=show_noise or bool(chosen and "noise" in chosen.flags))
    view = View(chosen.ordinal if chosen else None, start, show_noise)
    return draw(place, path, "/tree", tree, tree.plan(view), {s.ordinal: s for s in found})


def steps(number: int):
    return [
        a_step(
            span_id=a_span_id(n + 1),
            ordinal=n,
            response_model=f"model {n}",
            depth=min(n, 1),
            start_ns=NOW_NS + n,
            duration_ns=SECOND_NS,
        )
        for n in range(number)
    ]


def test_bars_stand_where_the_time_was():
    found = [
        a_step(span_id=a_span_id(1), kind=SpanKind.AGENT, duration_ns=10 * SECOND_NS),
        a_step(span_id=a_span_id(2), start_ns=NOW_NS + 5 * SECOND_NS, duration_ns=2 * SECOND_NS),
    ]
    first, second = build_waterfall(PLACE, "/runs/x", found, selected="").rows
    assert (first.x, first.width) == (0, 100)
    assert (second.x, second.width) == (50, 20)


def test_a_bar_is_always_visible_and_never_leaves_the_axis():
    found = [
        a_step(span_id=a_span_id(1), duration_ns=3600 * SECOND_NS),
        a_step(span_id=a_span_id(2), start_ns=NOW_NS + 3600 * SECOND_NS, duration_ns=0),
        a_step(span_id=a_span_id(3), start_ns=NOW_NS - SECOND_NS, duration_ns=0),
    ]
    for row in build_waterfall(PLACE, "/r", found, selected="").rows:
        assert row.width > 0
        assert 0 <= row.x <= 100
        assert row.x + row.width <= 100


def test_a_run_without_length_is_drawn():
    assert build_waterfall(PLACE, "/r", [a_step(duration_ns=0)], selected="").rows[0].width > 0
    assert build_waterfall(PLACE, "/r", [], selected="").rows == ()


def test_long_runs_come_in_windows_that_meet():
    found = steps(2 * WINDOW + 7)
    first = build_waterfall(PLACE, "/r", found, selected="")
    last = build_waterfall(PLACE, "/r", found, selected="", start=2 * WINDOW)
    assert (first.first, first.last, len(first.rows)) == (1, WINDOW, WINDOW)
    assert f"from={WINDOW}" in first.after_href
    assert first.before_href == ""
    assert len(last.rows) == 7
    assert last.after_href == ""
    assert build_waterfall(PLACE, "/r", found, selected="", start=10**9).last == len(found)


def test_the_window_follows_the_selected_step():
    found = steps(3 * WINDOW)
    shown = build_waterfall(PLACE, "/r", found, selected=found[WINDOW + 3].span_id)
    assert shown.first <= WINDOW + 4 <= shown.last
    assert [r.span_id for r in shown.rows if r.selected] == [found[WINDOW + 3].span_id]


def test_plumbing_is_folded_unless_asked_for_or_selected():
    found = [*steps(2), a_step(span_id=a_span_id(9), flags=("noise",))]
    assert build_waterfall(PLACE, "/r", found, selected="").hidden_noise == 1
    assert build_waterfall(PLACE, "/r", found, selected="", show_noise=True).total == 3
    assert build_waterfall(PLACE, "/r", found, selected=a_span_id(9)).total == 3


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, ("ok", "ok")),
        ({"status": RunStatus.ERROR}, ("error", "error")),
        ({"status": RunStatus.RUNNING}, ("running", "no end seen")),
        ({"tool_outcome": ToolOutcome.DENIED, "status": RunStatus.ERROR}, ("denied", "denied")),
        ({"tool_outcome": ToolOutcome.NOT_EXECUTED}, ("denied", "not executed")),
        ({"tool_outcome": ToolOutcome.APPROVAL_PENDING}, ("waiting", "waits for approval")),
        ({"tool_outcome": ToolOutcome.TIMEOUT}, ("error", "timeout")),
        ({"tool_outcome": ToolOutcome.RETRIED_THEN_OK}, ("ok", "ok after a retry")),
        ({"decisions": (Decision(Verdict.DENY),)}, ("denied", "denied")),
        ({"decisions": (Decision(Verdict.ALLOW),)}, ("ok", "ok")),
    ],
)
def test_the_glyph_of_a_step_says_what_became_of_it(changes, state):
    assert step_state(a_step(**changes)) == state


def test_a_step_is_called_what_a_reader_calls_it():
    assert step_name(a_step()) == "gpt-4o-2024-08-06"
    assert step_detail(a_step()) == "120 → 30"
    tool = a_step(kind=SpanKind.TOOL, tool_name="lookup", name="execute_tool lookup", usage=None)
    assert (step_name(tool), step_detail(tool)) == ("lookup", "")
    assert step_detail(a_step(kind=SpanKind.RETRIEVAL, documents=1, usage=None)) == "1 document"


def test_only_own_cost_is_shown():
    found = [a_step(usage_role=UsageRole.DUPLICATE), a_step(span_id=a_span_id(2))]
    assert [r.cost_usd for r in build_waterfall(PLACE, "/r", found, selected="").rows] == [None, Decimal("0.0006")]


@pytest.mark.parametrize("length_ns", [1, 999, 10**6, 3 * 10**9, 10**12, 10**17])
def test_the_axis_has_a_few_round_times(length_ns):
    ticks = axis(length_ns)
    assert 1 <= len(ticks) <= 6
    assert ticks[0].x == 0
    assert all(0 <= t.x <= 100 for t in ticks)


def test_jumps_lead_to_denial_error_slowest_and_dearest():
    found = [
        *steps(3),
        a_step(span_id=a_span_id(7), tool_outcome=ToolOutcome.DENIED, duration_ns=9 * SECOND_NS),
        a_step(span_id=a_span_id(8), depth=1, status=RunStatus.ERROR),
    ]
    jumps = {j.words: j.span_id for j in build_waterfall(PLACE, "/r", found, selected="").jumps}
    assert jumps["denial"] == a_span_id(7)
    assert jumps["error"] == a_span_id(8)
    assert jumps["slowest"] == a_span_id(7)
    assert "most expensive" in jumps
