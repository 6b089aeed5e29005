"""One command, and a real agent's run is on the screen: real processes, real SDKs, real captures."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.tracetape.running import Running, wait_for

pytestmark = pytest.mark.slow

CANARY_CARD = "4111 1111 1111 1111"
CANARY_MAIL = "maria.gonzalez@northwind-mail.com"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Running(tmp_path_factory.mktemp("serve"), "--workers", "1") as running:
        yield running


def provider(exporter) -> TracerProvider:
    made = TracerProvider(resource=Resource.create({"service.name": "first-light"}))
    made.add_span_processor(BatchSpanProcessor(exporter))
    return made


def send_run(exporter, name: str) -> str:
    """One agent run with a model call and a tool call; returns its trace id."""
    tracing = provider(exporter)
    tracer = tracing.get_tracer("plain")
    with tracer.start_as_current_span(
        f"invoke_agent {name}", attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}
    ) as root:
        with tracer.start_as_current_span(
            "chat gpt-4o-mini",
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.usage.input_tokens": 1200,
                "gen_ai.usage.output_tokens": 90,
                "gen_ai.input.messages": json.dumps(
                    [
                        {
                            "role": "user",
                            "parts": [{"type": "text", "content": f"Charge {CANARY_CARD}, mail {CANARY_MAIL}"}],
                        }
                    ]
                ),
            },
        ):
            pass
        with tracer.start_as_current_span(
            "execute_tool lookup_customer",
            attributes={
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "lookup_customer",
                "gen_ai.tool.call.id": "call_1",
                "gen_ai.tool.call.arguments": '{"order": "A-1001"}',
                "gen_ai.tool.call.result": '{"found": true}',
            },
        ):
            pass
    trace = format(root.get_span_context().trace_id, "032x")
    assert tracing.force_flush(10_000)
    tracing.shutdown()
    return trace


@pytest.mark.parametrize("transport", ["grpc", "http"])
def test_a_run_sent_by_the_plain_sdk_is_there_within_five_seconds(server, transport):
    exporter = (
        GrpcExporter(endpoint=f"http://{server.grpc}", insecure=True)
        if transport == "grpc"
        else HttpExporter(endpoint=f"{server.http}/v1/traces")
    )
    trace = send_run(exporter, f"agent-{transport}")
    flushed = time.monotonic()
    run = wait_for(lambda: server.try_api(f"/api/v1/runs/{trace}"), 5, "the run in the API")["data"]
    wait_for(lambda: (server.try_api(f"/api/v1/runs/{trace}") or {})["data"]["tool_calls"] == 1, 5, "its tool call")
    assert time.monotonic() - flushed < 5
    assert run["workflow"] == f"agent-{transport}"
    assert run["usage"]["input"] == 1200
    assert run["cost_usd"] is not None
    assert CANARY_CARD not in json.dumps(run)
    assert CANARY_MAIL not in json.dumps(run)


NODE_PROGRAM = """
const { NodeTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-node');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const provider = new NodeTracerProvider({ spanProcessors: [
  new BatchSpanProcessor(new OTLPTraceExporter({ url: process.argv[2] + '/v1/traces' })) ] });
const span = provider.getTracer('plain').startSpan('invoke_agent node-agent', { attributes: {
  'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'node-agent' } });
span.end();
provider.forceFlush().then(() => { console.log(span.spanContext().traceId); return provider.shutdown(); });
"""


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs Node.js with npm")
def test_a_run_sent_by_the_node_sdk_is_there_within_five_seconds(server, tmp_path):
    packages = ["@opentelemetry/sdk-trace-node", "@opentelemetry/exporter-trace-otlp-http", "@opentelemetry/api"]
    subprocess.run(
        ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", *packages],
        cwd=tmp_path,
        check=True,
        timeout=240,
    )
    (tmp_path / "send.js").write_text(NODE_PROGRAM)
    sent = subprocess.run(
        ["node", "send.js", server.http], cwd=tmp_path, check=True, timeout=60, capture_output=True, text=True
    )
    trace = sent.stdout.strip()
    run = wait_for(lambda: server.try_api(f"/api/v1/runs/{trace}"), 5, "the run in the API")["data"]
    assert run["workflow"] == "node-agent"


def test_metrics_are_acknowledged(server):
    request = urllib.request.Request(
        f"{server.http}/v1/metrics", data=b"", headers={"Content-Type": "application/x-protobuf"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def test_the_delivery_check_adds_up_and_settles(server):
    settled = server.settle()
    for count in settled.values():
        assert count["acked"] == count["stored"] + count["quarantined"] + count["dropped_by_person"] + count["expired"]
        assert count["received"] == count["acked"] + count["refused"]
    assert settled["spans"]["stored"] > 0


def test_ctrl_c_leaves_within_ten_seconds_and_a_restart_shows_the_same_runs(tmp_path):
    with Running(tmp_path / "data", "--workers", "1") as running:
        trace = send_run(HttpExporter(endpoint=f"{running.http}/v1/traces"), "survivor")
        assert running.stop() < 10
        assert running.process.returncode == 0
        running.restart()
        run = wait_for(lambda: running.try_api(f"/api/v1/runs/{trace}"), 10, "the run after a restart")["data"]
        assert run["workflow"] == "survivor"


def test_redaction_off_stores_the_canary_and_on_does_not(tmp_path):
    """The positive control of every leak test: what redaction hides must be visible without it."""
    seen = {}
    for mode in ("full", "off"):
        with Running(tmp_path / mode, "--workers", "1", "--redaction", mode) as running:
            trace = send_run(HttpExporter(endpoint=f"{running.http}/v1/traces"), "leaky")
            wait_for(lambda r=running, t=trace: (r.try_api(f"/api/v1/runs/{t}") or {}).get("data"), 10, "the run")
            running.settle()
            seen[mode] = json.dumps(running.api(f"/api/v1/runs/{trace}"))
    assert CANARY_CARD in seen["off"]
    assert CANARY_CARD not in seen["full"]
    assert CANARY_MAIL not in seen["full"]


def capture_requests(folder: Path):
    for entry in json.loads((folder / "headers.json").read_text()):
        yield entry, gzip.decompress((folder / (entry["file"] + ".gz")).read_bytes())
