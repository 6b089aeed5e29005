from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from spans.errors import SettingsError
from store.memory import MemoryStore
from store.retention import Limits, apply_retention, expired_days
from tests.builders import DAY, a_clean_span, an_assembly
from tests.store.contract import tables_for

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Book:
    def __init__(self):
        self.kept = []

    def write(self, kind, day, removed):
        self.kept.append((kind, day, removed))


def test_a_day_goes_when_its_last_second_is_older_than_the_period():
    assert expired_days(NOON, 1, 2) == Limits(date(2026, 11, 19), date(2026, 11, 18))
    assert expired_days(datetime(2026, 11, 20, 0, 0, tzinfo=UTC), 30, 365).content_from == date(2026, 10, 21)


@pytest.mark.parametrize("periods", [(0, 1), (1, 0), (31, 30)])
def test_periods_that_make_no_sense_are_refused(periods):
    with pytest.raises(SettingsError):
        expired_days(NOON, *periods)


def test_content_goes_first_then_everything_and_each_leaves_one_receipt():
    store, book = MemoryStore(), Book()
    old = DAY - timedelta(days=40)
    for day in (DAY, old):
        store.write_evidence(tables_for(a_clean_span(received_day=day, status_message="boom"), input_preview="hello"))
    store.write_derived([an_assembly(first_received_day=old, input_preview="hello")])

    assert apply_retention(store, book, expired_days(NOON, 30, 365)) == 1
    assert apply_retention(store, book, expired_days(NOON, 30, 365)) == 0
    assert [(kind, day) for kind, day, _ in book.kept] == [("content", old)]
    assert store.stored_days() == (old, DAY)

    later = NOON + timedelta(days=330)
    assert apply_retention(store, book, expired_days(later, 30, 365)) == 2
    assert [(kind, day) for kind, day, _ in book.kept[1:]] == [("metadata", old), ("content", DAY)]
    assert store.stored_days() == (DAY,)
