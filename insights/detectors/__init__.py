"""The detectors, one file each, in a visible list; the roof evaluates them, live and over history alike."""

from __future__ import annotations

from insights.detectors.base import Detector, Inputs

DETECTORS: tuple[Detector, ...] = ()
"""Every detector there is. A new one is a file and a line here."""

__all__ = ["DETECTORS", "Detector", "Inputs"]
