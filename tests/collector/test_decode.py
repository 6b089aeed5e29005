from __future__ import annotations

import contextlib

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from collector.decode import TOO_DEEP, decode_logs, decode_traces
from spans.errors import RefusedError
from spans.span import StatusCode

ID16, ID8 = bytes(range(1, 17)), bytes(range(1, 9))


def a_request(**span):
    request = ExportTraceServiceRequest()
    envelope = request.resource_spans.add()
    envelope.schema_url = "https://schema"
    envelope.resource.attributes.add(key="service.name").value.string_value = "svc"
    scope = envelope.scope_spans.add()
    scope.scope.name, scope.scope.version = "lib", "1.2"
    one = scope.spans.add(trace_id=ID16, span_id=ID8, name="chat", start_time_unix_nano=5, end_time_unix_nano=9)
    for field, value in span.items():
        setattr(one, field, value)
    return request, one


def decoded(request):
    return next(decode_traces(request.SerializeToString()))


def with_value(value):
    request, one = a_request()
    one.attributes.append(KeyValue(key="k", value=value))
    return decoded(request)


def test_a_span_keeps_ids_times_resource_and_scope():
    request, _ = a_request(parent_span_id=bytes(8))
    span = decoded(request)
    assert (span.trace_id, span.span_id) == (ID16.hex(), ID8.hex())
    assert span.parent_span_id is None
    assert (span.start_ns, span.end_ns) == (5, 9)
    assert span.resource.attributes == {"service.name": "svc"}
    assert span.resource.schema_url == "https://schema"
    assert (span.scope.name, span.scope.version) == ("lib", "1.2")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (AnyValue(string_value="x"), "x"),
        (AnyValue(int_value=-(2**63)), -(2**63)),
        (AnyValue(double_value=1.5), 1.5),
        (AnyValue(double_value=float("nan")), {"$double": "NaN"}),
        (AnyValue(double_value=float("-inf")), {"$double": "-Infinity"}),
        (AnyValue(bool_value=False), False),
        (AnyValue(bytes_value=b"\x00\xff"), {"$bytes": "AP8="}),
        (AnyValue(), None),
    ],
)
def test_every_shape_of_value_decodes(value, plain):
    assert with_value(value).attributes == {"k": plain}


def test_a_key_without_a_value_is_null():
    request, one = a_request()
    one.attributes.append(KeyValue(key="k"))
    assert decoded(request).attributes == {"k": None}


def test_lists_and_maps_nest():
    value = AnyValue()
    inner = value.array_value.values.add().kvlist_value.values.add(key="a")
    inner.value.array_value.values.add().int_value = 1
    assert with_value(value).attributes == {"k": [{"a": [1]}]}


def test_what_lies_too_deep_becomes_a_marker(monkeypatch):
    monkeypatch.setattr("collector.decode.MAX_DEPTH", 3)
    value = AnyValue(string_value="deep")
    for _ in range(5):
        outer = AnyValue()
        outer.array_value.values.append(value)
        value = outer
    span = with_value(value)
    assert span.attributes == {"k": [[[TOO_DEEP]]]}
    assert span.marks == ("too_deep",)


def test_the_last_of_equal_keys_wins_and_is_marked():
    request, one = a_request()
    one.attributes.add(key="k").value.int_value = 1
    one.attributes.add(key="k").value.int_value = 2
    span = decoded(request)
    assert span.attributes == {"k": 2}
    assert span.marks == ("duplicate_key",)


def test_nul_characters_are_removed():
    request, one = a_request(name="a\x00b")
    one.attributes.add(key="k\x00").value.string_value = "\x00x"
    span = decoded(request)
    assert (span.name, span.attributes) == ("ab", {"k": "x"})
    assert "nul_removed" in span.marks


def test_events_links_and_status_survive():
    request, one = a_request()
    one.events.add(name="e", time_unix_nano=7).attributes.add(key="a").value.bool_value = True
    one.links.add(trace_id=ID16, span_id=ID8)
    one.links.add(trace_id=b"short", span_id=ID8)
    one.status.code, one.status.message = 2, "boom"
    span = decoded(request)
    assert (span.events[0].name, span.events[0].time_ns, span.events[0].attributes) == ("e", 7, {"a": True})
    assert len(span.links) == 1
    assert (span.status_code, span.status_message) == (StatusCode.ERROR, "boom")
    assert span.marks == ("bad_link",)


def test_a_malformed_parent_is_no_parent():
    request, _ = a_request(parent_span_id=b"abc")
    span = decoded(request)
    assert span.parent_span_id is None
    assert "bad_parent" in span.marks


def test_a_span_without_a_usable_id_is_refused():
    request, _ = a_request(trace_id=b"abc")
    with pytest.raises(RefusedError):
        decoded(request)


def test_ids_of_logs_are_lenient():
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    scope.log_records.add(trace_id=bytes(16), span_id=b"x", event_name="e", time_unix_nano=3)
    scope.log_records.add(trace_id=ID16, span_id=ID8).body.string_value = "hello"
    first, second = decode_logs(request.SerializeToString())
    assert (first.trace_id, first.span_id, first.body, first.event_name) == (None, None, None, "e")
    assert (second.trace_id, second.span_id, second.body) == (ID16.hex(), ID8.hex(), "hello")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_decode_or_fail_as_bytes_that_are_no_request(raw):
    with contextlib.suppress(DecodeError, RefusedError):
        list(decode_traces(raw))
    with contextlib.suppress(DecodeError):
        list(decode_logs(raw))
