"""Decodes attribute values the way emitters really write them: numbers as text, JSON in strings, flattened lists."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from runs.recent import remembered
from spans.values import DOUBLE_TAG, Attributes, Value

MAX_INDEXES = 10_000
"""Distinct numbers read of one flattened list; more is an attack or a bug, never content."""
MAX_COUNT = 10**12
"""A larger count of anything is nonsense; it must not ruin every sum it enters."""
MAX_JSON_CHARS = 4_000_000
"""A longer string is kept as text: parsing it would stall a worker."""
MAX_JSON_DEPTH = 100
"""Text nested deeper is an attack, never content; it is kept as text, since reading it level by level would overflow."""

WITHHELD_MARKERS = frozenset(
    {
        "__REDACTED__",
        "<REDACTED>",
        "[REDACTED]",
        "[Filtered]",
        "<redacted>",
        "<REDACTION_FAILED>",
    }
)
"""What emitters write instead of content (dialects reference, section 2.6)."""
_MARKER_STARTS = frozenset(marker[0] for marker in WITHHELD_MARKERS)
_TRUNCATED = re.compile(r"\.\.\.\[TRUNCATED: original length \d+\]\s*\Z")
_TRUE = frozenset({"true", "1", "yes"})
_FALSE = frozenset({"false", "0", "no"})
_NUMBER = re.compile(r"\s*[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?\s*\Z")


def is_withheld(value: Value) -> bool:
    """Whether this text is a marker for content that the emitter kept back."""
    if not isinstance(value, str) or value[:1] not in _MARKER_STARTS:  # hashing a whole transcript would cost more
        return False
    return value in WITHHELD_MARKERS or value.startswith("[Scrubbed due to")


def is_truncated(value: Value) -> bool:
    """Whether the emitter says that it cut this text."""
    return isinstance(value, str) and "...[TRUNC" in value[-80:] and _TRUNCATED.search(value[-80:]) is not None


def is_usable(value: Value) -> bool:
    """Present, not empty, not a redaction marker."""
    if value is None or value in ("", [], {}):
        return False
    return not is_withheld(value)


def text_of(value: Value) -> str:
    """A short text field: strings as they are, numbers and booleans printed, anything else empty."""
    if value is None:  # by far the most frequent: a key that is not there
        return ""
    if isinstance(value, str):
        return "" if is_withheld(value) else value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return ""


def unquoted(value: Value) -> str:
    """A short text field of an emitter that JSON-encodes its strings: quotes around the text go."""
    text = text_of(value)
    if len(text) > 1 and text[0] == text[-1] == '"':
        decoded = _json(text)
        return decoded.strip() if isinstance(decoded, str) else text
    return text


def number_of(value: Value) -> float | None:
    """A finite number >= 0, also from numeric text; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return float(value) if math.isfinite(value) and value >= 0 else None
    if isinstance(value, str) and len(value) < 64 and _NUMBER.match(value):
        found = float(value)
        return found if math.isfinite(found) and found >= 0 else None
    return None


def count_of(value: Value) -> int | None:
    """A whole number from 0 to `MAX_COUNT`, also from numeric text; fractions are cut."""
    if value is None:  # by far the most frequent
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value <= MAX_COUNT else None
    found = number_of(value)
    return None if found is None or found > MAX_COUNT else int(found)


def score_of(value: Value) -> float | None:
    """A finite number of either sign, also from numeric text."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, str) and len(value) < 64 and _NUMBER.match(value):
        found = float(value)
        return found if math.isfinite(found) else None
    return None


def flag_of(value: Value) -> bool | None:
    """A boolean, also as text ("True", "1"); None when it says neither."""
    if isinstance(value, bool):
        return value
    text = text_of(value).lower()
    if text in _TRUE:
        return True
    return False if text in _FALSE else None


def texts_of(value: Value) -> tuple[str, ...]:
    """A list of short texts, from a list, a JSON list, a comma list or one text."""
    decoded = structured(value)
    if isinstance(decoded, str):
        return tuple(part.strip() for part in decoded.split(",") if part.strip())
    if isinstance(decoded, (list, tuple)):
        return tuple(text for text in (text_of(item) for item in decoded) if text)
    return ()


def structured(value: Value) -> Value:
    """The value of a field that is defined as structured (dialects reference, section 2.4).

    JSON in a string is parsed, twice when it holds a string of JSON again. Text that is not JSON, cut JSON and Python
    literals stay text: nothing is ever dropped.
    """
    if not isinstance(value, str):
        return value
    found = _json(value)
    if isinstance(found, str):
        inner = _json(found)
        return found if inner is _NOT_JSON else inner
    return value if found is _NOT_JSON else found


def is_broken_json(value: Value) -> bool:
    """Whether a text begins like JSON and is not read as it: cut by a limit, a Python literal, or nested too deep."""
    if not isinstance(value, str):
        return False
    start = value.lstrip()[:1]
    return start in {"{", "["} and _json(value) is _NOT_JSON


_NOT_JSON: Any = object()
_QUICK = msgspec.json.Decoder()
_LENIENT = json.JSONDecoder(parse_constant=lambda name: {DOUBLE_TAG: name})


def is_json(text: str) -> bool:
    """Whether a text is a whole JSON document: a map, a list or a string, neither too long nor nested too deep."""
    return _json(text) is not _NOT_JSON


def _json(text: str) -> Any:
    if len(text) > MAX_JSON_CHARS or text.lstrip()[:1] not in {"{", "[", '"'}:
        return _NOT_JSON
    return _parsed(text)


@remembered
def _parsed(text: str) -> Any:
    try:
        found = _decoded(text)
    except (ValueError, RecursionError):
        return _NOT_JSON
    return _NOT_JSON if text.count("[") + text.count("{") > MAX_JSON_DEPTH and _is_deep(found) else found


def _decoded(text: str) -> Any:
    try:
        return _QUICK.decode(text)
    except (ValueError, RecursionError):  # it refuses some that Python reads: NaN, lone surrogates, doubles without end
        return _LENIENT.decode(text)


def _is_deep(value: Any) -> bool:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_JSON_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def flat_index(attributes: Attributes) -> dict[str, dict[int, dict[str, Value]]]:
    """Every flattened list of some attributes at once: prefix → N → {rest: value}, split at the first number."""
    found: dict[str, dict[int, dict[str, Value]]] = {}
    for key, value in attributes.items():
        match = _NUMBERED.search(key)
        if match is None:
            continue
        begin, end = match.span()
        items = found.setdefault(key[:begin], {})
        index = int(key[begin + 1 : end])
        if index not in items and len(items) >= MAX_INDEXES:
            continue
        items.setdefault(index, {})[key[end + 1 :]] = value
    return found


_NUMBERED = re.compile(r"\.[0-9]{1,9}(?=\.|\Z)")


def flat_list(attributes: Attributes, prefix: str) -> list[tuple[int, dict[str, Value]]]:
    """Rebuild `prefix.N.rest` into (N, {rest: value}) in numeric order (dialects reference, section 2.5).

    Gaps close up and N stays as the emitter's own index; memory grows with the keys present, never with N.
    `prefix.N` alone is kept under the rest "".
    """
    begin = prefix + "."
    size = len(begin)
    found: dict[int, dict[str, Value]] = {}
    for key, value in attributes.items():
        if not key.startswith(begin):
            continue
        number, _, rest = key[size:].partition(".")
        if not number.isdecimal() or len(number) > 9:
            continue
        index = int(number)
        if index not in found and len(found) >= MAX_INDEXES:
            continue
        found.setdefault(index, {})[rest] = value
    return sorted(found.items())


def has_prefix(attributes: Attributes, *prefixes: str) -> bool:
    """Whether any key begins with one of these prefixes."""
    for key in attributes:  # noqa: SIM110  a generator in any() takes twice as long
        if key.startswith(prefixes):
            return True
    return False


def first(attributes: Attributes, keys: Iterable[str]) -> Value:
    """The first usable value of these keys, in this order."""
    for key in keys:
        value = attributes.get(key)
        if value is not None and is_usable(value):
            return value
    return None


def as_map(value: Value) -> Mapping[str, Value]:
    """The value as a map, parsed if it is JSON; empty when it is none."""
    decoded = structured(value)
    return decoded if isinstance(decoded, dict) else {}


MAX_PRINTED_CHARS = 100_000
"""Longer Python literals stay text: parsing one costs more than a reader gains."""


def printed(value: Value) -> Value:
    """JSON, or else a map or list as Python prints it (`{'query': None}`); the value itself when it is neither."""
    decoded = structured(value)
    if not isinstance(decoded, str) or len(decoded) > MAX_PRINTED_CHARS:
        return decoded
    text = decoded.strip()
    if (text[:1], text[-1:]) not in {("{", "}"), ("[", "]")}:
        return decoded
    found = evaluated(text)
    return decoded if found is None or not is_plain(found) else found


@remembered
def evaluated(text: str) -> Any:
    """What a Python literal stands for; None when the text is none. Shared, so nobody may change it."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def is_plain(value: object) -> bool:
    """Whether a value is made of what JSON knows; a Python literal may hold sets, bytes and other keys than text."""
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            if not all(isinstance(key, str) for key in here):
                return False
            waiting.extend(here.values())
        elif isinstance(here, list):
            waiting.extend(here)
        elif here is not None and not isinstance(here, (str, int, float, bool)):
            return False
    return True


def as_list(value: Value) -> Sequence[Value]:
    """The value as a list, parsed if it is JSON; empty when it is none."""
    decoded = structured(value)
    return decoded if isinstance(decoded, (list, tuple)) else ()


def dig(value: Value, *path: str | int) -> Value:
    """Follow keys and positions into a value; None where the path ends."""
    here = value
    for step in path:
        here = structured(here)
        if isinstance(step, int):
            if not isinstance(here, (list, tuple)) or not -len(here) <= step < len(here):
                return None
            here = here[step]
        elif isinstance(here, dict):
            here = here.get(step)
        else:
            return None
    return here
