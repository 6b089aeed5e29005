"""One OTLP/HTTP request to the other backend, and what its answer means."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit, urlunsplit

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from spans.health import ForwardSignal
from tracetape import __version__
from tracetape.forwarding.otlp import Request

TIMEOUT_S = 30.0
PATHS: Mapping[ForwardSignal, str] = {"spans": "/v1/traces", "logs": "/v1/logs"}
LONGEST_WAIT_S = 60.0
ANSWER_MAX_BYTES = 65_536
_FOR_GOOD = frozenset({400, 413, 422})
"""Codes that speak of the content. Others (a wrong key, a wrong path, a busy server) may be mended: try again."""
_NO_LOGS = frozenset({404, 405, 415, 501})
"""Codes of a destination that takes spans only."""


class Verdict(Enum):
    """What an answer means for the items that were sent."""

    TAKEN = "taken"
    REFUSED = "refused"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    verdict: Verdict
    sentence: str = ""
    rejected: int = 0
    """Items of a taken request that it did not keep."""
    wait_s: float = 0.0
    """How long it asked to wait."""


Post = Callable[[Request], Answer]


def address_of(url: str, signal: ForwardSignal) -> str:
    """Where a signal goes, without a query: `/v1/traces` or `/v1/logs` behind what is written, or instead of either."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, _path(parts.path, signal), "", ""))


def _path(path: str, signal: ForwardSignal) -> str:
    for known in PATHS.values():
        path = path.removesuffix(known)
    return path.rstrip("/") + PATHS[signal]


def poster(url: str, headers: Mapping[str, str], signal: ForwardSignal = "spans") -> Post:
    """A function that sends requests of one signal to an address."""
    import requests

    parts = urlsplit(url)
    address = urlunsplit(parts._replace(path=_path(parts.path, signal)))
    session = requests.Session()
    session.trust_env = False  # proxies and .netrc of the environment: the guard has to see the real address
    session.headers.update(
        {
            **headers,
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "gzip",
            "User-Agent": f"tracetape/{__version__}",
        }
    )

    def post(request: Request) -> Answer:
        content = gzip.compress(request.SerializeToString(), compresslevel=5)
        try:
            with session.post(address, data=content, timeout=TIMEOUT_S, allow_redirects=False, stream=True) as found:
                body = found.raw.read(ANSWER_MAX_BYTES, decode_content=True)
                return answer_of(found.status_code, found.headers, body, signal)
        except (requests.RequestException, OSError) as error:
            blocked = "lies inside a private network" in str(error)
            why = (
                "its address lies inside a private network (TRACETAPE_ALERT_NETWORKS allows one)"
                if blocked
                else type(error).__name__
            )
            return Answer(Verdict.LATER, f"The destination could not be reached: {why}.")

    return post


def answer_of(code: int, headers: Mapping[str, str], body: bytes, signal: ForwardSignal = "spans") -> Answer:
    """What a code, its headers and its body mean."""
    if 200 <= code < 300:
        return Answer(Verdict.TAKEN, rejected=_rejected(body, signal))
    if code in _FOR_GOOD:
        return Answer(Verdict.REFUSED, f"The destination answered {code}.")
    hint = " It redirects; write the final address." if 300 <= code < 400 else ""
    if signal == "logs" and code in _NO_LOGS:
        hint = " If it takes no log records, set TRACETAPE_FORWARD_LOGS=false."
    return Answer(Verdict.LATER, f"The destination answered {code}.{hint}", wait_s=_seconds(headers.get("Retry-After")))


def _rejected(body: bytes, signal: ForwardSignal) -> int:
    """Of a partial success; an answer in another language counts as a whole one."""
    try:
        if signal == "logs":
            return max(0, ExportLogsServiceResponse.FromString(body).partial_success.rejected_log_records)
        return max(0, ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans)
    except DecodeError:
        return 0


def _seconds(text: str | None) -> float:
    return min(LONGEST_WAIT_S, float(text)) if text and text.isdecimal() else 0.0
