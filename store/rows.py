"""Evidence as rows and back: light columns, contents beside them, and facts; the store's only door for clean items."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from spans.clean import CleanLog, CleanSpan, Origin, Redaction, RedactionNote
from spans.facts import SpanFacts
from spans.ids import SpanId, TraceId
from spans.span import Event, Link, LogRecord, Resource, Scope, Span, StatusCode
from spans.values import Attributes, Value
from store.columns import BOOL, DAY, I8, I32, SCORE, TEXT, TEXT_MAP, TEXTS, U32, U64, Column, table_of
from store.records import Record
from store.text import from_json, to_json

LIGHT_CHARS = 256
"""Longer strings are content whatever their key says: they expire with the content and stay out of lists."""

IsContent = Callable[[str], bool]
Row = Mapping[str, Any]
_SCORE_BYTES = 32
_HASH_BYTES = 16
_MAX_FACTS_MS = 2**44 - 1


@dataclass(frozen=True, slots=True)
class _Parted:
    """Attributes as JSON texts by key: light ones, and those that are content."""

    light: dict[str, str]
    heavy: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Entry:
    """An item on its way into its tables."""

    clean: CleanSpan | CleanLog
    item: Any
    """The span or log record inside."""
    facts: SpanFacts
    attributes: _Parted
    resource: _Parted
    scope: _Parted

    def has_contents(self) -> bool:
        """Whether a span has a row in `span_contents`."""
        heavy = self.attributes.heavy or self.resource.heavy or self.scope.heavy
        return bool(heavy or self.item.events or self.item.links or self.item.status_message)


_COMMON: tuple[Column[_Entry], ...] = (
    Column("project", TEXT, lambda e: e.clean.origin.project),
    Column("received_day", DAY, lambda e: e.clean.origin.received_day),
    Column("received_ns", U64, lambda e: e.clean.origin.received_ns),
    Column("segment", TEXT, lambda e: e.clean.origin.segment),
    Column("slot", U32, lambda e: e.clean.origin.slot),
    Column("position", U32, lambda e: e.clean.origin.position),
    Column("redaction", TEXT, lambda e: e.clean.redaction),
    Column("fingerprint", TEXT, lambda e: e.clean.fingerprint),
    Column("key_id", TEXT, lambda e: e.clean.key_id),
    Column("notes", TEXT, lambda e: to_json([[n.path, n.entity, n.operator, n.why] for n in e.clean.notes])),
    Column("flags", U32, lambda e: e.item.flags),
    Column("dropped_attributes", U32, lambda e: e.item.dropped_attributes),
    Column("marks", TEXTS, lambda e: e.item.marks),
    Column("attributes", TEXT_MAP, lambda e: e.attributes.light),
    Column("resource_attributes", TEXT_MAP, lambda e: e.resource.light),
    Column("resource_dropped", U32, lambda e: e.item.resource.dropped_attributes),
    Column("resource_schema_url", TEXT, lambda e: e.item.resource.schema_url),
    Column("scope_name", TEXT, lambda e: e.item.scope.name),
    Column("scope_version", TEXT, lambda e: e.item.scope.version),
    Column("scope_attributes", TEXT_MAP, lambda e: e.scope.light),
    Column("scope_dropped", U32, lambda e: e.item.scope.dropped_attributes),
    Column("scope_schema_url", TEXT, lambda e: e.item.scope.schema_url),
)

SPAN_COLUMNS: tuple[Column[_Entry], ...] = (
    Column("trace_id", TEXT, lambda e: e.item.trace_id),
    Column("span_id", TEXT, lambda e: e.item.span_id),
    Column("score", SCORE, lambda e: _score_bytes(e.facts)),
    Column("content_hash", TEXT, lambda e: e.facts.content_hash),
    Column("has_contents", BOOL, _Entry.has_contents),
    Column("parent_span_id", TEXT, lambda e: e.item.parent_span_id or ""),
    Column("name", TEXT, lambda e: e.item.name),
    Column("kind", I32, lambda e: e.item.kind),
    Column("start_ns", U64, lambda e: e.item.start_ns),
    Column("end_ns", U64, lambda e: e.item.end_ns),
    Column("status_code", I8, lambda e: e.item.status_code),
    Column("trace_state", TEXT, lambda e: e.item.trace_state),
    Column("dropped_events", U32, lambda e: e.item.dropped_events),
    Column("dropped_links", U32, lambda e: e.item.dropped_links),
    *_COMMON,
)

CONTENT_COLUMNS: tuple[Column[_Entry], ...] = (
    Column("project", TEXT, lambda e: e.clean.origin.project),
    Column("trace_id", TEXT, lambda e: e.item.trace_id),
    Column("span_id", TEXT, lambda e: e.item.span_id),
    Column("received_day", DAY, lambda e: e.clean.origin.received_day),
    Column("score", SCORE, lambda e: _score_bytes(e.facts)),
    Column("content_hash", TEXT, lambda e: e.facts.content_hash),
    Column("status_message", TEXT, lambda e: e.item.status_message),
    Column("attributes", TEXT_MAP, lambda e: e.attributes.heavy),
    Column("resource_attributes", TEXT_MAP, lambda e: e.resource.heavy),
    Column("scope_attributes", TEXT_MAP, lambda e: e.scope.heavy),
    Column("events", TEXT, lambda e: to_json([_event_json(event) for event in e.item.events])),
    Column("links", TEXT, lambda e: to_json([_link_json(link) for link in e.item.links])),
)

LOG_COLUMNS: tuple[Column[_Entry], ...] = (
    # A session log names no trace; its facts say which run it belongs to, and it is found there.
    Column("trace_id", TEXT, lambda e: e.item.trace_id or e.facts.trace_id),
    Column("span_id", TEXT, lambda e: e.item.span_id or ""),
    Column("log_id", TEXT, lambda e: getattr(e.clean, "log_id", "")),
    Column("time_ns", U64, lambda e: e.item.time_ns),
    Column("observed_ns", U64, lambda e: e.item.observed_ns),
    Column("severity_number", I32, lambda e: e.item.severity_number),
    Column("severity_text", TEXT, lambda e: e.item.severity_text),
    Column("event_name", TEXT, lambda e: e.item.event_name),
    Column("body", TEXT, lambda e: to_json(e.item.body)),
    *_COMMON,
)


def _facts_score(facts: SpanFacts) -> int:
    """Newer rules win; of equal facts the copy received first stays, because it says when the evidence came."""
    received_ms = min(facts.received_ns // 1_000_000, _MAX_FACTS_MS)
    return (facts.version << 44) | (_MAX_FACTS_MS - received_ms)


FACTS: Record[SpanFacts] = Record(
    SpanFacts,
    {
        "project": TEXT,
        "trace_id": TEXT,
        "span_id": TEXT,
        "source": TEXT,
        "content_hash": TEXT,
        "received_day": DAY,
        "received_ns": U64,
        "shared_keys": TEXTS,
        # Columns of their own, because they expire with the content (see `Store.drop_content`).
        "input_preview": TEXT,
        "output_preview": TEXT,
        "error_message": TEXT,
    },
    [Column("score", U64, _facts_score)],
)


def evidence_tables(
    items: Sequence[CleanSpan | CleanLog],
    facts: Sequence[SpanFacts],
    is_content: IsContent | None = None,
) -> dict[str, pa.Table]:
    """Rows of all evidence tables; `facts[i]` are the facts of `items[i]`.

    Attributes of spans are content when they are not scalar, longer than 256 characters, or `is_content(key)`.
    No text or number inside an item can make this fail or the engine refuse the rows.
    """
    content = is_content or _never
    entries = [_entry(item, own, content) for item, own in zip(items, facts, strict=True)]
    spans = [entry for entry in entries if isinstance(entry.clean, CleanSpan)]
    logs = [entry for entry in entries if isinstance(entry.clean, CleanLog)]
    return {
        "spans": table_of(SPAN_COLUMNS, spans),
        "span_contents": table_of(CONTENT_COLUMNS, [entry for entry in spans if entry.has_contents()]),
        "logs": table_of(LOG_COLUMNS, logs),
        "facts": FACTS.table(facts),
    }


def facts_table(facts: Sequence[SpanFacts]) -> pa.Table:
    """Rows of `facts` alone, for evidence that is stored already; facts of newer rules replace older ones."""
    return FACTS.table(facts)


def span_of(row: Row, content: Row | None) -> CleanSpan:
    """The span of a row of `spans` and its row of `span_contents`, if there is one."""
    heavy = content or {}
    span = Span(
        trace_id=TraceId(row["trace_id"]),
        span_id=SpanId(row["span_id"]),
        name=row["name"],
        parent_span_id=SpanId(row["parent_span_id"]) if row["parent_span_id"] else None,
        kind=row["kind"],
        start_ns=row["start_ns"],
        end_ns=row["end_ns"],
        attributes=_attributes(row, heavy, "attributes"),
        events=_events(heavy.get("events") or "[]"),
        links=_links(heavy.get("links") or "[]"),
        status_code=_status(row["status_code"]),
        status_message=heavy.get("status_message", ""),
        trace_state=row["trace_state"],
        flags=row["flags"],
        dropped_attributes=row["dropped_attributes"],
        dropped_events=row["dropped_events"],
        dropped_links=row["dropped_links"],
        resource=_resource(row, heavy),
        scope=_scope(row, heavy),
        marks=tuple(row["marks"]),
    )
    return CleanSpan(span, _origin(row), _notes(row), _redaction(row["redaction"]), row["fingerprint"], row["key_id"])


def log_of(row: Row) -> CleanLog:
    """The log record of a row of `logs`."""
    log = LogRecord(
        time_ns=row["time_ns"],
        observed_ns=row["observed_ns"],
        severity_number=row["severity_number"],
        severity_text=row["severity_text"],
        event_name=row["event_name"],
        body=_value(row["body"]),
        attributes=_attributes(row, {}, "attributes"),
        trace_id=TraceId(row["trace_id"]) if row["trace_id"] else None,
        span_id=SpanId(row["span_id"]) if row["span_id"] else None,
        flags=row["flags"],
        dropped_attributes=row["dropped_attributes"],
        resource=_resource(row, {}),
        scope=_scope(row, {}),
        marks=tuple(row["marks"]),
    )
    return CleanLog(
        log, row["log_id"], _origin(row), _notes(row), _redaction(row["redaction"]), row["fingerprint"], row["key_id"]
    )


def copy_score(facts: SpanFacts) -> int:
    """Which of two copies of a span wins, as one number of 256 bits: assembly and every engine agree by it.

    Ended beats unended, then later end, then whole beats withheld, then more attributes, then the greater content hash.
    """
    ended = 1 if facts.end_ns > 0 else 0
    end_ns = min(max(facts.end_ns, 0), 2**64 - 1)
    whole = 0 if facts.withheld else 1
    attributes = min(facts.attribute_count, 2**31 - 1)
    return (
        (ended << 224)
        | (end_ns << 160)
        | (whole << 159)
        | (attributes << 128)
        | int.from_bytes(_hash_bytes(facts.content_hash))
    )


def _entry(clean: CleanSpan | CleanLog, facts: SpanFacts, is_content: IsContent) -> _Entry:
    if isinstance(clean, CleanSpan):
        span = clean.span
        return _Entry(
            clean,
            span,
            facts,
            _parted(span.attributes, is_content),
            _parted(span.resource.attributes, _never),
            _parted(span.scope.attributes, _never),
        )
    log = clean.log  # a log's row is content as a whole
    return _Entry(
        clean, log, facts, _whole(log.attributes), _whole(log.resource.attributes), _whole(log.scope.attributes)
    )


def _parted(attributes: Attributes, is_content: IsContent) -> _Parted:
    parted = _Parted({}, {})
    for key, value in attributes.items():
        heavy = not _is_short(value) or is_content(key)
        (parted.heavy if heavy else parted.light)[key] = to_json(value)
    return parted


def _whole(attributes: Attributes) -> _Parted:
    return _Parted({key: to_json(value) for key, value in attributes.items()}, {})


def _is_short(value: Value) -> bool:
    if isinstance(value, str):
        return len(value) <= LIGHT_CHARS
    return value is None or isinstance(value, (bool, int, float))


def _never(_key: str) -> bool:
    return False


def _score_bytes(facts: SpanFacts) -> bytes:
    return copy_score(facts).to_bytes(_SCORE_BYTES, "little")


def _hash_bytes(content_hash: str) -> bytes:
    try:
        return bytes.fromhex(content_hash)[:_HASH_BYTES].rjust(_HASH_BYTES, b"\0")
    except ValueError:
        return hashlib.sha256(content_hash.encode("utf-8", "replace")).digest()[:_HASH_BYTES]


def _event_json(event: Event) -> Value:
    return [event.name, event.time_ns, event.attributes, event.dropped_attributes]


def _event(parts: Sequence[Any]) -> Event:
    return Event(parts[0], parts[1], parts[2], parts[3])


def _link_json(link: Link) -> Value:
    return [link.trace_id, link.span_id, link.attributes, link.trace_state, link.flags, link.dropped_attributes]


def _link(parts: Sequence[Any]) -> Link:
    return Link(TraceId(parts[0]), SpanId(parts[1]), parts[2], parts[3], parts[4], parts[5])


# What was changed in the store by somebody else may not be what `to_json` wrote. It is still read, so that the page of its
# run opens and its proof can say which span was altered.


def _value(text: str) -> Value:
    try:
        value: Value = from_json(text)
    except ValueError:
        return text
    return value


def _events(text: str) -> tuple[Event, ...]:
    try:
        return tuple(_event(parts) for parts in from_json(text))
    except (ValueError, TypeError, LookupError):
        return (Event("unreadable", attributes={"stored": text}),)


def _links(text: str) -> tuple[Link, ...]:
    try:
        return tuple(_link(parts) for parts in from_json(text))
    except (ValueError, TypeError, LookupError):
        return (Link(TraceId(""), SpanId(""), {"unreadable": text}),)


def _attributes(row: Row, heavy: Row, name: str) -> dict[str, Value]:
    texts = {**dict(row[name]), **dict(heavy.get(name, ()))}
    return {key: _value(text) for key, text in texts.items()}


def _resource(row: Row, heavy: Row) -> Resource:
    attributes = _attributes(row, heavy, "resource_attributes")
    return Resource(attributes, row["resource_dropped"], row["resource_schema_url"])


def _scope(row: Row, heavy: Row) -> Scope:
    attributes = _attributes(row, heavy, "scope_attributes")
    return Scope(row["scope_name"], row["scope_version"], attributes, row["scope_dropped"], row["scope_schema_url"])


def _origin(row: Row) -> Origin:
    return Origin(
        row["project"],
        row["received_ns"],
        row["received_day"],
        row["segment"],
        row["slot"],
        row["position"],
    )


def _redaction(word: str) -> Redaction:
    """A word nobody writes was put there by somebody else: the row can still be read, and its proof says altered."""
    return Redaction(word) if word in Redaction.__members__.values() else Redaction.WITHHELD


def _notes(row: Row) -> tuple[RedactionNote, ...]:
    try:
        return tuple(RedactionNote(*parts) for parts in from_json(row["notes"]))
    except (ValueError, TypeError):
        return (RedactionNote("", "UNREADABLE", "", ""),)


def _status(code: int) -> StatusCode:
    return StatusCode(code) if code in StatusCode.__members__.values() else StatusCode.UNSET
