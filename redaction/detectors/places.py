"""Finds countries and towns by their names, and places that the words before them announce."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from redaction.detectors.piece import Detector, Piece, Scope
from redaction.findings import Finding
from redaction.place_names import PLACES
from redaction.words import LEAD_WORDS, NOT_A_NAME, SILENT_KEY

_SCORE = 0.5
_CAPITAL = r"[A-Z\u00c0-\u00d6\u00d8-\u00de\u0130\u0141\u015a\u0160\u017b\u017d]"
_CAPITALISED = re.compile(rf"(?<![\w@#$%&*+=/\\.-]){_CAPITAL}[^\W\d_]*+(?!\w)")
_END = re.compile(r"(?![\w@=/\\]|\.\w|-\w|\()")
_BY_FIRST_WORD: dict[str, tuple[str, ...]] = {}
for _name in sorted(PLACES, key=lambda name: (-len(name), name)):
    _first = _CAPITALISED.match(_name)
    if _first:
        _BY_FIRST_WORD[_first[0]] = (*_BY_FIRST_WORD.get(_first[0], ()), _name)
_NO_PLACE = frozenset(["production", "staging", "development", "monday", "january", "advance", "progress"])
_WORD = rf"{_CAPITAL}[^\W\d_]+(?:[ -](?:(?:of|de|del|la|am|an der|upon) )?{_CAPITAL}[^\W\d_]+){{0,2}}"
_ANNOUNCED = re.compile(
    r"\b(?:(?i:liv(?:e|es|ed|ing) in|moved (?:to|from)|mov(?:e|es|ing) (?:to|from)|based in|located in|born in|residing in|resident of"
    r"|citizen of|travel(?:l?ing)? (?:to|from)|fl(?:y|ies|ying|ights?) (?:to|from)|depart(?:s|ing|ure)? from|arriv(?:es?|ing|al) (?:in|at)"
    r"|on leave in|way to|city of|town of|[Ww]ohn(?:e|t|haft) in|habit(?:e|ant) (?:\u00e0|en)|viv(?:o|e) en|abito a|moro em)) "
    rf"({_WORD})(?: (?:to|nach|a) ({_WORD}))?"
)
_ANOTHER_NAME = re.compile(rf"\s{_CAPITAL}")
"""What follows in "Washington Post" and "Florence Miller": not the town."""


def find_places(denied: Container[str]) -> Detector:
    """Countries, towns, and what "lives in" and its like announce.

    Args:
        denied: Words (lower case) that are never a person or a place.
    """

    def find(piece: Piece) -> Iterator[Finding]:
        if piece.scope < Scope.PROSE or (piece.key and SILENT_KEY.search(piece.key)):
            return
        text = piece.text
        for match in _CAPITALISED.finditer(text):
            for name in _BY_FIRST_WORD.get(match[0], ()):
                end = match.start() + len(name)
                if text.startswith(name, match.start()) and _END.match(text, end):
                    if " " in name or not _ANOTHER_NAME.match(text, end):
                        yield Finding(match.start(), end, "LOCATION", _SCORE)
                    break
        for match in _ANNOUNCED.finditer(text):
            for group in (1, 2):
                if match[group] and not _is_ordinary(match[group], denied):
                    yield Finding(match.start(group), match.end(group), "LOCATION", _SCORE)

    return find


def _is_ordinary(name: str, denied: Container[str]) -> bool:
    words = name.lower().split()
    return any(word in NOT_A_NAME or word in denied or word in LEAD_WORDS or word in _NO_PLACE for word in words)
