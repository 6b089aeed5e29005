"""docs/alerts.md says what the code does."""

from __future__ import annotations

import re
import time
from pathlib import Path

from insights.alerts.metrics import METRICS
from insights.alerts.rule import RuleType
from insights.alerts.rule_file import fields_of, parse_alerts
from tracetape.notifier.deliver import signature

PAGE = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text("utf-8")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


def test_its_file_is_one():
    assert [rule.type for rule in parse_alerts(block("yaml")).rules][:2] == [RuleType.THRESHOLD, RuleType.SPIKE]


def test_it_names_every_metric_kind_and_field():
    words = set(re.findall(r"`([a-z_]+)`", PAGE))
    assert words >= set(METRICS) | set(RuleType)
    fields = {name for kind in RuleType for name in fields_of(kind)} - {"id", "type"}
    assert fields - words == set()


def test_its_check_of_a_signature_works():
    names = {}
    exec(block("python"), names)  # the page's own code
    body, now = b'{"a": 1}', int(time.time())
    headers = {"X-Tracetape-Signature": signature("secret", now, body)}
    assert names["is_ours"]("secret", headers, body)
    assert not names["is_ours"]("secret", headers, body + b" ")
    assert not names["is_ours"]("secret", {"X-Tracetape-Signature": signature("secret", now - 3600, body)}, body)
