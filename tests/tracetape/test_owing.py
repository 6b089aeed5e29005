"""A label, policy, price or rule that was saved reaches stored runs, whoever died in between."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import structs

from runs.facts import facts_of
from spans.errors import BusyError
from spans.ids import TraceId
from spans.kinds import OutcomeLabel
from spans.prices import PriceRow
from store.ledger import Ledger
from store.memory import MemoryStore
from store.rows import facts_table
from tests.runs.spans_of import TRACE, agent, chat
from tests.tracetape.running import wait_for
from tracetape.assembler import Assembler
from tracetape.judges import Judges
from tracetape.overrides import Overrides
from tracetape.owing import Owing, rules_owed, runs_owed, workflow_owed
from tracetape.recompute import Recompute
from tracetape.settings import ServeSettings

POLICY = "workflow_id: support\nsuccess: {status: ok}\n"
TOKENS = {"gen_ai.usage.input_tokens": 1_000_000, "gen_ai.usage.output_tokens": 0}


class Main:
    """The part of main that judges; begun anew on the same ledger and store as after a kill."""

    def __init__(self, ledger, store):
        overrides = Overrides(ledger, ServeSettings())
        self.store = store
        self.assembler = Assembler(store, overrides.book, Judges(ledger).judge, overrides.naming)
        self.recompute = Recompute(store, self.assembler, store.roll_up)
        self.owing = Owing(ledger.owed, store, self.assembler, self.recompute, overrides.changed)

    def do_everything(self):
        while self.owing.step():
            pass
        assert self.recompute.wait(10)

    @property
    def run(self):
        return self.store.read_run("default", TRACE)


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def store():
    made = MemoryStore()
    call = chat(2, parent=1, attributes={**TOKENS, "gen_ai.request.model": "house-model"})
    made.write_evidence({"facts": facts_table([facts_of(agent(1, "support")), facts_of(call)])})
    return made


@pytest.fixture
def main(ledger, store):
    made = Main(ledger, store)
    made.assembler.assemble_now("default", [TRACE])
    return made


def label(ledger):
    ledger.labels.add("default", TRACE, OutcomeLabel.SUCCESS, source="api", author="key:1")


def test_a_label_noted_by_a_main_that_died_is_applied_by_the_next(ledger, store, main):
    label(ledger)
    main.owing.note(runs_owed("default", [TRACE]))
    assert main.run.outcome.label is not OutcomeLabel.SUCCESS
    later = Main(ledger, store)
    later.do_everything()
    assert (later.run.outcome.label, ledger.owed.count()) == (OutcomeLabel.SUCCESS, 0)


def test_a_policy_judges_every_stored_run_of_its_workflow(ledger, main):
    ledger.policies.save("default", "support", "1", POLICY, author="member:1")
    main.owing.note(workflow_owed("default", "support"))
    main.do_everything()
    assert (main.run.outcome.source, ledger.owed.count()) == ("policy", 0)


def test_a_price_is_applied_and_forgotten_when_every_run_has_it(ledger, main):
    ledger.prices.put(PriceRow("ours", "house-*", {"input": Decimal(3)}))
    main.owing.note(rules_owed(None))
    main.do_everything()
    assert (main.run.cost_usd, ledger.owed.count()) == (Decimal(3), 0)


def test_recomputing_that_was_stopped_is_still_owed(ledger, main):
    main.recompute.stop()
    main.owing.note(rules_owed(None))
    main.do_everything()
    assert ledger.owed.count() == 1


def test_what_a_busy_store_refuses_is_still_owed(ledger, main, monkeypatch):
    def busy(*_args):
        raise BusyError("the store is busy")

    label(ledger)
    main.owing.note(runs_owed("default", [TRACE]))
    with monkeypatch.context() as patched:
        patched.setattr(main.store, "read_facts", busy)
        with pytest.raises(BusyError):
            main.owing.step()
    assert ledger.owed.count() == 1
    main.do_everything()
    assert main.run.outcome.label is OutcomeLabel.SUCCESS


def test_a_run_that_cannot_be_assembled_does_not_hold_up_what_else_is_owed(ledger, main, monkeypatch):
    """Runs come first: one that never works out must not keep a policy from every other run."""
    write = main.store.write_derived
    broken = TraceId("f" * 32)
    main.store.write_evidence({"facts": facts_table([structs.replace(facts_of(agent(1, "support")), trace_id=broken)])})

    def failing(assemblies):
        if any(a.run.run_id == broken for a in assemblies):
            raise ValueError("a bug")
        write(assemblies)

    monkeypatch.setattr(main.store, "write_derived", failing)
    ledger.policies.save("default", "support", "1", POLICY, author="member:1")
    main.owing.note([*runs_owed("default", [broken]), *workflow_owed("default", "support")])
    main.do_everything()
    assert (main.run.outcome.source, ledger.owed.count()) == ("policy", 0)


def test_a_price_that_met_a_busy_store_is_applied_when_it_is_free(ledger, main, monkeypatch):
    monkeypatch.setattr("tracetape.recompute.BUSY_PAUSE_S", 0.01)
    recent, left = main.store.recent_traces, [BusyError("the store is busy")]

    def once_busy(*args):
        if left:
            raise left.pop()
        return recent(*args)

    monkeypatch.setattr(main.store, "recent_traces", once_busy)
    ledger.prices.put(PriceRow("ours", "house-*", {"input": Decimal(3)}))
    main.owing.note(rules_owed(None))
    main.do_everything()
    assert (left, main.run.cost_usd, ledger.owed.count()) == ([], Decimal(3), 0)


def test_its_thread_begins_with_what_was_left_and_goes_on_with_what_comes(ledger, main):
    label(ledger)
    ledger.owed.add(runs_owed("default", [TRACE]))
    main.owing.start()
    wait_for(lambda: main.run.outcome.label is OutcomeLabel.SUCCESS, 10, "what was left")
    ledger.labels.add("default", TRACE, OutcomeLabel.FAILURE, source="api", author="key:1")
    main.owing.note(runs_owed("default", [TRACE]))
    wait_for(lambda: main.run.outcome.label is OutcomeLabel.FAILURE, 10, "what came")
    main.owing.stop(10)
    main.owing.stop(10)
