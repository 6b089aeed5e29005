from __future__ import annotations

import gzip
import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spans.errors import BusyError, RefusedError, SettingsError
from tracetape import importing
from tracetape.importing import Body, bodies, send

TRACES = {"resourceSpans": [{"scopeSpans": []}]}
LOGS = {"resourceLogs": []}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.json", json.dumps(TRACES), ["/v1/traces"]),
        ("a.json", json.dumps(TRACES, indent=2), ["/v1/traces"]),
        ("a.jsonl", f"{json.dumps(TRACES)}\n\n{json.dumps(LOGS)}\n", ["/v1/traces", "/v1/logs"]),
        ("both.json", json.dumps({**TRACES, **LOGS}), ["/v1/traces", "/v1/logs"]),
        ("old.json", json.dumps({"resource_spans": []}), ["/v1/traces"]),
        ("a.pb", "\n\x02ab", ["/v1/traces"]),
        ("logs.pb", "\n\x02ab", ["/v1/logs"]),
        ("empty", "", []),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_every_way_otlp_lies_in_files_is_read(tmp_path, name, content, expected, packed):
    raw = content.encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if packed else raw)
    assert [body.path for body in bodies(tmp_path / name)] == expected


def test_protobuf_with_lengths_before_each_request_is_taken_apart(tmp_path):
    one, two = ExportTraceServiceRequest(), ExportTraceServiceRequest()
    one.resource_spans.add(schema_url="one")
    two.resource_spans.add(schema_url="two" * 200)
    raws = [one.SerializeToString(), two.SerializeToString()]
    file = tmp_path / "traces.proto"
    file.write_bytes(b"".join(len(raw).to_bytes(4, "big") + raw for raw in raws))
    assert [body.data for body in bodies(file)] == raws
    for whole in (raws[1], raws[0] + raws[1], file.read_bytes()[:-1]):  # one request, two in one, a file that was cut
        file.write_bytes(whole)
        assert [body.data for body in bodies(file)] == [whole]


@pytest.mark.parametrize(
    "damage", [lambda raw: raw[:-9], lambda raw: raw[:12] + b"\xff" * 8 + raw[20:], lambda raw: raw[:2]]
)
def test_a_damaged_packed_file_is_told_of_in_a_sentence(tmp_path, damage):
    (tmp_path / "a.json.gz").write_bytes(damage(gzip.compress(json.dumps(TRACES).encode() * 20)))
    with pytest.raises(SettingsError, match=r"a\.json\.gz is packed with gzip and damaged"):
        list(bodies(tmp_path / "a.json.gz"))


def test_an_address_may_have_a_path_and_tls(receiver):
    server, url = receiver((200, b"{}"))
    send(f"{url}/otlp/", None, iter([Body("/v1/traces", "application/json", b"{}")]))
    assert server.got[0][0] == "/otlp/v1/traces"
    assert isinstance(importing._connect(urlsplit("https://tape.example.com")), http.client.HTTPSConnection)
    assert importing._connect(urlsplit("https://tape.example.com")).port == 443


@pytest.mark.parametrize("content", ['{"a": 1}', '{"resourceSpans": []}\n{broken', '{"resourceSpans": []}\n[1]'])
def test_what_is_no_otlp_is_refused_with_the_file(tmp_path, content):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(SettingsError, match=r"x\.json"):
        list(bodies(tmp_path / "x.json"))
    with pytest.raises(SettingsError, match="cannot be read"):
        list(bodies(tmp_path / "nothing"))


class Receiver(ThreadingHTTPServer):
    def __init__(self, answers):
        self.answers, self.got = list(answers), []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        status, said = self.server.answers.pop(0)
        self.server.got.append((self.path, self.headers.get("authorization"), body))
        self.send_response(status)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver(monkeypatch):
    monkeypatch.setattr(importing, "PAUSE_S", 0.01)
    made = []

    def start(*answers):
        server = Receiver(answers)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.append(server)
        return server, f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in made:
        server.shutdown()
        server.server_close()


def test_a_busy_receiver_is_asked_again_and_rejected_items_are_counted(tmp_path, receiver):
    (tmp_path / "a.json").write_text(json.dumps(TRACES))
    server, url = receiver((503, b""), (200, b'{"partialSuccess":{"rejectedSpans":"3"}}'))
    done = send(url, "tt_key", bodies(tmp_path / "a.json"))
    assert (done.requests, done.rejected) == (1, 3)
    assert [(path, auth) for path, auth, _ in server.got] == [("/v1/traces", "Bearer tt_key")] * 2


def test_a_refusal_ends_it_and_silence_is_busy(tmp_path, receiver, monkeypatch):
    (tmp_path / "a.json").write_text(json.dumps(TRACES))
    _, url = receiver((401, b"no"))
    with pytest.raises(RefusedError, match="401"):
        send(url, None, bodies(tmp_path / "a.json"))
    monkeypatch.setattr(importing, "TRIES", 2)
    with pytest.raises(BusyError, match="Is tracetape serve running"):
        send("http://127.0.0.1:1", None, bodies(tmp_path / "a.json"))
