from __future__ import annotations

from dataclasses import replace

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
    week = build_week(PLACE, ranked, [a_group(count=1)], runs=200, runs_before=100, reviews=reviews, blind=("quiet",))
    text = week_markdown(week, "https://tape.example")
    assert "\nAll environments.\n" in text
    there = build_week(
        replace(PLACE, environment="x`](http://evil)"), [], [], runs=1, runs_before=1, reviews={}, blind=()
    )
    assert "\nEnvironment: `x'](http://evil)`.\n" in week_markdown(there, "https://tape.example")
    assert "| Stopped | 3 | 1 | 15.0 | +50" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "`x'/](http://evil)`" in text
    assert "agent needs it: loosen the rule" in text
    assert "`quiet`" in text
    assert "| Rule | this week | week before | change |" in text


def test_the_week_says_what_to_do_and_what_would_have_gone_through():
    new = a_group(tool="send_mail", before=0, first_ns=SINCE + 1, count=5, runs=4)
    ran = a_group(kind="violation", reason="policy_file", tool="drop_table", count=2, followed={"ran": 2})
    ranked = rank([new, ran], SINCE, DAY_NS)
    week = build_week(
        PLACE, ranked, [a_group(tool="send_mail", count=2)], runs=200, runs_before=100, reviews={}, blind=()
    )
    said = week.sentence.replace("\N{NO-BREAK SPACE}", " ")
    assert said.endswith("5 attempts stopped, 2 calls against the policy file, 1 new kind, 2 kinds to review.")
    loosened = {line.title: line.loosened.replace("\N{NO-BREAK SPACE}", " ") for line in week.top}
    assert loosened["drop_table"] == ""  # it ran
    assert loosened["send_mail"].startswith("5 calls in 4 runs would have gone through, runs that cost $")
    tools = next(split for split in week.splits if split.label == "Tool")
    assert [(value, now, then) for value, now, then, _ in tools.lines] == [("send_mail", 5, 2), ("drop_table", 2, 0)]
    text = week_markdown(week, "https://tape.example").replace("\N{NO-BREAK SPACE}", " ")
    assert "If loosened: 5 calls in 4 runs would have gone through" in text
    assert "https://tape.example/whatif?" in text
