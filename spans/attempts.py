"""An attempt: something an agent tried that a control stopped, a policy forbids, or that was malformed; one record each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from spans.ids import SpanId


class AttemptKind(StrEnum):
    """The tab an attempt stands on."""

    STOPPED = "stopped"
    """A control stopped it: the near misses."""
    VIOLATION = "violation"
    """It ran although the policy file forbids it, or went past a limit."""
    MALFORMED = "malformed"
    """The call could not be made as written; counted in the tool error rate."""


class AttemptReason(StrEnum):
    """Why it did not go through, or should not have."""

    POLICY_DENY = "policy_deny"
    APPROVAL_REQUIRED = "approval_required"
    GUARDRAIL = "guardrail"
    PERMISSION = "permission"
    INVALID_ARGS = "invalid_args"
    UNKNOWN_TOOL = "unknown_tool"
    BUDGET_STOP = "budget_stop"
    REFUSAL_OR_FILTER = "refusal_or_filter"
    POLICY_FILE = "policy_file"


class Grade(StrEnum):
    """How surely it is known."""

    EXPLICIT = "explicit"
    DERIVED = "derived"
    GUESS = "guess"
    COMPUTED = "computed"
    """The stored policy applied to the stored run."""


class Followed(StrEnum):
    """What the agent did next, the gravest of what it did."""

    WENT_ROUND = "went_round"
    """It got through another way: other arguments, or another tool that changes something."""
    RETRIED = "retried"
    """It made the same call again."""
    ASKED = "asked"
    """It asked or handed over to a person."""
    GAVE_UP = "gave_up"
    RAN = "ran"
    """It was never stopped: a violation."""


class Harm(StrEnum):
    """What the tool could have done, the worst first."""

    MONEY = "money"
    MAIL = "mail"
    DELETE = "delete"
    WRITE = "write"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of one run. Holds no text of the conversation."""

    kind: AttemptKind
    reason: AttemptReason
    grade: Grade
    at_ns: int
    span_id: SpanId
    tool: str = ""
    """The tool; the step's name for an attempt at model or run level."""
    level: str = "tool"
    """tool, model or run."""
    rule: str = ""
    by: str = ""
    shape: str = ""
    arguments_hash: str = ""
    harm: Harm = Harm.WRITE
    followed: Followed = Followed.GAVE_UP
