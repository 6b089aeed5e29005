"""The piece of text a detector looks at, and how much of it may be looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

from redaction.findings import Finding


class Scope(IntEnum):
    """How far to look into a text, by the class of its field. Higher looks for more."""

    IDENTIFIER = 0
    """Ids, hashes, versions, model names: only what is certain by its form."""
    RULES = 1
    """Everything that rules find; no names of people or places."""
    PROSE = 2
    """As RULES; people and places when it reads like a sentence."""
    FULL = 3
    """Everything."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One leaf with what every detector needs of it, computed once."""

    text: str
    low: str
    """The text in lower case."""
    key: str
    """Its key as a word in snake case, empty when it has none."""
    scope: Scope
    digits: bool
    """Whether the text has a digit at all."""


Detector = Callable[[Piece], Iterable[Finding]]
"""Finds values of one family. Pure, and linear in the length of the text."""

Confirm = Callable[[str, str], float]
"""`confirm(entity, candidate)`: the score Presidio's recogniser gives a candidate as a whole; 0 when it refuses it."""
