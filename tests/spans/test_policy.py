"""The judge: a table of what one policy says of one run."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from msgspec import structs

from spans.facts import Decision, Evaluation
from spans.kinds import OutcomeLabel, RunStatus, SpanKind, ToolOutcome, Verdict
from spans.policy import FindingKind, Limits, Policy, SuccessRule, judge
from spans.usage import Usage
from tests.builders import a_run, a_span_id, a_step

REFUNDS = Policy(
    workflow_id="refunds",
    allowed_tools=("lookup", "draft"),
    require_approval=("apply",),
    denied_tools=("wipe",),
)
BY_PERSON = Decision(Verdict.ALLOW, by="human")


def a_call(tool="lookup", outcome=ToolOutcome.OK, number=1, **changes):
    return a_step(
        kind=SpanKind.TOOL,
        name=f"execute_tool {tool}",
        span_id=a_span_id(number),
        ordinal=number,
        tool_name=tool,
        tool_outcome=outcome,
        tool_call_id=f"call_{number}",
        usage=None,
        cost=None,
        **changes,
    )


def found(policy, *steps, **run):
    return [(f.kind.value, f.rule) for f in judge(policy, a_run(**run), steps).findings]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (a_call("lookup"), []),
        (a_call("lookup", ToolOutcome.ERROR), []),
        (a_call("mail"), [("violation", "allowed_tools")]),
        (a_call("mail", None), [("violation", "allowed_tools")]),
        (a_call("mail", ToolOutcome.ERROR), [("violation", "allowed_tools")]),
        (a_call("mail", ToolOutcome.RETRIED_THEN_OK), [("violation", "allowed_tools")]),
        (a_call("mail", ToolOutcome.DENIED), [("near_miss", "allowed_tools")]),
        (a_call("mail", ToolOutcome.NOT_EXECUTED), [("near_miss", "allowed_tools")]),
        (a_call("mail", counted=False), []),
        (a_call("apply"), [("violation", "require_approval")]),
        (a_call("apply", decisions=(BY_PERSON,)), []),
        (a_call("apply", decisions=(structs.replace(BY_PERSON, verdict=Verdict.MODIFY),)), []),
        (a_call("apply", decisions=(structs.replace(BY_PERSON, by="config"),)), [("violation", "require_approval")]),
        (a_call("apply", ToolOutcome.APPROVAL_PENDING), []),
        (a_call("apply", ToolOutcome.NOT_EXECUTED), []),
        (a_call("apply", ToolOutcome.DENIED), [("near_miss", "require_approval")]),
        (a_call("wipe"), [("violation", "denied_tools")]),
        (a_call("wipe", decisions=(BY_PERSON,)), [("violation", "denied_tools")]),
        (a_call("wipe", ToolOutcome.APPROVAL_PENDING), [("near_miss", "denied_tools")]),
        (a_call("lookup", ToolOutcome.DENIED), [("near_miss", "a control")]),
        (
            a_call("lookup", ToolOutcome.DENIED, decisions=(Decision(Verdict.DENY, rule="quiet-hours"),)),
            [("near_miss", "quiet-hours")],
        ),
        (a_call(""), []),
        (a_step(), []),
    ],
)
def test_the_judge_says_of_one_call(step, expected):
    assert found(REFUNDS, step) == expected


def test_without_an_allow_list_every_tool_not_denied_is_allowed():
    assert found(Policy("w"), a_call("anything")) == []
    assert found(Policy("w", allowed_tools=()), a_call("anything")) == [("violation", "allowed_tools")]


def test_an_approval_on_a_span_of_its_own_counts_for_the_call_it_names():
    permission = a_step(
        span_id=a_span_id(9), kind=SpanKind.OTHER, decisions=(structs.replace(BY_PERSON, subject_ref="call_1"),)
    )
    assert found(REFUNDS, permission, a_call("apply", number=1)) == []
    assert found(REFUNDS, permission, a_call("apply", number=2)) == [("violation", "require_approval")]


def test_a_guardrail_that_stopped_the_model_is_a_near_miss():
    guardrail = a_step(kind=SpanKind.GUARDRAIL, name="pii", decisions=(Decision(Verdict.DENY, rule="pii"),))
    assert found(Policy("w"), guardrail) == [("near_miss", "pii")]


def test_one_denial_told_by_two_steps_is_one_near_miss():
    denial = Decision(Verdict.DENY, rule="limits", subject_ref="call_1")
    guardrail = a_step(kind=SpanKind.GUARDRAIL, span_id=a_span_id(7), decisions=(denial,))
    assert found(Policy("w"), guardrail, a_call("pay", ToolOutcome.DENIED)) == [("near_miss", "limits")]


def test_a_violation_says_which_tool_and_rule_and_points_at_the_step():
    step = a_call("wipe")
    (finding,) = judge(REFUNDS, a_run(), [step]).findings
    assert finding.kind is FindingKind.VIOLATION
    assert finding.sentence == "wipe was called although denied_tools forbids it."
    assert finding.step == step


@pytest.mark.parametrize(
    ("limits", "run", "expected"),
    [
        (Limits(max_tool_calls=2), {}, []),
        (Limits(max_tool_calls=1), {}, ["max_tool_calls"]),
        (Limits(max_cost_usd=Decimal("0.35")), {"cost_usd": Decimal("0.35")}, []),
        (Limits(max_cost_usd=Decimal("0.35")), {"cost_usd": Decimal("0.350001")}, ["max_cost_usd"]),
        (Limits(max_cost_usd=Decimal("0.35")), {"cost_usd": None, "unpriced_calls": 3}, []),
        (Limits(max_duration_s=1), {"duration_ns": 10**9}, []),
        (Limits(max_duration_s=1), {"duration_ns": 10**9 + 1}, ["max_duration_s"]),
        (Limits(max_tokens=150), {}, []),
        (Limits(max_tokens=149), {}, ["max_tokens"]),
        (Limits(max_tokens=0), {"usage": Usage()}, []),
    ],
)
def test_a_limit_is_broken_only_beyond_it(limits, run, expected):
    steps = [
        a_call(number=1),
        a_call(number=2),
        a_call("x", ToolOutcome.NOT_EXECUTED, 3),
        a_call(number=4, counted=False),
    ]
    assert [rule for _, rule in found(Policy("w", limits=limits), *steps, **run)] == expected


def test_a_small_amount_is_written_as_an_amount():
    (finding,) = judge(
        Policy("w", limits=Limits(max_cost_usd=Decimal(0))), a_run(cost_usd=Decimal("1E-7")), []
    ).findings
    assert finding.sentence == "$0.0000001 spent, limit $0."


def scored(**scores):
    return a_step(evaluations=tuple(Evaluation(name, score) for name, score in scores.items()))


SUCCESS, FAILURE, UNKNOWN = OutcomeLabel.SUCCESS, OutcomeLabel.FAILURE, OutcomeLabel.UNKNOWN


@pytest.mark.parametrize(
    ("rule", "run", "steps", "expected"),
    [
        (SuccessRule(), {}, [], UNKNOWN),
        (SuccessRule(status="ok"), {}, [], SUCCESS),
        (SuccessRule(status="ok"), {"status": RunStatus.ERROR}, [], FAILURE),
        (SuccessRule(status="ok"), {"status": RunStatus.RUNNING}, [], UNKNOWN),
        (SuccessRule(status="ok"), {"waiting_for": "approval"}, [], UNKNOWN),
        (SuccessRule(no_denials=True), {"denials": 0}, [], SUCCESS),
        (SuccessRule(no_denials=True), {"denials": 1}, [], FAILURE),
        (SuccessRule(final_tool="draft"), {}, [], FAILURE),
        (SuccessRule(final_tool="draft"), {}, [a_call("lookup", number=1), a_call("draft", number=2)], SUCCESS),
        (SuccessRule(final_tool="draft"), {}, [a_call("draft", number=1), a_call("lookup", number=2)], FAILURE),
        (SuccessRule(final_tool="draft"), {}, [a_call("draft", ToolOutcome.ERROR)], FAILURE),
        (SuccessRule(final_tool="draft"), {}, [a_call("draft", ToolOutcome.DENIED)], FAILURE),
        (
            SuccessRule(final_tool="draft"),
            {},
            [a_call("draft", number=1), a_call("mail", ToolOutcome.DENIED, 2)],
            SUCCESS,
        ),
        (SuccessRule(min_scores={"help": 0.7}), {}, [], UNKNOWN),
        (SuccessRule(min_scores={"help": 0.7}), {}, [scored(help=0.7)], SUCCESS),
        (SuccessRule(min_scores={"help": 0.7}), {}, [scored(help=0.9), scored(help=0.6)], FAILURE),
        (SuccessRule(min_scores={"help": 0.7, "tone": 0.5}), {}, [scored(help=0.9)], UNKNOWN),
        (SuccessRule(min_scores={"help": 0.7, "tone": 0.5}), {}, [scored(tone=0.1)], FAILURE),
        (SuccessRule(min_scores={"help": 0.7}), {}, [scored(help=None)], UNKNOWN),
        (SuccessRule(status="ok", min_scores={"help": 0.7}), {"status": RunStatus.ERROR}, [], FAILURE),
    ],
)
def test_success_is_what_the_policy_defines_and_otherwise_unknown(rule, run, steps, expected):
    outcome = judge(Policy("w", success=rule), a_run(**run), steps).outcome
    assert outcome.label is expected
    assert outcome.source == ("" if expected is UNKNOWN else "policy")


def test_the_order_in_which_steps_are_given_does_not_matter():
    steps = [a_call("draft", number=3), a_call("mail", number=1), a_call("wipe", ToolOutcome.DENIED, 2)]
    policy = replace(REFUNDS, success=SuccessRule(final_tool="draft"))
    assert judge(policy, a_run(), steps) == judge(policy, a_run(), steps[::-1])
