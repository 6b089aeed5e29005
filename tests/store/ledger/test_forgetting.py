from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest

from spans.ids import RunId
from spans.pseudonym import Pseudonym
from store.ledger import Ledger
from store.ledger.periods import Period
from store.ledger.pins import PinReason

TOKEN = Pseudonym("<PERSON_abcdefgh>")
RUN, OTHER = RunId("1" * 32), RunId("2" * 32)


def pin(ledger: Ledger, run: RunId, note: str = "", project: str = "p") -> None:
    ledger.pins.add(project, run, PinReason.LEGAL_HOLD, by="ann", note=note)


def test_notes_of_erased_runs_go_and_those_of_others_stay(ledger):
    for run in (RUN, OTHER):
        pin(ledger, run)
    pin(ledger, RUN, project="q")
    assert ledger.forgetting.forget_runs("p", [RUN]) == 1
    assert {(p.project, p.run_id) for p in ledger.pins.list()} == {("p", OTHER), ("q", RUN)}


def test_a_pseudonym_goes_from_whatever_people_wrote_but_not_from_the_access_log(ledger):
    pin(ledger, OTHER, note=f"asked by {TOKEN}, twice: {TOKEN}")
    pin(ledger, RUN, note="nobody")
    ledger.audit.append("ann", "search", target=TOKEN)
    assert ledger.forgetting.forget_text(TOKEN) == 1
    assert {p.note for p in ledger.pins.list()} == {"asked by <ERASED>, twice: <ERASED>", "nobody"}
    assert ledger.audit.list()[0].target == TOKEN
    assert ledger.audit.first_broken() is None


@pytest.mark.parametrize(
    "token", [TOKEN, "p-abcdefgh@pii.example.net", "+88812345678901", "ffffffff-ffff-4abc-8abc-abcdefabcdef"]
)
def test_a_pseudonym_goes_from_the_filters_of_a_saved_view_however_they_are_written(ledger, token):
    query = urlencode({"q": token, "shape": "any"})
    ledger.views.save("p", "runs", "theirs", query, owner="ann")
    assert ledger.forgetting.forget_text(Pseudonym(token)) == 1
    (view,) = ledger.views.list("p", "runs", "ann")
    assert parse_qs(view.query) == {"q": ["<ERASED>"], "shape": ["any"]}


def test_a_pseudonym_goes_from_names_of_workflows_that_are_keys_and_two_of_them_do_not_clash(ledger):
    other = Pseudonym("<PERSON_zyxwvuts>")
    for token in (TOKEN, other):
        ledger.periods.put(Period("p", f"help {token}", 30, 365, "ann"))
    ledger.periods.put(Period("p", "refund", 30, 365, "ann"))
    assert [ledger.forgetting.forget_text(token) for token in (TOKEN, other)] == [1, 0]
    assert {period.workflow for period in ledger.periods.list()} == {"help <ERASED>", "refund"}


def test_no_page_of_the_file_keeps_what_went(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger.open(f"sqlite:///{path}")
    for n in range(50):
        pin(ledger, RunId(f"{n:032x}"), note=f"asked by {TOKEN} about canarynote")
    ledger.forgetting.leave_no_copy()
    assert TOKEN.encode() in path.read_bytes(), "the control"
    ledger.forgetting.forget_text(TOKEN)
    ledger.forgetting.forget_runs("p", [RunId(f"{n:032x}") for n in range(50)])
    ledger.forgetting.leave_no_copy()
    for file in tmp_path.iterdir():
        assert TOKEN.encode() not in file.read_bytes(), file.name
        assert b"canarynote" not in file.read_bytes(), file.name
    ledger.close()
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)
