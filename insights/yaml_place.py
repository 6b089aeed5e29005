"""Reads a YAML file at the door: nodes that know their line, so that a refusal says which file, which line, what to write."""

from __future__ import annotations

import difflib
import math
import zoneinfo
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from urllib.parse import urlsplit

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from spans.errors import RefusedError

T = TypeVar("T")
Read = Callable[["Place"], T]

MAX_BYTES = 64 * 1024
"""A file of rules is a page of text; more is a mistake or an attack."""

MAX_NAMES = 500
"""Entries of one list or table."""


class YamlFileError(RefusedError):
    """The file cannot be used; the sentence says which file, which line, what is wrong and what to write instead."""


def compose(text: str, *, file: str, too_large: str = "", empty: str = "") -> Place:
    """The root of a YAML 1.1 document, unread.

    Args:
        text: The file's content, one document.
        file: The name that errors speak of.
        too_large: What to do about a file that is too large.
        empty: What to write into an empty file.

    Raises:
        YamlFileError: not YAML, empty or too large.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise YamlFileError(f"{file}: larger than {MAX_BYTES // 1024} KiB. {too_large}".rstrip())
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise YamlFileError(f"{file}{where}: not YAML: {error.problem or error.context}.") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise YamlFileError(f"{file}: not YAML ({type(error).__name__}).") from None
    if node is None:
        raise YamlFileError(f"{file}: empty. {empty}".rstrip())
    return Place(file, "", node)


class Place:
    """A node with the words to complain about it."""

    def __init__(self, file: str, path: str, node: Node) -> None:
        self.file = file
        self.path = path
        self.node = node

    def refuse(self, what: str, advice: str = "") -> YamlFileError:
        """The error to raise: what is wrong here, and what to write instead."""
        line = self.node.start_mark.line + 1
        name = f"{self.path} " if self.path else ""
        return YamlFileError(f"{self.file}, line {line}: {name}{what}. {advice}".rstrip())

    def fields(self, known: Collection[str] | None = None) -> dict[str, Place]:
        """A mapping's entries; unknown, repeated and non-text keys are refused."""
        if not isinstance(self.node, MappingNode):
            raise self.refuse("must be a table of names and values" if self.path else "the file must be a table")
        found: dict[str, Place] = {}
        for key_node, value_node in self.node.value:
            at = Place(self.file, self.path, key_node)
            if not isinstance(key_node, ScalarNode) or not key_node.value:
                raise at.refuse("has a key that is not a name")
            name = str(key_node.value)
            if known is not None and name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                advice = f"Did you mean {close[0]}?" if close else f"Known names: {', '.join(known)}."
                raise at.refuse(f"has the unknown name {name!r}" if self.path else f"unknown name {name!r}", advice)
            if name in found:
                raise at.refuse(f"has {name!r} twice" if self.path else f"{name!r} stands here twice", "Keep one.")
            found[name] = Place(self.file, f"{self.path}.{name}" if self.path else name, value_node)
        if len(found) > MAX_NAMES:
            raise self.refuse(f"has more than {MAX_NAMES} entries")
        return found

    def items(self) -> list[Place]:
        """A list's entries."""
        if not isinstance(self.node, SequenceNode):
            raise self.refuse("must be a list", "Write it like [first, second].")
        if len(self.node.value) > MAX_NAMES:
            raise self.refuse(f"has more than {MAX_NAMES} entries")
        return [Place(self.file, f"{self.path}[{n}]", node) for n, node in enumerate(self.node.value)]

    def scalar(self, *tags: str) -> str | None:
        """The raw text of a scalar of one of these YAML types, else None."""
        wanted = {f"tag:yaml.org,2002:{tag}" for tag in tags}
        return str(self.node.value) if isinstance(self.node, ScalarNode) and self.node.tag in wanted else None


def optional(fields: Mapping[str, Place], name: str, read: Read[T], default: T) -> T:
    """What a field says, or the default where it is missing."""
    return read(fields[name]) if name in fields else default


def text(place: Place) -> str:
    """A short printable text."""
    said = place.scalar("str")
    if said is None or not said.strip() or not said.isprintable():
        raise place.refuse("must be a short text", "Put quotes around numbers and words like yes.")
    return said.strip()


def names(place: Place) -> tuple[str, ...]:
    """A list of different names."""
    found: dict[str, None] = {}
    for item in place.items():
        name = text(item)
        if name in found:
            raise item.refuse(f"repeats {name!r}", "Keep one.")
        found[name] = None
    return tuple(found)


def one_of(place: Place, choices: Collection[str]) -> str:
    """One of the choices."""
    said = place.scalar("str")
    if said is None or said not in choices:
        raise place.refuse(f"is {shown(place)}", f"Use one of: {', '.join(choices)}.")
    return said


def shown(place: Place) -> str:
    """A value as an error shows it."""
    return repr(place.node.value[:60]) if isinstance(place.node, ScalarNode) else "not a single value"


def number(place: Place, *, above: float = 0.0, most: float = 1e12) -> float:
    """A finite number within bounds."""
    raw = place.scalar("int", "float")
    try:
        found = float(raw.replace("_", "")) if raw is not None else math.nan
    except ValueError:  # 0x10, 1:30 and other YAML 1.1 notations are refused rather than guessed
        found = math.nan
    if not (math.isfinite(found) and above <= found <= most):
        raise place.refuse(f"is {shown(place)}", f"Write a number from {above:g} to {most:g}.")
    return found


def whole(place: Place, *, least: int = 1) -> int:
    """A whole number."""
    found = number(place, above=least)
    if found != int(found):
        raise place.refuse(f"is {shown(place)}", "Write a whole number.")
    return int(found)


def money(place: Place) -> Decimal:
    """An amount, exact as written."""
    number(place)
    try:
        return Decimal(str(place.scalar("int", "float")).replace("_", ""))
    except InvalidOperation:
        raise place.refuse(f"is {shown(place)}", "Write an amount like 0.35.") from None


def rate(place: Place) -> float:
    """A number between 0 and 1."""
    return number(place, most=1.0)


def truth(place: Place) -> bool:
    """True or false."""
    raw = (place.scalar("bool") or "").lower()
    if raw not in {"true", "false"}:
        raise place.refuse(f"is {shown(place)}", "Write true or false.")
    return raw == "true"


def url(place: Place) -> str:
    """An http or https address."""
    said = text(place)
    try:
        parts = urlsplit(said)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise place.refuse(f"is {said[:60]!r}", "Write an address that begins with https://.")
    return said


def timezone(place: Place) -> str:
    """The name of a time zone."""
    name = text(place)
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise place.refuse(f"is {name[:60]!r}, which no time zone is called", "Write it like Europe/Berlin.") from None
    return name
