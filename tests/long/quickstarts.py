"""Runs every quick start as it is printed: installs it, asks a fake model server, and checks what tracetape makes of the spans.

usage: python -m tests.long.quickstarts [--keep FOLDER] [KEY…]     (about a minute each; needs a package index)
"""

from __future__ import annotations

import argparse
import gzip
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from collector.decode import decode_logs, decode_traces
from runs.facts import facts_of
from spans.clean import CleanLog, CleanSpan, Redaction
from spans.kinds import SpanKind
from tests.long.fake_models import INPUT_TOKENS, fake_models
from tests.runs.scoring import ORIGIN, assemble_all, log_id_of
from web.quickstarts import QUICKSTARTS, QuickStart

PATIENCE_S = 180


def main() -> int:
    """Run the chosen quick starts; 1 if any told less than its page says."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("keys", nargs="*")
    asked.add_argument("--keep", type=Path, help="folder for the environments; kept for the next time")
    options = asked.parse_args()
    chosen = [start for start in QUICKSTARTS if not options.keys or start.key in options.keys]
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        for start in chosen:
            missing = attempt(start, folder)
            failed += bool(missing)
            sys.stdout.write(f"{start.key:15s} {'ok' if not missing else 'MISSING: ' + ', '.join(missing)}\n")
            sys.stdout.flush()
    return 1 if failed else 0


def attempt(start: QuickStart, folder: Path) -> list[str]:
    """What a quick start does not tell although it should; empty when all is well."""
    python = environment(start, folder)
    with fake_models() as models, collecting() as (endpoint, received):
        program = folder / start.key / "main.py"
        program.write_text(start.program, encoding="utf-8")
        done = subprocess.run(
            [python, program],
            env=surroundings(models, endpoint),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    if done.returncode or "refunded" not in done.stdout:
        return [f"the program failed: {(done.stderr.strip().splitlines() or ['no answer'])[-1][:200]}"]
    return missing_in(start, received)


def environment(start: QuickStart, folder: Path) -> Path:
    """The Python of an environment made by the printed install line."""
    python = folder / start.key / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / start.key], check=True)
        words = shlex.split(start.install)
        subprocess.run([python, "-m", *words[:2], "-q", *words[2:]], check=True)
    return python


def surroundings(models: str, endpoint: str) -> dict[str, str]:
    """What the shell would have: endpoints, invented keys, and nothing else of ours."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER": "otlp_http",
        "OTEL_ENDPOINT": endpoint,
        "OTEL_SERVICE_NAME": "refund-agent",
        "OPENAI_API_KEY": "sk-invented",
        "OPENAI_BASE_URL": f"{models}/v1",
        "OPENAI_API_BASE": f"{models}/v1",
        "ANTHROPIC_API_KEY": "invented",
        "ANTHROPIC_BASE_URL": models,
        "GOOGLE_API_KEY": "invented",
        "GOOGLE_GEMINI_BASE_URL": models,
        "OPENAI_AGENTS_DISABLE_TRACING": "0",
        "HAYSTACK_TELEMETRY_ENABLED": "False",
    }


@contextmanager
def collecting() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """An OTLP/HTTP endpoint that keeps (signal, protobuf) of every request."""
    received: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = b"".join(self._chunks())
            raw = gzip.decompress(raw) if self.headers.get("content-encoding") == "gzip" else raw
            received.append((self.path.rpartition("/")[2], raw))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def _chunks(self) -> Iterator[bytes]:
            if self.headers.get("transfer-encoding") != "chunked":
                yield self.rfile.read(int(self.headers.get("content-length") or 0))
                return
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()


def missing_in(start: QuickStart, received: list[tuple[str, bytes]]) -> list[str]:
    """What should be there by the quick start's own words and is not."""
    items: list[CleanSpan | CleanLog] = []
    for signal, body in received:
        if signal == "traces":
            items.extend(CleanSpan(span, ORIGIN, (), Redaction.OFF, "") for span in decode_traces(body))
        elif signal == "logs":
            items.extend(CleanLog(log, log_id_of(log), ORIGIN, (), Redaction.OFF, "") for log in decode_logs(body))
    assemblies = list(assemble_all([facts_of(item) for item in items]).values())
    runs = [assembly.run for assembly in assemblies]
    steps = [step for assembly in assemblies for step in assembly.steps]
    calls = sum(run.model_calls for run in runs)
    asked = 2 if "tool" in start.expects else 1
    told = {
        f"{asked} model calls, each once (shows {calls})": asked <= calls <= asked + 1,
        "tokens": sum(run.usage.input or 0 for run in runs) == INPUT_TOKENS * calls,
        "content": any("Was order 7" in run.input_preview for run in runs)
        and any("refunded on Monday" in run.output_preview for run in runs),
        "tool": [step.tool_name for step in steps if step.kind is SpanKind.TOOL and step.counted][:1]
        == ["look_up_order"],
        "agent": any(run.agents for run in runs),
        "a name": all(run.workflow_source != "none" for run in runs),
    }
    wanted = {*start.expects, "a name", next(iter(told))}
    return [words for words, there in told.items() if words in wanted and not there]


if __name__ == "__main__":
    sys.exit(main())
