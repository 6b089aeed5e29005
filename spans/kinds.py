"""The closed sets of the span model: kinds, usage roles, tool outcomes, verdicts, shapes."""

from __future__ import annotations

from enum import StrEnum


class SpanKind(StrEnum):
    """What a span is, whatever instrumentation wrote it."""

    AGENT = "agent"
    MODEL = "model"
    TOOL = "tool"
    RETRIEVAL = "retrieval"
    EMBEDDING = "embedding"
    RERANKER = "reranker"
    GUARDRAIL = "guardrail"
    EVALUATOR = "evaluator"
    WORKFLOW = "workflow"
    OTHER = "other"


class UsageRole(StrEnum):
    """Whose tokens these are: only `own` is ever summed."""

    OWN = "own"
    ROLLUP = "rollup"
    DUPLICATE = "duplicate"
    NONE = "none"


class RunShape(StrEnum):
    """What one trace shows."""

    AGENT = "agent"
    SINGLE_CALL = "single_call"
    SETUP = "setup"
    NO_AGENT = "no_agent"


class RunStatus(StrEnum):
    """How a run or step ended, as far as the evidence says."""

    OK = "ok"
    ERROR = "error"
    RUNNING = "running"


class RunMode(StrEnum):
    """Shadow runs never count in success or budgets."""

    LIVE = "live"
    SHADOW = "shadow"
    CANARY = "canary"


class ToolOutcome(StrEnum):
    """What became of a tool call."""

    OK = "ok"
    INVALID_ARGUMENTS = "invalid_arguments"
    DENIED = "denied"
    APPROVAL_PENDING = "approval_pending"
    TIMEOUT = "timeout"
    RETRIED_THEN_OK = "retried_then_ok"
    ERROR = "error"
    EMPTY = "empty"
    NOT_EXECUTED = "not_executed"


class Evidence(StrEnum):
    """How surely we know: the emitter said so, we derived it from structure, or we read it out of text."""

    EXPLICIT = "explicit"
    DERIVED = "derived"
    GUESS = "guess"


class Verdict(StrEnum):
    """What a control decided."""

    ALLOW = "allow"
    DENY = "deny"
    REQUIRE_APPROVAL = "require_approval"
    MODIFY = "modify"
    REDACT = "redact"
    WARN = "warn"
    ABSTAIN = "abstain"
    ERROR = "error"


class OutcomeLabel(StrEnum):
    """What a run achieved. Unknown is never success."""

    SUCCESS = "success"
    FAILURE = "failure"
    HANDED_OFF = "handed_off"
    UNKNOWN = "unknown"


class Replayability(StrEnum):
    """How much of a run can be played back."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    METADATA_ONLY = "metadata_only"
