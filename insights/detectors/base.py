"""What a detector is, and what it is given to judge."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from insights.policies import PolicyBook
from spans.change import Accepted, Mark
from spans.finding import Finding, FindingKind
from store.api import Store

MINUTE_NS = 60 * 1_000_000_000
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS
LAG_NS = 2 * MINUTE_NS
"""How far behind the clock a detector looks that compares amounts: spans of a moment arrive a little after it."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """One project at one moment. The moment is given, never read: history is judged as if time passed.

    A detector asks the store only about what happened before `now_ns`.
    """

    project: str
    since_ns: int
    """What was already judged, less the detector's overlap: everything from here on is judged (again)."""
    now_ns: int
    store: Store
    policies: PolicyBook = field(default_factory=PolicyBook)
    """The policies in force at the evaluation, whatever moment is judged."""
    accepted: Mapping[tuple[str, str], Accepted] = field(default_factory=dict)
    """What people declared to be how a (workflow, environment) should behave."""
    changes: tuple[Mark, ...] = ()
    """Marks of the project, oldest first."""
    is_past: bool = False
    """Whether the moment is history: what happened after it is stored too, and sums by the hour hold it."""
    known: Mapping[str, Finding] = field(default_factory=dict)
    """What this detector stated before and still stands, by fingerprint: what is dated already need not be dated again."""

    def utc_offset_s(self, workflow: str) -> int:
        """How far the clock of a workflow's policy is ahead of UTC at the moment, in seconds; 0 without a policy."""
        policy = self.policies.find(workflow)
        if policy is None or policy.timezone == "UTC":
            return 0
        offset = datetime.fromtimestamp(self.now_ns // 1_000_000_000, zoneinfo.ZoneInfo(policy.timezone)).utcoffset()
        return int(offset.total_seconds()) if offset is not None else 0

    def change_near(self, workflow: str, environment: str, at_ns: int, within_ns: int = DAY_NS) -> Mark | None:
        """The mark nearest to a moment, of this workflow or of all; None when there is none near."""
        near = [
            mark
            for mark in self.changes
            if mark.workflow in ("", workflow)
            and mark.environment in ("", environment)
            and abs(mark.at_ns - at_ns) <= within_ns
            and mark.at_ns < self.now_ns
        ]
        return min(near, key=lambda mark: abs(mark.at_ns - at_ns), default=None)


@dataclass(frozen=True, slots=True)
class Detector:
    """One detector and how often it looks.

    `evaluate` fetches through its inputs and hands rows to pure functions. It states the same about the same rows, however
    often it is asked: the ledger knows what was stated before. An error in it delays only itself.
    """

    name: str
    """Of the domain, lower case: `spend`, `drift`, …"""
    kinds: tuple[FindingKind, ...]
    """Every kind that it states. A kind belongs to one detector."""
    every_ns: int
    evaluate: Callable[[Inputs], Iterable[Finding]]
    overlap_ns: int = 3 * HOUR_NS
    """How far back it looks again, for rows that arrive late."""
    again_ns: int = 12 * HOUR_NS
    """Statements about one thing that are no further apart are one finding."""
    quiet_ns: int = 12 * HOUR_NS
    """After so long without a statement the finding closes; 0 for what happened once and stays so (a repeated write)."""
    lag_ns: int = LAG_NS
    """How far behind the clock it looks live; 0 where one row says all and the overlap finds what came later."""
    marks_changes: bool = False
    """Whether new versions, models, prompts and tool schemas that show in the runs are marked before it looks."""
