"""Makes people and places out of what the language model marked: gates before it, a clean-up after it."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from redaction.detectors.piece import Piece, Scope
from redaction.findings import Finding
from redaction.given_names import is_given_name
from redaction.words import FOREIGN, LEAD_WORDS, NOT_A_NAME, SILENT_KEY, VERBS_TOO

LABELS = {"PERSON": "PERSON", "PER": "PERSON", "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION"}
"""Labels of spaCy's English models; organisations stay, they would hide every vendor."""
SCORE = 0.85
"""The score Presidio gives every finding of the model."""

_UPPER = re.compile(r"[A-ZÀ-ÖØ-Þ\u0100-\u024f\u0370-\u03ff\u0400-\u052f\u0590-\uffff]")
_PROSE_WORD = re.compile(r"(?<!\S)[a-z]{2,}(?=[\s,.;:!?]|$)")
_MIN_PROSE_WORDS = 3
_MIN_LENGTH = 3
_MAX_SINGLE_WORD = 30

_MACHINE = re.compile(r"[_\\{}\[\]=<>/@#$%^*|~`\"+]|\d[A-Za-z]|[A-Za-z]\d|[a-z][A-Z]{2}|\.[A-Za-z]{2}|\w\(|\w:\w")
_WORD = re.compile(r"\S+")
_FLAG = re.compile(r"--?[A-Za-z]")
"""An option of a command."""
_EDGE = " \t\r\n,.;:!?'\"*-\u2013\u2014_()[]{}<>|/\\•·`"
_CODE = re.compile(r"[A-Za-z]{1,6}-?\d+")
"""Order numbers and the like, which the model takes for places."""
_POSSESSIVE = re.compile(r"['\u2019]s$")


_CODE_WINDOW = 80
_CODE_BEFORE = re.compile(
    r"[\w\])]\(|\w\[|->|::|=>|\w = |==|\bdef |\bclass |\breturn |\bimport |^\s*(?:#|//|\*|--|@)|\w: \Z|[a-z]_[a-z]|`|\w\.\Z"
)
_CODE_AFTER = re.compile(r"[.](?=\w)|\(|\[|\s*(?:=|->|\{|:\s*$|\)?:$)|_|`")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s|[\"'>*-])\s*\Z")
_LOWER_NEXT = re.compile(r"\s[a-z]")


def wants_model(piece: Piece) -> bool:
    """Whether it is worth asking the model about this piece."""
    text = piece.text
    if piece.scope < Scope.PROSE or len(text) < _MIN_LENGTH or not _UPPER.search(text):
        return False
    if piece.key and SILENT_KEY.search(piece.key):
        return False
    if " " not in text:
        return len(text) <= _MAX_SINGLE_WORD and text.isalpha() and piece.scope is Scope.FULL
    return piece.scope is Scope.FULL or _is_prose(text)


def _is_prose(text: str) -> bool:
    return text.count(" ") >= _MIN_PROSE_WORDS - 1 and _PROSE_WORD.search(text) is not None


def named(piece: Piece, start: int, end: int, label: str, denied: Container[str]) -> Iterator[Finding]:
    """What is left of a span of the model once machine characters, lead words and product names are gone.

    Args:
        piece: The text.
        start: First character of the model's span.
        end: Its end (exclusive).
        label: The model's label.
        denied: Words (lower case) that are never a person or a place.
    """
    entity = LABELS.get(label)
    if entity is None:
        return
    place = start
    for line in re.split(r"[\n\r\t|]", piece.text[start:end]):
        yield from _of_line(piece.text, place, place + len(line), entity, denied)
        place += len(line) + 1


def _of_line(text: str, start: int, end: int, entity: str, denied: Container[str]) -> Iterator[Finding]:
    runs: list[tuple[int, int]] = []
    broken = True
    for match in _WORD.finditer(text, start, end):
        word = match[0].strip(_EDGE)
        if _FLAG.match(match[0]) or _is_machine(word, entity):
            broken = True
        elif broken:
            runs.append(match.span())
            broken = False
        else:
            runs[-1] = (runs[-1][0], match.end())
    for left, right in runs:
        found = _trimmed(text, left, right, entity, denied)
        if found and not _is_a_word_of_code(text, found):
            yield found


def _is_a_word_of_code(text: str, found: Finding) -> bool:
    """Whether a single word, no known given name, stands in a line of code or begins a sentence: `# Compare the two`."""
    word = text[found.start : found.end]
    if found.entity != "PERSON" or " " in word or (is_given_name(word) and word.lower() not in VERBS_TOO):
        return False
    line = text.rfind("\n", 0, found.start) + 1
    end = text.find("\n", found.end)
    before, after = text[line : found.start], text[found.end : end if end >= 0 else len(text)]
    if _CODE_BEFORE.search(before[-_CODE_WINDOW:]) or _CODE_AFTER.match(after):
        return True
    return bool(_SENTENCE_START.search(before)) and (_LOWER_NEXT.match(after) is not None)


def _is_machine(word: str, entity: str) -> bool:
    if _MACHINE.search(word):
        return True
    return entity == "PERSON" and any(letter.isdigit() for letter in word)


def _trimmed(text: str, start: int, end: int, entity: str, denied: Container[str]) -> Finding | None:
    words = [(match.start(), match.end()) for match in _WORD.finditer(text, start, end)]
    while words and _is_lead(text[slice(*words[0])]):
        del words[0]
    while words and _is_ordinary(text[slice(*words[-1])], denied):
        del words[-1]
    if not words:
        return None
    left, right = words[0][0], words[-1][1]
    value = text[left:right].strip(_EDGE)
    left += text[left:right].index(value)
    value = _POSSESSIVE.sub("", value)
    if len(value) < 2 or not any(letter.isalpha() for letter in value):
        return None
    if not _is_name([_POSSESSIVE.sub("", word.strip(_EDGE).lower()) for word in value.split()], value, entity, denied):
        return None
    return Finding(left, left + len(value), entity, SCORE)


def _is_name(words: list[str], value: str, entity: str, denied: Container[str]) -> bool:
    """Whether what is left can name somebody or some place at all."""
    if all(word in denied or word in FOREIGN for word in words):
        return False
    ordinary = sum(word in NOT_A_NAME for word in words)
    if entity == "PERSON":
        return bool(_UPPER.search(value)) and not any(word in denied for word in words) and 2 * ordinary < len(words)
    return len(words) > 1 or not (ordinary or value.islower() or _CODE.fullmatch(value))


def _is_lead(word: str) -> bool:
    bare = word.strip(_EDGE).lower()
    return not bare or bare in LEAD_WORDS


def _is_ordinary(word: str, denied: Container[str]) -> bool:
    bare = word.strip(_EDGE)
    return not bare or (bare.islower() and (bare in denied or bare in LEAD_WORDS))
