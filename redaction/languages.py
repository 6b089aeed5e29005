"""Tells the language of a text by its commonest words; good enough to choose a model, and the same on every run."""

from __future__ import annotations

import re
from collections.abc import Mapping

_WORD = re.compile(r"[^\W\d_]+")
LOOKED_AT = 2_000
"""Characters at the beginning of a text that are looked at."""
MIN_WORDS = 2
"""Common words of a language that a text must have; English is assumed otherwise."""
DEFAULT = "en"


class Languages:
    """The languages that have a model.

    Args:
        words: The commonest words (lower case) of each language, English among them.
    """

    def __init__(self, words: Mapping[str, frozenset[str]]) -> None:
        everywhere = [word for known in words.values() for word in known]
        shared = {word for word in everywhere if everywhere.count(word) > 1} if len(words) > 1 else set()
        self._words = {language: known - shared for language, known in words.items()}

    def of(self, text: str) -> str:
        """The language most of whose common words stand in the text; English when none has enough of them."""
        seen = _WORD.findall(text[:LOOKED_AT].lower())
        counts = {language: sum(word in known for word in seen) for language, known in self._words.items()}
        best = max(counts, key=lambda language: (counts[language], language == DEFAULT, language))
        return best if counts[best] >= MIN_WORDS else DEFAULT
