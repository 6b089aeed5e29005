"""Walks every string of spans and log records through redaction; the only maker of clean evidence on the way in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from redaction.items import Cleaned, Item
from redaction.leaves import is_plain_key
from runs.keys import field_class
from spans.canonical import content_digest
from spans.clean import CleanLog, CleanSpan, Origin, Redaction, RedactionNote
from spans.fields import FieldClass
from spans.span import Event, Link, LogRecord, Resource, Scope, Span
from spans.values import Attributes, Value

if TYPE_CHECKING:
    from redaction.engine import Redactor


def clean_batch(
    redactor: Redactor, items: Sequence[Span | LogRecord], origins: Sequence[Origin]
) -> list[CleanSpan | CleanLog]:
    """Clean evidence, in order. Texts that cannot be redacted are withheld, and the item says so.

    Args:
        redactor: Cleans values.
        items: Decoded spans and log records.
        origins: Where each item stands in the spool, and for which project.

    Raises:
        ValueError: items and origins differ in number.
    """
    clean: list[CleanSpan | CleanLog | None] = [None] * len(items)
    by_project: dict[str, list[int]] = {}
    for index, (_, origin) in enumerate(zip(items, origins, strict=True)):
        by_project.setdefault(origin.project, []).append(index)
    for project, indexes in by_project.items():
        mode = Redaction(redactor.mode_of(project).value)
        if mode is Redaction.OFF:
            for index in indexes:
                clean[index] = _evidence(items[index], origins[index], (), mode, redactor.rules.fingerprint, "")
            continue
        walk = _Walk()
        for index in indexes:
            walk.add(items[index])
        walk.take(redactor.redact(walk.items, project))
        for index in indexes:
            item, notes, failed = walk.clean(items[index])
            outcome = Redaction.WITHHELD if failed else mode
            clean[index] = _evidence(item, origins[index], notes, outcome, redactor.rules.fingerprint, redactor.key_id)
    return [item for item in clean if item is not None]


def _evidence(
    item: Span | LogRecord,
    origin: Origin,
    notes: tuple[RedactionNote, ...],
    mode: Redaction,
    fingerprint: str,
    key_id: str,
) -> CleanSpan | CleanLog:
    if isinstance(item, Span):
        return CleanSpan(item, origin, notes, mode, fingerprint, key_id)
    return CleanLog(item, _log_id(item), origin, notes, mode, fingerprint, key_id)


def _log_id(log: LogRecord) -> str:
    """Equal for a record that is sent again: nothing of when or where it was received is part of it."""
    return content_digest(
        {
            "time": str(log.time_ns),
            "observed": str(log.observed_ns),
            "severity": [log.severity_number, log.severity_text],
            "event": log.event_name,
            "body": log.body,
            "attributes": log.attributes,
            "trace": log.trace_id,
            "span": log.span_id,
            "flags": log.flags,
            "resource": log.resource.attributes,
            "scope": [log.scope.name, log.scope.version, log.scope.attributes],
        },
        digits=32,
    )


@dataclass(slots=True)
class _Notebook:
    """What was hidden in one item so far."""

    notes: list[RedactionNote] = field(default_factory=list)
    failed: bool = False


Shared = TypeVar("Shared", Resource, Scope)


class _Walk:
    """Goes over every string of a batch twice, in the same order: first to collect, then to put the clean ones back.

    Both passes share one description of where strings are; what differs is `_read` and `_key` alone.
    """

    def __init__(self) -> None:
        self._values: list[Item] = []
        self._keys: dict[str, int] = {}
        self._cleaned: Sequence[Cleaned] = ()
        self._second = False
        self._next = 0
        self._group = 0
        self._series = ""
        self._shared_group = 0
        self._shared: dict[int, tuple[Resource | Scope, _Notebook]] = {}
        self._book = _Notebook()

    def add(self, item: Span | LogRecord) -> None:
        """First pass: collect the values of one item."""
        self._group += 1
        self._series = item.trace_id or ""
        self._walk(item)

    @property
    def items(self) -> list[Item]:
        """Everything collected: values in order, then unusual keys, each once."""
        return [*self._values, *(Item(key, "", FieldClass.PLAIN, "", -1) for key in self._keys)]

    def take(self, cleaned: Sequence[Cleaned]) -> None:
        """Between the passes: what redaction made of `items`."""
        self._cleaned = cleaned
        self._second = True
        self._shared.clear()

    def clean(self, item: Span | LogRecord) -> tuple[Span | LogRecord, tuple[RedactionNote, ...], bool]:
        """Second pass, same order as `add`: the clean item, its notes, and whether a text was withheld."""
        self._book = _Notebook()
        made = self._walk(item)
        return made, tuple(self._book.notes), self._book.failed

    def _walk(self, item: Span | LogRecord) -> Span | LogRecord:
        return self._span(item) if isinstance(item, Span) else self._log(item)

    def _span(self, span: Span) -> Span:
        return dataclasses.replace(
            span,
            name=self._text(span.name, "name", FieldClass.NAME, "/name"),
            attributes=self._attributes(span.attributes, "/attributes"),
            events=tuple(self._event(event, f"/events/{index}") for index, event in enumerate(span.events)),
            links=tuple(self._link(link, f"/links/{index}") for index, link in enumerate(span.links)),
            status_message=self._text(span.status_message, "status.message", FieldClass.CONTENT, "/status/message"),
            trace_state=self._text(span.trace_state, "trace_state", FieldClass.PLAIN, "/trace_state"),
            resource=self._once(span.resource, self._resource),
            scope=self._once(span.scope, self._scope),
        )

    def _log(self, log: LogRecord) -> LogRecord:
        return dataclasses.replace(
            log,
            severity_text=self._text(log.severity_text, "severity_text", FieldClass.IDENTIFIER, "/severity_text"),
            event_name=self._text(log.event_name, "event.name", FieldClass.NAME, "/event_name"),
            body=self._read(log.body, "body", FieldClass.CONTENT, "/body"),
            attributes=self._attributes(log.attributes, "/attributes"),
            resource=self._once(log.resource, self._resource),
            scope=self._once(log.scope, self._scope),
        )

    def _event(self, event: Event, path: str) -> Event:
        return dataclasses.replace(
            event,
            name=self._text(event.name, "event.name", FieldClass.NAME, f"{path}/name"),
            attributes=self._attributes(event.attributes, f"{path}/attributes"),
        )

    def _link(self, link: Link, path: str) -> Link:
        return dataclasses.replace(
            link,
            attributes=self._attributes(link.attributes, f"{path}/attributes"),
            trace_state=self._text(link.trace_state, "trace_state", FieldClass.PLAIN, f"{path}/trace_state"),
        )

    def _resource(self, resource: Resource) -> Resource:
        return dataclasses.replace(
            resource,
            attributes=self._attributes(resource.attributes, "/resource/attributes"),
            schema_url=self._text(resource.schema_url, "schema_url", FieldClass.PLAIN, "/resource/schema_url"),
        )

    def _scope(self, scope: Scope) -> Scope:
        return dataclasses.replace(
            scope,
            name=self._text(scope.name, "scope.name", FieldClass.NAME, "/scope/name"),
            version=self._text(scope.version, "scope.version", FieldClass.IDENTIFIER, "/scope/version"),
            attributes=self._attributes(scope.attributes, "/scope/attributes"),
            schema_url=self._text(scope.schema_url, "schema_url", FieldClass.PLAIN, "/scope/schema_url"),
        )

    def _once(self, shared: Shared, walk: Callable[[Shared], Shared]) -> Shared:
        """Resource and scope are one object for many spans: walked once, their notes repeated on every span."""
        known = self._shared.get(id(shared))
        if known is None:
            outer, group = self._book, self._group
            self._shared_group -= 2
            self._book, self._group = _Notebook(), self._shared_group
            made = walk(shared)
            known = self._shared[id(shared)] = (made, self._book)
            self._book, self._group = outer, group
        made, book = known  # type: ignore[assignment]
        self._book.notes.extend(book.notes)
        self._book.failed |= book.failed
        return made

    def _attributes(self, attributes: Attributes, path: str) -> Attributes:
        found: dict[str, Value] = {}
        for key, value in attributes.items():
            name = self._key(key, path)
            while name in found:
                name += "'"  # two keys that became one token must not hide one value
            found[name] = self._read(value, key, field_class(key), f"{path}/{_segment(name)}")
        return found

    def _text(self, text: str, key: str, field_: FieldClass, path: str) -> str:
        return str(self._read(text, key, field_, path)) if text else text

    def _read(self, value: Value, key: str, field_: FieldClass, path: str) -> Value:
        if value is None or isinstance(value, (bool, float)):
            return value
        if not self._second:
            self._values.append(Item(value, key, field_, "", self._group, self._series))
            return value
        cleaned = self._cleaned[self._next]
        self._next += 1
        self._note(cleaned, path)
        return cleaned.value

    def _key(self, key: str, path: str) -> str:
        if is_plain_key(key):
            return key
        if not self._second:
            self._keys.setdefault(key, len(self._keys))
            return key
        cleaned = self._cleaned[len(self._values) + self._keys[key]]
        name = str(cleaned.value)
        self._note(cleaned, f"{path}/{_segment(name)}")
        return name

    def _note(self, cleaned: Cleaned, path: str) -> None:
        for note in cleaned.notes:
            self._book.notes.append(RedactionNote(path + note.path, note.entity, note.operator, note.why))
        self._book.failed |= cleaned.failed


def _segment(name: str) -> str:
    """One segment of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
