"""Cuts a text into the pieces people wrote (JSON strings, table cells, URL values) and knows where each one stands."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote

from redaction.memory import WORDS
from redaction.pairs import named_values
from redaction.tables import HEADER, cells

MAX_DEPTH = 4
"""JSON inside a string inside JSON, so many times; deeper text is read as plain text."""
MAX_POINTER_DEPTH = 100
MIN_NUMBER_DIGITS = 7
MAX_PLAIN_KEY = 120
MAX_KEY_DIGITS = 6
MAX_NUMBER_DIGITS = 19
PAIR_LENGTH = len(r"\ud83d\ude00")
MAX_CODE_POINT = 0x10FFFF
MAX_HEAD = 3
"""A text that begins `[{"` and has no second quote is a string that was cut off; prose begins otherwise."""
MAX_STUB = 64
"""What may follow the last whole literal of a JSON text that was cut off."""

Escape = Callable[[str], str]


class LeafKind(Enum):
    """What a piece is in the text it was cut from."""

    TEXT = "text"
    NUMBER = "number"
    """A bare JSON number: its replacement must become a quoted string."""
    KEY = "key"
    """The name of a JSON member."""


Pointer = tuple["Pointer | None", str]
"""A linked path: the container's path and the last segment. Built for every leaf, so it must cost little."""


class Frame:
    """A text whose characters stand, escaped, inside a parent text; the root frame is the value itself.

    The map of offsets is built when the first finding asks for it: most texts have none.
    """

    __slots__ = ("_decoded", "_places", "_raw_places", "escape", "parent", "pattern", "raw", "start")

    def __init__(
        self, parent: Frame | None = None, start: int = 0, raw: str = "", pattern: re.Pattern[str] | None = None,
        escape: Escape = str,
    ) -> None:  # fmt: skip
        self.parent = parent
        self.start = start
        self.raw = raw
        self.pattern = pattern
        self.escape = escape
        self._places: list[int] | None = None
        self._raw_places: list[int] = []

    def at_root(self, place: int) -> int:
        """The place in the value of the character at `place` in this frame."""
        frame: Frame | None = self
        while frame is not None and frame.parent is not None:
            place = frame.start + frame.in_parent(place)
            frame = frame.parent
        return place

    def written(self, text: str) -> str:
        """A replacement as it must be spelled in the value, escaped once per level."""
        frame: Frame | None = self
        while frame is not None:
            text = frame.escape(text)
            frame = frame.parent
        return text

    def in_parent(self, place: int) -> int:
        """The place in the parent text of the character at `place`."""
        if self.pattern is None:
            return place
        if self._places is None:
            self._map()
        assert self._places is not None  # noqa: S101 - built on the line above
        index = bisect_right(self._places, place) - 1
        return self._raw_places[index] + place - self._places[index]

    def _map(self) -> None:
        """Breakpoints: after each escape the decoded text lags behind the raw one by what the escape was longer."""
        places, raw_places, lag = [0], [0], 0
        assert self.pattern is not None  # noqa: S101 - the caller has checked
        for match in self.pattern.finditer(self.raw):
            lag += match.end() - match.start() - 1  # every escape stands for one character
            places.append(match.end() - lag)
            raw_places.append(match.end())
        self._places, self._raw_places = places, raw_places


@dataclass(frozen=True, slots=True)
class Leaf:
    """One piece of text, the key it stands under, and where to find it again."""

    text: str
    key: str
    frame: Frame
    start: int
    kind: LeafKind
    pointer: Pointer | None
    document: int = 0
    """Number of the text (0: the value itself; others: JSON texts inside it, in order) that it was written in."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where characters `start` to `end` of this piece stand in the value."""
        frame = self.frame
        return frame.at_root(self.start + start), frame.at_root(self.start + end)

    def written(self, replacement: str) -> str:
        """A replacement as it must be spelled at that place."""
        return self.frame.written(f'"{replacement}"' if self.kind is LeafKind.NUMBER else replacement)


def cut(text: str, key: str = "") -> list[Leaf]:
    """All pieces of a text, in order. Splicing replacements into their spans keeps JSON valid and layout as it was.

    Args:
        text: Any text: prose, JSON (complete or cut off), a table, a Python literal.
        key: The key it stands under.
    """
    leaves: list[Leaf] = []
    _cut(text, _Place(key, Frame(), 0, None, 0), leaves)
    return leaves


def cut_list(text: str, key: str = "", first_item: int = 0) -> tuple[list[Leaf], int] | None:
    """The pieces of a complete JSON list and the number of its items, as `cut` would find them; None for other text.

    Args:
        text: Any text.
        key: The key it stands under.
        first_item: The index of the first item, when the text is the end of a longer list.
    """
    leaves: list[Leaf] = []
    path = _Path(key, None, first_item)
    at = _Place(key, Frame(), 0, None, 0)
    if text[:1] != "[" or not _literals(_JSON, text, at, leaves, path) or path.depth or text[-1] != "]":
        return None
    return leaves, path.items - first_item


def pointer_text(pointer: Pointer | None) -> str:
    """A path as JSON pointer (RFC 6901) below its value; empty for the value itself."""
    segments: list[str] = []
    while pointer is not None:
        pointer, segment = pointer
        segments.append(segment.replace("~", "~0").replace("/", "~1"))
    return "".join(f"/{segment}" for segment in reversed(segments))


def pointer_keys(pointer: Pointer | None) -> list[str]:
    """The segments of a path, outermost first."""
    segments: list[str] = []
    while pointer is not None:
        pointer, segment = pointer
        segments.append(segment)
    return segments[::-1]


class _Place(NamedTuple):
    """Where a text stands: under which key, from where on in which frame, on which path, how deep."""

    key: str
    frame: Frame
    start: int
    pointer: Pointer | None
    depth: int
    document: int = 0


def _cut(text: str, at: _Place, leaves: list[Leaf]) -> None:
    """Append the pieces of a text."""
    if at.depth <= MAX_DEPTH and _looks_structured(text):
        found: list[Leaf] = []
        if at.depth:
            # Unique, and the same on every run: where the text begins in the value.
            at = at._replace(document=at.frame.at_root(at.start) + 1)
        if _literals(_JSON, text, at, found) or ("'" in text and _literals(_PYTHON, text, at, found)):
            leaves.extend(found)
            return
    for place, cell, column in cells(text) or ((0, text, at.key),):
        kind = LeafKind.KEY if column == HEADER else LeafKind.TEXT
        key = "" if column == HEADER else column or at.key
        leaves.append(Leaf(cell, key, at.frame, at.start + place, kind, at.pointer, at.document))
        if "=" in cell and ("%" in cell or "+" in cell):
            leaves.extend(_url_values(cell, at, at.start + place))
        for within, value, name in named_values(cell):
            leaves.append(
                Leaf(value, name, at.frame, at.start + place + within, LeafKind.TEXT, at.pointer, at.document)
            )


def _looks_structured(text: str) -> bool:
    head = text[:64].lstrip()[:1]
    return (head in {"{", "["}) or (head == '"' and text.rstrip()[-1:] == '"' and len(text) > 1)


_GAP = r"[\s,:\[\]{}()]*+"
_NUMBER = r"(?P<number>-?\d++(?:\.\d++)?+(?:[eE][+-]?\d++)?+)(?![\w.])"
_JSON = re.compile(
    rf'(?P<gap>{_GAP})(?:"(?P<text>[^"\\]*+(?:\\.[^"\\]*+)*+)"(?P<colon>\s*+:)?'
    rf"|{_NUMBER}|(?:true|false|null|NaN|-?Infinity)(?!\w)|(?P<tail>\"))",
    re.DOTALL,
)
_PYTHON = re.compile(
    rf"(?P<gap>{_GAP})(?:[bru]?(?P<quote>['\"])(?P<text>(?:(?!(?P=quote))[^\\]|\\.)*+)(?P=quote)(?P<colon>\s*+:)?"
    rf"|{_NUMBER}|(?:True|False|None|nan|inf)(?!\w)|(?P<tail>['\"]))",
    re.DOTALL,
)
_GAP_AT_END = re.compile(rf"{_GAP}\Z")


def _literals(grammar: re.Pattern[str], text: str, at: _Place, leaves: list[Leaf], path: _Path | None = None) -> bool:
    """Append the literals of a JSON text or Python literal; False, with nothing appended, when it is neither.

    Nesting is not checked: replacing inside literals keeps any text as valid or invalid as it was. But two literals
    must be separated, or `[4111 1111 1111 1111]` would pass for four small numbers.
    """
    path = path or _Path(at.key, at.pointer)
    place, separated = 0, True
    while match := grammar.match(text, place):
        gap = match["gap"]
        if not separated and (not gap or gap.isspace()):
            break
        path.follow(gap)
        is_first = place == 0
        place, separated = match.end(), match["colon"] is not None
        literal = match["text"]
        if literal is not None:
            _string(grammar, literal, match.start("text"), path, at, leaves, is_key=match["colon"] is not None)
        elif match["number"] is not None:
            _number(match["number"], match.start("number"), path, at, leaves)
        elif match["tail"] is not None:
            # Cut off inside a string: what is there of it is text as well.
            if is_first and place > MAX_HEAD:
                break
            _string(grammar, text[place:], place, path, at, leaves, is_key=False)
            return True
    else:
        if ending := _GAP_AT_END.match(text, place):
            path.follow(ending[0])
            return True
        if len(text) - place <= MAX_STUB and place > len(text) // 2 and grammar is _JSON:
            # Cut off inside a number or a word, often with the emitter's own mark.
            leaves.append(
                Leaf(text[place:], path.key, at.frame, at.start + place, LeafKind.TEXT, path.here(), at.document)
            )
            return True
    leaves.clear()
    return False


def _number(number: str, place: int, path: _Path, at: _Place, leaves: list[Leaf]) -> None:
    if MIN_NUMBER_DIGITS <= len(number) <= MAX_NUMBER_DIGITS and number.isdigit():
        leaves.append(Leaf(number, path.key, at.frame, at.start + place, LeafKind.NUMBER, path.here(), at.document))


def _string(
    grammar: re.Pattern[str], raw: str, place: int, path: _Path, at: _Place, leaves: list[Leaf], *, is_key: bool
) -> None:
    frame, start, text = at.frame, at.start + place, raw
    codec = _CODECS[grammar is _JSON]
    if "\\" in raw:
        frame, start, text = Frame(frame, start, raw, codec.pattern, codec.escape), 0, codec.decode(raw)
    elif _looks_structured(raw):
        # Nothing in it is escaped, but a number in it may become a string with quotes, which must be.
        frame, start = Frame(frame, start, raw, None, codec.escape), 0
    if is_key:
        path.enter(text)
        if not is_plain_key(text):
            leaves.append(Leaf(text, "", frame, start, LeafKind.KEY, path.container(), at.document))
    elif text:
        _cut(text, _Place(path.key, frame, start, path.here(), at.depth + 1, at.document), leaves)


class _Path:
    """Follows brackets and commas to know under which key the next literal stands."""

    __slots__ = ("_first", "_items", "_members", "_outer", "_pointers", "items", "key")

    def __init__(self, key: str, pointer: Pointer | None, first_item: int = 0) -> None:
        self.key = key
        self.items = 0  # how far the outermost list counted when it closed
        self._first = first_item
        self._outer: list[str] = []
        self._members: list[str] = []
        self._items: list[int] = []  # the index in a list; -1 in an object
        self._pointers: list[Pointer | None] = [pointer]

    def follow(self, gap: str) -> None:
        """Read what stands between two literals."""
        if gap in {", ", ","}:
            self._next_item()
            return
        for mark in gap:
            if mark == ",":
                self._next_item()
            elif mark in "[{(":
                self._open(mark)
            elif mark in "]})":
                self._close()

    def enter(self, name: str) -> None:
        """The literal just read names the member that follows."""
        self.key = name
        if self._members:
            self._members[-1] = name

    def here(self) -> Pointer | None:
        """The path of the next value."""
        container = self._pointers[-1]
        if not self._items or len(self._items) > MAX_POINTER_DEPTH:
            return container
        item = self._items[-1]
        return (container, self._members[-1] if item < 0 else str(item))

    @property
    def depth(self) -> int:
        """Brackets still open."""
        return len(self._items)

    def container(self) -> Pointer | None:
        """The path of the object that the next member belongs to."""
        return self._pointers[-1]

    def _next_item(self) -> None:
        if self._items and self._items[-1] >= 0:
            self._items[-1] += 1

    def _open(self, mark: str) -> None:
        if len(self._items) <= MAX_POINTER_DEPTH:
            self._pointers.append(self.here())
            self._members.append("")
            self._outer.append(self.key)
        self._items.append(-1 if mark == "{" else 0 if self._items else self._first)

    def _close(self) -> None:
        if not self._items:
            return
        self.items = self._items.pop() + 1
        if len(self._items) <= MAX_POINTER_DEPTH:
            self._pointers.pop()
            self._members.pop()
            self.key = self._outer.pop()


_JSON_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.", re.DOTALL
)
_PYTHON_ESCAPE = re.compile(r"\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\[0-7]{1,3}|\\.", re.DOTALL)
_H = "[0-9A-Fa-f]"
_URL_ESCAPE = re.compile(
    rf"%[0-7]{_H}|%[cCdD]{_H}%[89abAB]{_H}|%[eE]{_H}(?:%[89abAB]{_H}){{2}}|%[fF]{_H}(?:%[89abAB]{_H}){{3}}|%{_H}{{2}}"
)
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "a": "\a", "v": "\v"}


def _decode_json(raw: str) -> str:
    try:
        return str(json.loads(f'"{raw}"', strict=False))
    except ValueError:
        return _JSON_ESCAPE.sub(lambda match: _decoded(match[0]), raw)


def _decode_python(raw: str) -> str:
    return _PYTHON_ESCAPE.sub(lambda match: _decoded(match[0]), raw)


def _decode_url(raw: str) -> str:
    return _URL_ESCAPE.sub(lambda match: unquote(match[0])[:1], raw.replace("+", " "))


def _decoded(escape: str) -> str:
    """The one character that an escape stands for; an unknown escape is its last character."""
    kind, digits = escape[1], escape[2:]
    if kind in "uUx" and digits:
        if len(escape) == PAIR_LENGTH:
            high, low = int(escape[2:6], 16), int(escape[8:12], 16)
            return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
        code = int(digits, 16)
        return chr(code) if code <= MAX_CODE_POINT else "\ufffd"
    if kind in "01234567":
        return chr(int(escape[1:], 8))
    return _SHORT.get(kind, kind)


def _escape_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _escape_python(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"').replace("\n", "\\n")


def _escape_url(text: str) -> str:
    return quote(text, safe="")


@dataclass(frozen=True, slots=True)
class _Codec:
    """How a kind of string literal escapes characters."""

    pattern: re.Pattern[str]
    escape: Escape
    decode: Callable[[str], str]


_CODECS = {
    True: _Codec(_JSON_ESCAPE, _escape_json, _decode_json),
    False: _Codec(_PYTHON_ESCAPE, _escape_python, _decode_python),
}
"""JSON's literals, and Python's."""

_URL_VALUE = re.compile(r"(?<![\w.\[\]-])([\w.\[\]-]{1,64})=([^\s&;\"'<>#]{1,4096})")


def _url_values(text: str, at: _Place, start: int) -> Iterator[Leaf]:
    """Percent-encoded query values, decoded, each under its own name."""
    for match in _URL_VALUE.finditer(text):
        raw = match[2]
        if _URL_ESCAPE.search(raw) or ("+" in raw and text[match.start() - 1 : match.start()] in {"?", "&"}):
            inner = Frame(at.frame, start + match.start(2), raw, _URL_ESCAPE, _escape_url)
            yield Leaf(_decode_url(raw), match[1], inner, 0, LeafKind.TEXT, at.pointer, at.document)


_PLAIN_KEY = re.compile(r"(?:[A-Za-z]{0,19}\d{0,3}(?:[._\-\[\]]|$)){1,24}", re.ASCII)


@lru_cache(maxsize=WORDS)
def is_plain_key(key: str) -> bool:
    """Whether a key holds nothing but short words and indexes, so that no value can hide in it."""
    return (
        len(key) <= MAX_PLAIN_KEY
        and _PLAIN_KEY.fullmatch(key) is not None
        and sum(map(str.isdigit, key)) <= MAX_KEY_DIGITS
    )


@lru_cache(maxsize=WORDS)
def context_word(key: str) -> str:
    """A key as the detectors compare it: its last telling segment, in lower snake case.

    `user.0.billingEmail` becomes `billing_email`; indexes are skipped.
    """
    segments = [segment for segment in re.split(r"[./\[\]:]+", key[-200:]) if segment and not segment.isdigit()]
    last = segments[-1] if segments else ""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last)
    return re.sub(r"[^a-z0-9]+", "_", snake.lower()).strip("_")
