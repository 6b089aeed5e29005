from __future__ import annotations

from decimal import Decimal

from msgspec import structs

from insights.audit import audit, change
from insights.policy_file import parse_policy
from spans.ids import RunId
from spans.kinds import OutcomeLabel, UsageRole
from spans.policy import Policy
from spans.run import Outcome
from spans.usage import Usage
from tests.builders import SECOND_NS, a_step, a_trace_id, an_assembly
from tests.insights.test_attempts import a_call

GOOD = Outcome(OutcomeLabel.SUCCESS, "policy")


def runs():
    first = an_assembly(
        a_call(1), a_call(2, tool="get_order"), run_id=RunId(a_trace_id(1)), outcome=GOOD, cost_usd=Decimal(2)
    )
    second = an_assembly(a_call(1), a_call(2), run_id=RunId(a_trace_id(2)), cost_usd=Decimal(3))
    return [first, second]


def test_a_rule_tells_whom_it_hits_and_its_price():
    found = audit(parse_policy("workflow_id: r\ndenied_tools: [issue_refund]\n"), runs())
    (hit,) = found.hits
    assert (hit.rule, hit.tool, hit.runs, hit.calls, hit.good_runs) == ("denied_tools", "issue_refund", 2, 3, 1)
    assert hit.cost_usd == 5
    assert hit.example[0] == RunId(a_trace_id(2))


def test_tools_that_are_not_listed_are_named():
    found = audit(parse_policy("workflow_id: r\nallowed_tools: [issue_refund]\n"), runs())
    assert found.unlisted == (("get_order", 1),)


def test_a_limit_says_where_it_would_have_stopped_and_what_that_saves():
    found = audit(parse_policy("workflow_id: r\nlimits: {max_tool_calls: 1}\n"), runs())
    (hit,) = found.hits
    assert (hit.rule, hit.runs, hit.stopped_at, hit.saved_usd) == ("max_tool_calls", 2, "at call 2", Decimal(5))
    step = a_step()
    paid = [
        structs.replace(a_step(start_ns=step.start_ns + n * SECOND_NS), span_id=a_call(n + 1).span_id) for n in range(3)
    ]
    run = an_assembly(*paid, cost_usd=Decimal("0.0018"))
    (hit,) = audit(parse_policy("workflow_id: r\nlimits: {max_cost_usd: 0.001}\n"), [run]).hits
    assert (hit.stopped_at, hit.saved_usd) == ("after 1 s", Decimal("0.0006"))


def test_a_draft_tells_what_is_newly_denied_and_newly_allowed():
    old = audit(parse_policy("workflow_id: r\ndenied_tools: [issue_refund]\n"), runs())
    new = audit(parse_policy("workflow_id: r\ndenied_tools: [get_order]\n"), runs())
    moved = change(old, new)
    assert [h.tool for h in moved.newly_denied] == ["get_order"]
    assert [h.tool for h in moved.newly_allowed] == ["issue_refund"]
    assert audit(Policy("r"), runs()).hits == ()


def test_the_success_rule_labels_what_it_can():
    found = audit(parse_policy("workflow_id: r\nsuccess: {final_tool: get_order}\n"), runs())
    assert (found.success, found.failure, found.unknown) == (1, 1, 0)


def test_a_limit_of_tokens_stops_runs_of_models_without_a_price():
    step = structs.replace(a_step(), cost=None)
    calls = [
        structs.replace(step, span_id=a_call(n + 1).span_id, start_ns=step.start_ns + n * SECOND_NS) for n in range(3)
    ]
    second_report = structs.replace(calls[0], usage_role=UsageRole.DUPLICATE, span_id=a_call(9).span_id)
    each = step.usage.total()
    run = an_assembly(*calls, second_report, usage=Usage(input=3 * each, output=0))
    (hit,) = audit(parse_policy(f"workflow_id: r\nlimits: {{max_tokens: {2 * each}}}\n"), [run]).hits
    assert hit.stopped_at == "after 2 s"


def test_the_median_place_is_that_of_numbers_not_of_texts():
    step, limit = a_step(), "workflow_id: r\nlimits: {max_cost_usd: 0.0001}\n"
    late = [
        an_assembly(
            structs.replace(step, start_ns=step.start_ns + seconds * SECOND_NS),
            run_id=RunId(a_trace_id(seconds)),
            started_ns=step.start_ns,
            cost_usd=Decimal("0.0006"),
        )
        for seconds in (2, 3, 10)
    ]
    (hit,) = audit(parse_policy(limit), late).hits
    assert hit.stopped_at == "after 3 s"
