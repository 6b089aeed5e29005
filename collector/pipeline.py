"""What a worker does with one record: decode, redact, state facts, lay out as tables."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from collector.pseudonym_key import project_key
from collector.spool.format import Payload, RecordHead, Signal
from runs.keys import field_class
from spans.clean import Origin, Redaction
from spans.errors import RefusedError
from spans.facts import SpanFacts
from spans.fields import FieldClass
from spans.ids import TraceId
from spans.span import LogRecord, Span

if TYPE_CHECKING:
    import pyarrow as pa

    from redaction.engine import Redactor


@dataclass(frozen=True, slots=True)
class Orders:
    """How to redact, as main says when a worker connects."""

    mode: str
    rules_path: Path | None
    root_key: bytes


@dataclass(frozen=True, slots=True)
class Processed:
    """A record ready for the store."""

    tables: Mapping[str, pa.Table]
    items: int
    withheld: int
    traces: tuple[TraceId, ...]


class Pipeline(Protocol):
    """What a worker needs; tests bring their own."""

    def process(self, segment: str, head: RecordHead, payload: Payload) -> Processed:
        """Turn one record into tables. Whatever it raises counts as a failed attempt of this record only."""

    def redact_text(self, project: str, text: str) -> str:
        """Redact a search text the way stored text was redacted."""

    def explain_text(self, project: str, text: str) -> str:
        """What would be hidden in a text and why, as JSON: `{"text", "failed", "reasons": [{"start", "end", …}]}`."""

    def pseudonym(self, project: str, entity: str, value: str) -> str:
        """The token of a value."""


def build_pipeline(orders: Orders) -> Pipeline:
    """Load models and rules; takes seconds.

    Raises:
        HouseError: the rules cannot be used, or the redactor fails its own check.
    """
    from redaction.engine import Redactor
    from redaction.rules import Mode, RedactionRules, load_rules

    rules = load_rules(orders.rules_path) if orders.rules_path else RedactionRules.default()
    if orders.mode != Mode.FULL:  # a setting that asks for less wins over the file; "full" is only the default
        rules = dataclasses.replace(rules, mode=Mode(orders.mode))
    key_for = lru_cache(maxsize=1024)(lambda project: project_key(orders.root_key, project))
    redactor = Redactor(rules, key_for, models=Mode.FULL in {rules.mode, *rules.projects.values()})
    redactor.self_check()
    return _Redacting(redactor)


class _Redacting:
    """The real pipeline."""

    def __init__(self, redactor: Redactor) -> None:
        from collector.redact import clean_batch
        from runs.facts import facts_of
        from store.rows import evidence_tables

        self._redactor = redactor
        self._clean_batch = clean_batch
        self._facts_of = facts_of
        self._evidence_tables = evidence_tables

    def process(self, segment: str, head: RecordHead, payload: Payload) -> Processed:
        items = _decoded(head.signal, payload)
        origins = [
            Origin(head.project, head.received_ns, head.received_day, segment, head.slot, position)
            for position in range(len(items))
        ]
        clean = self._clean_batch(self._redactor, items, origins)
        facts = [self._facts_of(item) for item in clean]
        withheld = sum(item.redaction is Redaction.WITHHELD for item in clean)
        return Processed(self._evidence_tables(clean, facts, is_content), len(clean), withheld, traces_of(facts))

    def redact_text(self, project: str, text: str) -> str:
        return str(self._redactor.redact_text(project, text))

    def explain_text(self, project: str, text: str) -> str:
        clean = self._redactor.redact_text(project, text)
        try:
            reasons = [dataclasses.asdict(reason) for reason in self._redactor.account(project, text)]
        except RefusedError:
            return json.dumps({"text": clean, "failed": True, "reasons": []})
        return json.dumps({"text": clean, "failed": False, "reasons": reasons})

    def pseudonym(self, project: str, entity: str, value: str) -> str:
        return str(self._redactor.pseudonym(project, entity, value))


def is_content(key: str) -> bool:
    """Whether an attribute holds what people and models said; such text leaves with the content period, however short."""
    return field_class(key) is FieldClass.CONTENT


def traces_of(facts: Iterable[SpanFacts]) -> tuple[TraceId, ...]:
    """Traces the facts belong to, each once, in order of appearance; facts give one to logs without any too."""
    return tuple(dict.fromkeys(one.trace_id for one in facts))


def _decoded(signal: Signal, payload: Payload) -> list[Span | LogRecord]:
    from collector.decode import decode_logs, decode_traces

    decode: Callable[[bytes], object] = decode_traces if signal is Signal.SPANS else decode_logs
    items: list[Span | LogRecord] = list(decode(payload.otlp))  # type: ignore[call-overload]
    for position, names in payload.marks.items():
        if position < len(items):
            item = items[position]
            items[position] = dataclasses.replace(item, marks=tuple(dict.fromkeys((*item.marks, *names))))
    return items
