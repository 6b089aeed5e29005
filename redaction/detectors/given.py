"""Finds people by a given name that is known: with the family name after it, before it (`Rossi, Chiara`), or alone in prose."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from redaction.detectors.piece import Detector, Piece, Scope
from redaction.findings import Finding
from redaction.given_names import is_given_name, is_only_a_name, is_word_too
from redaction.words import FOREIGN, LEAD_WORDS, NOT_A_NAME, SILENT_KEY

_UPPER = r"A-Z\u00c0-\u00d6\u00d8-\u00de\u0104\u0106\u010c\u010e\u0118\u011a\u011e\u0130\u0139\u013d\u0141\u0143\u0147\u0150\u0158\u015a\u015e\u0160\u0164\u016e\u0170\u0179\u017b\u017d\u0218\u021a"
_WORD = re.compile(
    rf"(?<![\w@#$%^&*+/\\.-])(?<!\w['\u2019])[{_UPPER}](?:[^\W\d_]|['\u2019-](?=[^\W\d_])){{0,30}}(?![\w@=/\\]|\.\w|\()"
)
"""A capitalised word that no machine wrote: no digit, no path, no call."""
_GAP = re.compile(
    r"\.? (?:(?:van|der|den|de|la|las|los|di|da|do|von|zu|zur|al|bin|binti|ibn|abu|del|della|dos|das|el|le|ter|du|y|e|af|av) ){0,3}"
    r"(?:(?:d|l|al|el|ul)['\u2019-](?=\w))?"
)
_COMMA = ", "
_MAX_WORDS = 4
_SCORE = 0.6
_PROSE = re.compile(r"(?<!\S)[^\W\d_A-Z]{2,}(?=[\s,.;:!?]|$)")
_MIN_PROSE_WORDS = 2


def find_given(denied: Container[str]) -> Detector:
    """People whose given name is known.

    Args:
        denied: Words (lower case) that are never a person or a place.
    """

    def find(piece: Piece) -> Iterator[Finding]:
        if piece.scope is Scope.IDENTIFIER or (piece.key and SILENT_KEY.search(piece.key)):
            return
        text = piece.text
        words = [match.span() for match in _WORD.finditer(text)]
        if not words:
            return
        alone = (
            piece.scope is Scope.FULL
            and sum(1 for _ in zip(_PROSE.finditer(text), range(_MIN_PROSE_WORDS), strict=False)) >= _MIN_PROSE_WORDS
        )
        used = 0
        for index, (start, end) in enumerate(words):
            word = text[start:end]
            if start < used or not is_given_name(word) or word.lower() in denied:
                continue
            last = _family(text, words, index, denied)
            if last > index:
                used = words[last][1]
                yield Finding(start, used, "PERSON", _SCORE)
            elif index and _is_last_first(text, words[index - 1], (start, end), denied):
                yield Finding(words[index - 1][0], end, "PERSON", _SCORE)
            elif alone and is_only_a_name(word) and not (word.isupper() and len(word) < 5):
                yield Finding(start, end, "PERSON", _SCORE)

    return find


def _family(text: str, words: list[tuple[int, int]], index: int, denied: Container[str]) -> int:
    """The index of the last word of the name that begins with a given name at `index`; `index` when nothing follows."""
    last = index
    shouted = text[slice(*words[index])].isupper()
    weak = is_word_too(text[slice(*words[index])])
    for following in range(index + 1, min(index + _MAX_WORDS, len(words))):
        left, right = words[last][1], words[following][0]
        gap = _GAP.fullmatch(text, left, right)
        word = text[slice(*words[following])]
        if gap is None or not _is_family(word, denied) or (word.isupper() and len(word) > 1) is not shouted:
            break
        if weak and not (is_given_name(word) or not word.isascii() or "-" in word or len(gap[0]) > 2):
            break
        last = following
    if last > index and len(text[slice(*words[last])]) == 1:
        last -= 1  # "Anna A." or "Jonas I think": an initial ends no name
    return last


def _is_family(word: str, denied: Container[str]) -> bool:
    low = word.lower()
    return len(word) == 1 or not (low in NOT_A_NAME or low in denied or low in LEAD_WORDS or low in FOREIGN)


def _is_last_first(text: str, before: tuple[int, int], given: tuple[int, int], denied: Container[str]) -> bool:
    word = text[slice(*before)]
    if text[before[1] : given[0]] != _COMMA or len(word) < 3 or not is_only_a_name(text[slice(*given)]):
        return False
    followed = text[given[1] : given[1] + 2]
    preceded = text[max(0, before[0] - 2) : before[0]]
    listed = preceded.endswith((", ", "d ")) or (followed[:1] == " " and followed[1:2].isupper()) or followed == ", "
    return not listed and not is_given_name(word) and _is_family(word, denied)
