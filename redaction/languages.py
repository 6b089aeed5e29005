"""Tells the language of a text by its commonest words, and which stretches no configured language can read by their script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

_WORD = re.compile(r"[^\W\d_]+")
LOOKED_AT = 2_000
"""Characters at the beginning of a text that are looked at."""
MIN_WORDS = 2
"""Common words of a language that a text must have; English is assumed otherwise."""
DEFAULT = "en"

UNREAD: Final = "UNKNOWN_LANGUAGE"
"""What a stretch of text is called that is withheld because nobody here can read it."""
MIN_UNREAD = 5
"""Letters of unknown scripts, an ideograph counting as two, that a stretch must have: `Δ` and `π` are no language."""
MIN_UNREAD_WORD = 3

_NEUTRAL = (
    "A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0300-\u036f\u1d00-\u1dff\u1e00-\u1eff\u2071-\u209c\u2100-\u218f\u2c60-\u2c7f"
    "\ua720-\ua7ff\uab30-\uab6f\ufb00-\ufb06\uff21-\uff5a\U0001d400-\U0001d7ff"
)
"""Latin letters and letters that are signs. Every language written with them is read with the English model and the rules."""
_IDEOGRAPHS = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
_CYRILLIC = "\u0400-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f"
_ARABIC = "\u0600-\u06ff\u0750-\u077f\u0870-\u08ff\ufb50-\ufdff\ufe70-\ufefc"
_HAN = (
    "\u2e80-\u2fdf\u3005-\u3007\u3100-\u312f\u31a0-\u31bf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_KANA = "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"
_DEVANAGARI = "\u0900-\u097f\ua8e0-\ua8ff"
_HEBREW = "\u0590-\u05ff\ufb1d-\ufb4f"
_ETHIOPIC = "\u1200-\u139f\u2d80-\u2ddf"
_SIGNS = (
    "\u0483-\u0489\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0730-\u074a\u0900-\u0e4e\u0eb0-\u0ecd\u0f18-\u0fbc"
    "\u102b-\u109d\u135d-\u135f\u17b4-\u17d3"
)
"""Vowel signs and points: they belong to the letter before them and are none."""
SCRIPTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "mn", "tg", "tt"), _CYRILLIC),
    **dict.fromkeys(("ar", "fa", "ur", "ps", "ug", "sd"), _ARABIC),
    **dict.fromkeys(("he", "yi"), _HEBREW),
    **dict.fromkeys(("hi", "mr", "ne", "sa"), _DEVANAGARI),
    **dict.fromkeys(("am", "ti"), _ETHIOPIC),
    **dict.fromkeys(("bn", "as"), "\u0980-\u09ff"),
    "el": "\u0370-\u03ff\u1f00-\u1fff",
    "pa": "\u0a00-\u0a7f",
    "gu": "\u0a80-\u0aff",
    "or": "\u0b00-\u0b7f",
    "ta": "\u0b80-\u0bff",
    "te": "\u0c00-\u0c7f",
    "kn": "\u0c80-\u0cff",
    "ml": "\u0d00-\u0d7f",
    "si": "\u0d80-\u0dff",
    "th": "\u0e00-\u0e7f",
    "lo": "\u0e80-\u0eff",
    "bo": "\u0f00-\u0fff",
    "my": "\u1000-\u109f",
    "ka": "\u10a0-\u10ff\u1c90-\u1cbf\u2d00-\u2d2f",
    "hy": "\u0530-\u058f\ufb13-\ufb17",
    "km": "\u1780-\u17ff",
    "ko": _HANGUL + _HAN,
    "ja": _KANA + _HAN,
    "zh": _HAN,
}
"""Languages that are not written with Latin letters, and the letters they are written with."""


LATIN: Final = frozenset(
    "af az ca cs cy da de en es et eu fi fr ga gl hr hu id is it la lb lt lv ms mt nb nl nn no pl pt ro sk sl sq sv sw tl tr vi".split()  # noqa: SIM905
)
"""Languages that need no mention, and may be mentioned."""


class Languages:
    """The languages that have a model, or are stored without one because the rules say so.

    Args:
        words: The commonest words (lower case) of each language that has a model, English among them.
        accepted: Languages whose text is stored although no model reads it: rules and lists are all that is applied.
    """

    def __init__(self, words: Mapping[str, frozenset[str]], accepted: Iterable[str] = ()) -> None:
        everywhere = [word for known in words.values() for word in known]
        shared = {word for word in everywhere if everywhere.count(word) > 1} if len(words) > 1 else set()
        self._words = {language: known - shared for language, known in words.items()}
        read = "".join(SCRIPTS.get(language, "") for language in sorted({*words, *accepted}))
        unread = rf"(?![{_NEUTRAL}{read}])[^\W\d_]"
        # From the first such letter to the last one before the next letter that can be read, whatever stands between.
        self._stretch = re.compile(rf"{unread}(?:[^{_NEUTRAL}{read}\n]*{unread})?[{_SIGNS}]*")
        self._unread_word = re.compile(
            rf"(?:{unread}[{_SIGNS}]*){{{MIN_UNREAD_WORD},}}|(?:(?=[{_IDEOGRAPHS}]){unread}){{2,}}"
        )
        self._unread_letter = re.compile(unread)

    def of(self, text: str) -> str:
        """The language most of whose common words stand in the text; English when none has enough of them."""
        seen = _WORD.findall(text[:LOOKED_AT].lower())
        counts = {language: sum(word in known for word in seen) for language, known in self._words.items()}
        best = max(counts, key=lambda language: (counts[language], language == DEFAULT, language))
        return best if counts[best] >= MIN_WORDS else DEFAULT

    def unread(self, text: str) -> Iterator[tuple[int, int]]:
        """Stretches in a script that no language here is written in: a name in them would be noticed by nobody."""
        if text.isascii():
            return
        for match in self._stretch.finditer(text):
            stretch = match[0]
            if not self._unread_word.search(stretch):
                continue
            letters = self._unread_letter.findall(stretch)
            if sum(1 + (_IDEOGRAPH.match(letter) is not None) for letter in letters) >= MIN_UNREAD:
                yield match.span()


_IDEOGRAPH = re.compile(f"[{_IDEOGRAPHS}]")
