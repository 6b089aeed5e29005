"""A real OTLP/HTTP sink on loopback for tests: parses every request, and can be told to be busy."""

from __future__ import annotations

import gzip
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class OtlpSink:
    """What arrived: how often each (trace, span) and each log record by its event name, and the raw texts."""

    def __init__(self) -> None:
        self.spans: Counter[tuple[str, str]] = Counter()
        self.logs: Counter[str] = Counter()
        self.takes_logs = True
        self.raw: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.code = 200
        self.refused = 0
        self._lock = threading.Lock()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(sink.take(self.path, dict(self.headers), body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """The code of the answer."""
        with self._lock:
            if self.code != 200:
                self.refused += 1
                return self.code
            if path not in {"/v1/traces", "/v1/logs"} or (path == "/v1/logs" and not self.takes_logs):
                return 404
            self.raw.append(body)
            self.headers.append(headers)
            if path == "/v1/logs":
                for envelope in ExportLogsServiceRequest.FromString(body).resource_logs:
                    for scoped_logs in envelope.scope_logs:
                        self.logs.update(log.event_name for log in scoped_logs.log_records)
                return 200
            request = ExportTraceServiceRequest.FromString(body)
            for traced in request.resource_spans:
                for scoped in traced.scope_spans:
                    self.spans.update((span.trace_id.hex(), span.span_id.hex()) for span in scoped.spans)
        return 200

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
