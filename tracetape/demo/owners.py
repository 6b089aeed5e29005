"""What the owners of the demo's workflows wrote down: a policy for each, and the rules that watch them."""

from __future__ import annotations

from collections.abc import Mapping

from insights.alerts.rule_file import parse_rule
from insights.policy_file import parse_policy
from store.ledger import Ledger
from tracetape.demo import DEMO_PROJECT

AUTHOR = "demo"
_LINKS = "https://github.com/tracetape/tracetape/tree/main/docs"

POLICIES: Mapping[str, str] = {
    "refund-agent": f"""\
workflow_id: refund-agent
owner: {{team: payments, runbook_url: "{_LINKS}/alerts.md", queue_url: "{_LINKS}/controls.md"}}
timezone: Europe/Berlin
allowed_tools: [search_policy, lookup_order, issue_refund]
tool_effects: {{search_policy: read, lookup_order: read, issue_refund: irreversible}}
limits: {{max_tool_calls: 6, max_cost_usd: 0.02}}
slo: {{success_rate: 0.70}}
budget: {{usd: 0.20, per: 1d}}
""",
    "ticket-triage": """\
workflow_id: ticket-triage
owner: {team: support}
timezone: Europe/Berlin
allowed_tools: [similar_tickets, file_ticket]
tool_effects: {similar_tickets: read}
budget: {usd: 0.20, per: 1d}
""",
    "onboarding-assistant": """\
workflow_id: onboarding-assistant
owner: {team: people}
timezone: Europe/Berlin
allowed_tools: [search_handbook, create_task]
require_approval: [grant_role]
tool_effects: {search_handbook: read, create_task: write, grant_role: write}
slo: {cost_per_success_usd: 0.05}
budget: {usd: 1, per: 1d}
""",
    "contract-review": """\
workflow_id: contract-review
owner: {team: legal}
timezone: Europe/Berlin
allowed_tools: [read_contract, search_playbook]
require_approval: [send_for_signature]
tool_effects: {read_contract: read, search_playbook: read, send_for_signature: irreversible}
budget: {usd: 2, per: 1d}
""",
    "sql-analyst": f"""\
workflow_id: sql-analyst
owner: {{team: data, runbook_url: "{_LINKS}/alerts.md"}}
timezone: Europe/Berlin
allowed_tools: [read_schema, run_query]
tool_effects: {{read_schema: read, run_query: read}}
limits: {{max_tool_calls: 20, max_cost_usd: 0.50}}
budget: {{usd: 2, per: 1d}}
""",
}
RULES = (
    "{id: duplicate-write, type: duplicate_write, severity: page}",
    "{id: violation, type: violation, severity: page}",
    "{id: near-miss, type: near_miss, severity: ticket}",
    "{id: drift, type: drift, severity: ticket}",
    "{id: dear-run, type: per_run, any: [cost_usd > 0.5, tool_calls > 30], window: 1d, severity: page}",
)
"""They have no channel: nothing of the demo notifies anybody."""


def write_down(ledger: Ledger) -> None:
    """Put policies and rules into the demo project, before its runs arrive; what somebody wrote there since stays."""
    written = {policy.workflow for policy in ledger.policies.current(DEMO_PROJECT)}
    for workflow, text in POLICIES.items():
        if workflow not in written:
            ledger.policies.save(DEMO_PROJECT, workflow, parse_policy(text).version, text, author=AUTHOR)
    known = {rule.rule_id for rule in ledger.alert_rules.list(DEMO_PROJECT)}
    for body in RULES:
        rule_id = parse_rule(body).rule_id
        if rule_id not in known:
            ledger.alert_rules.put(DEMO_PROJECT, rule_id, body, AUTHOR)
