"""The conformance checklist over HTTP, against a real receiver (numbers are those of the dialects reference, section 9)."""

from __future__ import annotations

import gzip
import json
import socket
import time
import zlib
from typing import Any

import httpx
import pytest
import zstandard
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from collector.wire import frame
from tests.collector.helpers import (
    Place,
    RunningReceiver,
    json_logs,
    json_span,
    json_traces,
    logs,
    trace_id,
    traces,
)

PROTOBUF = "application/x-protobuf"


@pytest.fixture(scope="module")
def http(receiver: RunningReceiver) -> Any:
    with httpx.Client(base_url=f"http://127.0.0.1:{receiver.http}", timeout=10) as client:
        yield client


def post(http: httpx.Client, body: bytes | dict[str, Any], path: str = "/v1/traces", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, bytes):
        return http.post(path, content=body, headers={"content-type": PROTOBUF} | named)
    return http.post(path, content=json.dumps(body), headers={"content-type": "application/json"} | named)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def two_members(data: bytes) -> bytes:
    half = len(data) // 2
    return gzip.compress(data[:half]) + gzip.compress(data[half:])


@pytest.mark.parametrize(
    "path",
    [
        "/v1/traces",
        "/v1/traces/",
        "/api/public/otel/v1/traces",
        "/otlp/v1/traces/",
        "/api/v2/otel/v1/traces",
    ],
)
def test_3_paths_with_prefix_and_trailing_slash_are_received(http: httpx.Client, path: str) -> None:
    answer = post(http, traces("a").SerializeToString(), path)
    assert (answer.status_code, answer.content) == (200, b"")


def test_3_a_post_to_the_root_is_told_to_append_the_path(http: httpx.Client) -> None:
    answer = post(http, traces("a").SerializeToString(), "/")
    assert answer.status_code == 404
    assert "append /v1/traces" in Status.FromString(answer.content).message


def test_2_profiles_are_not_found(http: httpx.Client) -> None:
    assert post(http, b"", "/v1development/profiles").status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_6_other_methods_are_refused_with_the_allowed_one(http: httpx.Client, method: str) -> None:
    answer = http.request(method, "/v1/traces")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("content_type", "answered"),
    [
        ("application/x-protobuf", PROTOBUF),
        ("application/x-protobuf; messageType=x", PROTOBUF),
        ("Application/X-Protobuf", PROTOBUF),
        ("application/protobuf", PROTOBUF),
    ],
)
def test_8_and_10_protobuf_types_are_answered_in_protobuf(http: httpx.Client, content_type: str, answered: str) -> None:
    answer = http.post("/v1/traces", content=traces("a").SerializeToString(), headers={"content-type": content_type})
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, answered, b"")


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"])
def test_8_and_10_json_types_are_answered_in_json(http: httpx.Client, content_type: str) -> None:
    body = json.dumps(json_traces(json_span()))
    answer = http.post("/v1/traces", content=body, headers={"content-type": content_type})
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "application/json", b"{}")


@pytest.mark.parametrize("headers", [{"content-type": "text/plain"}, {"content-type": ""}, {}])
def test_9_other_content_types_are_refused_with_the_two_we_take(http: httpx.Client, headers: dict[str, str]) -> None:
    answer = http.post("/v1/traces", content=b"x", headers=headers)
    assert answer.status_code == 415
    assert "application/x-protobuf or application/json" in answer.json()["message"]


def test_10_errors_speak_the_encoding_of_the_request(http: httpx.Client) -> None:
    answer = post(http, b"\xff\xff\xff")
    assert answer.headers["content-type"] == PROTOBUF
    status = Status.FromString(answer.content)
    assert (answer.status_code, status.code) == (400, 3)
    details = BadRequest()
    assert status.details[0].Unpack(details)
    assert post(http, {"resourceSpans": 7}).json()["code"] == 3


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("gzip", two_members),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("zstd", zstandard.ZstdCompressor().compress),
        ("zstd", lambda b: zstandard.ZstdCompressor().compress(b[:9]) + zstandard.ZstdCompressor().compress(b[9:])),
        ("identity", bytes),
    ],
)
@pytest.mark.parametrize("size", [1, 3000])
def test_11_every_encoding_works(http: httpx.Client, shared_place: Place, encoding: str, pack: Any, size: int) -> None:
    name = f"{encoding}-{time.monotonic_ns()}"
    body = traces(*[name] * size, text="x" * 200).SerializeToString()
    assert post(http, pack(body), content_encoding=encoding).status_code == 200
    assert sum(span.name == name for span in shared_place.kept().spans()) == size


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_11_corrupt_and_cut_bodies_are_bad_data(http: httpx.Client, encoding: str) -> None:
    assert post(http, b"\x1fnot compressed at all", content_encoding=encoding).status_code == 400
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.ZstdCompressor().compress}[encoding]
    whole = pack(traces("a").SerializeToString())
    assert post(http, whole[:-3], content_encoding=encoding).status_code == 400


def test_11_an_unknown_encoding_is_refused(http: httpx.Client) -> None:
    assert post(http, b"x", content_encoding="br").status_code == 415


def test_11_chunked_bodies_are_taken(http: httpx.Client) -> None:
    body = traces("a").SerializeToString()
    pieces = (body[at : at + 7] for at in range(0, len(body), 7))
    assert http.post("/v1/traces", content=pieces, headers={"content-type": PROTOBUF}).status_code == 200


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress), ("deflate", zlib.compress)],
)
def test_13_and_14_a_bomb_is_too_large_and_costs_little(
    http: httpx.Client, receiver: RunningReceiver, encoding: str, pack: Any
) -> None:
    import psutil

    bomb = pack(bytes(200 * 1024 * 1024))
    process = psutil.Process(receiver.process.pid)
    before = process.memory_info().rss
    started = time.monotonic()
    assert post(http, bomb, content_encoding=encoding).status_code == 413
    assert time.monotonic() - started < 2
    assert process.memory_info().rss - before < 80 * 1024 * 1024


def test_14_a_content_length_above_the_limit_is_too_large_at_once(receiver: RunningReceiver) -> None:
    with socket.create_connection(("127.0.0.1", receiver.http), timeout=5) as sock:
        head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\nContent-Length: 99999999\r\n\r\n"
        sock.sendall(head.encode())
        assert sock.recv(100).startswith(b"HTTP/1.1 413")


def test_r19_two_million_empty_spans_are_too_large_within_a_second(http: httpx.Client) -> None:
    empty = b"\x12\x00" * 2_000_000
    scope = b"\x12" + _length(empty)
    body = b"\x0a" + _length(scope)
    started = time.monotonic()
    assert post(http, gzip.compress(body), content_encoding="gzip").status_code == 413
    assert time.monotonic() - started < 1.5


def test_r19_a_span_with_too_many_attributes_is_rejected_alone(http: httpx.Client) -> None:
    request = traces("a", "b")
    span = request.resource_spans[0].scope_spans[0].spans[1]
    for n in range(10_000):
        span.attributes.add(key=f"k{n}")
    answer = ExportTraceServiceResponse.FromString(post(http, request.SerializeToString()).content)
    assert answer.partial_success.rejected_spans == 1
    assert "too many attributes" in answer.partial_success.error_message


def test_17_to_24_json_is_read_as_exporters_write_it(http: httpx.Client, shared_place: Place) -> None:
    name = f"lenient-{time.monotonic_ns()}"
    attributes = [
        {"key": "int", "value": {"intValue": "25"}},
        {"key": "exp", "value": {"intValue": "1.7e18"}},
        {"key": "num", "value": {"intValue": 9007199254740993}},
        {"key": "nan", "value": {"doubleValue": "NaN"}},
        {"key": "dbl", "value": {"doubleValue": 3}},
        {"key": "bin", "value": {"bytesValue": "_-8"}},
        {"key": "none", "value": {}},
        {"key": "bare"},
        {"key": "two", "value": {"stringValue": "first", "intValue": 2}},
        {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "x"}, {}]}}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": True}}]}}},
    ]
    span = json_span(
        name=name,
        traceId=trace_id(7).hex().upper(),
        parentSpanId="",
        kind="SPAN_KIND_SERVER",
        status={"code": "STATUS_CODE_ERROR", "message": None},
        startTimeUnixNano=1700000000000000001,
        flags="257",
        droppedAttributesCount="3",
        attributes=attributes,
        events=[{"name": "e", "timeUnixNano": "1", "attributes": []}],
        links=[{"traceId": trace_id(9).hex(), "spanId": "00000000000000ff"}],
        madeUp={"deep": [1, {}]},
        trace_state="snake case is unknown",
    )
    assert post(http, json_traces(span) | {"unknown": 1}).content == b"{}"
    (kept,) = [s for s in shared_place.kept().spans() if s.name == name]
    assert kept.trace_id == trace_id(7)
    assert kept.parent_span_id == b""
    assert (kept.kind, kept.status.code, kept.flags, kept.dropped_attributes_count) == (2, 2, 257, 3)
    assert kept.start_time_unix_nano == 1700000000000000001
    assert kept.trace_state == ""
    values = {a.key: a.value for a in kept.attributes}
    assert values["int"].int_value == 25
    assert values["exp"].int_value == 1_700_000_000_000_000_000
    assert values["num"].int_value == 9007199254740993
    assert values["nan"].double_value != values["nan"].double_value
    assert values["dbl"].double_value == 3.0
    assert values["bin"].bytes_value == b"\xff\xef"
    assert values["none"].WhichOneof("value") is None
    assert values["bare"].WhichOneof("value") is None
    assert values["two"].int_value == 2
    assert [v.string_value for v in values["list"].array_value.values] == ["x", ""]
    assert values["map"].kvlist_value.values[0].value.bool_value
    assert kept.links[0].span_id == b"\0\0\0\0\0\0\0\xff"


def test_17_base64_ids_are_accepted_with_a_warning(http: httpx.Client) -> None:
    import base64

    span = json_span(traceId=base64.b64encode(trace_id(8)).decode(), spanId=base64.b64encode(b"12345678").decode())
    said = post(http, json_traces(span)).json()["partialSuccess"]
    assert "rejectedSpans" not in said
    assert "base64" in said["errorMessage"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"{}",
        b"null",
        b'{"resourceSpans": null}',
        b'{"resourceSpans": []}',
        b'{"resourceSpans": [{}]}',
        b'{"resourceSpans": [{"scopeSpans": [{"spans": []}, {"spans": null}]}]}',
    ],
)
def test_26_and_27_empty_requests_are_a_success(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/v1/traces", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.content) == (200, b"{}")
    request = ExportTraceServiceRequest()
    assert post(http, request.SerializeToString()).status_code == 200
    request.resource_spans.add().scope_spans.add()
    assert post(http, request.SerializeToString()).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'"x"', b"17", b"nonsense", b'{"resourceSpans": "x"}', b'{"resourceSpans": [1]}', b"[" * 100_000],
)
def test_26_what_is_no_request_is_bad_data(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/v1/traces", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert len(answer.content) < 4096


def test_25_strange_text_is_kept_and_repaired(http: httpx.Client, shared_place: Place) -> None:
    mark = f"odd-{time.monotonic_ns()}"
    raw = json.dumps(json_traces(json_span(name=mark + "@"))).encode()
    raw = raw.replace(b"@", b"\\ud800 \\u0000 \xff \\ud83d\\ude00 ", 1)
    raw = b"\xef\xbb\xbf" + raw.replace(b'"kind": 3', b'"kind": 1, "kind": 3')
    answer = http.post("/v1/traces", content=raw, headers={"content-type": "application/json"})
    assert answer.content == b"{}"
    (span,) = [s for s in shared_place.kept().spans() if s.name.startswith(mark)]
    assert span.name == f"{mark}\ufffd \0 \ufffd \U0001f600 "
    assert {0: ("utf8_repaired",)} in [p.marks for p in shared_place.kept().payloads]


def test_25_a_name_of_a_kind_that_is_no_text_costs_nothing(http: httpx.Client, shared_place: Place) -> None:
    """Found by the fuzzer: protobuf cannot look up a lone surrogate, and the whole batch was told to come back for ever."""
    mark = f"kind-{time.monotonic_ns()}"
    raw = json.dumps(json_traces(json_span(name=mark, kind="\ud800"), json_span(name=mark, kind="SPAN_KIND_CLIENT")))
    answer = http.post("/v1/traces", content=raw.encode(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.content) == (200, b"{}")
    assert [s.kind for s in shared_place.kept().spans() if s.name == mark] == [0, 3]


def test_50_unknown_and_retired_fields_are_ignored(http: httpx.Client, shared_place: Place) -> None:
    """The retired `instrumentation_library_spans` (1000) and what a later version may add, at every level."""
    name = f"later-{time.monotonic_ns()}"
    request = traces(name)
    later = frame(1000, b"of a time that is gone") + frame(77, b"of a time to come")
    span = frame(2, request.resource_spans[0].scope_spans[0].spans[0].SerializeToString() + later)
    assert post(http, frame(1, frame(2, span + later) + later) + later).content == b""
    assert [s.name for s in shared_place.kept().spans() if s.name == name] == [name]


def test_25_and_r20_invalid_utf8_in_protobuf_is_repaired_and_flagged(http: httpx.Client, shared_place: Place) -> None:
    mark = f"utf8-{time.monotonic_ns()}"
    raw = traces(mark + "-a", mark + "-@@", mark + "-c", key="@@").SerializeToString()
    broken = raw.replace(b"-@@", b"-\xff\xfe")
    assert post(http, broken).content == b""
    kept = shared_place.kept()
    assert [s.name for s in kept.spans() if s.name.startswith(mark)] == [
        f"{mark}-a",
        f"{mark}-\ufffd\ufffd",
        f"{mark}-c",
    ]
    assert kept.payloads[-1].marks == {1: ("utf8_repaired",)}


def test_29_a_mixed_batch_is_kept_in_part(http: httpx.Client) -> None:
    request = traces("a", "b", "c", "d")
    spans = request.resource_spans[0].scope_spans[0].spans
    spans[0].trace_id = bytes(16)
    spans[1].span_id = b"short"
    spans[2].start_time_unix_nano = 0
    answer = post(http, request.SerializeToString())
    said = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, said.rejected_spans) == (200, 3)
    assert "3 of 4 spans were rejected" in said.error_message
    assert "an end time without a start time" in said.error_message


def test_29_json_counts_are_strings_and_odd_items_cost_only_themselves(http: httpx.Client) -> None:
    spans = [
        json_span(),
        json_span(startTimeUnixNano="2026-11-20T12:00:00Z"),
        json_span(name=["x"]),
        json_span(attributes={"a": 1}),
        json_span(attributes=[{"key": "n", "value": {"intValue": "many"}}]),
        "a string",
    ]
    said = post(http, json_traces(*spans)).json()["partialSuccess"]
    assert said["rejectedSpans"] == "5"


def test_31_a_batch_of_bad_items_is_bad_data_with_details(http: httpx.Client) -> None:
    request = traces("a", "b")
    for span in request.resource_spans[0].scope_spans[0].spans:
        span.trace_id = b""
    answer = post(http, request.SerializeToString())
    status = Status.FromString(answer.content)
    details = BadRequest()
    assert status.details[0].Unpack(details)
    assert answer.status_code == 400
    assert "2 with an invalid trace id" in status.message
    assert details.field_violations[0].field == "spans"


def test_48_logs_without_usable_ids_are_kept_without_association(http: httpx.Client, shared_place: Place) -> None:
    mark = f"log-{time.monotonic_ns()}"
    request = logs(mark + "-1", mark + "-2", mark + "-3")
    records = request.resource_logs[0].scope_logs[0].log_records
    records[0].trace_id = b"short"
    records[1].span_id = bytes(8)
    records[2].time_unix_nano = 0
    records[2].event_name = "e"
    assert post(http, request.SerializeToString(), "/v1/logs").content == b""
    body = json_logs({"traceId": "zz", "spanId": 5, "body": {"stringValue": mark + "-4"}, "severityNumber": "9"}, {})
    assert post(http, body, "/v1/logs").content == b"{}"
    kept = [r for r in shared_place.kept().logs() if r.body.string_value.startswith(mark)]
    assert len(kept) == 4
    assert kept[3].severity_number == 9


def test_49_a_body_of_another_signal_names_the_right_path(http: httpx.Client) -> None:
    said = Status.FromString(post(http, logs("hello", "world").SerializeToString(), "/v1/traces").content)
    assert "/v1/logs" in said.message
    said = Status.FromString(post(http, traces("a").SerializeToString(), "/v1/logs").content)
    assert "/v1/traces" in said.message
    answer = post(http, json_logs({"body": {"stringValue": "x"}}), "/v1/traces")
    assert (answer.status_code, "/v1/logs" in answer.json()["message"]) == (400, True)
    metrics = ExportMetricsServiceRequest()
    metric = metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="requests", description="d", unit="1")
    metric.sum.data_points.add(as_int=1)
    said = Status.FromString(post(http, metrics.SerializeToString(), "/v1/traces").content)
    assert "/v1/metrics" in said.message


def test_52_metrics_are_acknowledged_and_not_stored(http: httpx.Client, shared_place: Place) -> None:
    before = len(shared_place.kept().heads)
    metrics = ExportMetricsServiceRequest()
    metric = metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="requests")
    metric.gauge.data_points.add(as_int=1)
    assert post(http, metrics.SerializeToString(), "/v1/metrics").content == b""
    body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "x"}]}]}]}
    assert post(http, body, "/v1/metrics").content == b"{}"
    assert post(http, b"\xff", "/v1/metrics").status_code == 400
    assert len(shared_place.kept().heads) == before


def test_47_every_field_survives(http: httpx.Client, shared_place: Place) -> None:
    mark = f"round-{time.monotonic_ns()}"
    request = traces(mark)
    group = request.resource_spans[0]
    group.schema_url = "https://r"
    group.scope_spans[0].schema_url = "https://s"
    span = group.scope_spans[0].spans[0]
    span.trace_state = "a=b"
    span.flags = 0x101
    span.kind = 77  # type: ignore[assignment]
    span.events.add(name="e", time_unix_nano=5).attributes.add(key="k").value.bytes_value = b"\0\xff"
    span.links.add(trace_id=trace_id(2), span_id=b"87654321", trace_state="c=d", flags=1)
    span.status.message = "bad"
    span.dropped_events_count = 4
    sent = request.SerializeToString() + b"\xfa\x7f\x03abc"  # an unknown field of a newer protocol
    assert post(http, sent).status_code == 200
    payload = next(p for p in shared_place.kept().payloads if mark.encode() in p.otlp)
    assert payload.otlp == sent


def test_50_deep_values_are_emptied_and_the_span_is_kept(http: httpx.Client, shared_place: Place) -> None:
    mark = f"deep-{time.monotonic_ns()}"
    request = traces(mark, "beside")
    from tests.collector.test_wire import nested

    span = request.resource_spans[0].scope_spans[0].spans[0].SerializeToString() + nested(500)
    inner = b"\x12" + _length(span)
    inner += b"\x12" + _length(request.resource_spans[0].scope_spans[0].spans[1].SerializeToString())
    assert post(http, b"\x0a" + _length(b"\x12" + _length(inner))).content == b""
    assert mark in [s.name for s in shared_place.kept().spans()]
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(200):
        value = {"kvlistValue": {"values": [{"key": "k", "value": value}]}}
    assert post(http, json_traces(json_span(attributes=[{"key": "k", "value": value}]))).content == b"{}"
    assert shared_place.kept().payloads[-1].marks == {0: ("depth_truncated",)}
    assert len(shared_place.kept().spans()) > 1


def test_37_cors_is_for_configured_origins_only(http: httpx.Client) -> None:
    ask = {"access-control-request-method": "POST"}
    good = http.options("/v1/traces", headers={"origin": "https://app.example"} | ask)
    assert good.status_code == 204
    assert good.headers["access-control-allow-origin"] == "https://app.example"
    assert "authorization" in good.headers["access-control-allow-headers"]
    bad = http.options("/v1/traces", headers={"origin": "https://evil.example"} | ask)
    assert bad.status_code == 405
    assert "access-control-allow-origin" not in bad.headers


def test_45_expect_continue_is_answered(receiver: RunningReceiver) -> None:
    body = traces("a").SerializeToString()
    with socket.create_connection(("127.0.0.1", receiver.http), timeout=5) as sock:
        head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\nContent-Length: {len(body)}\r\n"
        sock.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 100")
        sock.sendall(body)
        assert sock.recv(100).startswith(b"HTTP/1.1 200")


def test_health_probes_answer(http: httpx.Client) -> None:
    assert http.get("/healthz").status_code == 200
    assert http.get("/readyz").status_code == 200


def test_answers_stay_small_and_never_repeat_what_was_sent(http: httpx.Client) -> None:
    secret = "hunter2" * 50_000
    bodies: list[tuple[bytes | dict[str, Any], dict[str, str]]] = [
        (json_traces(json_span(traceId=secret, name=secret)), {}),
        (secret.encode(), {}),
        ({"resourceSpans": secret}, {}),
    ]
    for body, headers in bodies:
        answer = post(http, body, **headers)
        assert answer.status_code == 400
        assert len(answer.content) <= 4096
        assert b"hunter2" not in answer.content


def test_logs_answers_use_their_own_field(http: httpx.Client) -> None:
    body = json_logs({"body": {"stringValue": "a"}}, {"body": "not an AnyValue"})
    assert post(http, body, "/v1/logs").json()["partialSuccess"]["rejectedLogRecords"] == "1"
    request = logs("a", "b")
    for n in range(9_000):
        request.resource_logs[0].scope_logs[0].log_records[0].attributes.add(key=str(n))
    answer = ExportLogsServiceResponse.FromString(post(http, request.SerializeToString(), "/v1/logs").content)
    assert answer.partial_success.rejected_log_records == 1


def test_refusals_of_an_unready_spool_say_come_back(tmp_path: Any) -> None:
    from collector.answers import PROTOBUF as ENCODING
    from collector.answers import http_refusal, refusal_of

    answer = http_refusal(refusal_of(OSError("disk")), ENCODING)
    assert answer.status == 503
    assert (b"retry-after", b"1") in answer.headers
    status = Status.FromString(answer.body)
    hint = RetryInfo()
    assert status.details[0].Unpack(hint)
    assert hint.retry_delay.seconds == 1
    assert "disk" not in status.message


def _length(body: bytes) -> bytes:
    from collector.wire import varint

    return varint(len(body)) + body
