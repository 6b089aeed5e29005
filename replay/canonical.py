"""The canonical form of what was asked and answered, and the keys made of it: equal exactly when nothing that counts differs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from replay.volatile import Hole, Holes
from spans.canonical import canonical_json

CANONICALISER: Final = 1
"""Raised whenever the same exchange may get another key; it is part of every key."""
KEY_DIGITS: Final = 32
_SAFE_INTEGER = 2**53 - 1
_MAX_DEPTH = 64

Json = Mapping[str, Any]

_TRANSPORT = frozenset(
    {
        "stream", "is_stream", "streaming", "stream_options", "user", "metadata", "store", "cache_control", "cached_content",
        "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "idempotency_key", "headers", "extra_headers",
        "timeout", "request_timeout", "max_retries", "api_key", "base_url", "http_client", "telemetry",
    }
)  # fmt: skip
"""Parameters that say how a question travels, not what is asked."""
_STATE_IDS = frozenset({"previous_response_id", "conversation", "conversation_id", "thread_id", "response_id"})


@dataclass(frozen=True, slots=True)
class Key:
    """The identity of one side of an exchange.

    `exact` is K0. `shape` is K1: K0 with volatile values as numbered holes; `holes` are those values in order.
    """

    exact: str
    shape: str
    holes: tuple[Hole, ...] = ()
    is_uncanonical: bool = False
    """Something in it could not be understood, so it matches itself only, character by character."""


@dataclass(slots=True)
class Names:
    """Provider ids by first appearance: `call#1`, `resp#1`; other providers' spellings change nothing."""

    _known: dict[tuple[str, str], str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def of(self, kind: str, raw: Any) -> str | None:
        """The name of an id; None for "no id"."""
        if not raw:
            return None
        known = (kind, str(raw))
        if known not in self._known:
            self._counts[kind] = number = self._counts.get(kind, 0) + 1
            self._known[known] = f"{kind}#{number}"
        return self._known[known]


def key_of(kind: str, name: str, side: Json, *, near_ns: int, names: Names | None = None) -> Key:
    """The keys of one side of an exchange.

    Args:
        kind: The exchange's kind.
        name: The tool's or model's name as asked; empty when it is no part of the identity.
        side: What was asked, or what was answered.
        near_ns: When the run started.
        names: Ids met before, for an answer that follows its question.
    """
    form = _Form(names or Names())
    try:
        value = [CANONICALISER, kind, name, form.of(side)]
    except _TooDeepError:
        value = [CANONICALISER, kind, name, {"$raw": json.dumps(side, sort_keys=True, default=str)}]
        form.is_uncanonical = True
    exact = _digest(value)
    if form.is_uncanonical:
        return Key(exact, exact, (), is_uncanonical=True)
    holes = Holes(near_ns)
    masked = _masked(value, holes)
    return Key(exact, _digest(masked) if holes.found else exact, tuple(holes.found))


def parsed(text: str) -> tuple[Any, bool]:
    """A JSON object or array out of a text, and whether it was one: strict, so that two texts never become one by mercy.

    Repeated keys, NaN, numbers beyond a double and bare scalars stay text.
    """
    if not text[:1] or text.lstrip()[:1] not in {"{", "["}:
        return text, False
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse, parse_float=_finite), True
    except (ValueError, RecursionError):
        return text, False


class _TooDeepError(Exception):
    """Nested deeper than anything a person wrote."""


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated key")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError(text)
    return number


class _Form:
    """Walks one side by what its fields mean."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.is_uncanonical = False

    def of(self, side: Json) -> Any:
        return {key: _FIELDS.get(key, _Form.plain)(self, value) for key, value in side.items() if key not in _UNKEYED}

    def plain(self, value: Any) -> Any:
        return _tagged(value)

    def structured(self, value: Any) -> Any:
        """Arguments and results: JSON inside a string is opened."""
        if isinstance(value, str):
            opened, is_json = parsed(value)
            return _tagged(opened) if is_json else {"$text": _text(value)}
        return _tagged(value)

    def params(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return _tagged(value)
        found = {}
        for key, item in value.items():
            last = str(key).rpartition(".")[2].lower()
            if last in _TRANSPORT:
                continue
            found[str(key)] = self.names.of("resp", item) if last in _STATE_IDS else item
        return _tagged(found)

    def tools(self, value: Any) -> Any:
        """Sorted by name: a pure re-ordering asks nothing else."""
        listed = [_tagged(tool) for tool in value or ()]
        return sorted(listed, key=canonical_json)

    def messages(self, value: Any) -> Any:
        return [
            {"role": m.get("role"), "name": m.get("name"), "parts": self.parts(m.get("parts") or ())}
            for m in value or ()
        ]

    def parts(self, value: Any) -> Any:
        return [self.part(part) for part in value or ()]

    def part(self, part: Json) -> Any:
        kind = part.get("type")
        if kind == "tool_call":
            arguments, raw = part.get("arguments"), part.get("arguments_raw")
            if arguments is None and raw:
                arguments = raw
            return ["tool_call", self.names.of("call", part.get("id")), part.get("name"), self.structured(arguments)]
        if kind == "tool_result":
            result = self.structured(part.get("content"))
            return ["tool_result", self.names.of("call", part.get("id")), result, bool(part.get("is_error"))]
        if kind == "media":
            content = part.get("content")
            digest = None if content is None else hashlib.sha256(canonical_json(content)).hexdigest()
            return ["media", part.get("modality"), part.get("mime"), digest, _tagged(part.get("uri"))]
        if kind in {"approval_request", "approval_response"}:
            told = {key: item for key, item in part.items() if key not in {"id", "type"}}
            return [kind, self.names.of("call", part.get("id")), _tagged(told)]
        if kind in {"text", "reasoning", "refusal", "compaction"}:
            return [kind, _tagged(part.get("content"))]
        self.is_uncanonical = True
        return ["other", _tagged(dict(part))]

    def call_id(self, value: Any) -> Any:
        return self.names.of("call", value)


_UNKEYED = frozenset({"finish_reasons"})
"""Told in as many spellings as there are libraries; what the answer holds says it better."""
_FIELDS: Mapping[str, Callable[[_Form, Any], Any]] = {
    "arguments": _Form.structured,
    "result": _Form.structured,
    "params": _Form.params,
    "tools": _Form.tools,
    "messages": _Form.messages,
    "system": _Form.parts,
    "call_id": _Form.call_id,
}


def _tagged(value: Any, depth: int = 0) -> Any:
    """A value in which different things stay different: `$` opens our own marks, so keys that begin with it get one more."""
    if depth > _MAX_DEPTH:
        raise _TooDeepError
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -_SAFE_INTEGER <= value <= _SAFE_INTEGER else {"$int": hex(value)}
    if isinstance(value, float):
        return value if value - value == 0 else {"$double": repr(value)}
    if isinstance(value, Mapping):
        return {_key(str(key)): _tagged(item, depth + 1) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_tagged(item, depth + 1) for item in value]
    return {"$other": repr(value)}


def _key(key: str) -> str:
    whole = _text(key)
    text = whole if isinstance(whole, str) else whole["$utf16"]
    return f"${text}" if text.startswith("$") else text


def _text(text: str) -> Any:
    """Text byte for byte; half a surrogate pair, which UTF-8 cannot hold, is marked instead of replaced."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return {"$utf16": text.encode("utf-16-be", "surrogatepass").hex()}
    return text


def _masked(value: Any, holes: Holes) -> Any:
    if isinstance(value, str):
        return holes.mask(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        hole = holes.mask_number(value)
        return value if hole is None else {"$hole": hole}
    if isinstance(value, Mapping):
        return {key: _masked(value[key], holes) for key in sorted(value)}
    if isinstance(value, list):
        return [_masked(item, holes) for item in value]
    return value


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()[:KEY_DIGITS]
