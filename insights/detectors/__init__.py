"""The detectors, one file each, in a visible list; the roof evaluates them, live and over history alike."""

from __future__ import annotations

from insights.detectors.attempts import MALFORMED, NEAR_MISSES, VIOLATIONS
from insights.detectors.base import Detector, Inputs
from insights.detectors.drift import DRIFT
from insights.detectors.duplicate_writes import DUPLICATE_WRITES
from insights.detectors.exposure import EXPOSURES
from insights.detectors.loops import LOOPS
from insights.detectors.spend import SPEND
from insights.detectors.standing import BUDGETS, OBJECTIVES
from insights.detectors.versions import VERSIONS

DETECTORS: tuple[Detector, ...] = (
    DUPLICATE_WRITES,
    VIOLATIONS,
    NEAR_MISSES,
    MALFORMED,
    SPEND,
    LOOPS,
    DRIFT,
    VERSIONS,
    BUDGETS,
    OBJECTIVES,
    EXPOSURES,
)
"""Every detector there is. A new one is a file and a line here."""

__all__ = ["DETECTORS", "Detector", "Inputs"]
