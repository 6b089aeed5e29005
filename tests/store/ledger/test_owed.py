from __future__ import annotations

from dataclasses import replace

from store.ledger.owed import Owed, OwedKind

RUN = Owed(OwedKind.RUN, "default", "a" * 32)
POLICY = Owed(OwedKind.WORKFLOW, "default", "refunds")
PRICES = Owed(OwedKind.RULES, "")


def waiting(ledger):
    return [replace(thing, seq=0) for thing in ledger.owed.list()]


def test_a_single_run_comes_before_a_workflow_before_everything(ledger):
    ledger.owed.add([PRICES, POLICY])
    ledger.owed.add([RUN])
    assert waiting(ledger) == [RUN, POLICY, PRICES]
    assert ledger.owed.count() == 3


def test_what_is_noted_twice_is_done_once(ledger):
    ledger.owed.add([RUN])
    ledger.owed.add([RUN, POLICY])
    ledger.owed.done(ledger.owed.list())
    assert (waiting(ledger), ledger.owed.count()) == ([], 0)


def test_what_is_noted_again_while_it_is_done_is_to_be_done_again(ledger):
    ledger.owed.add([RUN])
    begun = ledger.owed.list()
    ledger.owed.add([RUN])
    ledger.owed.done(begun)
    assert waiting(ledger) == [RUN]
