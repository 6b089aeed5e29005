from __future__ import annotations

from spans.ids import RunId
from spans.kinds import OutcomeLabel
from tests.builders import a_trace_id

RUN = RunId(a_trace_id(1))


def say(ledger, label, source="api"):
    return ledger.labels.add("default", RUN, label, source=source, author="key:1", reason="because")


def test_the_newest_label_is_in_force_and_all_are_kept(ledger, clock):
    say(ledger, OutcomeLabel.SUCCESS)
    clock.pass_s(5)
    said = say(ledger, OutcomeLabel.FAILURE)
    assert ledger.labels.newest("default", [RUN, a_trace_id(2)]) == {RUN: said}
    assert [s.label for s in ledger.labels.history("default", RUN)] == [OutcomeLabel.FAILURE, OutcomeLabel.SUCCESS]
    assert ledger.labels.newest("other", [RUN]) == {}


def test_a_program_does_not_overrule_a_person(ledger):
    review = say(ledger, OutcomeLabel.FAILURE, "review")
    say(ledger, OutcomeLabel.SUCCESS)
    assert ledger.labels.newest("default", [RUN])[RUN] == review


def test_many_runs_are_asked_at_once(ledger):
    said = say(ledger, OutcomeLabel.SUCCESS)
    assert ledger.labels.newest("default", [a_trace_id(n) for n in range(1, 1200)]) == {RUN: said}
