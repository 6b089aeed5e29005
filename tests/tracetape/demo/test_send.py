"""The sender goes through the real door: it waits when asked to, and says plainly when it may not enter."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from spans.errors import BusyError, RefusedError
from tracetape.demo import send as sending
from tracetape.demo.fleet import DemoRequest
from tracetape.demo.send import send
from tracetape.demo.test_run import send_test_run


class Receiver:
    """A receiver that answers as scripted, then with 200, and remembers what it got."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.got = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((self.path, dict(self.headers), body))
                code, headers, answer = receiver.answers.pop(0) if receiver.answers else (200, {}, b"")
                self.send_response(code)
                for name, value in ({"Content-Length": str(len(answer))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


SPANS = DemoRequest("traces", b"spans", 3)
LOGS = DemoRequest("logs", b"logs", 2)


@pytest.fixture
def pauses(monkeypatch):
    slept = []
    monkeypatch.setattr(sending.time, "sleep", slept.append)
    return slept


def test_requests_go_to_their_signal_with_the_key_and_spans_are_counted():
    told = []
    with Receiver() as receiver:
        assert send(receiver.url, "tt_key", [SPANS, LOGS, SPANS], told.append) == 6
    assert [path for path, _, _ in receiver.got] == ["/v1/traces", "/v1/logs", "/v1/traces"]
    assert {headers["Authorization"] for _, headers, _ in receiver.got} == {"Bearer tt_key"}
    assert {headers["Content-Type"] for _, headers, _ in receiver.got} == {"application/x-protobuf"}
    assert told == [3, 6]


def test_without_a_key_none_is_sent():
    with Receiver() as receiver:
        send(receiver.url, None, [SPANS])
    assert "Authorization" not in receiver.got[0][1]


@pytest.mark.parametrize(("hint", "pause"), [("2", 2.0), ("", 1.0), ("soon", 1.0), ("900", 10.0), ("-4", 0.1)])
def test_a_busy_receiver_is_asked_again_after_the_time_it_named(pauses, hint, pause):
    busy = (503, {"Retry-After": hint} if hint else {}, b"")
    with Receiver(busy, busy) as receiver:
        assert send(receiver.url, None, [SPANS]) == 3
    assert pauses == [pause, pause]
    assert [body for _, _, body in receiver.got] == [b"spans"] * 3


def test_rejected_spans_are_not_counted_as_sent():
    partial = ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess(rejected_spans=1))
    with Receiver((200, {}, partial.SerializeToString())) as receiver:
        assert send(receiver.url, None, [SPANS]) == 2


@pytest.mark.parametrize(("code", "advice"), [(401, "ingest key"), (404, "OTLP/HTTP port"), (302, "OTLP/HTTP port")])
def test_a_refusal_ends_the_sending_with_one_sentence(code, advice):
    with Receiver((code, {}, b"")) as receiver, pytest.raises(RefusedError, match=f"HTTP {code}.*{advice}"):
        send(receiver.url, None, [SPANS, SPANS])
    assert len(receiver.got) == 1


def test_a_receiver_that_is_not_there_is_given_up_on_after_a_while(monkeypatch):
    monkeypatch.setattr(sending, "PATIENCE_S", 0.0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(BusyError, match="cannot be reached"):
        send(f"http://127.0.0.1:{port}", None, [SPANS])


@pytest.mark.parametrize("endpoint", ["localhost:4318", "ftp://x", "http://", "http://x:99999", "http://[x", ""])
def test_an_endpoint_that_is_no_address_is_refused(endpoint):
    with pytest.raises(RefusedError, match=r"not an address like http://127\.0\.0\.1:4318"):
        send(endpoint, None, [SPANS])


def test_each_test_run_is_a_new_run():
    with Receiver() as receiver:
        send_test_run(receiver.url, None)
        send_test_run(receiver.url, None)
    traces = [ExportTraceServiceRequest.FromString(body) for _, _, body in receiver.got]
    ids = {t.resource_spans[0].scope_spans[0].spans[0].trace_id for t in traces}
    assert len(ids) == 2
    assert all(b"maria.lindqvist@example.com" in body for _, _, body in receiver.got)
