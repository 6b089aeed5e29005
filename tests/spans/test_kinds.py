"""The closed sets are part of the contract: renaming a member breaks stored rows and other people's queries."""

from __future__ import annotations

from pathlib import Path

import pytest

from spans import attempts, change, finding, kinds, seal, whatif
from spans.clean import Redaction
from spans.fields import FieldClass
from spans.policy import FindingKind, ToolEffect
from spans.roles import Permission, Role
from spans.span import StatusCode
from spans.why import Why

CLOSED_SETS = {
    kinds.SpanKind: "agent model tool retrieval embedding reranker guardrail evaluator workflow other",
    kinds.UsageRole: "own rollup duplicate none",
    kinds.RunShape: "agent single_call setup no_agent",
    kinds.RunStatus: "ok error running",
    kinds.RunMode: "live shadow canary",
    kinds.ToolOutcome: "ok invalid_arguments denied approval_pending timeout retried_then_ok error empty not_executed",
    kinds.Evidence: "explicit derived guess",
    kinds.Verdict: "allow deny require_approval modify redact warn abstain error",
    kinds.OutcomeLabel: "success failure handed_off unknown",
    kinds.Replayability: "complete partial metadata_only",
    finding.FindingKind: "spend_spike drift version loop duplicate_write violation near_miss malformed exposure budget"
    " objective",
    finding.Severity: "info ticket page",
    finding.FindingState: "open closed expected silenced",
    finding.FindingEventKind: "opened updated closed reopened expected silenced",
    attempts.AttemptKind: "stopped violation malformed",
    attempts.AttemptReason: "policy_deny approval_required guardrail permission invalid_args unknown_tool budget_stop"
    " refusal_or_filter policy_file",
    attempts.Grade: "explicit derived guess computed",
    attempts.Followed: "went_round retried asked gave_up ran",
    attempts.Harm: "money mail delete write read",
    change.MarkKind: "deployment version model prompt tools policy",
    seal.LeafKind: "span log",
    whatif.Change: "newly_denied needs_approval newly_allowed cannot_evaluate unchanged",
    Redaction: "full rules off withheld",
    Why: "secret card iban ssn wallet email phone ip_address birth street announced given_name place_name model recogniser"
    " same_span language",
    FieldClass: "content identity identifier name plain",
    FindingKind: "violation near_miss limit",
    ToolEffect: "read write irreversible",
    Role: "ingest viewer reviewer admin auditor",
    Permission: "public send read review administer audit",
}


@pytest.mark.parametrize(("closed", "members"), CLOSED_SETS.items(), ids=lambda v: getattr(v, "__name__", ""))
def test_a_closed_set_has_exactly_these_members(closed, members):
    assert [m.value for m in closed] == members.split()
    assert all(closed(m.value) is m and str(m) == m.value for m in closed)


def test_status_codes_are_those_of_otlp():
    assert [(c.name, c.value) for c in StatusCode] == [("UNSET", 0), ("OK", 1), ("ERROR", 2)]


def test_every_closed_set_of_the_contract_is_listed_here():
    listed = {closed.__name__ for closed in CLOSED_SETS} | {"StatusCode"}
    defined = {
        line.split()[1].split("(")[0]
        for path in (Path(__file__).parents[2] / "spans").glob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("class ") and ("StrEnum)" in line or "IntEnum)" in line)
    }
    assert defined <= listed
