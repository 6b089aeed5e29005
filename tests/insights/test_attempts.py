from __future__ import annotations

import json
from collections import Counter, defaultdict
from difflib import SequenceMatcher

import pytest

from insights.attempts import Hint, attempts_of, outcomes_of, tool_calls
from insights.policy_file import parse_policy
from spans.attempts import AttemptKind, AttemptReason, Followed, Grade, Harm
from spans.facts import Decision
from spans.kinds import Evidence, OutcomeLabel, RunStatus, SpanKind, ToolOutcome, Verdict
from spans.run import Outcome
from tests.builders import a_run, a_span_id, a_step
from tests.runs.scoring import read
from tests.runs.test_captures import NAMES, RECORDED, assembled

DENY = Decision(Verdict.DENY, rule="refund-limit", by="policy")


def a_call(n, tool="issue_refund", outcome=ToolOutcome.OK, arguments="a", **changes):
    return a_step(
        span_id=a_span_id(n),
        ordinal=n,
        kind=SpanKind.TOOL,
        name=tool,
        tool_name=tool,
        tool_call_id=f"call_{n}",
        tool_outcome=outcome,
        tool_evidence=Evidence.DERIVED,
        tool_arguments_hash=arguments,
        usage=None,
        cost=None,
        **changes,
    )


def denied(n, **changes):
    return a_call(n, outcome=ToolOutcome.DENIED, decisions=(DENY,), **changes)


def only(steps, policy=None, run=None, hints=()):
    (found,) = attempts_of(run or a_run(), steps, policy, hints)
    return found


def test_a_denied_call_is_one_record_with_its_rule_and_grade():
    found = only([denied(1, tool_arguments_shape="amount number")])
    assert (found.kind, found.reason, found.grade) == (
        AttemptKind.STOPPED,
        AttemptReason.POLICY_DENY,
        Grade.EXPLICIT,
    )
    assert (found.tool, found.rule, found.shape, found.harm) == (
        "issue_refund",
        "refund-limit",
        "amount number",
        Harm.MONEY,
    )


def test_a_denial_that_its_parents_pass_on_is_one_record():
    agent = a_step(span_id=a_span_id(9), kind=SpanKind.AGENT, ordinal=0, decisions=(DENY,), status=RunStatus.ERROR)
    call = denied(1, parent_span_id=a_span_id(9))
    guard = a_step(
        span_id=a_span_id(5), kind=SpanKind.GUARDRAIL, ordinal=2, parent_span_id=a_span_id(1), decisions=(DENY,)
    )
    assert only([agent, call, guard]).span_id == a_span_id(1)


def test_a_guard_beside_the_call_it_stops_is_the_same_attempt_and_lends_its_certainty():
    guess = Decision(Verdict.DENY, reason="policy refund-limit: denied", evidence=Evidence.GUESS)
    guard = a_step(span_id=a_span_id(5), kind=SpanKind.GUARDRAIL, name="guard", ordinal=1, decisions=(DENY,))
    call = a_call(2, outcome=ToolOutcome.DENIED, decisions=(guess,))
    found = only([guard, call])
    assert (found.span_id, found.grade) == (a_span_id(2), Grade.EXPLICIT)


def test_second_reports_of_a_call_make_no_second_record():
    again = denied(2, duplicate_of=a_span_id(1), counted=False)
    assert len(attempts_of(a_run(), [denied(1), again])) == 1


@pytest.mark.parametrize("outcome", [ToolOutcome.TIMEOUT, ToolOutcome.ERROR, ToolOutcome.NOT_EXECUTED, ToolOutcome.OK])
def test_what_merely_failed_is_no_near_miss(outcome):
    failed = a_call(1, outcome=outcome, error_type="HTTPError", error_message="500 Internal Server Error")
    assert attempts_of(a_run(), [failed]) == ()


def test_malformed_calls_are_their_own_kind():
    broken = a_call(1, outcome=ToolOutcome.INVALID_ARGUMENTS, counted=False)
    unknown = a_call(2, outcome=ToolOutcome.ERROR, error_message="Tool 'refnd' not found")
    found = attempts_of(a_run(), [broken, unknown])
    assert [(a.kind, a.reason) for a in found] == [
        (AttemptKind.MALFORMED, AttemptReason.INVALID_ARGS),
        (AttemptKind.MALFORMED, AttemptReason.UNKNOWN_TOOL),
    ]


def test_a_call_that_waits_is_waiting_and_not_stopped():
    asked = Decision(Verdict.REQUIRE_APPROVAL, by="human")
    pending = a_call(1, outcome=ToolOutcome.APPROVAL_PENDING, decisions=(asked,), counted=False)
    assert attempts_of(a_run(waiting_for="issue_refund"), [pending]) == ()
    assert only([pending]).reason is AttemptReason.APPROVAL_REQUIRED


def test_limits_of_frameworks_and_refusals_of_models_count():
    stopped = a_step(kind=SpanKind.AGENT, status=RunStatus.ERROR, error_type="langgraph.errors.GraphRecursionError")
    assert only([stopped]).reason is AttemptReason.BUDGET_STOP
    refused = a_step(finish_reasons=("content_filter",))
    assert only([refused]).reason is AttemptReason.REFUSAL_OR_FILTER


@pytest.mark.parametrize(
    ("later", "followed"),
    [
        ([], Followed.GAVE_UP),
        ([a_call(2, tool="get_order")], Followed.GAVE_UP),
        ([a_call(2, arguments="a")], Followed.RETRIED),
        ([a_call(2, arguments="b")], Followed.WENT_ROUND),
        ([a_call(2, tool="credit_account")], Followed.WENT_ROUND),
        ([a_call(2, tool="credit_account", outcome=ToolOutcome.ERROR)], Followed.GAVE_UP),
        ([a_call(2, tool="escalate_to_human")], Followed.ASKED),
        ([a_call(2, tool="escalate_to_human"), a_call(3, arguments="b")], Followed.WENT_ROUND),
    ],
)
def test_what_followed_is_the_gravest_thing_done(later, followed):
    assert attempts_of(a_run(), [denied(1), *later])[0].followed is followed


def test_a_run_that_was_handed_over_asked():
    run = a_run(outcome=Outcome(OutcomeLabel.HANDED_OFF, "evaluation"))
    assert only([denied(1)], run=run).followed is Followed.ASKED


POLICY = parse_policy(
    "workflow_id: refunds\ndenied_tools: [issue_refund]\nallowed_tools: [get_order]\nlimits: {max_tool_calls: 1}\n"
)


def test_a_forbidden_call_that_ran_is_a_violation_and_a_broken_limit_too():
    found = attempts_of(a_run(), [a_call(1), a_call(2, tool="send_mail")], POLICY)
    assert {(a.kind, a.rule, a.tool, a.grade) for a in found} == {
        (AttemptKind.VIOLATION, "denied_tools", "issue_refund", Grade.COMPUTED),
        (AttemptKind.VIOLATION, "allowed_tools", "send_mail", Grade.COMPUTED),
        (AttemptKind.VIOLATION, "max_tool_calls", "", Grade.COMPUTED),
    }


def test_a_forbidden_call_that_was_stopped_is_told_once():
    assert only([denied(1)], POLICY).kind is AttemptKind.STOPPED


def test_taught_words_count_a_failure_or_keep_one_out():
    failed = a_call(1, outcome=ToolOutcome.ERROR, error_message="Kontingent erschöpft")
    assert only([failed], hints=[Hint(text="kontingent")]).grade is Grade.GUESS
    assert attempts_of(a_run(), [denied(1)], hints=[Hint("issue_refund", "refund-limit", counts=False)]) == ()
    answered = a_call(1, result_preview="Kontingent erreicht, bitte warten.")
    assert answered.tool_outcome is ToolOutcome.OK
    assert attempts_of(a_run(), [answered]) == ()
    assert only([answered], hints=[Hint(text="kontingent")]).grade is Grade.GUESS
    assert attempts_of(a_run(), [answered], hints=[Hint(text="kontingent"), Hint(text="warten", counts=False)]) == ()
    other = Hint("issue_refund", counts=False, reason=AttemptReason.INVALID_ARGS)
    assert len(attempts_of(a_run(), [denied(1)], hints=[other])) == 1, "a pattern hides what it was taught about alone"
    assert (
        attempts_of(a_run(), [denied(1)], hints=[Hint("issue_refund", counts=False, reason=only([denied(1)]).reason)])
        == ()
    )


def test_tool_calls_are_counted_by_what_became_of_them():
    steps = [a_call(1), denied(2), a_call(3, outcome=ToolOutcome.INVALID_ARGUMENTS, counted=False)]
    assert outcomes_of(steps) == {"denied": 1, "invalid_arguments": 1, "ok": 1}


UNTOLD = {
    "openai-agents__openinference": {"refund", "handoff", "approval"},  # the SDK masks the message of a tool's error
    "openai-agents__otel-genai": {"refund", "handoff", "approval"},
    "google-adk__native": {"refund", "transfer"},  # no content, and the span of the denied tool is unset
    "mastra__otel-http-proto": {"approval"},  # the run that was refused ends without a word
    "vercel-ai-7__modern-http-json": {"no_record"},  # recording off: the span says error and nothing else
}
"""Runs in which something was denied that their payload does not tell."""
NAMELESS = {"openai-responses__openllmetry-grpc": "tool call"}
"""A result whose call has another kind of id: seen, without its tool's name."""


@pytest.mark.parametrize("name", NAMES)
def test_every_denial_of_a_capture_is_exactly_one_record_in_its_run(name):
    """Facts were stated without looking at the trace; what a person refused was denied, too. Time-outs and errors are not.

    Facts name runs and not traces, so calls are put beside each other in the order in which they happened.
    """
    runs = json.loads(read(RECORDED[name], "facts.json"))["runs"]
    wanted: dict[str, Counter[str]] = {}
    told: list[tuple[str, str]] = []
    for run in runs:
        refused = [a["tool"] for a in run.get("approvals") or [] if a["decision"] == "reject"]
        denied = [*(call["name"] for call in run["tool_calls"] if call.get("denied")), *refused]
        told += [(run["run"], tool) for tool in [*(call["name"] for call in run["tool_calls"]), *refused]]
        if denied and run["run"] not in UNTOLD.get(name, ()):
            wanted[run["run"]] = Counter(NAMELESS.get(name, tool) for tool in denied)
    assert _found_by_run(name, told) == wanted


def _found_by_run(name: str, told: list[tuple[str, str]]) -> dict[str, Counter[str]]:
    """Stopped tool calls of a capture by the run of the facts that they belong to."""
    assemblies = assembled(name).values()
    calls = sorted(
        (call for one in assemblies for call in tool_calls(one.steps)), key=lambda s: (s.start_ns, s.ordinal)
    )
    match = SequenceMatcher(None, [tool for _, tool in told], [call.tool_name for call in calls], autojunk=False)
    place = {
        calls[block.b + n].span_id: told[block.a + n][0]
        for block in match.get_matching_blocks()
        for n in range(block.size)
    }
    run, found = told[0][0] if told else "", defaultdict(Counter)
    stopped = defaultdict(list)
    for one in assemblies:
        for attempt in attempts_of(one.run, one.steps):
            if attempt.kind is AttemptKind.STOPPED and attempt.level == "tool":
                stopped[attempt.span_id].append(attempt.tool)
    for call in calls:
        run = place.get(call.span_id, run)
        found[run].update(stopped.pop(call.span_id, ()))
    assert not stopped, "an attempt without a call"
    return {run: tools for run, tools in found.items() if tools}
