"""The examples of docs/controls.md run, and what they write is read as the decision it was."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runs.decisions import CONTROLS
from spans.kinds import ToolOutcome, Verdict
from tests.runs.spans_of import assembled, tool

PAGE = (Path(__file__).parents[2] / "docs" / "controls.md").read_text(encoding="utf-8")
EXAMPLES: dict = {}
for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
    exec(block, EXAMPLES)


@pytest.mark.parametrize(
    ("function", "answer", "verdict", "rule"),
    [
        ("decision_of_opa", {"result": True}, Verdict.ALLOW, "agents/tools@unversioned"),
        ("decision_of_opa", {"result": False, "provenance": {"revision": "r42"}}, Verdict.DENY, "agents/tools@r42"),
        ("decision_of_opa", {}, Verdict.DENY, "agents/tools@unversioned"),
        (
            "decision_of_opa",
            {"result": {"allow": True, "deny": ["amount over 500"]}},
            Verdict.DENY,
            "agents/tools@unversioned",
        ),
        (
            "decision_of_opa",
            {"result": {"allow": False, "require_approval": True}},
            Verdict.REQUIRE_APPROVAL,
            "agents/tools@unversioned",
        ),
        ("decision_of_cedar", {"decision": "DENY", "determiningPolicies": [{"policyId": "p1"}]}, Verdict.DENY, "p1"),
        ("decision_of_cedar", {"decision": "Deny", "diagnostics": {"reason": []}}, Verdict.DENY, "default"),
        ("decision_of_cedar", {"decision": "Allow", "diagnostics": {"reason": ["p2"]}}, Verdict.ALLOW, "p2"),
    ],
)
def test_an_answer_becomes_a_decision(function, answer, verdict, rule):
    run = assembled(tool(1, "refund", attributes=EXAMPLES[function](answer)))
    (decision,) = run.steps[0].decisions
    assert (decision.verdict, decision.rule, decision.by) == (verdict, rule, "policy")
    assert (run.steps[0].tool_outcome is ToolOutcome.DENIED) == (verdict is Verdict.DENY)
    assert run.run.denials == (1 if verdict is Verdict.DENY else 0)


def test_the_page_lists_every_part_of_a_key_that_names_a_control():
    listed = PAGE.partition("names a control: ")[2].partition(". So")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == CONTROLS
