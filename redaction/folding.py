"""Folds letters that only look different, so that one spelling of a rule covers them all, and leads findings back.

Full-width letters, digits of other scripts, narrow and unbreakable spaces, typographic hyphens become their ASCII twins;
what has no width at all (zero-width spaces and joiners, direction marks, soft hyphens) is taken out.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

from redaction.findings import Finding

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e007f]+"
)
_HYPHENS = "\u2010\u2011\u2012\u2212\ufe58\ufe63\uff0d\u2043"
_DOTS = "\u3002\uff0e\uff61"


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text. Where nothing was taken out its places are those of the original."""

    text: str
    cuts: tuple[int, ...] = ()
    """Places in the folded text before which something was taken out."""
    lags: tuple[int, ...] = ()
    """How many letters were taken out up to each cut."""

    def origin(self, finding: Finding) -> Finding:
        """The same finding in the original text, with what stands invisibly inside it."""
        if not self.cuts:
            return finding
        return finding._replace(start=self._place(finding.start), end=self._place(finding.end - 1) + 1)

    def _place(self, place: int) -> int:
        cut = bisect_right(self.cuts, place)
        return place + (self.lags[cut - 1] if cut else 0)


def fold(text: str) -> Folded:
    """Fold a text; plain ASCII is returned as it is."""
    if text.isascii():
        return Folded(text)
    folded = text.translate(_twins())
    if not _INVISIBLE.search(folded):
        return Folded(folded)
    pieces: list[str] = []
    cuts: list[int] = []
    lags: list[int] = []
    place = lag = 0
    for match in _INVISIBLE.finditer(folded):
        pieces.append(folded[place : match.start()])
        place = match.end()
        cuts.append(match.start() - lag)
        lag += match.end() - match.start()
        lags.append(lag)
    pieces.append(folded[place:])
    return Folded("".join(pieces), tuple(cuts), tuple(lags))


@lru_cache(maxsize=1)
def _twins() -> dict[int, str]:
    """Letters with an ASCII twin of one letter; letters of alphabets stay: names are not spelled in ASCII."""
    twins = {ord(letter): "-" for letter in _HYPHENS} | {ord(letter): "." for letter in _DOTS}
    for code in range(0x80, sys.maxunicode + 1):
        letter = chr(code)
        kind = unicodedata.category(letter)
        if kind == "Nd":
            twins[code] = str(unicodedata.digit(letter))
        elif kind == "Zs":
            twins[code] = " "
        elif 0xFF01 <= code <= 0xFF5E:
            twins.setdefault(code, chr(code - 0xFEE0))
    twins[0xFE6B] = "@"
    return twins
