"""Secrets and newly seen personal data become findings by place, once, and never with a value."""

from __future__ import annotations

from insights.detectors.base import DAY_NS, Inputs
from insights.detectors.exposure import EXPOSURES, LEAST_HISTORY
from insights.policies import PolicyBook
from spans.finding import FindingKind, Severity
from store.memory import MemoryStore
from tests.builders import NOW_NS, a_trace_id, an_assembly

HOUR = 3_600_000_000_000
OWN = {"workflow": "refund-agent", "environment": "production"}


def look(store, now_ns=NOW_NS):
    return list(EXPOSURES.evaluate(Inputs("default", now_ns - HOUR, now_ns, store, PolicyBook())))


def add(store, number, started_ns, **changes):
    store.write_derived([an_assembly(run_id=a_trace_id(number), started_ns=started_ns, **{**OWN, **changes})])


def test_a_secret_is_found_where_it_stood():
    store = MemoryStore()
    add(store, 1, NOW_NS - HOUR // 2, entities={"SECRET": 3}, entities_by_tool={"run_query SECRET": 1})
    in_tool, in_messages = sorted(look(store), key=lambda f: f.detail["tool"], reverse=True)
    assert (in_tool.kind, in_tool.severity) == (FindingKind.EXPOSURE, Severity.PAGE)
    assert (in_tool.detail["tool"], in_messages.detail["tool"]) == ("run_query", "")
    assert in_messages.features[0].after == 2
    assert "replace it" in in_messages.summary
    assert in_tool.fingerprint != in_messages.fingerprint


def test_the_same_leak_is_one_finding_however_often():
    store = MemoryStore()
    for n in range(5):
        add(store, n + 1, NOW_NS - HOUR // 2 + n, entities={"SECRET": 1}, entities_by_tool={})
    (finding,) = look(store)
    assert finding.impact.runs == 5
    assert {f.fingerprint for f in look(store, NOW_NS + HOUR // 4)} == {finding.fingerprint}


def test_ordinary_personal_data_is_no_finding():
    store = MemoryStore()
    add(store, 1, NOW_NS - HOUR // 2, entities={"PERSON": 3}, entities_by_tool={"lookup PERSON": 1})
    assert look(store) == []


def test_an_entity_that_is_new_to_a_tool_is_found_once_there_is_a_history():
    store = MemoryStore()
    for n in range(LEAST_HISTORY):
        add(
            store,
            n + 1,
            NOW_NS - DAY_NS - n,
            entities={"PERSON": 1},
            entities_by_tool={"lookup PERSON": 1},
            tools=("lookup",),
        )
    fresh = {"lookup PERSON": 1, "lookup CREDIT_CARD": 2}
    add(
        store,
        900,
        NOW_NS - HOUR // 2,
        entities={"PERSON": 1, "CREDIT_CARD": 2},
        entities_by_tool=fresh,
        tools=("lookup",),
    )
    (finding,) = look(store)
    assert finding.summary == "refund-agent: lookup holds CREDIT_CARD, which it did not in the 50 runs before."
    assert finding.severity is Severity.TICKET
