"""One clean span or log, opened for the dialects: attributes, scope, events and what its name is, all in one shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from runs.values import flat_index, structured, text_of
from spans.clean import CleanLog, CleanSpan
from spans.span import Event, StatusCode
from spans.values import Attributes, Value

_EVENT_PREFIXES = ("claude_code.", "codex.", "gemini_cli.", "qwen-code.", "copilot_chat.")


class View:
    """Read-only. A log is a view without events and with a body; its `name` is its event name."""

    def __init__(self, item: CleanSpan | CleanLog, logs: Sequence[View] = ()) -> None:
        self.item = item
        self.logs = tuple(logs)
        """Views of the log records that belong to this span, in time order."""
        if isinstance(item, CleanSpan):
            span = item.span
            self.is_log = False
            self.attributes: Attributes = span.attributes
            self.name = span.name
            self.scope = span.scope.name
            self.scope_version = span.scope.version
            self.resource: Attributes = span.resource.attributes
            self.events: tuple[Event, ...] = span.events
            self.body: Value = None
            self.start_ns = span.start_ns
            self.end_ns = span.end_ns
            self.is_error = span.status_code is StatusCode.ERROR
            self.status_message = span.status_message
        else:
            log = item.log
            self.is_log = True
            self.attributes = log.attributes
            self.name = event_name(item)
            self.scope = log.scope.name
            self.scope_version = log.scope.version
            self.resource = log.resource.attributes
            self.events = ()
            self.body = log.body
            self.start_ns = self.end_ns = log.time_ns or log.observed_ns
            self.is_error = False
            self.status_message = ""
        self.families = frozenset([key.partition(".")[0] for key in self.attributes])
        """First segments of all keys: the quickest sign of a dialect."""
        self._parsed: dict[str, object] = {}

    def text(self, *keys: str) -> str:
        """The first of these attributes with usable text."""
        for key in keys:
            value = self.attributes.get(key)
            if value is not None:
                found = text_of(value)
                if found:
                    return found
        return ""

    def structured(self, key: str) -> Value:
        """An attribute that is defined as structured, parsed when it is JSON; the parse is remembered."""
        known = self._parsed.get(key, _UNSEEN)
        if known is _UNSEEN:
            known = structured(self.attributes.get(key))
            self._parsed[key] = known
        return known  # type: ignore[return-value]

    def flat(self, prefix: str) -> list[tuple[int, dict[str, Value]]]:
        """A flattened list below `prefix`, see `values.flat_index`."""
        return sorted(self._flat.get(prefix, {}).items())

    @cached_property
    def _flat(self) -> dict[str, dict[int, dict[str, Value]]]:
        return flat_index(self.attributes)


_UNSEEN: object = object()


def event_name(item: CleanLog) -> str:
    """The event name of a log record: its field, its attribute, or a body that is a known name."""
    log = item.log
    if log.event_name:
        return log.event_name
    said = text_of(log.attributes.get("event.name"))
    if isinstance(log.body, str):
        if log.body.startswith(_EVENT_PREFIXES) and " " not in log.body:
            return log.body
    elif isinstance(log.body, Mapping) and not said:
        said = text_of(log.body.get("event.name") or log.body.get("event") or log.body.get("name"))
    return said
