from __future__ import annotations

from spans.facts import Decision
from spans.kinds import SpanKind, ToolOutcome, Verdict
from tests.builders import a_run, a_span_id, a_step, a_trace_id
from web.pages.lists import build_near_misses, parse_changelog
from web.places import Place, TimeRange

PLACE = Place("", "default", TimeRange(0, 1, "24h"))


def denied(number: int, **changes: object):
    defaults = {
        "span_id": a_span_id(number),
        "kind": SpanKind.TOOL,
        "tool_name": "execute_refund",
        "tool_outcome": ToolOutcome.DENIED,
        "decisions": (Decision(Verdict.DENY, "refund-limit", "policy", "above 500"),),
    }
    return a_step(**{**defaults, **changes})


def test_stopped_calls_are_grouped_by_tool_and_rule():
    one, two = a_run(run_id=a_trace_id(1)), a_run(run_id=a_trace_id(2))
    page = build_near_misses(
        PLACE, [(one, [denied(1), denied(2)]), (two, [denied(3), a_step()])], next_cursor="c", is_first=True
    )
    assert [(g.tool, g.rule, g.calls, g.runs) for g in page.groups] == [("execute_refund", "refund-limit", 3, 2)]
    assert [len(calls) for _, calls in page.rows] == [2, 1]
    assert page.older_href == "/near-misses?cursor=c"


def test_a_second_report_of_a_denial_is_one_denial():
    page = build_near_misses(PLACE, [(a_run(), [denied(1), denied(2, counted=False)])], next_cursor=None, is_first=True)
    assert page.groups[0].calls == 1


def test_the_changelog_is_read_by_release():
    text = "# Changes\n\n## 0.1.0 (today)\n\n- First light:\n  it works\n- More\n\n## 0.0.1\n- Old\n"
    assert parse_changelog(text) == (("0.1.0 (today)", ("First light: it works", "More")), ("0.0.1", ("Old",)))
    assert parse_changelog("") == ()
