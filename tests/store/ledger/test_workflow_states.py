from __future__ import annotations

from store.ledger.workflow_states import WorkMode


def put(ledger, mode, environment="", reason="", by="member:1"):
    return ledger.states.put("default", environment, "refunds", mode, reason=reason, set_by=by)


def test_a_workflow_nobody_stopped_runs(ledger):
    state = ledger.states.get("default", "production", "refunds")
    assert (state.mode, state.set_by) == (WorkMode.RUN, "")


def test_the_stricter_switch_counts(ledger, clock):
    put(ledger, WorkMode.DRAFT_ONLY, reason="double refunds")
    clock.pass_s(1)
    put(ledger, WorkMode.STOP, "production", by="rule:spend")
    assert ledger.states.get("default", "production", "refunds").set_by == "rule:spend"
    assert ledger.states.get("default", "staging", "refunds").mode is WorkMode.DRAFT_ONLY
    put(ledger, WorkMode.RUN, "production")
    assert ledger.states.get("default", "production", "refunds").mode is WorkMode.DRAFT_ONLY
    assert [s.mode for s in ledger.states.history("default", "refunds")] == ["run", "stop", "draft_only"]


def test_setting_what_is_set_keeps_since_when(ledger, clock):
    first = put(ledger, WorkMode.STOP, reason="spend")
    clock.pass_s(60)
    assert put(ledger, WorkMode.STOP, reason="spend") == first


def test_without_an_environment_the_strictest_of_all_counts_and_is_named(ledger, clock):
    put(ledger, WorkMode.STOP, "production")
    clock.pass_s(1)
    put(ledger, WorkMode.DRAFT_ONLY, "staging")
    put(ledger, WorkMode.RUN)
    state = ledger.states.get("default", "", "refunds")
    assert (state.mode, state.environment) == (WorkMode.STOP, "production")
    assert ledger.states.get("default", "elsewhere", "refunds").mode is WorkMode.RUN
    assert ledger.states.get("other", "", "refunds").mode is WorkMode.RUN
    put(ledger, WorkMode.RUN, "production")
    assert ledger.states.get("default", "", "refunds").environment == "staging"


def test_a_position_for_all_is_not_that_of_one_environment(ledger):
    put(ledger, WorkMode.STOP, "production")
    assert ledger.states.position("default", "", "refunds").mode is WorkMode.RUN
    assert ledger.states.position("default", "production", "refunds").mode is WorkMode.STOP
