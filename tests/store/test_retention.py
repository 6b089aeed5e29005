from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from spans.errors import SettingsError
from spans.ids import RunId
from store.ledger.periods import Period
from store.memory import MemoryStore
from store.retention import CONTENT, METADATA, RetentionRules, apply_retention, expiring, preview
from tests.builders import DAY, a_clean_span, a_trace_id, an_assembly
from tests.store.contract import tables_for

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DEFAULT = RetentionRules(30, 365)


class Book:
    def __init__(self):
        self.kept = []

    def write(self, kind, day, removed):
        self.kept.append((kind, day, removed))


def kinds(days_old, rules=DEFAULT):
    return [item.kind for item in expiring([NOON.date() - timedelta(days=days_old)], NOON, rules)]


@pytest.mark.parametrize(
    ("days_old", "expected"),
    [(0, []), (30, []), (31, [CONTENT]), (365, [CONTENT]), (366, [METADATA]), (-3, [])],
)
def test_a_day_goes_when_its_last_second_is_older_than_the_period(days_old, expected):
    assert kinds(days_old) == expected


def test_a_day_is_looked_at_from_the_shortest_period_on_and_until_the_longest():
    rules = RetentionRules(30, 365, (Period("p", "short", 7, 10), Period("p", "", 90, 400), Period("q", "", 30, 500)))
    assert [kinds(age, rules) for age in (7, 8, 11, 400, 501)] == [
        [],
        [CONTENT],
        [METADATA, CONTENT],
        [METADATA, CONTENT],
        [METADATA],
    ]


def test_a_workflow_in_a_project_of_records_is_kept_for_six_months_whatever_its_own_period_says():
    records = Period("p", "", 30, 184, is_record=True)
    older = Period("p", "refunds", 7, 10)  # set before its project became one of records
    for rules in (RetentionRules(7, 10, (records, older)), RetentionRules(7, 10, (older, records))):
        survivors = rules.survivors(NOON.date() - timedelta(days=184), NOON, content=False)
        assert survivors.keep(an_assembly(project="p", workflow="refunds").run)
        assert not survivors.keep(an_assembly(project="q", workflow="refunds").run)
        assert not rules.survivors(NOON.date() - timedelta(days=8), NOON, content=True).workflows["p", "refunds"]
        gone = rules.survivors(NOON.date() - timedelta(days=185), NOON, content=False)
        assert not gone.keep(an_assembly(project="p", workflow="refunds").run)


def test_an_override_is_what_shortens_it():
    records = Period("p", "", 30, 90, is_record=True, override="counsel said so")
    shorter = Period("p", "refunds", 7, 10, override="a test flow")
    rules = RetentionRules(7, 10, (records, shorter, Period("p", "other", 7, 10)))
    survivors = rules.survivors(NOON.date() - timedelta(days=50), NOON, content=False)
    assert [survivors.workflows["p", name] for name in ("refunds", "other")] == [False, True]
    assert survivors.projects == {"p": True}


@pytest.mark.parametrize("periods", [(0, 1), (1, 0), (31, 30)])
def test_periods_that_make_no_sense_are_refused(periods):
    with pytest.raises(SettingsError):
        RetentionRules(*periods)


def tidy(store, book, now=NOON, rules=DEFAULT, **more):
    return apply_retention(store, book, expiring(store.stored_days(), now, rules), **more).receipts


def test_content_goes_first_then_everything_and_each_leaves_one_receipt():
    store, book = MemoryStore(), Book()
    old = DAY - timedelta(days=40)
    for day in (DAY, old):
        store.write_evidence(tables_for(a_clean_span(received_day=day, status_message="boom"), input_preview="hello"))
    store.write_derived([an_assembly(first_received_day=old, input_preview="hello")])
    ((item, goes),) = preview(store, NOON, DEFAULT)
    assert (item.day, item.kind, goes) == (old, CONTENT, {"span_contents": 1, "logs": 0})

    assert tidy(store, book) == 1
    assert tidy(store, book) == 0
    assert preview(store, NOON, DEFAULT) == ()
    assert [(kind, day) for kind, day, _ in book.kept] == [("content", old)]
    assert store.stored_days() == (old, DAY)

    later = NOON + timedelta(days=330)
    assert tidy(store, book, later) == 2
    assert [(kind, day) for kind, day, _ in book.kept[1:]] == [("metadata", old), ("content", DAY)]
    assert store.stored_days() == (DAY,)


def test_a_workflow_with_a_longer_period_and_a_pinned_run_outlive_their_day():
    store, book = MemoryStore(), Book()
    old = DAY - timedelta(days=40)
    for number, workflow in enumerate(("refunds", "audited", "refunds"), 1):
        trace = a_trace_id(number)
        store.write_evidence(tables_for(a_clean_span(trace_id=trace, received_day=old, status_message="boom")))
        store.write_derived([an_assembly(run_id=RunId(trace), workflow=workflow, first_received_day=old)])
    rules = RetentionRules(
        30, 35, (Period("default", "audited", 180, 400),), frozenset({("default", str(a_trace_id(3)))})
    )
    assert tidy(store, book, rules=rules) == 1
    assert [store.read_run("default", a_trace_id(n)) is not None for n in (1, 2, 3)] == [False, True, True]
    lifted = RetentionRules(30, 35, rules.periods)
    assert tidy(store, book, rules=lifted) == 1
    assert [store.read_run("default", a_trace_id(n)) is not None for n in (1, 2, 3)] == [False, True, False]
    messages = [store.read_evidence("default", a_trace_id(n)).spans[0].span.status_message for n in (2,)]
    assert messages == ["boom"]


def test_no_receipt_is_written_for_what_could_not_be_copied():
    store, book = MemoryStore(), Book()
    store.write_evidence(tables_for(a_clean_span(received_day=DAY - timedelta(days=40), status_message="boom")))
    rules = RetentionRules(30, 365, (), frozenset({("default", "1")}))
    items = expiring(store.stored_days(), NOON, rules)
    outcome = apply_retention(store, book, items, lambda: 0)
    assert (outcome.receipts, outcome.held_back, book.kept) == (0, (DAY - timedelta(days=40),), [])
    assert apply_retention(store, book, items, lambda: 10**9).receipts == 1


def test_nothing_is_asked_about_a_date_that_is_not_there():
    assert expiring([], NOON, DEFAULT) == ()
    assert kinds((NOON.date() - date(1970, 1, 1)).days) == [METADATA]
