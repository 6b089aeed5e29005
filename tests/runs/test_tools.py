from __future__ import annotations

import json

import pytest

from runs.decisions import decider_of, failure_of, is_refused_by_person, verdict_of
from spans.kinds import Evidence, ToolOutcome, Verdict
from spans.span import StatusCode
from tests.runs.spans_of import agent, assembled, chat, clean, tool


@pytest.mark.parametrize(
    ("error_type", "text", "failed", "outcome"),
    [
        ("PermissionError", "no", True, ToolOutcome.DENIED),
        ("app.errors.PolicyViolationError", "", True, ToolOutcome.DENIED),
        ("", "DENIED: over the limit", False, ToolOutcome.DENIED),
        ("", "Error: policy refund-limit: 900 exceeds 500", False, ToolOutcome.DENIED),
        ("", "The supervisor declined.", False, ToolOutcome.DENIED),
        ("TimeoutError", "", True, ToolOutcome.TIMEOUT),
        ("", "ERROR the warehouse timed out", False, ToolOutcome.TIMEOUT),
        ("TypeError", "f() missing 1 required positional argument: 'x'", True, ToolOutcome.INVALID_ARGUMENTS),
        ("TypeError", "unsupported operand", True, ToolOutcome.ERROR),
        ("pydantic_core.ValidationError", "1 validation error for f", True, ToolOutcome.INVALID_ARGUMENTS),
        ("ValueError", "ledger is corrupt", True, ToolOutcome.ERROR),
        ("", "the customer was denied a visa and asks why", False, None),
        ("", '{"status": "ok"}', False, None),
        ("", "", False, None),
    ],
)
def test_failures_are_told_apart(error_type, text, failed, outcome):
    assert failure_of(error_type, text, failed=failed)[0] is outcome


def test_a_refusal_by_a_person_is_recognised():
    assert is_refused_by_person("User rejected the tool call for `x`")
    assert not is_refused_by_person("policy refund-limit denied it")


@pytest.mark.parametrize(
    ("raw", "verdict"),
    [("Allow", Verdict.ALLOW), ("guardrail_intervened", Verdict.DENY), ("ask", Verdict.REQUIRE_APPROVAL), ("masked", Verdict.REDACT),
     ("proceed_once", Verdict.ALLOW), ("whatever", None)],
)  # fmt: skip
def test_verdicts_of_all_vendors_are_one_vocabulary(raw, verdict):
    assert verdict_of(raw) is verdict


def test_deciders_are_few():
    assert decider_of("user_reject") == "human"
    assert decider_of("something") == "policy"


def asking(number, call_id, name, arguments, **changes):
    message = {
        "role": "assistant",
        "parts": [{"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}],
    }
    return chat(
        number, attributes={"gen_ai.output.messages": json.dumps([message]), **changes.pop("attributes", {})}, **changes
    )


def test_an_execution_without_an_id_gets_the_id_of_the_call_it_fits():
    run = assembled(
        agent(1, end=999),
        asking(2, "call_a", "f", {"x": 1}, parent=1, end=10),
        asking(3, "call_b", "f", {"x": 2}, parent=1, start=10, end=20),
        tool(4, "f", parent=1, start=30, attributes={"gen_ai.tool.call.arguments": '{"x": 2}'}),
        tool(5, "f", parent=1, start=40, attributes={"gen_ai.tool.call.arguments": '{"x": 1}'}),
    )
    found = {step.span_id[-1]: step.tool_call_id for step in run.steps if step.kind == "tool"}
    assert found == {"4": "call_b", "5": "call_a"}


def test_a_dispatcher_goes_by_the_name_the_model_used():
    run = assembled(
        agent(1, end=999),
        asking(2, "call_a", "refund", {"x": 1}, parent=1),
        tool(
            3,
            "call_tool",
            parent=1,
            start=200,
            end=210,
            attributes={"gen_ai.tool.call.arguments": '{"name": "refund", "args": {"x": 1}}'},
        ),
    )
    assert run.run.tools == ("refund",)
    assert run.steps[-1].tool_call_id == "call_a"


def test_an_error_after_unfit_arguments_is_their_fault():
    schema = json.dumps(
        [
            {
                "type": "function",
                "name": "f",
                "parameters": {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]},
            }
        ]
    )
    run = assembled(
        agent(1, end=999),
        asking(2, "call_a", "f", {"y": 1}, parent=1, attributes={"gen_ai.tool.definitions": schema}),
        tool(
            3, "f", parent=1, start=200, end=210, status=StatusCode.ERROR, attributes={"gen_ai.tool.call.id": "call_a"}
        ),
    )
    step = run.steps[-1]
    assert (step.tool_outcome, step.tool_evidence, step.counted) == (
        ToolOutcome.INVALID_ARGUMENTS,
        Evidence.DERIVED,
        False,
    )
    assert run.run.tool_calls == 0


def test_a_success_after_a_timeout_of_the_same_call_says_so():
    run = assembled(
        agent(1, end=999),
        tool(
            2,
            "f",
            parent=1,
            start=10,
            end=20,
            status=StatusCode.ERROR,
            attributes={"error.type": "TimeoutError", "gen_ai.tool.call.arguments": '{"x":1}'},
        ),
        tool(3, "f", parent=1, start=30, end=40, attributes={"gen_ai.tool.call.arguments": '{"x":1}'}),
    )
    assert [step.tool_outcome for step in run.steps[1:]] == [ToolOutcome.TIMEOUT, ToolOutcome.RETRIED_THEN_OK]


def test_a_tool_that_is_another_agent_is_shown_and_not_counted():
    run = assembled(agent(1, end=999), tool(2, "ask_billing", parent=1), agent(3, "billing", parent=2))
    assert run.run.tool_calls == 0
    assert run.run.tools == ("ask_billing",)


def test_the_cause_of_a_failed_tool_may_stand_below_it():
    run = assembled(
        tool(1, "refund", status=StatusCode.ERROR, attributes={"error.type": "tool_error"}),
        clean(
            2,
            "handler",
            {},
            parent=1,
            status=StatusCode.ERROR,
            events=[("exception", {"exception.type": "PermissionError", "exception.message": "no"})],
        ),
    )
    assert run.steps[0].tool_outcome is ToolOutcome.DENIED
    assert run.run.denials == 1


def test_a_person_who_refuses_stops_the_call_before_it_runs():
    run = assembled(
        tool(
            1,
            "wipe",
            events=[
                ("approval.requested", {"approver": "supervisor"}),
                ("approval.denied", {"reason": "needs a ticket"}),
            ],
        )
    )
    assert (run.run.denials, run.run.tool_calls, run.run.interventions) == (1, 0, 1)
    assert run.steps[0].decisions[1].reason == "needs a ticket"


def test_an_approval_lets_the_call_run():
    run = assembled(
        tool(
            1,
            "wipe",
            events=[("approval.requested", {}), ("approval.granted", {})],
            attributes={"gen_ai.tool.call.result": "done"},
        )
    )
    assert (run.run.denials, run.run.tool_calls) == (0, 1)


@pytest.mark.parametrize(
    "key",
    ["loan.decision", "credit.check.verdict", "claim.decision", "tool.decision", "insurance.underwriting.verdict"],
)
def test_what_a_tool_decided_about_its_business_refuses_nobody(key):
    run = assembled(
        tool(
            1,
            "assess",
            attributes={
                key: "rejected",
                f"{key}.reason": "income too low",
                "gen_ai.tool.call.result": "letter sent",
            },
        )
    )
    assert (run.steps[0].tool_outcome, run.steps[0].decisions) == (ToolOutcome.OK, ())
    assert (run.run.denials, run.run.tool_calls) == (0, 1)


@pytest.mark.parametrize(
    "key",
    [
        "tracetape.decision",
        "app.policy.decision",
        "gen_ai.security.guardrail.verdict",
        "gen_ai.guardian.decision",
        "opa.decision",
        "Cedar.decision",
        "human_approval.decision",
        "acme.authz.verdict",
    ],
)
def test_a_verdict_under_the_name_of_a_control_is_a_denial(key):
    (step,) = assembled(tool(1, "wipe", attributes={key: "deny"})).steps
    assert (step.tool_outcome, step.tool_evidence) == (ToolOutcome.DENIED, Evidence.EXPLICIT)


@pytest.mark.parametrize(
    ("beside", "by", "who"),
    [
        ({"tracetape.decision": "deny", "tracetape.decision.approver": "<APPROVER_abcdefgh>"}, "human", "<APPROVER_abcdefgh>"),
        ({"tracetape.decision": "deny", "tracetape.decision.by": "policy", "tracetape.decision.decider_id": "opa-3"}, "policy", "opa-3"),
        ({"tracetape.decision": "deny", "tracetape.decision.by": "human"}, "human", ""),
        ({"approval.decision": "rejected", "approval.approved_by": "sup-7"}, "human", "sup-7"),
        ({"approval.decision": "rejected", "approval.by": "sup-7"}, "human", "sup-7"),
        ({"app.policy.decision": "deny"}, "policy", ""),
        ({"app.policy.decision": "deny", "app.policy.source": "gatekeeper"}, "policy", "gatekeeper"),
    ],
)  # fmt: skip
def test_a_decision_names_who_took_it(beside, by, who):
    (step,) = assembled(tool(1, "wipe", attributes=beside)).steps
    assert [(one.by, one.decider_id) for one in step.decisions] == [(by, who)]


def test_an_approval_event_names_who_gave_it_and_not_who_was_asked():
    (step,) = assembled(
        tool(
            1,
            "wipe",
            events=[("approval.requested", {"approver": "supervisor"}), ("approval.denied", {"rejected_by": "sup-7"})],
        )
    ).steps
    assert [one.decider_id for one in step.decisions] == ["", "sup-7"]


def test_each_denied_call_has_exactly_one_denial():
    denied = {"tracetape.decision": "deny", "tracetape.decision.rule": "limit"}
    run = assembled(
        agent(1, end=999),
        tool(
            2,
            "f",
            parent=1,
            status=StatusCode.ERROR,
            attributes=denied,
            events=[("exception", {"exception.type": "PermissionError"})],
        ),
        clean(
            3,
            "inner",
            {"openinference.span.kind": "TOOL", "tool.name": "f"},
            parent=2,
            status=StatusCode.ERROR,
            events=[("exception", {"exception.type": "PermissionError"})],
        ),
    )
    assert run.run.denials == 1
    assert (
        sum(decision.verdict is Verdict.DENY for step in run.steps if step.counted for decision in step.decisions) == 1
    )
