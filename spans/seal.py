"""Seals: what proves that the evidence of a run is the evidence that was there when it was sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from spans.ids import RunId


class LeafKind(StrEnum):
    """What a leaf stands for."""

    SPAN = "span"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Leaf:
    """The fingerprints of one piece of evidence: of its frame (ids, names, times) and of its content, 64 hex digits each.

    `item_id` is the span id or the log id, `day` the received day, by which it expires.
    """

    kind: LeafKind
    item_id: str
    day: date
    frame: str
    content: str


@dataclass(frozen=True, slots=True)
class Seal:
    """One chapter of a run's proof: chapter 0 when the run first fell quiet, later ones for evidence that came after."""

    project: str
    run_id: RunId
    chapter: int
    sealed_ns: int
    evidence_ns: int
    """When the newest evidence in it was received."""
    day: date
    """The run's first received day: the seal leaves with the run's metadata."""
    header: Mapping[str, str]
    """Versions of normalisation and canonical form, redaction fingerprints, the root before; part of the root."""
    leaves: tuple[Leaf, ...]
    root: str
