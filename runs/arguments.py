"""What the arguments of a tool call look like without their values: shape, idempotency key, digest without that key."""

from __future__ import annotations

import re
from collections.abc import Iterable

from runs.calls import hash_of, literal
from runs.values import structured
from spans.canonical import content_digest
from spans.facts import ArgumentNote
from spans.values import Value

_KEY_NAMES = frozenset(
    {"clientrequesttoken", "clienttoken", "idempotencykey", "idempotencytoken", "xidempotencykey"},
)
"""Argument names, without case and separators, whose value makes a repeat safe."""
_SEPARATORS = re.compile(r"[\W_]+")
_MOST_KEYS = 12
_MOST_NAME = 40
_MOST_NOTES = 128


def notes_of(arguments: Iterable[Value]) -> dict[str, ArgumentNote]:
    """A note for each distinct set of arguments, under the hash that calls are joined by."""
    found: dict[str, ArgumentNote] = {}
    for value in arguments:
        if len(found) >= _MOST_NOTES:
            break
        parsed = literal(structured(value))
        rest, key = split_idempotency_key(parsed)
        found[hash_of(value)] = ArgumentNote(
            shape=shape_of_arguments(parsed),
            repeat_hash=rest,
            idempotency=content_digest(key, digits=16) if key else "",
        )
    return found


def shape_of_arguments(value: Value) -> str:
    """Names with kinds of values, sorted: `amount number, order_id text`. Equal shapes are calls of one sort."""
    if not isinstance(value, dict):
        return "" if value in (None, "") else _kind(value)
    names = sorted(str(name) for name in value)
    shown = ", ".join(f"{name[:_MOST_NAME]} {_kind(value[name])}" for name in names[:_MOST_KEYS] if name in value)
    more = len(names) - _MOST_KEYS
    return f"{shown}, {more} more" if more > 0 else shown


def _kind(value: Value) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes/no"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "object" if isinstance(value, dict) else "list"


def split_idempotency_key(arguments: Value) -> tuple[str, str]:
    """The digest of arguments without their idempotency key, and that key; both empty when there is none.

    Only keys at the top of the arguments, or one table below (`headers`, `options`), are idempotency keys.
    """
    if not isinstance(arguments, dict):
        return "", ""
    keys: list[str] = []
    rest: dict[str, Value] = {}
    for name, value in arguments.items():
        if _is_key(name, value):
            keys.append(str(value))
        elif isinstance(value, dict) and any(_is_key(n, v) for n, v in value.items()):
            keys += [str(v) for n, v in value.items() if _is_key(n, v)]
            rest[name] = {n: v for n, v in value.items() if not _is_key(n, v)}
        else:
            rest[name] = value
    return (content_digest(rest), "\n".join(sorted(keys))) if keys else ("", "")


def _is_key(name: str, value: Value) -> bool:
    if value in (None, "") or not isinstance(value, (str, int)) or isinstance(value, bool):
        return False
    return _SEPARATORS.sub("", name.lower()) in _KEY_NAMES
