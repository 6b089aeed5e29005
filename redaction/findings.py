"""Findings of the detectors and the total order that decides between overlapping ones."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from redaction.languages import UNREAD
from spans.pseudonym import token_spans


class Finding(NamedTuple):
    """Characters `start` to `end` (exclusive) of one text are a value of `entity`; `score` is 0 to 1."""

    start: int
    end: int
    entity: str
    score: float
    why: str = ""
    """What gave it away (`spans.why`)."""


PRIORITY: Mapping[str, int] = {
    "SECRET": 0,
    "CREDIT_CARD": 1,
    "IBAN_CODE": 1,
    "US_SSN": 1,
    "CRYPTO": 1,
    "EMAIL_ADDRESS": 2,
    "PHONE_NUMBER": 3,
    "IP_ADDRESS": 3,
    "DATE_OF_BIRTH": 4,
    "ADDRESS": 5,
    "PERSON": 6,
    "LOCATION": 7,
    UNREAD: 8,
}
"""Lower wins: what is certain by its form comes before what a model guessed."""
_OTHERS = 4
_MIN_REST = 2
"""Letters or digits that must remain beside a stronger finding for the rest to be hidden as well."""


def resolve(text: str, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings that do not overlap, in order of position; tokens of ours are never touched.

    The order is total (priority, length, position, entity, score, reason), so the result does not depend on the order of the input.
    What remains of a value beside a stronger finding is kept as a finding of its own.
    """
    ranked = sorted(set(findings), key=_rank)
    if not ranked:
        return ()
    taken = list(token_spans(text))
    chosen: list[Finding] = []
    for finding in ranked:
        for piece in _outside(text, finding, taken):
            chosen.append(piece)
            insort(taken, (piece.start, piece.end))
    return tuple(sorted(chosen))


def _rank(finding: Finding) -> tuple[int, int, int, str, float, str]:
    priority = PRIORITY.get(finding.entity, _OTHERS)
    return (priority, finding.start - finding.end, finding.start, finding.entity, -finding.score, finding.why)


def _outside(text: str, finding: Finding, taken: list[tuple[int, int]]) -> list[Finding]:
    """The parts of a finding that no span of `taken` (sorted, disjoint) covers."""
    first = bisect_left(taken, (finding.start, finding.start))
    if first and taken[first - 1][1] > finding.start:
        first -= 1
    pieces: list[Finding] = []
    start = finding.start
    for index in range(first, len(taken)):
        left, right = taken[index]
        if left >= finding.end:
            break
        pieces.extend(_trimmed(text, finding, start, left))
        start = right
    if start == finding.start:
        return [finding] if start < finding.end else []
    pieces.extend(_trimmed(text, finding, start, finding.end))
    return pieces


def _trimmed(text: str, finding: Finding, start: int, end: int) -> list[Finding]:
    piece = text[start:end]
    stripped = piece.strip(" \t\r\n,.;:'\"()<>[]|/-")
    if sum(letter.isalnum() for letter in stripped) < _MIN_REST or stripped[0] == "@":
        return []  # `@host` is what a password in a URL leaves of something like an e-mail address
    start += piece.index(stripped)
    return [finding._replace(start=start, end=start + len(stripped))]
