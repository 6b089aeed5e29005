"""A finding: a detector's statement about one workflow, with its state and history."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from spans.ids import RunId
from spans.values import Value


class FindingKind(StrEnum):
    """What a detector can state."""

    SPEND_SPIKE = "spend_spike"
    """A workflow spends far more than it does at such hours."""
    DRIFT = "drift"
    """A workflow behaves differently from its reference."""
    VERSION = "version"
    """A new version compared with the one before: promote, hold or roll back."""
    LOOP = "loop"
    """One run that repeats itself."""
    DUPLICATE_WRITE = "duplicate_write"
    """A write with equal arguments that succeeded twice."""
    VIOLATION = "violation"
    """A call that ran although the policy forbids it."""
    NEAR_MISS = "near_miss"
    """Attempts that a control stopped."""
    MALFORMED = "malformed"
    """Calls with arguments or tools that do not exist."""
    EXPOSURE = "exposure"
    """Text that should have been hidden and was not."""
    BUDGET = "budget"
    """Money is running out before its period ends."""
    OBJECTIVE = "objective"
    """A service level is missed."""


class Severity(StrEnum):
    """How soon somebody should look."""

    INFO = "info"
    TICKET = "ticket"
    """In working hours."""
    PAGE = "page"
    """Now."""


class FindingState(StrEnum):
    """Where a finding stands."""

    OPEN = "open"
    CLOSED = "closed"
    """The detector no longer sees it."""
    EXPECTED = "expected"
    """A person says that this is how it should be; nothing more is said about it."""
    SILENCED = "silenced"
    """A person wants to hear nothing of it until a moment; it is recorded all the same."""


class FindingEventKind(StrEnum):
    """What happened to a finding."""

    OPENED = "opened"
    UPDATED = "updated"
    """Its sentence or its severity changed."""
    CLOSED = "closed"
    REOPENED = "reopened"
    EXPECTED = "expected"
    SILENCED = "silenced"


@dataclass(frozen=True, slots=True)
class FindingEvent:
    """One line of a finding's history."""

    at_ns: int
    kind: FindingEventKind
    by: str = ""
    """Who: a person, or empty for the detector."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class FeatureChange:
    """One measured thing that moved."""

    name: str
    before: float | None
    after: float | None
    z: float
    """How sure: distance in standard errors; its sign says which way. 0 where a rule, not a test, speaks."""
    unit: str = ""
    """`usd`, `ms`, `tokens`, `share` (0 to 1), `calls`, …; empty for plain numbers."""


@dataclass(frozen=True, slots=True)
class Impact:
    """What was touched since the finding began; None where it is not known."""

    runs: int | None = None
    users: int | None = None
    tools: tuple[str, ...] = ()
    writes: int | None = None
    usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a detector states. The fields up to `detail` are the detector's; those after are kept by the ledger."""

    kind: FindingKind
    project: str
    environment: str
    workflow: str
    subject: str
    """What else tells two findings of one kind and workflow apart: a reference, a tool and rule, a run. May be empty."""
    severity: Severity
    detected_ns: int
    """When it was first stated: the moment of the evaluation."""
    since_ns: int
    """When it began, as well as that is known."""
    summary: str
    """One sentence for a person, whole without any page around it."""
    features: tuple[FeatureChange, ...] = ()
    """What moved, the surest first."""
    impact: Impact = field(default_factory=Impact)
    run_ids: tuple[RunId, ...] = ()
    """Example runs, the most telling first; at most 20."""
    detail: Mapping[str, Value] = field(default_factory=dict)
    """Whatever the kind's own page needs, as JSON."""
    state: FindingState = FindingState.OPEN
    last_seen_ns: int = 0
    """The last evaluation that still saw it."""
    closed_ns: int | None = None
    silenced_until_ns: int | None = None
    history: tuple[FindingEvent, ...] = ()
    """Oldest first. Empty in lists."""
    finding_id: str = ""
    """Given by the ledger: the fingerprint and the moment of detection, hashed."""

    @property
    def fingerprint(self) -> str:
        """Equal for two statements about the same thing."""
        key = f"{self.project}\x1f{self.environment}\x1f{self.workflow}\x1f{self.kind.value}\x1f{self.subject}"
        return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def finding_id(fingerprint: str, detected_ns: int) -> str:
    """The id of one episode of a fingerprint: 24 hex digits."""
    return hashlib.sha256(f"{fingerprint}@{detected_ns}".encode()).hexdigest()[:24]
