"""The repeated write is found in the invented fleet, and only there."""

from __future__ import annotations

import itertools

import pytest

from insights.detectors.base import DAY_NS, Inputs
from insights.detectors.duplicate_writes import DUPLICATE_WRITES
from insights.policies import PolicyBook
from insights.policy_file import parse_policy
from spans.finding import FindingKind, Severity
from spans.ids import RunId
from spans.kinds import SpanKind, ToolOutcome
from store.memory import MemoryStore
from tests.builders import NOW_NS, a_span_id, a_step, a_trace_id, an_assembly
from tests.web.house import fill_requests
from tracetape.demo.fleet import generate

NOW = NOW_NS + 60_000_000_000


def look(store, now_ns=NOW, policies=None):
    inputs = Inputs("default", now_ns - 3 * DAY_NS, now_ns, store, policies or PolicyBook())
    return list(DUPLICATE_WRITES.evaluate(inputs))


def test_the_double_refund_of_the_demo_is_found_at_once():
    store = MemoryStore()
    newest = itertools.islice(generate(1, NOW), 6)  # newest first: far more than the two days of the story
    fill_requests(store, ((r.signal, r.body) for r in newest), "default")
    found = [f for f in look(store) if f.impact.tools == ("issue_refund",)]
    assert len(found) == 1
    (finding,) = found
    assert (finding.kind, finding.severity, finding.workflow) == (
        FindingKind.DUPLICATE_WRITE,
        Severity.PAGE,
        "refund-agent",
    )
    assert "issue_refund succeeded twice with equal arguments in 2 runs" in finding.summary
    assert len(finding.run_ids) == 2
    assert finding in look(store)
    assert [f.fingerprint for f in look(store, NOW + 3_600_000_000_000)].count(finding.fingerprint) == 1


def write(number, at_ns, *, tool="issue_refund", key=""):
    step = a_step(
        span_id=a_span_id(number),
        kind=SpanKind.TOOL,
        tool_name=tool,
        tool_outcome=ToolOutcome.OK,
        tool_repeat_hash="same",
        tool_idempotency=key,
        start_ns=at_ns,
        usage=None,
        cost=None,
    )
    return an_assembly(step, run_id=RunId(a_trace_id(number)), started_ns=at_ns)


@pytest.mark.parametrize(
    ("second", "found"),
    [
        ({}, 1),
        ({"key": "k"}, 0),
        ({"tool": "get_order"}, 0),
    ],
)
def test_the_same_key_is_a_safe_repeat_and_a_read_no_write(second, found):
    store = MemoryStore()
    first = {"key": "k"} if "key" in second else {"tool": second.get("tool", "issue_refund")}
    store.write_derived([write(1, NOW - 5_000, **first), write(2, NOW - 4_000, **{**first, **second})])
    assert len(look(store)) == found


def test_the_policy_says_what_a_tool_does():
    store = MemoryStore()
    store.write_derived([write(1, NOW - 5_000, tool="get_order"), write(2, NOW - 4_000, tool="get_order")])
    policy = parse_policy("workflow_id: refunds\ntool_effects: {get_order: irreversible}\n")
    (finding,) = look(store, policies=PolicyBook({"refunds": policy}))
    assert finding.severity is Severity.PAGE
