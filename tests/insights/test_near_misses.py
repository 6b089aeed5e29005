from __future__ import annotations

import hashlib
from decimal import Decimal

from insights.near_misses import DAY_NS, is_doubled, key_of, rank, risk_of
from spans.attempts import Followed
from spans.ids import RunId, SpanId
from store.judged import AttemptGroup
from tests.builders import NOW_NS, SPAN, TRACE

SINCE = NOW_NS - DAY_NS


def a_group(**changes):
    values = {
        "environment": "production",
        "workflow": "refunds",
        "kind": "stopped",
        "reason": "policy_deny",
        "level": "tool",
        "tool": "issue_refund",
        "rule": "limit",
        "shape": "amount number",
        "harm": "money",
        "count": 3,
        "runs": 3,
        "before": 84,
        "followed": {"gave_up": 3},
        "grades": {"explicit": 3},
        "versions": (),
        "cost_usd": Decimal(1),
        "first_ns": SINCE - 5 * DAY_NS,
        "last_ns": NOW_NS,
        "run_id": RunId(TRACE),
        "span_id": SpanId(SPAN),
    }
    return AttemptGroup(**{**values, **changes})


def test_new_kinds_come_first_then_risk():
    known = a_group(count=3)
    read = a_group(tool="get_order", harm="read", before=0, first_ns=SINCE + 1)
    mild = a_group(tool="send_mail", harm="mail", reason="permission")
    assert [r.group.tool for r in rank([mild, known, read], SINCE, DAY_NS)] == [
        "get_order",
        "issue_refund",
        "send_mail",
    ]


def test_going_round_weighs_more_than_volume():
    often = risk_of(a_group(count=9, before=250), SINCE, DAY_NS)
    around = risk_of(a_group(count=3, followed={"gave_up": 2, "went_round": 1}), SINCE, DAY_NS)
    assert around > often


def test_the_formula():
    assert risk_of(a_group(), SINCE, DAY_NS) == 5 * 3 * 2
    assert risk_of(a_group(count=7, before=28), SINCE, DAY_NS) == 5 * 3 * 3 * 2
    assert risk_of(a_group(before=0, first_ns=SINCE), SINCE, DAY_NS) == 5 * 3 * 2 * 1.5


def test_a_rate_doubles_only_where_there_is_one():
    assert is_doubled(a_group(count=7, before=28), DAY_NS)
    assert not is_doubled(a_group(count=7, before=0), DAY_NS)
    assert not is_doubled(a_group(count=3, before=28), DAY_NS)


def test_the_name_of_before_is_the_same_in_every_environment():
    """Reviews are stored under it: it may not change any more."""
    (here,) = rank([a_group()], SINCE, DAY_NS)
    (there,) = rank([a_group(environment="staging")], SINCE, DAY_NS)
    parts = (getattr(a_group(), name) for name in ("workflow", "kind", "reason", "tool", "rule", "shape"))
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
    assert here.earlier_key == there.earlier_key == digest
    assert here.key != there.key != digest


def test_a_kind_has_one_name_whatever_was_counted():
    assert key_of(a_group()) == key_of(a_group(count=99))
    assert key_of(a_group()) != key_of(a_group(environment="staging"))
    assert key_of(a_group()) != key_of(a_group(rule="other"))
    assert rank([a_group(followed={"asked": 1, "retried": 1})], SINCE, DAY_NS)[0].worst is Followed.RETRIED
