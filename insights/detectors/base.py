"""What a detector is, and what it is given to judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from insights.policies import PolicyBook
from spans.finding import Finding, FindingKind
from store.api import Store

MINUTE_NS = 60 * 1_000_000_000
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS


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
