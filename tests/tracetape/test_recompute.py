"""A price or a rule that changes reaches runs that are stored already, and removing it gives them their own back."""

from __future__ import annotations

from decimal import Decimal

from runs.facts import facts_of
from spans.ids import TraceId
from spans.naming import NamingRule
from spans.prices import PriceRow
from store.api import RunQuery
from store.hours import HourQuery
from store.ledger import Ledger
from store.memory import MemoryStore
from store.rows import facts_table
from tests.runs.spans_of import TRACE, agent, chat
from tracetape.assembler import Assembler
from tracetape.overrides import Overrides
from tracetape.recompute import Recompute
from tracetape.settings import ServeSettings

TOKENS = {"gen_ai.usage.input_tokens": 1_000_000, "gen_ai.usage.output_tokens": 0}


def a_desk(tmp_path, **settings):
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    overrides = Overrides(ledger, ServeSettings(**settings))
    store = MemoryStore()
    assembler = Assembler(store, overrides.book, naming=overrides.naming)
    call = chat(2, parent=1, attributes={**TOKENS, "gen_ai.request.model": "house-model"})
    store.write_evidence({"facts": facts_table([facts_of(agent(1, "support")), facts_of(call)])})
    assembler.assemble_now("default", [TRACE])
    return ledger, overrides, store, Recompute(store, assembler, store.roll_up)


def run_in(store):
    (run,) = store.find_runs(RunQuery("default")).rows
    return run


def test_stored_runs_are_priced_again(tmp_path):
    ledger, overrides, store, recompute = a_desk(tmp_path)
    assert (run_in(store).cost_usd, run_in(store).unpriced_calls) == (None, 1)
    ledger.prices.put(PriceRow("ours", "house-*", {"input": Decimal(3)}))
    overrides.changed()
    recompute.ask()
    assert recompute.wait(10)
    assert (run_in(store).cost_usd, run_in(store).unpriced_calls) == (Decimal(3), 0)
    step = store.read_steps("default", run_in(store).run_id)[1]
    assert (step.cost.price, step.cost.lines[0].tokens) == ("override:ours", 1_000_000)
    ledger.prices.remove("ours")
    overrides.changed()
    assert recompute.now() == 1
    assert run_in(store).unpriced_calls == 1


def test_a_price_of_another_time_does_not_count(tmp_path):
    ledger, overrides, store, recompute = a_desk(tmp_path)
    ledger.prices.put(PriceRow("old", "house-*", {"input": Decimal(3)}, until_ns=run_in(store).started_ns))
    overrides.changed()
    recompute.now()
    assert run_in(store).cost_usd is None


def test_stored_runs_are_renamed_with_their_roll_ups_and_get_their_names_back(tmp_path):
    ledger, overrides, store, recompute = a_desk(tmp_path)
    store.roll_up()
    ledger.naming.replace("default", [NamingRule("refunds", named="support")])
    overrides.changed()
    recompute.now("default")
    assert (run_in(store).workflow, run_in(store).workflow_source) == ("refunds", "rule")
    assert {row.workflow for row in store.hours(HourQuery("default"))} == {"refunds"}
    assert store.read_run("default", TraceId(TRACE)) is not None
    ledger.naming.replace("default", [])
    overrides.changed()
    recompute.now("default")
    assert run_in(store).workflow == "support"


def test_rules_of_the_file_go_first_and_stay_in_their_project(tmp_path):
    path = tmp_path / "workflows.yaml"
    path.write_text("workflows:\n- {workflow: a, service: '*', project: default}\n- {workflow: b, service: x}\n")
    ledger, overrides, _, _ = a_desk(tmp_path, workflow_rules=path)
    ledger.naming.replace("default", [NamingRule("mine", service="*")])
    overrides.changed()
    assert [rule.workflow for rule in overrides.naming("default").rules] == ["a", "b", "mine"]
    assert [rule.workflow for rule in overrides.naming("other").rules] == ["b"]
