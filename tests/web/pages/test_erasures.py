from __future__ import annotations

from spans.erasure import ErasureOutlook, Waiting
from store.ledger.erasures import Subject
from tests.builders import NOW_NS, SECOND_NS
from web.pages.erasures import build_erase, waits_words
from web.places import Place, TimeRange

DAY_NS = 86_400 * SECOND_NS
PLACE = Place("", "default", TimeRange(NOW_NS - DAY_NS, NOW_NS, "24h"))
TOKEN = "<PERSON_abcdefgh>"


def test_a_preview_counts_days_and_items_and_says_what_speaks_against_it():
    outlook = ErasureOutlook(
        3, {"runs": 2, "spans": 12, "facts": 12, "logs": 0}, NOW_NS - 2 * DAY_NS, NOW_NS, {"quarantine": 1}, 4,
        {"legal_hold": 2, "golden": 1}, is_record=True, left=1,
    )  # fmt: skip
    page = build_erase(PLACE, Subject.PERSON, (TOKEN,), outlook)
    assert (page.runs, page.traces, page.days, page.rows) == (2, 3, 3, (("spans", 12),))
    assert [words.replace("\xa0", " ") for words in page.against] == [
        "2 runs of it are under legal hold.",
        "Some of it is kept as records for six months.",
    ]
    assert len(page.also) == 4, page.also


def test_nothing_found_is_said_and_stands_for_no_day():
    page = build_erase(PLACE, Subject.PERSON, (TOKEN,), ErasureOutlook(0, {"spans": 0}))
    assert (page.is_nothing, page.days, page.against, page.also) == (True, 0, (), ())


def test_a_run_has_a_way_back_to_its_page():
    page = build_erase(PLACE, Subject.RUN, ("1" * 32,), ErasureOutlook(1, {}))
    assert (page.tokens, page.run_href) == ((), f"/runs/{'1' * 32}")


def test_what_an_unfinished_one_waits_for_is_words():
    said = [
        waits_words(waiting)
        for waiting in (None, Waiting(), Waiting(old_files=True), Waiting(sealed_records=2), Waiting(spool_files=1))
    ]
    assert said[:2] == ["", ""]
    assert all(words.startswith("waits ") for words in said[2:])
