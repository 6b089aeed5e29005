"""Reads verdicts of controls and people in every emitter's words, and denials out of error text as a last resort."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from runs.draft import Draft
from runs.values import text_of
from spans.facts import Decision
from spans.kinds import Evidence, ToolOutcome, Verdict
from spans.span import Event
from spans.values import Attributes

_VERDICTS: Mapping[Verdict, tuple[str, ...]] = {
    Verdict.ALLOW: (
        "allow", "allowed", "true", "accept", "accepted", "auto_accept", "approved", "approve", "approved_for_session",
        "approvedforsession", "approved_execpolicy_amendment", "confirm", "confirmed", "pass", "passed", "success",
        "none", "not flagged", "once", "session", "always", "permit",
    ),
    Verdict.DENY: (
        "deny", "denied", "false", "reject", "rejected", "block", "blocked", "abort", "cancel", "failed",
        "guardrail_intervened", "intervened", "user_reject", "user_abort", "forbid", "forbidden", "timed_out",
        "timeout",
    ),
    Verdict.REQUIRE_APPROVAL: (
        "ask", "pending", "pending_approval", "requires_approval", "require_approval", "interrupt", "deferred",
        "approvalrequired", "mcp_approval_request", "tool-approval-request", "function_approval_request",
        "user_input_request", "needs_approval",
    ),
    Verdict.MODIFY: ("modify", "modified", "edit", "edited", "rewrite", "transform"),
    Verdict.REDACT: ("redact", "redacted", "masked", "mask", "anonymize", "anonymized"),
    Verdict.WARN: ("warn", "warning", "flagged", "guardrail_flagged", "monitor", "log_only", "non_blocking_error"),
    Verdict.ABSTAIN: ("not_run", "skipped", "unknown", "no decision", "n/a", "abstain"),
    Verdict.ERROR: ("guardrail_failed_to_respond", "error", "failed_to_respond", "degraded"),
}  # fmt: skip
_LOOKUP = {raw: verdict for verdict, raws in _VERDICTS.items() for raw in raws}


def verdict_of(raw: str) -> Verdict | None:
    """The verdict an emitter's word means; None when the word is unknown."""
    lowered = raw.strip().lower()
    if lowered.startswith("proceed"):
        return Verdict.ALLOW
    return _LOOKUP.get(lowered)


_DECIDERS = {
    "user": "human", "human": "human", "user_permanent": "human", "user_temporary": "human", "user_reject": "human",
    "user_abort": "human", "person": "human", "supervisor": "human", "config": "config", "hook": "hook",
    "sandbox": "sandbox", "policy": "policy", "model": "model", "provider": "provider", "opa": "policy",
    "cedar": "policy",
}  # fmt: skip


def decider_of(raw: str, default: str = "policy") -> str:
    """policy, model, human, config, hook, sandbox or provider."""
    return _DECIDERS.get(raw.strip().lower(), default)


def generic_decisions(attributes: Attributes, draft: Draft) -> None:
    """Decisions written as `<prefix>.decision` or `<prefix>.verdict` with the policy's id beside.

    It covers our own documented names (`tracetape.decision`, `tracetape.decision.by`, …), hand-written policies
    (`app.policy.decision`), OPA and Cedar results put on a span, and drafts of the security conventions. The prefix
    has to name a control: `loan.decision = "rejected"` is what a tool found out, and nobody was refused anything.
    """
    for key, value in attributes.items():
        if not key.endswith(_DECISIONS):
            continue
        prefix = key.rpartition(".")[0]
        verdict = verdict_of(text_of(value))
        if verdict is None or CONTROLS.isdisjoint(prefix.lower().split(".")) or _is_known_elsewhere(key):
            continue
        by, who = _decider(attributes, prefix, key)
        draft.decisions.append(
            Decision(
                verdict=verdict,
                rule=_beside(attributes, prefix, key, "id", "rule", "name", "rule_id", "policy_id", "policy"),
                by=by,
                reason=_beside(attributes, prefix, key, "reason", "explanation", "message")[:300],
                evidence=Evidence.EXPLICIT,
                decider_id=who,
            )
        )


_PEOPLE = frozenset({"approval", "approvals", "human_approval", "tool_approval", "hitl", "human_in_the_loop"})
"""Controls that are a person's unless the sender says otherwise."""


def _decider(attributes: Attributes, prefix: str, key: str) -> tuple[str, str]:
    """What kind of thing decided, and who it was: `by = "sup-7"` names somebody, `by = "human"` only a kind."""
    said = _beside(attributes, prefix, key, "by", "source", "decided_by")
    approver = _beside(attributes, prefix, key, *WHO)
    is_kind = said.lower() in _DECIDERS
    is_person = bool(approver) or not _PEOPLE.isdisjoint(prefix.lower().split("."))
    by = decider_of(said, "human" if is_person else "policy")
    return by, (approver or ("" if is_kind else said))[:_MOST_WHO]


WHO = ("approver", "approved_by", "approver_id", "approver.id", "decider_id", "decider.id", "reviewer", "reviewed_by")
"""What emitters call the one who decided, beside the verdict; redaction has been there before (`approver` in its rules)."""
_MOST_WHO = 128


CONTROLS = frozenset({
    "tracetape", "policy", "policies", "policy_engine", "tool_policy", "content_policy", "guard", "guards", "guardrail",
    "guardrails", "guardian", "firewall", "control", "controls", "access_control", "approval", "approvals",
    "human_approval", "tool_approval", "hitl", "human_in_the_loop", "permission", "permissions", "tool_permission",
    "authz", "authorization", "authorisation", "security", "sandbox", "hook", "opa", "cedar", "verified_permissions",
})  # fmt: skip
"""Segments of a key, between its dots, that say that the verdict beside is a control's and not the business's."""
_DECISIONS = (".decision", ".verdict")
_ELSEWHERE = (
    "haystack.", "claude_code.", "codex.", "gemini_cli.", "litellm.", "guard.", "crewai.", "github.copilot.",
)  # fmt: skip


def _is_known_elsewhere(key: str) -> bool:
    """Keys that a dialect of their own reads, with more knowledge."""
    return key.startswith(_ELSEWHERE)


def _beside(attributes: Attributes, prefix: str, key: str, *names: str) -> str:
    for name in names:
        for candidate in (f"{prefix}.{name}", f"{key}.{name}"):
            found = text_of(attributes.get(candidate))
            if found:
                return found
    return ""


def _first_of(attributes: Attributes, names: Sequence[str]) -> str:
    return next((found for name in names if (found := text_of(attributes.get(name)))), "")


WHO_ON_EVENTS = (*WHO, "decided_by", "rejected_by", "denied_by", "by", "actor", "user.id", "user_id", "user")

_APPROVAL_EVENT = re.compile(r"(?:^|[._ -])approval[._ -](\w+)$")
_APPROVAL_WORDS: Mapping[str, Verdict] = {
    "requested": Verdict.REQUIRE_APPROVAL,
    "required": Verdict.REQUIRE_APPROVAL,
    "pending": Verdict.REQUIRE_APPROVAL,
    "granted": Verdict.ALLOW,
    "given": Verdict.ALLOW,
    "approved": Verdict.ALLOW,
    "accepted": Verdict.ALLOW,
    "denied": Verdict.DENY,
    "rejected": Verdict.DENY,
    "declined": Verdict.DENY,
    "refused": Verdict.DENY,
    "expired": Verdict.DENY,
}


def approval_events(events: Sequence[Event], draft: Draft) -> None:
    """Decisions written as span events such as `approval.requested` and `approval.denied`."""
    asked_ns = 0
    for event in events:
        found = _APPROVAL_EVENT.search(event.name.lower())
        verdict = _APPROVAL_WORDS.get(found.group(1)) if found else None
        if verdict is None:
            continue
        said = event.attributes
        waited = (event.time_ns - asked_ns) // 1_000_000 if asked_ns and event.time_ns >= asked_ns else None
        if verdict is Verdict.REQUIRE_APPROVAL:
            asked_ns = event.time_ns
        draft.decisions.append(
            Decision(
                verdict=verdict,
                rule=text_of(said.get("policy") or said.get("rule") or said.get("policy.id")),
                by="human",
                reason=text_of(said.get("reason"))[:300],
                wait_ms=waited,
                decider_id="" if verdict is Verdict.REQUIRE_APPROVAL else _first_of(said, WHO_ON_EVENTS)[:_MOST_WHO],
            )
        )


_DENIED_TYPES = re.compile(
    r"(?:^|[.:])(?:\w*PermissionError|\w*PermissionDenied\w*|\w*AccessDenied\w*|\w*Forbidden\w*|\w*PolicyViolation\w*"
    r"|\w*TripwireTriggered|\w*ToolDenied\w*|\w*ToolRejected\w*|\w*NotPermitted\w*|\w*GuardrailBlocked\w*)$"
)
_DENIED_TEXT = re.compile(
    r"\bpermission ?denied\b|\bPermissionError\b|\baccess denied\b|^\W*(?:error:?\s*)?denied\b"
    r"|\bdenied by\b|\bblocked by\b|\brejected by (?:the )?(?:user|human|operator|supervisor|reviewer|policy)\b"
    r"|\bmanually rejected\b|\bpolicy (?:violation|denied|denies|forbids)\b|\bnot (?:permitted|authorized|authorised)\b"
    r"|\bforbidden by\b|\bexecution rejected\b|\btool call (?:was )?(?:denied|rejected)\b"
    r"|\bexecution[-_ ]denied\b|\bpolicy [\w.-]+: .*(?:exceed|requir|forbid|not allowed|deni)"
    r"|\b(?:user|human|supervisor|reviewer) (?:rejected|denied|declined)\b",
    re.IGNORECASE,
)
_DENIED_START = re.compile(
    r"^\W*(?:(?:tool )?error:?\W*)*(?:\w*: ?)?(?:permission ?error|permission denied|denied|access denied|not permitted"
    r"|forbidden|blocked|rejected|execution[-_ ]denied|(?:the )?tool call (?:invocation )?(?:was )?(?:denied|rejected))\b",
    re.IGNORECASE,
)
_BY_PERSON = re.compile(
    r"\b(?:rejected|denied|declined|refused|cancell?ed|vetoed) by (?:the |a |an )?(?:user|human|operator|supervisor|reviewer"
    r"|approver|person|admin\w*|manager)\b"
    r"|\b(?:user|human|supervisor|reviewer|approver|operator) (?:has )?(?:rejected|denied|declined|refused)\b"
    r"|\btool call (?:was )?(?:denied|rejected)\.?\s*$|\bmanually rejected\b|\bnot approved\b|\bapproval (?:was )?(?:denied|refused)"
    r"|\bexecution[-_ ]denied\b",
    re.IGNORECASE,
)


def is_refused_by_person(text: str) -> bool:
    """Whether a denial reads as a person's, who decides before a call runs."""
    return _BY_PERSON.search(text[:SCAN_CHARS]) is not None


_TIMEOUT_TYPES = re.compile(r"(?:^|[.:])\w*(?:Timeout|TimedOut|DeadlineExceeded)\w*$")
_TIMEOUT_TEXT = re.compile(r"\btimed? ?out\b|\bdeadline exceeded\b|\btimeout\w*\b", re.IGNORECASE)
_ARGUMENT_TYPES = re.compile(
    r"(?:^|[.:])(?:\w*ValidationError|\w*JSONDecodeError|\w*InvalidArgument\w*|\w*InvalidToolInput\w*"
    r"|\w*InvalidTool\w*|\w*ToolArgument\w*|UnexpectedModelBehavior)$"
)
_ARGUMENT_TEXT = re.compile(
    r"missing \d* ?required|takes \d+ positional|positional arguments? but|validation errors? for|invalid arguments?\b|unexpected keyword argument|field required"
    r"|invalid json|jsondecodeerror|could not parse|failed to parse|schema validation|is a required property"
    r"|invalid input for tool|invalid tool input|not valid json|expecting value|expecting property name"
    r"|expecting '|unterminated string|input validation (?:error|failed)|arguments? validation failed"
    r"|is not of type|\barg(?:ument)? \S+ is invalid|missing (?:argument|parameter|field|property)|end of json input"
    r"|unexpected (?:end|token)|is not valid for (?:parameter|argument)",
    re.IGNORECASE,
)
_ERROR_START = re.compile(r"^\W*(?:error|exception|traceback|failed|\w+(?:Error|Exception)\b)", re.IGNORECASE)

_SHORT = 160
"""A result this short that says a person declined is nothing but that refusal."""
SCAN_CHARS = 600
"""Only the start of a text is judged: a denial is said first, and a customer may write the word anywhere."""


def failure_of(error_type: str, text: str, *, failed: bool) -> tuple[ToolOutcome | None, Evidence]:
    """What became of a tool call, judged by the type and text of its failure or its result.

    Args:
        error_type: Exception type or `error.type`, possibly qualified.
        text: Error message, status message or the start of a result.
        failed: Whether the emitter itself says that the call failed; without it only a text that *begins* like an
            error or a denial counts.
    """
    start = text[:SCAN_CHARS]
    typed = _by_type(error_type)
    if typed is not None:
        return typed, Evidence.DERIVED
    if failed or _DENIED_START.search(start) or _ERROR_START.search(start):
        told = _by_text(start)
        if told is not None:
            return told, Evidence.GUESS
    if len(text) < _SHORT and is_refused_by_person(text):
        return ToolOutcome.DENIED, Evidence.GUESS
    if error_type and _ARGUMENT_TYPES.search(error_type):
        return ToolOutcome.INVALID_ARGUMENTS, Evidence.DERIVED
    if failed:
        return ToolOutcome.ERROR, Evidence.EXPLICIT
    return (ToolOutcome.ERROR, Evidence.GUESS) if _ERROR_START.search(start) else (None, Evidence.DERIVED)


def _by_type(error_type: str) -> ToolOutcome | None:
    if error_type and _DENIED_TYPES.search(error_type):
        return ToolOutcome.DENIED
    if error_type and _TIMEOUT_TYPES.search(error_type):
        return ToolOutcome.TIMEOUT
    return None


def _by_text(start: str) -> ToolOutcome | None:
    if _DENIED_START.search(start) or _DENIED_TEXT.search(start):
        return ToolOutcome.DENIED
    if _TIMEOUT_TEXT.search(start):
        return ToolOutcome.TIMEOUT
    return ToolOutcome.INVALID_ARGUMENTS if _ARGUMENT_TEXT.search(start) else None
