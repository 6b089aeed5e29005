"""Forwarding with real processes to a real OTLP sink: nothing is lost through kill -9, and it resumes at its offset."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spans.errors import SettingsError
from tests.tracetape.forwarding.sink import OtlpSink
from tests.tracetape.running import Running, wait_for
from tracetape.control import ask
from tracetape.folder import DataFolder
from tracetape.settings import load_settings

PERSON = "anna.smith@example.com"


def send(http: str, numbers: range) -> set[tuple[str, str]]:
    sent = set()
    for number in numbers:
        request = ExportTraceServiceRequest()
        scope = request.resource_spans.add().scope_spans.add()
        for n in range(3):
            ids = (0xF000 + number).to_bytes(16, "big"), (n + 1).to_bytes(8, "big")
            scope.spans.add(
                trace_id=ids[0],
                span_id=ids[1],
                name=f"mail to {PERSON}",
                start_time_unix_nano=10,
                end_time_unix_nano=20,
            )
            sent.add((ids[0].hex(), ids[1].hex()))
        headers = {"Content-Type": "application/x-protobuf"}
        body = request.SerializeToString()
        urllib.request.urlopen(urllib.request.Request(f"{http}/v1/traces", body, headers), timeout=20).close()
    return sent


def send_logs(http: str, numbers: range) -> set[str]:
    """Log records with and without a trace, each with a name of its own."""
    sent = set()
    for number in numbers:
        request = ExportLogsServiceRequest()
        scope = request.resource_logs.add().scope_logs.add()
        for n in range(3):
            log = scope.log_records.add(event_name=f"event.{number}.{n}", time_unix_nano=10)
            log.body.string_value = f"mail to {PERSON}"
            if n:
                log.trace_id = (0xF000 + number).to_bytes(16, "big")
            sent.add(log.event_name)
        headers = {"Content-Type": "application/x-protobuf"}
        body = request.SerializeToString()
        urllib.request.urlopen(urllib.request.Request(f"{http}/v1/logs", body, headers), timeout=20).close()
    return sent


def state(running: Running) -> dict[str, Any]:
    """What the delivery check says of forwarding."""
    return dict(ask(DataFolder(running.data).control_socket, "health", {})["forward"])


@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.timeout(300)
def test_every_span_and_log_record_is_forwarded_through_kill_9_and_an_outage_and_what_arrived_is_not_sent_again(
    tmp_path: Path,
):
    with OtlpSink() as sink:
        environ = {
            "TRACETAPE_FORWARD_URL": sink.url,
            "TRACETAPE_FORWARD_HEADERS": "Authorization=Bearer%20abc",
            "TRACETAPE_ALERT_NETWORKS": "127.0.0.1",
        }
        options = ("--workers", "1", "--redaction", "rules")
        with Running(tmp_path / "data", *options, environ=environ) as running:
            first, logs = send(running.http, range(8)), send_logs(running.http, range(4))
            wait_for(lambda: set(sink.spans) == first and set(sink.logs) == logs, 60, "the first items at the sink")
            wait_for(lambda: not waiting(running), 20, "the offsets behind them")
            offset = int(str(state(running)["offset"]))
            assert offset >= 1

            sink.code = 503
            second = send(running.http, range(8, 16))
            early, logs = frozenset(logs), logs | send_logs(running.http, range(4, 8))
            wait_for(lambda: sink.refused and "503" in str(state(running)["trouble"]), 30, "trouble that is told")
            wait_for(lambda: "503" in str(dict(state(running)["logs"])["trouble"]), 30, "trouble of log records")
            assert state(running)["offset"] == offset
            api = running.api("/api/v1/health")
            assert api["forward"]["waiting"] >= 3
            assert api["forward"]["lag_s"] > 0
            assert api["forward"]["logs"]["waiting"] >= 3
            assert b"tracetape_forward_lag_seconds" in running.metrics()
            children = running.children()
            os.kill(children["forward"], signal.SIGKILL)
            os.kill(children["main"], signal.SIGKILL)
            sink.code = 200
            wait_for(lambda: set(sink.spans) == first | second and set(sink.logs) == logs, 90, "the rest at the sink")
            third = send(running.http, range(16, 20))
            logs = logs | send_logs(running.http, range(8, 10))
            os.kill(running.process.pid, signal.SIGKILL)  # type: ignore[union-attr]
            running.process.wait()  # type: ignore[union-attr]
            running.restart()
            everything = first | second | third
            wait_for(lambda: set(sink.spans) == everything and set(sink.logs) == logs, 90, "everything at the sink")
            told = wait_for(lambda: not waiting(running) and state(running), 20, "no lag")
        assert (told["sent"], dict(told["logs"])["sent"]) == (len(everything), len(logs))
        assert told["trouble"] == ""
        assert all(sink.spans[one] == 1 for one in first), "what lay before the offset was sent again"
        assert all(sink.logs[one] == 1 for one in early), "log records before the offset were sent again"
        assert not any(PERSON.encode() in raw for raw in sink.raw)
        assert {headers["Authorization"] for headers in sink.headers} == {"Bearer abc"}


def waiting(running: Running) -> int:
    told = state(running)
    return int(str(told["waiting"])) + int(str(dict(told["logs"])["waiting"]))


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_destination_that_takes_no_log_records_still_gets_every_span_and_is_told_apart(tmp_path: Path):
    with OtlpSink() as sink:
        sink.takes_logs = False
        environ = {"TRACETAPE_FORWARD_URL": sink.url, "TRACETAPE_ALERT_NETWORKS": "127.0.0.1"}
        with Running(tmp_path / "data", "--workers", "1", "--redaction", "rules", environ=environ) as running:
            send_logs(running.http, range(2))
            spans = send(running.http, range(4))
            wait_for(lambda: set(sink.spans) == spans, 60, "the spans at the sink")
            logs = wait_for(lambda: (told := dict(state(running)["logs"]))["trouble"] and told, 30, "trouble")
            assert "TRACETAPE_FORWARD_LOGS=false" in logs["trouble"]
            assert (logs["waiting"], state(running)["trouble"]) == (6, "")


@pytest.mark.parametrize("address", ["http://127.0.0.1:4318", "http://169.254.169.254", "http://[::1]:4318"])
def test_an_address_inside_the_network_is_refused_at_the_start(address: str):
    with pytest.raises(SettingsError, match="TRACETAPE_ALERT_NETWORKS"):
        load_settings({}, {"TRACETAPE_FORWARD_URL": address})
    allowed = {"TRACETAPE_FORWARD_URL": address, "TRACETAPE_ALERT_NETWORKS": "127.0.0.0/8,169.254.0.0/16,::1"}
    assert load_settings({}, allowed).forward_url == address


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("URL", "otlp.example.com:4317"),
        ("URL", "https://me:secret@otlp.example.com"),
        ("URL", "file:///etc/passwd"),
        ("HEADERS", "no equals sign"),
        ("HEADERS", "Authorization=Bearer%0d%0aHost: evil"),
        ("HEADERS", "a b=c"),
    ],
)
def test_what_cannot_be_an_address_or_a_header_is_refused(name: str, value: str):
    with pytest.raises(SettingsError, match="write it like") as refused:
        load_settings({}, {f"TRACETAPE_FORWARD_{name}": value})
    assert value not in str(refused.value)


def test_headers_and_address_are_never_shown():
    chosen = {"TRACETAPE_FORWARD_URL": "https://x.example.com/?k=1", "TRACETAPE_FORWARD_HEADERS": "a=Bearer%20abc"}
    settings = load_settings({}, chosen)
    assert settings.forward_header_map() == {"a": "Bearer abc"}
    assert {settings.masked()["forward_url"], settings.masked()["forward_headers"]} == {"***"}


GUARDED = """
import json, sys
from insights.alerts.targets import parse_networks
from tracetape.forwarding.otlp import request_of
from tracetape.forwarding.post import poster
from tracetape.notifier.guard import install
install(parse_networks([]))
answer = poster(sys.argv[1], {})(request_of([]))
print(json.dumps([answer.verdict.value, answer.sentence]))
"""


def test_a_name_that_leads_inside_the_network_is_stopped_at_the_connection():
    with OtlpSink() as sink:
        address = sink.url.replace("127.0.0.1", "localhost")
        done = subprocess.run([sys.executable, "-c", GUARDED, address], capture_output=True, text=True, check=True)
        verdict, sentence = json.loads(done.stdout)
        assert verdict == "later"
        assert "private network" in sentence
        assert not sink.raw
