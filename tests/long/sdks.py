"""Real SDKs and five seconds without a listener (R12): Python newest and 1.44.0, JavaScript; each over gRPC and HTTP.

pytest tests/long/sdks.py -s --timeout 0       # installs the SDKs from the package indexes into a scratch folder
"""

# ruff: noqa: T201 the figures are what a person wants
from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.collector.helpers import Place, spawn_receiver

SPANS = 240
PER_S = 20
GAVE_UP = re.compile(r"^gave up (\d+): Error: 14 UNAVAILABLE: No connection established", re.MULTILINE)
QUIET_FROM_S, QUIET_S = 3, 5

PYTHON = """
import sys, time
kind, endpoint, name, spans, per_s = sys.argv[1:]
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
if kind == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    out = OTLPSpanExporter(endpoint=endpoint, insecure=True)
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    out = OTLPSpanExporter(endpoint=endpoint + "/v1/traces")
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(out, schedule_delay_millis=500))
tracer = provider.get_tracer("t")
for number in range(int(spans)):
    tracer.start_span(f"{name} {number}").end()
    time.sleep(1 / int(per_s))
provider.force_flush(30_000)
provider.shutdown()
"""
NODE = """
const { BasicTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const [kind, endpoint, name, spans, perS] = process.argv.slice(2);
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-' + kind);
const url = kind === 'grpc' ? endpoint : endpoint + '/v1/traces';
const inner = new OTLPTraceExporter({ url });
const exporter = {
  export(batch, done) {
    inner.export(batch, (result) => {
      if (result.code) console.log('gave up ' + batch.length + ': ' + String(result.error).slice(0, 90));
      done(result);
    });
  },
  shutdown: () => inner.shutdown(), forceFlush: () => inner.forceFlush(),
};
const provider = new BasicTracerProvider({ spanProcessors: [
  new BatchSpanProcessor(exporter, { scheduledDelayMillis: 500 }) ] });
const tracer = provider.getTracer('t');
let n = 0;
const timer = setInterval(async () => {
  if (n < +spans) { tracer.startSpan(name + ' ' + n++).end(); return; }
  clearInterval(timer);
  await provider.forceFlush();
  await provider.shutdown();
}, 1000 / +perS);
"""


def pythons(folder: Path) -> dict[str, str]:
    """Name of each Python SDK, and the interpreter that has it."""
    found = {}
    for name, version in (("python newest", ""), ("python 1.44.0", "==1.44.0")):
        place = folder / name.replace(" ", "-")
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        packages = [f"opentelemetry-sdk{version}", f"opentelemetry-exporter-otlp{version}"]
        subprocess.run([place / "bin" / "pip", "install", "--quiet", *packages], check=True)
        found[name] = str(place / "bin" / "python")
    return found


def test_every_sdk_delivers_every_span_over_five_seconds_without_a_listener(tmp_path):
    (tmp_path / "send.py").write_text(PYTHON)
    (tmp_path / "send.js").write_text(NODE)
    senders = {name: [python, str(tmp_path / "send.py")] for name, python in pythons(tmp_path).items()}
    if shutil.which("npm"):
        packages = [
            f"@opentelemetry/{p}"
            for p in ("sdk-trace-base", "exporter-trace-otlp-grpc", "exporter-trace-otlp-http", "api")
        ]
        install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", *packages]
        subprocess.run(install, cwd=tmp_path, check=True)
        senders["node"] = ["node", str(tmp_path / "send.js")]
    place = Place(tmp_path / "data")
    receiver = spawn_receiver(place)
    endpoints = {"grpc": f"http://127.0.0.1:{receiver.grpc}", "http": f"http://127.0.0.1:{receiver.http}"}
    running = {
        f"{name} {kind}": subprocess.Popen(
            [*command, kind, endpoint, f"{name} {kind}", str(SPANS), str(PER_S)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name, command in senders.items()
        for kind, endpoint in endpoints.items()
    }
    try:
        time.sleep(QUIET_FROM_S)
        receiver.kill()
        gone = time.monotonic()
        time.sleep(QUIET_S)
        receiver = spawn_receiver(place, grpc=receiver.grpc, http=receiver.http)
        print(f"nobody listened for {time.monotonic() - gone:.1f} s")
        said = {name: process.communicate(timeout=180)[0] for name, process in running.items()}
        assert receiver.stop() == 0
    finally:
        receiver.kill()
        for process in running.values():
            process.kill()
    kept = [span.name for span in place.kept().spans()]
    lost = {name: SPANS - len({k for k in kept if k.startswith(f"{name} ")}) for name in running}
    gave_up = {name: sum(int(n) for n in GAVE_UP.findall(text)) for name, text in said.items()}
    print(json.dumps({"lost": lost, "given up by the SDK": gave_up}, indent=1))
    assert all(lost[name] <= gave_up[name] for name in running), said
    # grpc-js does not wait: each batch fails the moment its connection is refused, and is dropped.
    assert [name for name in running if lost[name]] in ([], ["node grpc"])
