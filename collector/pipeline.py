"""What a worker does with one record: decode, redact, state facts, lay out as tables."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from collector.pseudonym_key import PseudonymKeys, ensure_keys, load_keys, version_of
from collector.spool.format import Payload, RecordHead, Signal
from runs.keys import field_class
from spans.clean import Origin, Redaction
from spans.errors import RefusedError, SettingsError
from spans.facts import SpanFacts
from spans.fields import FieldClass
from spans.ids import TraceId
from spans.pseudonym import pseudonym
from spans.span import LogRecord, Span

if TYPE_CHECKING:
    import pyarrow as pa

    from redaction.engine import Redactor


logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Orders:
    """How to redact, as main says when a worker connects."""

    mode: str
    rules_path: Path | None
    keys: Path
    """The folder of the pseudonym keys, which the worker reads itself: main, and the web in it, never hold one."""


@dataclass(frozen=True, slots=True)
class Processed:
    """A record ready for the store."""

    tables: Mapping[str, pa.Table]
    items: int
    withheld: int
    traces: tuple[TraceId, ...]


class Pipeline(Protocol):
    """What a worker needs; tests bring their own. `process` is called by one thread, all the others by another."""

    def process(self, segment: str, head: RecordHead, payload: Payload) -> Processed:
        """Turn one record into tables. Whatever it raises counts as a failed attempt of this record only."""

    def redact_text(self, project: str, text: str) -> str:
        """Redact a search text the way stored text was redacted."""

    def explain_text(self, project: str, text: str) -> str:
        """What would be hidden in a text and why, as JSON: `{"text", "failed", "reasons": [{"start", "end", …}]}`."""

    def pseudonyms(self, project: str, entity: str, value: str) -> tuple[str, ...]:
        """The tokens of a value: after its entity and by every label it may have, each under all keys, the one in force first."""


def build_pipeline(orders: Orders) -> Pipeline:
    """Load models and rules; takes seconds.

    Raises:
        HouseError: the rules cannot be used, or the redactor fails its own check.
    """
    from redaction.engine import Models, Redactor
    from redaction.rules import Mode, RedactionRules, load_rules

    rules = load_rules(orders.rules_path) if orders.rules_path else RedactionRules.default()
    if orders.mode != Mode.FULL:  # a setting that asks for less wins over the file; "full" is only the default
        rules = dataclasses.replace(rules, mode=Mode(orders.mode))
    keys = ensure_keys(orders.keys)
    is_full = Mode.FULL in {rules.mode, *rules.projects.values()}
    models = Models.load(rules) if is_full else Models()
    redactor = Redactor(rules, _key_for(keys), key_id=keys.current.key_id, models=models)
    redactor.self_check()
    return _Redacting(redactor, orders.keys, keys)


def _key_for(keys: PseudonymKeys) -> Callable[[str], bytes]:
    return lru_cache(maxsize=1024)(keys.current.of_project)


class _Keyed:
    """A redactor for one thread, which takes a rotated key between two uses."""

    def __init__(self, redactor: Redactor, folder: Path, keys: PseudonymKeys) -> None:
        self._redactor = redactor
        self._folder = folder
        self._version: tuple[int, int] | None = None
        self.keys = keys

    def ready(self) -> Redactor:
        """The redactor, with the key in force. Models and findings stay: they know nothing of keys."""
        try:
            version = version_of(self._folder)
            if version == self._version:
                return self._redactor
            keys = load_keys(self._folder)
        except (OSError, SettingsError) as error:
            if self._version is not None:
                self._version = None
                why = type(error).__name__
                logger.warning("the pseudonym key cannot be read; the one at hand stays", extra={"why": why})
            return self._redactor
        self._version = version
        if keys != self.keys:
            self.keys = keys
            self._redactor.use_key(_key_for(keys), keys.current.key_id)
            logger.info("a new pseudonym key is in force", extra={"key_id": keys.current.key_id})
        return self._redactor


class _Redacting:
    """The real pipeline: one redactor for records, and one for what a person waits for."""

    def __init__(self, redactor: Redactor, folder: Path, keys: PseudonymKeys) -> None:
        from collector.redact import clean_batch
        from runs.facts import facts_of
        from store.rows import evidence_tables

        self._records = _Keyed(redactor, folder, keys)
        self._asked = _Keyed(redactor.beside(), folder, keys)
        self._clean_batch = clean_batch
        self._facts_of = facts_of
        self._evidence_tables = evidence_tables

    def process(self, segment: str, head: RecordHead, payload: Payload) -> Processed:
        redactor = self._records.ready()
        items = _decoded(head.signal, payload)
        origins = [
            Origin(head.project, head.received_ns, head.received_day, segment, head.slot, position)
            for position in range(len(items))
        ]
        clean = self._clean_batch(redactor, items, origins)
        facts = [self._facts_of(item) for item in clean]
        withheld = sum(item.redaction is Redaction.WITHHELD for item in clean)
        return Processed(self._evidence_tables(clean, facts, is_content), len(clean), withheld, traces_of(facts))

    def redact_text(self, project: str, text: str) -> str:
        return str(self._asked.ready().redact_text(project, text))

    def explain_text(self, project: str, text: str) -> str:
        redactor = self._asked.ready()
        clean = redactor.redact_text(project, text)
        try:
            reasons = [dataclasses.asdict(reason) for reason in redactor.account(project, text)]
        except RefusedError:
            return json.dumps({"text": clean, "failed": True, "reasons": []})
        return json.dumps({"text": clean, "failed": False, "reasons": reasons})

    def pseudonyms(self, project: str, entity: str, value: str) -> tuple[str, ...]:
        rules, keys = self._asked.ready().rules, [key.of_project(project) for key in self._asked.keys.all]
        names = rules.token_names(entity)
        tokens = (pseudonym(name, value, key, digits=rules.token_digits) for name in names for key in keys)
        return tuple(dict.fromkeys(tokens))


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
