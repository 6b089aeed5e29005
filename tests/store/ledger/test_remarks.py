from __future__ import annotations

import pytest

from spans.errors import NotFoundError, RefusedError
from spans.ids import RunId
from store.ledger.remarks import MOST_PER_RUN, RemarkKind
from tests.builders import a_trace_id

RUN = RunId(a_trace_id(1))


def write(ledger, text, kind=RemarkKind.TAG, project="default"):
    return ledger.remarks.add(project, RUN, kind, text, author="member:1")


def test_what_is_written_is_listed_in_order_and_only_in_its_project(ledger, clock):
    note = write(ledger, " the refund went out twice \n", RemarkKind.NOTE)
    clock.pass_s(1)
    tag = write(ledger, "double  refund")
    assert ledger.remarks.of_run("default", RUN) == (note, tag)
    assert (note.text, tag.text) == ("the refund went out twice", "double refund")
    assert ledger.remarks.of_run("other", RUN) == ()
    assert ledger.remarks.tags("default", [RUN, a_trace_id(2)]) == {RUN: ("double refund",)}


def test_a_tag_is_there_once_a_note_may_be_repeated(ledger):
    assert write(ledger, "a") == write(ledger, "a")
    write(ledger, "same", RemarkKind.NOTE)
    write(ledger, "same", RemarkKind.NOTE)
    assert len(ledger.remarks.of_run("default", RUN)) == 3


@pytest.mark.parametrize(("kind", "text"), [(RemarkKind.NOTE, "  "), (RemarkKind.TAG, "x" * 61)])
def test_nothing_and_too_much_are_refused(ledger, kind, text):
    with pytest.raises(RefusedError, match="characters"):
        write(ledger, text, kind)


def test_a_run_cannot_be_buried_in_tags(ledger):
    for number in range(MOST_PER_RUN):
        write(ledger, str(number))
    with pytest.raises(RefusedError, match="remove one"):
        write(ledger, "one more")


def test_a_remark_is_removed_once_and_only_from_its_own_run(ledger):
    tag = write(ledger, "a")
    with pytest.raises(NotFoundError):
        ledger.remarks.remove("default", a_trace_id(2), tag.remark_id)
    assert ledger.remarks.remove("default", RUN, tag.remark_id) == tag
    with pytest.raises(NotFoundError):
        ledger.remarks.remove("default", RUN, tag.remark_id)
