from __future__ import annotations

import pytest

from runs.facts import facts_of
from runs.pricing import PriceBook
from spans.kinds import OutcomeLabel, SpanKind, ToolOutcome
from store.ledger import Ledger
from store.ledger.remarks import RemarkKind
from store.memory import MemoryStore
from store.rows import evidence_tables
from tests.builders import TRACE, a_clean_span, a_step, an_assembly
from tests.store.contract import tables_for
from tracetape.assembler import Assembler
from tracetape.judges import Judges

REFUND = a_step(kind=SpanKind.TOOL, tool_name="issue_refund", tool_outcome=ToolOutcome.OK, usage=None, cost=None)


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield opened
    opened.close()


def save(ledger, text, workflow="refunds"):
    ledger.policies.save("default", workflow, text[:12], text, author="member:1")


def test_a_policy_judges_from_the_moment_it_is_saved(ledger):
    judges = Judges(ledger)
    assert judges.judge([an_assembly(REFUND)])[0].run.attempts == ()
    save(ledger, "workflow_id: refunds\ndenied_tools: [issue_refund]\nsuccess: {status: ok}\n")
    (after,) = judges.judge([an_assembly(REFUND)])
    assert [a.rule for a in after.run.attempts] == ["denied_tools"]
    assert (after.run.outcome.label, after.run.outcome.source) == (OutcomeLabel.SUCCESS, "policy")


def test_the_policy_of_the_workflow_comes_before_the_one_for_all(ledger):
    save(ledger, "workflow_id: '*'\ndenied_tools: [issue_refund]\n", "*")
    judges = Judges(ledger)
    assert judges.judge([an_assembly(REFUND)])[0].run.attempts
    save(ledger, "workflow_id: refunds\nallowed_tools: [issue_refund]\n")
    assert judges.judge([an_assembly(REFUND)])[0].run.attempts == ()


def test_a_policy_that_cannot_be_read_judges_nothing(ledger):
    save(ledger, "workflow_id: refunds\nfuture_words: [x]\n")
    assert Judges(ledger).judge([an_assembly(REFUND)])[0].run.attempts == ()


def test_a_label_is_taken_back_by_unknown(ledger):
    judges = Judges(ledger)
    ledger.labels.add("default", TRACE, OutcomeLabel.SUCCESS, source="api", author="key:1")
    assert judges.judge([an_assembly()])[0].run.outcome.label is OutcomeLabel.SUCCESS
    ledger.labels.add("default", TRACE, OutcomeLabel.UNKNOWN, source="api", author="key:1")
    assert judges.judge([an_assembly()])[0].run.outcome.label is OutcomeLabel.UNKNOWN


def test_a_tag_that_somebody_added_becomes_part_of_the_run_and_leaves_it_again(ledger):
    judges = Judges(ledger)
    made = ledger.remarks.add("default", TRACE, RemarkKind.TAG, "double refund", author="member:1")
    ledger.remarks.add("default", TRACE, RemarkKind.TAG, "sent", author="member:1")
    assert judges.judge([an_assembly(tags=("sent",))])[0].run.tags == ("sent", "double refund")
    ledger.remarks.remove("default", TRACE, made.remark_id)
    assert judges.judge([an_assembly(tags=("sent",))])[0].run.tags == ("sent",)


def test_runs_are_judged_again_although_their_evidence_is_the_same(ledger):
    store = MemoryStore()
    store.write_evidence(tables_for(a_clean_span()))
    assembler = Assembler(store, PriceBook, Judges(ledger).judge)
    assembler.start()
    assembler.mark("default", {TRACE: (1, 0)})
    ledger.labels.add("default", TRACE, OutcomeLabel.HANDED_OFF, source="review", author="member:1")
    assembler.assemble_now("default", [TRACE])
    assembler.stop(10)
    run = store.read_run("default", TRACE)
    assert run is not None
    assert (run.outcome.label, run.outcome.source) == (OutcomeLabel.HANDED_OFF, "review")
    assembler_two = Assembler(store, PriceBook, Judges(ledger).judge)
    ledger.labels.add("default", TRACE, OutcomeLabel.SUCCESS, source="review", author="member:1")
    assembler_two.assemble_now("default", [TRACE])
    again = store.read_run("default", TRACE)
    assert again is not None
    assert again.outcome.label is OutcomeLabel.SUCCESS


def test_a_taught_word_is_found_in_what_a_tool_answered_with_success(ledger):
    store = MemoryStore()
    tool = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "issue_refund",
        "gen_ai.tool.call.id": "call_1",
        "gen_ai.tool.call.result": "Kontingent erreicht, bitte warten.",
    }
    span = a_clean_span(attributes=tool)
    store.write_evidence(evidence_tables([span], [facts_of(span)]))
    assembler = Assembler(store, PriceBook, Judges(ledger).judge)
    assembler.assemble_now("default", [TRACE])
    run = store.read_run("default", TRACE)
    assert run is not None
    assert run.attempts == ()
    ledger.reviews.add_pattern("default", workflow="", tool="", text="kontingent", counts=True, author="member:1")
    assembler.assemble_now("default", [TRACE])
    run = store.read_run("default", TRACE)
    assert run is not None
    assert [(a.tool, a.grade, a.rule) for a in run.attempts] == [("issue_refund", "guess", "kontingent")]
