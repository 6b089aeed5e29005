from __future__ import annotations

import pytest

from spans.errors import RefusedError


def save(ledger, text, *, workflow="refunds", project="default", **more):
    return ledger.policies.save(project, workflow, f"digest of {text}", text, author="member:1", **more)


def test_every_version_is_kept_and_the_newest_is_in_force(ledger, clock):
    save(ledger, "one")
    clock.pass_s(1)
    save(ledger, "two", note="looser")
    save(ledger, "other", workflow="*")
    assert [(v.workflow, v.number, v.text) for v in ledger.policies.current("default")] == [
        ("*", 1, "other"),
        ("refunds", 2, "two"),
    ]
    assert [v.text for v in ledger.policies.versions("default", "refunds")] == ["two", "one"]
    assert ledger.policies.current("elsewhere") == ()


def test_every_version_marks_itself_for_the_workflows_it_is_for(ledger, clock):
    save(ledger, "one")
    clock.pass_s(1)
    save(ledger, "one", workflow="*")
    clock.pass_s(1)
    save(ledger, "")
    marks = ledger.marks.list("default")
    assert [(m.workflow, m.sentence) for m in marks] == [
        ("refunds", "policy version 1 saved"),
        ("", "policy version 1 saved"),
        ("refunds", "policy version 2 withdrawn"),
    ]
    assert marks[0].at_ns == ledger.policies.versions("default", "refunds")[-1].created_ns


def test_saving_what_is_in_force_makes_no_version(ledger):
    first = save(ledger, "one")
    before = ledger.policies.revision()
    assert save(ledger, "one") == first
    assert ledger.policies.revision() == before


def test_two_editors_do_not_overwrite_each_other(ledger):
    save(ledger, "one")
    save(ledger, "mine", after=1)
    with pytest.raises(RefusedError, match="Version 2 of this policy was saved while you edited version 1"):
        save(ledger, "yours", after=1)


def test_an_empty_text_withdraws_a_policy_and_keeps_its_history(ledger):
    save(ledger, "one")
    save(ledger, "")
    assert ledger.policies.current("default") == ()
    assert len(ledger.policies.versions("default", "refunds")) == 2
