from __future__ import annotations

from insights.near_misses import DAY_NS, rank
from store.ledger.reviews import Review, Reviewed
from tests.builders import NOW_NS
from tests.insights.test_near_misses import SINCE, a_group
from web.pages.near_misses import build_near_misses, build_week, week_markdown
from web.places import Place, TimeRange

PLACE = Place("", "default", TimeRange(SINCE, NOW_NS, "24h"))


def page(*groups, tab="", **more):
    return build_near_misses(PLACE, rank(groups, SINCE, DAY_NS), tab=tab, reviews={}, **more)


def test_violations_come_first_when_there_are_any():
    violation = a_group(kind="violation", reason="policy_file", followed={"ran": 2}, count=2)
    with_some = page(a_group(), violation)
    assert [(t.label, t.number, t.active) for t in with_some.tabs] == [
        ("Violations", 2, True),
        ("Stopped", 3, False),
        ("Malformed", 0, False),
    ]
    without = page(a_group())
    assert [t.label for t in without.tabs] == ["Stopped", "Malformed", "Violations"]
    assert without.tab == "stopped"


def test_a_line_says_what_why_how_often_and_what_followed():
    (line,) = page(a_group(followed={"gave_up": 1, "went_round": 2})).lines
    assert line.title == "issue_refund"
    assert line.reason == "denied by a control"
    assert [(words, n) for words, n, _ in line.followed] == [("went round it", 2), ("gave up", 1)]
    assert [grave for *_, grave in line.followed] == [True, False]
    assert "rule=limit" in line.href
    assert "tool=issue_refund" in line.runs_href


def test_the_sentence_counts_and_names_what_is_new():
    told = page(a_group(), a_group(tool="send_mail", before=0, first_ns=SINCE + 1)).sentence
    assert told.replace("\N{NO-BREAK SPACE}", " ") == "6 attempts of 2 kinds, 1 new."


def test_the_week_as_markdown_quotes_names_and_holds_no_markup_of_theirs():
    hostile = a_group(tool="x`|](http://evil)", before=0, first_ns=SINCE + 1)
    ranked = rank([hostile], SINCE, DAY_NS)
    reviews = {ranked[0].key: Reviewed(ranked[0].key, Review.LOOSEN, "", "member:1", NOW_NS)}
    week = build_week(PLACE, ranked, {"stopped": 1}, runs=200, runs_before=100, reviews=reviews, blind=("quiet",))
    text = week_markdown(week, "https://tape.example")
    assert "| Stopped | 3 | 1 | 15.0 | +50" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "`x'/](http://evil)`" in text
    assert "agent needs it: loosen the rule" in text
    assert "`quiet`" in text
