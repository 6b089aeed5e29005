"""Sends OTLP requests to a receiver over HTTP, patiently: a busy receiver is asked again, nothing is skipped."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from collector.tls import trusting
from spans.errors import BusyError, RefusedError
from tracetape.demo.fleet import DemoRequest

PATIENCE_S = 120.0
"""How long one request is tried before the receiver counts as unreachable."""

TIMEOUT_S = 30.0
LONGEST_PAUSE_S = 10.0
_TRY_AGAIN = frozenset({429, 502, 503, 504})


def send(
    endpoint: str,
    key: str | None,
    requests: Iterable[DemoRequest],
    progress: Callable[[int], None] = lambda _spans: None,
    trust: Path | None = None,
) -> int:
    """Send requests in order through the real receiver; returns the number of spans it accepted.

    Args:
        endpoint: Base address of OTLP/HTTP, such as `http://127.0.0.1:4318`.
        key: Ingest key, or None where none is needed.
        requests: What to send; consumed one by one, so that generating waits for the receiver.
        trust: The receiver's own certificate, when it is ours; None asks the system's authorities.
        progress: Called with the spans accepted so far after every request of spans.

    Raises:
        RefusedError: the receiver refused a request for good.
        BusyError: the receiver did not take a request for two minutes.
    """
    accepted = 0
    with _Sender(endpoint, key, trust) as sender:
        for request in requests:
            rejected = sender.post(request)
            if request.signal == "traces":
                accepted += request.items - rejected
                progress(accepted)
    return accepted


class _Sender:
    """One kept-alive connection; no proxy and no redirect, because the receiver is ours."""

    def __init__(self, endpoint: str, key: str | None, trust: Path | None) -> None:
        try:
            parts = urlsplit(endpoint)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in {"http", "https"}:
            raise RefusedError(f"The endpoint {endpoint!r} is not an address like http://127.0.0.1:4318.")
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = trusting(trust) if trust else None
            self._connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        self._path = parts.path.rstrip("/")
        self._headers = {"Content-Type": "application/x-protobuf", "User-Agent": "tracetape-demo"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def post(self, request: DemoRequest) -> int:
        """Send one request until it is taken; returns how many items were rejected as invalid."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            code, hint, body = self._try(request)
            if code == http.client.OK:
                return _rejected(request.signal, body)
            if code and code not in _TRY_AGAIN:
                raise RefusedError(f"The receiver refused the demo with HTTP {code}. {_advice(code)}")
            pause = min(max(_seconds(hint), 0.1), LONGEST_PAUSE_S)
            if time.monotonic() + pause > deadline:
                what = f"answers HTTP {code}" if code else "cannot be reached"
                raise BusyError(f"The receiver {what} for {PATIENCE_S:.0f} s; the rest of the demo was not sent.")
            time.sleep(pause)

    def _try(self, request: DemoRequest) -> tuple[int, str, bytes]:
        """Status, Retry-After and body; status 0 when the receiver cannot be reached."""
        try:
            self._connection.request("POST", f"{self._path}/v1/{request.signal}", request.body, self._headers)
            answer = self._connection.getresponse()
            return answer.status, answer.getheader("Retry-After") or "", answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return 0, "", b""


def _rejected(signal: str, body: bytes) -> int:
    if signal == "logs":
        return ExportLogsServiceResponse.FromString(body).partial_success.rejected_log_records
    return ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans


def _seconds(hint: str) -> float:
    try:
        return float(hint)
    except ValueError:
        return 1.0


def _advice(code: int) -> str:
    if code in {401, 403}:
        return "It needs an ingest key: tracetape keys create --role ingest."
    return "Check that the address is the OTLP/HTTP port of a tracetape."
