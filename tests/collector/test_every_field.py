"""A canary in every field of the OTLP schema, found by walking the schema itself; none of them is stored."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.pipeline import Orders, Pipeline, build_pipeline
from collector.spool.format import Payload, RecordHead, Signal

CANARIES = ("4111 1111 1111 1111", "maria.lindqvist@example.com", "AKIA" + "IOSFODNN7EXAMPLE")
NUMBER = 4111111111111111
IDS = {"trace_id", "span_id", "parent_span_id"}
PLANTED = {
    Signal.SPANS: {
        "AnyValue.string_value", "AnyValue.bytes_value", "AnyValue.int_value", "KeyValue.key", "Span.name", "Span.trace_state",
        "Event.name", "Link.trace_state", "Status.message", "InstrumentationScope.name", "InstrumentationScope.version",
        "ResourceSpans.schema_url", "ScopeSpans.schema_url", "EntityRef.schema_url", "EntityRef.type", "EntityRef.id_keys",
        "EntityRef.description_keys",
    },
    Signal.LOGS: {
        "AnyValue.string_value", "AnyValue.bytes_value", "AnyValue.int_value", "KeyValue.key", "LogRecord.severity_text",
        "LogRecord.event_name", "InstrumentationScope.name", "InstrumentationScope.version", "ResourceLogs.schema_url",
        "ScopeLogs.schema_url", "EntityRef.schema_url", "EntityRef.type", "EntityRef.id_keys", "EntityRef.description_keys",
    },
}  # fmt: skip
"""When the schema grows by a field this list must, and with it the walk."""


class Planter:
    """Fills a message with canaries, each one numbered, so that what is left says where it stood."""

    def __init__(self) -> None:
        self.planted: list[str] = []
        self._next = 0

    def fill(self, message: Message, where: str = "") -> None:
        name = message.DESCRIPTOR.name
        if name == "AnyValue":
            self._value(message, where)
            return
        for field in message.DESCRIPTOR.fields:
            path = f"{where}/{field.name}"
            held = getattr(message, field.name)
            if field.message_type is not None:
                self.fill(held.add() if field.is_repeated else held, path)
            elif field.type == FieldDescriptor.TYPE_STRING and field.is_repeated:
                held.append(self._text(f"{name}.{field.name}"))
            elif field.type == FieldDescriptor.TYPE_STRING:
                setattr(message, field.name, self._text(f"{name}.{field.name}"))
            elif field.type == FieldDescriptor.TYPE_BYTES:
                assert field.name in IDS, f"{name}.{field.name} is new: it may hold a text"
                setattr(message, field.name, bytes(range(1, 17 if field.name == "trace_id" else 9)))

    def _value(self, value: Any, where: str) -> None:
        """Every kind of value, nested in one another, and the name of every member."""
        texts = value.kvlist_value.values
        self._member(texts).value.string_value = self._text("AnyValue.string_value")
        self._member(texts).value.bytes_value = self._text("AnyValue.bytes_value").encode()
        self._member(texts).value.bytes_value = b"\xff\x00" + self._text("AnyValue.bytes_value").encode() + b"\x80"
        self._member(texts).value.int_value = NUMBER
        self.planted.append("AnyValue.int_value")
        array = self._member(texts).value.array_value.values
        array.add().string_value = self._text("AnyValue.string_value")
        array.add().bytes_value = self._text("AnyValue.bytes_value").encode()
        array.add().int_value = NUMBER
        self._member(array.add().kvlist_value.values).value.string_value = self._text("AnyValue.string_value")

    def _member(self, members: Any) -> Any:
        member = members.add()
        member.key = self._text("KeyValue.key")
        return member

    def _text(self, where: str) -> str:
        self.planted.append(where)
        self._next += 1
        return f"{where} {self._next} {' '.join(CANARIES)}"


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return build_pipeline(Orders("full", None, tmp_path_factory.mktemp("keys")))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return build_pipeline(Orders("off", None, tmp_path_factory.mktemp("keys")))


def a_request(signal: Signal) -> tuple[Planter, bytes]:
    planter = Planter()
    request = ExportTraceServiceRequest() if signal is Signal.SPANS else ExportLogsServiceRequest()
    planter.fill(request)
    return planter, request.SerializeToString()


def stored(pipeline: Pipeline, signal: Signal, raw: bytes) -> str:
    """Everything of every table, byte values decoded as well."""
    head = RecordHead(4, signal, 1, "shop", 1_700_000_000_000_000_000, len(raw))
    done = pipeline.process("0123456789abcdef-01234567", head, Payload(raw))
    text = json.dumps([table.to_pylist() for table in done.tables.values()], default=str, ensure_ascii=False)
    return "\n".join([text, *decoded(text)])


def decoded(text: str) -> Iterator[str]:
    for match in re.finditer(r"[A-Za-z0-9+/]{24,}={0,2}", text):
        whole = match[0][: len(match[0]) // 4 * 4]
        yield base64.b64decode(whole + "=" * (-len(whole) % 4)).decode("latin-1")


@pytest.mark.parametrize("signal", list(Signal))
def test_no_canary_of_any_field_is_stored(worker: Pipeline, signal: Signal) -> None:
    planter, raw = a_request(signal)
    assert set(planter.planted) == PLANTED[signal]
    left = stored(worker, signal, raw)
    found = [
        left[max(0, at.start() - 60) : at.end()]
        for canary in (*CANARIES, str(NUMBER))
        for at in re.finditer(canary, left)
    ]
    assert found == []


@pytest.mark.parametrize("signal", list(Signal))
def test_without_redaction_every_field_that_is_kept_shows_its_canary(bare: Pipeline, signal: Signal) -> None:
    """The positive control. Entity references alone are not kept: their keys name attributes that are."""
    _, raw = a_request(signal)
    left = stored(bare, signal, raw)
    kept = {where for where in PLANTED[signal] if not where.startswith("EntityRef.")} - {"AnyValue.int_value"}
    assert {where for where in kept if where not in left} == set()
    assert str(NUMBER) in left
    assert all(canary in left for canary in CANARIES)
