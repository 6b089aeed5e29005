"""OTLP/JSON as real exporters write it, transcoded into protobuf; one odd item never costs its batch."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collector.accept import EMPTIED, REPAIRED, WRONG_JSON
from collector.answers import RefusalError, Trouble
from collector.bounds import Bounds
from collector.signals import SIGNALS, OtlpSignal
from collector.wire import MAX_DEPTH, WireError, frame
from spans.ids import SPAN_ID_BYTES, TRACE_ID_BYTES

BASE64_IDS = "Some ids were base64; OTLP/JSON writes them as hex digits."
_SURROGATE = re.compile("[\ud800-\udfff]")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_U32, _U64 = 2**32 - 1, 2**64 - 1
_I32, _I64 = 2**31, 2**63


class _WrongJsonError(ValueError):
    """A value has a JSON type its field cannot take."""


@dataclass(slots=True)
class Transcoded:
    """A JSON request as protobuf, and what happened on the way."""

    raw: bytes
    marks: dict[int, tuple[str, ...]] = field(default_factory=dict)
    rejected: Counter[str] = field(default_factory=Counter)
    warnings: tuple[str, ...] = ()


def transcode(raw: bytes, signal: OtlpSignal, bounds: Bounds) -> Transcoded:
    """Turn an OTLP/JSON request into the protobuf it stands for.

    Raises:
        RefusalError: not JSON, not an object, a body of another signal, or too large.
    """
    body = _parse(raw, bounds)
    if body is None:
        return Transcoded(b"")
    if not isinstance(body, dict):
        raise _bad(f"The body is JSON but no OTLP {signal.word} request: it must be an object.")
    if body.get(signal.groups_key) is None:
        for other in SIGNALS:
            if other is not signal and isinstance(body.get(other.groups_key), list):
                raise _bad(f"This body holds {other.word}, not {signal.word}: send it to {other.path}.")
    maker = _Maker(signal)
    return maker.request(body)


def _parse(raw: bytes, bounds: Bounds) -> Any:
    if len(raw) > bounds.json_bytes:
        raise RefusalError(
            Trouble.TOO_LARGE,
            f"A JSON request may have {bounds.json_bytes // (1024 * 1024)} MiB; send smaller batches or protobuf.",
        )
    if not raw.strip():
        return None
    nodes = raw.count(b"{") + raw.count(b"[")
    if nodes > bounds.json_nodes:
        bare = _STRING.sub(b"", raw)  # braces inside prompts do not count
        nodes = bare.count(b"{") + bare.count(b"[")
        if nodes > bounds.json_nodes:
            raise RefusalError(Trouble.TOO_LARGE, "The JSON request holds too many objects; send smaller batches.")
    text = raw.decode("utf-8-sig", "surrogateescape")
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        raise _bad("The body is not valid JSON, or is nested too deeply.", "not JSON") from None


class _Maker:
    """Builds the messages of one request; remembers what it had to mend in the item at hand."""

    def __init__(self, signal: OtlpSignal) -> None:
        self._signal = signal
        self._marks: set[str] = set()
        self._base64_ids = False
        self._result = Transcoded(b"")
        self._kept = 0

    def request(self, body: Mapping[str, Any]) -> Transcoded:
        groups = [self._group(g) for g in self._objects(body.get(self._signal.groups_key))]
        self._result.raw = b"".join(groups)
        if self._base64_ids:
            self._result.warnings = (BASE64_IDS,)
        return self._result

    def _objects(self, value: Any) -> list[Mapping[str, Any]]:
        """A list of objects; an envelope of another shape makes the whole body undecodable."""
        if value is None:
            return []
        if not isinstance(value, list) or any(v is not None and not isinstance(v, dict) for v in value):
            raise _bad(f"The body is JSON but no OTLP {self._signal.word} request: its envelope has the wrong shape.")
        return [v for v in value if v is not None]

    def _group(self, group: Mapping[str, Any]) -> bytes:
        first = self._kept
        parts: list[bytes] = []
        self._marks = set()
        resource = group.get("resource")
        if isinstance(resource, dict):
            parts.append(frame(1, self._lenient(self._resource, resource)))
        url = self._schema_url(group)
        marks = self._marks
        parts += [frame(2, self._scope_group(g)) for g in self._objects(group.get(self._signal.scopes_key))]
        self._mark(first, marks)
        return frame(1, b"".join(parts) + url)

    def _scope_group(self, group: Mapping[str, Any]) -> bytes:
        first = self._kept
        parts: list[bytes] = []
        self._marks = set()
        scope = group.get("scope")
        if isinstance(scope, dict):
            parts.append(frame(1, self._lenient(self._scope, scope)))
        url = self._schema_url(group)
        marks = self._marks
        items = group.get(self._signal.items_key)
        for item in items if isinstance(items, list) else self._objects(items):
            self._marks = set()
            made = self._item(item)
            if made is not None:
                parts.append(frame(2, made))
                if self._marks:
                    self._result.marks[self._kept] = tuple(sorted(self._marks))
                self._kept += 1
        self._mark(first, marks)
        return b"".join(parts) + url

    def _mark(self, first: int, names: set[str]) -> None:
        for at in range(first, self._kept) if names else ():
            self._result.marks[at] = tuple(sorted({*self._result.marks.get(at, ()), *names}))

    def _schema_url(self, group: Mapping[str, Any]) -> bytes:
        url = group.get("schemaUrl")
        return frame(3, self._text(url).encode()) if isinstance(url, str) and url else b""

    def _lenient(self, make: Callable[[Mapping[str, Any]], bytes], source: Mapping[str, Any]) -> bytes:
        """A resource or scope with a wrong value is emptied: its items are worth more than it."""
        try:
            return make(source)
        except (_WrongJsonError, WireError):
            self._marks.add(EMPTIED)
            return b""

    def _item(self, item: Any) -> bytes | None:
        makers = {"spans": self._span, "logs": self._log, "metrics": self._metric}
        if item is None:
            return None
        if not isinstance(item, dict):
            self._result.rejected[WRONG_JSON] += 1
            return None
        try:
            return makers[self._signal.word](item)
        except _WrongJsonError:
            self._result.rejected[WRONG_JSON] += 1
            return None

    def _metric(self, item: Mapping[str, Any]) -> bytes:
        name = item.get("name")
        return frame(1, self._text(name).encode()) if isinstance(name, str) else b""

    def _resource(self, source: Mapping[str, Any]) -> bytes:
        made = Resource(dropped_attributes_count=_uint(source.get("droppedAttributesCount"), _U32))
        self._attributes(made.attributes, source)
        return bytes(made.SerializeToString())

    def _scope(self, source: Mapping[str, Any]) -> bytes:
        made = InstrumentationScope(
            name=self._text(source.get("name")),
            version=self._text(source.get("version")),
            dropped_attributes_count=_uint(source.get("droppedAttributesCount"), _U32),
        )
        self._attributes(made.attributes, source)
        return bytes(made.SerializeToString())

    def _span(self, source: Mapping[str, Any]) -> bytes:
        made = Span()
        made.trace_id = self._id(source.get("traceId"), TRACE_ID_BYTES)
        made.span_id = self._id(source.get("spanId"), SPAN_ID_BYTES)
        made.parent_span_id = self._id(source.get("parentSpanId"), SPAN_ID_BYTES)
        made.name = self._text(source.get("name"))
        made.trace_state = self._text(source.get("traceState"))
        made.flags = _uint(source.get("flags"), _U32)
        made.kind = _enum(source.get("kind"), Span.SpanKind.DESCRIPTOR)
        made.start_time_unix_nano = _uint(source.get("startTimeUnixNano"), _U64)
        made.end_time_unix_nano = _uint(source.get("endTimeUnixNano"), _U64)
        self._attributes(made.attributes, source)
        made.dropped_attributes_count = _uint(source.get("droppedAttributesCount"), _U32)
        for event in _list(source.get("events")):
            one = made.events.add()
            one.name = self._text(event.get("name"))
            one.time_unix_nano = _uint(event.get("timeUnixNano"), _U64)
            self._attributes(one.attributes, event)
            one.dropped_attributes_count = _uint(event.get("droppedAttributesCount"), _U32)
        made.dropped_events_count = _uint(source.get("droppedEventsCount"), _U32)
        for link in _list(source.get("links")):
            to = made.links.add()
            to.trace_id = self._id(link.get("traceId"), TRACE_ID_BYTES)
            to.span_id = self._id(link.get("spanId"), SPAN_ID_BYTES)
            to.trace_state = self._text(link.get("traceState"))
            to.flags = _uint(link.get("flags"), _U32)
            self._attributes(to.attributes, link)
            to.dropped_attributes_count = _uint(link.get("droppedAttributesCount"), _U32)
        made.dropped_links_count = _uint(source.get("droppedLinksCount"), _U32)
        status = source.get("status")
        if isinstance(status, dict):
            made.status.message = self._text(status.get("message"))
            made.status.code = _enum(status.get("code"), Status.StatusCode.DESCRIPTOR)
        return bytes(made.SerializeToString())

    def _log(self, source: Mapping[str, Any]) -> bytes:
        made = LogRecord()
        made.time_unix_nano = _uint(source.get("timeUnixNano"), _U64)
        made.observed_time_unix_nano = _uint(source.get("observedTimeUnixNano"), _U64)
        made.severity_number = _enum(source.get("severityNumber"), SeverityNumber.DESCRIPTOR)
        made.severity_text = self._text(source.get("severityText"))
        made.event_name = self._text(source.get("eventName"))
        body = source.get("body")
        if body is not None:
            self._value(made.body, body, 0)
        self._attributes(made.attributes, source)
        made.dropped_attributes_count = _uint(source.get("droppedAttributesCount"), _U32)
        made.flags = _uint(source.get("flags"), _U32)
        made.trace_id = self._id(source.get("traceId"), TRACE_ID_BYTES)
        made.span_id = self._id(source.get("spanId"), SPAN_ID_BYTES)
        return bytes(made.SerializeToString())

    def _attributes(self, target: Any, source: Mapping[str, Any]) -> None:
        for pair in _list(source.get("attributes")):
            self._pair(target.add(), pair, 0)

    def _pair(self, target: KeyValue, pair: Mapping[str, Any], depth: int) -> None:
        target.key = self._text(pair.get("key"))
        value = pair.get("value")
        if value is not None:
            self._value(target.value, value, depth)

    def _value(self, target: AnyValue, value: Any, depth: int) -> None:
        """Set what the JSON names; of several members the last wins, of none the value is null."""
        if not isinstance(value, dict):
            raise _WrongJsonError
        target.SetInParent()
        if depth >= MAX_DEPTH:
            if value:
                self._marks.add(EMPTIED)
            return
        for name, inner in value.items():
            if inner is None:
                continue
            if name == "stringValue":
                target.string_value = self._text(inner)
            elif name == "arrayValue":
                self._array(target, inner, depth)
            elif name == "kvlistValue":
                self._kvlist(target, inner, depth)
            elif name in _SCALARS:
                field_name, parse = _SCALARS[name]
                setattr(target, field_name, parse(inner))

    def _array(self, target: AnyValue, inner: Any, depth: int) -> None:
        if not isinstance(inner, dict):
            raise _WrongJsonError
        target.array_value.SetInParent()
        values = inner.get("values")
        if values is not None and not isinstance(values, list):
            raise _WrongJsonError
        for one in values or ():
            made = target.array_value.values.add()
            if one is not None:
                self._value(made, one, depth + 1)

    def _kvlist(self, target: AnyValue, inner: Any, depth: int) -> None:
        if not isinstance(inner, dict):
            raise _WrongJsonError
        target.kvlist_value.SetInParent()
        for pair in _list(inner.get("values")):
            self._pair(target.kvlist_value.values.add(), pair, depth + 1)

    def _text(self, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise _WrongJsonError
        text = value if isinstance(value, str) else str(value)
        if text.isascii() or _SURROGATE.search(text) is None:
            return text
        self._marks.add(REPAIRED)
        # an escaped pair in two halves becomes its character; a half alone and each invalid byte become U+FFFD
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def _id(self, value: Any, size: int) -> bytes:
        """An id from hex or (leniently) base64. What is neither stays empty: the verdict falls where ids are judged."""
        if value is None or not isinstance(value, str):
            return b""
        text = value.strip()
        try:
            if len(text) == 2 * size:
                return bytes.fromhex(text)
            raw = base64.b64decode(text, validate=True) if len(text) in {24, 12} else b""
        except (ValueError, binascii.Error):
            return b""
        if len(raw) == size:
            self._base64_ids = True
            return raw
        return b""


def _list(value: Any) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or any(v is not None and not isinstance(v, dict) for v in value):
        raise _WrongJsonError
    return [v for v in value if v is not None]


def _int(value: Any, low: int, high: int) -> int:
    """A 64-bit integer as string or number, in exponent form too; never through a float when it is text."""
    if isinstance(value, bool):
        raise _WrongJsonError
    if isinstance(value, str):
        try:
            value = Decimal(value.strip()) if len(value) <= 64 else Decimal("NaN")
        except InvalidOperation:
            raise _WrongJsonError from None
    elif isinstance(value, float):
        value = Decimal(repr(value))
    elif not isinstance(value, int):
        raise _WrongJsonError
    if isinstance(value, Decimal):
        if not value.is_finite() or value.adjusted() > 20:
            raise _WrongJsonError
        number = int(value)
        if number != value:
            raise _WrongJsonError
        value = number
    if not low <= value <= high:
        raise _WrongJsonError
    return int(value)


def _uint(value: Any, high: int) -> int:
    return 0 if value is None or value == "" else _int(value, 0, high)


def _enum(value: Any, kinds: Any) -> Any:
    """A number, or leniently a name; unknown numbers stay, unknown names become 0."""
    if value is None:
        return 0
    if isinstance(value, str) and not value.lstrip("-").isdigit():
        known = kinds.values_by_name.get(value) if value.isascii() else None  # upb cannot look up a lone surrogate
        return int(known.number) if known is not None else 0
    return _int(value, -_I32, _I32 - 1)


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise _WrongJsonError


def _double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _WrongJsonError
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")  # type: ignore[operator]
    except ValueError:
        raise _WrongJsonError from None


def _bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise _WrongJsonError
    text = value.strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error):
        raise _WrongJsonError from None


_SCALARS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "boolValue": ("bool_value", _bool),
    "intValue": ("int_value", lambda value: _int(value, -_I64, _I64 - 1)),
    "doubleValue": ("double_value", _double),
    "bytesValue": ("bytes_value", _bytes),
}


def _bad(message: str, what: str = "wrong shape") -> RefusalError:
    return RefusalError(Trouble.BAD_DATA, message, [("body", what)])
