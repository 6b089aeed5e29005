from __future__ import annotations

from dataclasses import replace
from datetime import date

from spans.ids import RunId
from spans.seal import Leaf, LeafKind, Seal

RUN = RunId("1" * 32)
DAY = date(2026, 11, 20)
LEAVES = (
    Leaf(LeafKind.SPAN, "b7ad6b7169203331", DAY, "a" * 64, "b" * 64),
    Leaf(LeafKind.LOG, "c" * 32, date(2026, 11, 21), "0" * 64, "f" * 64),
)
SEAL = Seal("p", RUN, 0, 5, 4, DAY, {"proof": "1", "before": ""}, LEAVES, "d" * 64)


def test_a_seal_comes_back_as_it_was_written(ledger):
    assert ledger.seals.write(SEAL)
    assert ledger.seals.of_run("p", RUN) == (SEAL,)
    assert ledger.seals.of_run("q", RUN) == ()


def test_a_chapter_is_never_written_twice(ledger):
    ledger.seals.write(SEAL)
    assert not ledger.seals.write(replace(SEAL, root="e" * 64))
    assert ledger.seals.of_run("p", RUN) == (SEAL,)


def test_chapters_stand_in_order_and_the_newest_evidence_is_known(ledger):
    later = replace(SEAL, chapter=1, evidence_ns=9)
    for seal in (later, SEAL):
        ledger.seals.write(seal)
    assert ledger.seals.of_run("p", RUN) == (SEAL, later)
    assert ledger.seals.sealed_until("p", [RUN, RunId("2" * 32)]) == {RUN: 9}
    assert ledger.seals.projects_of(RUN) == ("p",)


def test_seals_leave_with_the_metadata_or_the_project(ledger):
    ledger.seals.write(SEAL)
    assert ledger.seals.drop_before(DAY) == 0
    assert ledger.seals.drop_before(date(2026, 11, 21)) == 1
    ledger.seals.write(SEAL)
    ledger.forget_project("p")
    assert ledger.seals.count() == 0
