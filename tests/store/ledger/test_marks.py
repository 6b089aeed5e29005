from __future__ import annotations

from spans.change import Accepted, Mark, MarkKind

T0 = 1_790_000_000_000_000_000


def a_mark(at_ns=T0, kind=MarkKind.VERSION, label="v2", workflow="refunds", **more):
    return Mark("default", "production", workflow, at_ns, kind, label, **more)


def test_a_label_seen_in_runs_is_one_mark_at_its_first_moment(ledger):
    ledger.marks.add([a_mark(T0)])
    ledger.marks.add([a_mark(T0 + 5), a_mark(T0 - 5)])
    (mark,) = ledger.marks.list("default")
    assert (mark.at_ns, mark.label) == (T0 - 5, "v2")


def test_what_people_tell_is_kept_as_often_as_it_is_told(ledger):
    told = [a_mark(T0 + n, MarkKind.DEPLOYMENT, "new limits", by="ana") for n in range(2)]
    ledger.marks.add(told)
    ledger.marks.add(told)
    assert [m.by for m in ledger.marks.list("default")] == ["ana", "ana"]


def test_marks_are_listed_by_time_and_workflow(ledger):
    ledger.marks.add([a_mark(T0), a_mark(T0 + 9, workflow="mail"), a_mark(T0 + 3, MarkKind.POLICY, "p", workflow="")])
    assert [m.workflow for m in ledger.marks.list("default")] == ["refunds", "", "mail"]
    assert [m.workflow for m in ledger.marks.list("default", workflow="mail")] == ["", "mail"]
    assert [m.at_ns for m in ledger.marks.list("default", since_ns=T0 + 1, until_ns=T0 + 9)] == [T0 + 3]
    assert ledger.marks.list("other") == ()


def test_the_last_word_on_how_a_workflow_should_behave_counts(ledger):
    ledger.accepted.put("default", "refunds", "production", Accepted(T0, by="ana"))
    ledger.accepted.put("default", "refunds", "production", Accepted(T0 + 1, T0 + 2, is_pinned=True, by="bo"))
    ledger.accepted.put("other", "refunds", "production", Accepted(1))
    assert ledger.accepted.of("default") == {
        ("refunds", "production"): Accepted(T0 + 1, T0 + 2, is_pinned=True, by="bo")
    }
