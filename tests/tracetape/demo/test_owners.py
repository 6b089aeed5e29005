from __future__ import annotations

from insights.alerts.rule_file import parse_rule
from insights.policy_file import parse_policy
from spans.roles import Role
from store.ledger import Ledger
from tracetape.demo import DEMO_PROJECT
from tracetape.demo.flows import analyst, contracts, digest, onboarding, refunds, triage
from tracetape.demo.owners import AUTHOR, POLICIES, RULES, write_down

WORKFLOWS = {
    w.name: w
    for module in (analyst, contracts, digest, onboarding, refunds, triage)
    for w in vars(module).values()
    if type(w).__name__ == "Workflow"
}


def test_every_policy_is_of_a_demo_workflow_and_names_all_of_its_tools():
    for name, text in POLICIES.items():
        policy = parse_policy(text)
        assert policy.workflow_id == name
        assert policy.owner.team
        named = {*(policy.allowed_tools or ()), *policy.require_approval}
        assert named == {tool.name for tool in WORKFLOWS[name].tools} >= set(policy.tool_effects)


def test_the_rules_can_be_read_and_notify_nobody():
    rules = [parse_rule(body) for body in RULES]
    assert len({rule.rule_id for rule in rules}) == len(RULES)
    assert all(rule.to == () for rule in rules)


def test_writing_down_twice_changes_nothing_and_keeps_what_a_person_wrote(tmp_path):
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    own = "workflow_id: refund-agent\nbudget: {usd: 9, per: 1d}\n"
    ledger.policies.save(DEMO_PROJECT, "refund-agent", parse_policy(own).version, own, author="member:x")
    for _ in range(2):
        write_down(ledger)
    current = {p.workflow: p for p in ledger.policies.current(DEMO_PROJECT)}
    assert set(current) == set(POLICIES)
    assert {p.author for p in current.values()} == {AUTHOR, "member:x"}
    assert all(p.number == 1 for p in current.values())
    assert len(ledger.alert_rules.list(DEMO_PROJECT)) == len(RULES)
    _, secret = ledger.keys.create(DEMO_PROJECT, Role.INGEST, "loader")
    ledger.forget_project(DEMO_PROJECT)
    assert ledger.policies.current(DEMO_PROJECT) == ledger.alert_rules.list(DEMO_PROJECT) == ()
    assert ledger.keys.lookup(secret)
    ledger.close()
