"""Finds values that plain text names itself: `name="…"` in logs and code, `<name>…</name>`, and lines such as `Name: …`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from redaction.memory import WORDS

Pair = tuple[int, str, str]
"""Where a value begins, the value, the key it stands under."""

_QUOTED = re.compile(r"(?:=|:|=>)\s?(?:\"([^\"\n\\]{1,200})\"|'([^'\n\\]{1,200})')")
_KEY_BEFORE = re.compile(r"([A-Za-z][\w.-]{0,40})[\"']?\s?\Z")
_ELEMENT = re.compile(r"<([A-Za-z][\w:.-]{0,40})(?:\s[^<>\n]{0,200})?>([^<>\n]{1,200})</")
_LINE = re.compile(
    r"^[ \t>*\u2022|-]{0,6}([A-Za-z][\w /'.;=-]{0,40}?)\*{0,2}\s?:\*{0,2}[ \t]{0,4}(\S[^\n]{0,160})$", re.MULTILINE
)
_MAX_KEY = 44
_TELLING = re.compile(
    r"name|customer|client|contact|passenger|patient|employee|recipient|holder|applicant|guest|attendee|assignee|owner|author"
    r"|creditor|debtor|payee|payer|beneficiary|guarantor|birth|born|(?:^|[_.-])dob|bday|(?:^|[_.-])user$|usr|caller|sender|reporter|requester|_by$|approver|manager|participant|visitor|travell?er|phone|mobile|(?:^|[_;.-])tel|msisdn|fax"
    r"|address|street|city|town|(?:^|[_.-])ssn|social|iban|^fn$|geburt|naissance|nacimiento|nombre|nome|^nom$|pr\u00e9nom"
    r"|vorname|nachname|anschrift|adresse|wohnort|telefon"
)  # fmt: skip
_NAMES = re.compile(
    r"name|customer|client|contact|author|owner|guest|patient|holder|applicant|employee|recipient|^fn$|nom"
    r"|user|usr|caller|sender|reporter|requester|_by$|approver|manager|participant|visitor|travell?er"
)
_SEVERAL_NAMES = re.compile(
    r"(?:[^\W\d_a-z][\w'\u2019.-]*|(?:van|von|der|den|de|la|di|da|dos|del|bin|ibn|al)\b)(?:[ ,]{1,2}|$)"
)


def named_values(text: str) -> Iterator[Pair]:
    """Values under keys that announce something personal, each with its key; nothing for texts without any."""
    if "=" in text or ":" in text:
        for match in _QUOTED.finditer(text):
            key = _KEY_BEFORE.search(text[max(0, match.start() - _MAX_KEY) : match.start()])
            if key and _is_telling(key[1]):
                group = 1 if match[1] is not None else 2
                yield match.start(group), match[group], key[1]
    if "</" in text:
        for match in _ELEMENT.finditer(text):
            if _is_telling(match[1]):
                yield match.start(2), match[2], match[1]
    if ":" in text:
        for match in _LINE.finditer(text):
            value = match[2].rstrip(" \t\r*")
            if _is_telling(match[1]) and (not _NAMES.search(match[1].lower()) or _reads_like_a_name(value)):
                yield match.start(2), value, match[1].replace(" ", "_")


@lru_cache(maxsize=WORDS)
def _is_telling(key: str) -> bool:
    return _TELLING.search(key.lower()) is not None


def _reads_like_a_name(value: str) -> bool:
    """Whether every word is written like one of a name: a line of a dialogue begins with a word and a colon too."""
    place = 0
    while place < len(value):
        match = _SEVERAL_NAMES.match(value, place)
        if match is None:
            return False
        place = match.end()
    return len(value) > 1
