"""The one table of answers: which trouble is told how over HTTP and over gRPC. Nobody else knows status codes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status

from collector.wire import frame, varint
from spans.errors import BusyError, HouseError, RefusedError, TooLargeError

RETRY_S = 1
"""Senders give up after seven seconds and drop the batch when told to wait longer than their budget."""
MESSAGE_MAX_CHARS = 600
VIOLATIONS_MAX = 8
RETRY_TRAILER = "google.rpc.retryinfo-bin"
STATUS_TRAILER = "grpc-status-details-bin"

PROTOBUF = "application/x-protobuf"
JSON = "application/json"


class Trouble(Enum):
    """Why a request is not accepted: HTTP status, gRPC code, whether trying again helps."""

    BAD_DATA = (400, 3, False)
    NO_KEY = (401, 16, False)
    NOT_ALLOWED = (403, 7, False)
    NO_SUCH_PATH = (404, 12, False)
    WRONG_METHOD = (405, 12, False)
    TOO_LARGE = (413, 8, False)
    WRONG_TYPE = (415, 12, False)
    BUSY = (503, 14, True)

    def __init__(self, http: int, grpc: int, retry: bool) -> None:
        self.http = http
        self.grpc = grpc
        self.retry = retry


class RefusalError(HouseError):
    """A request is not accepted; the text is for its sender and never repeats what was sent."""

    def __init__(self, trouble: Trouble, message: str, violations: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.trouble = trouble
        self.message = message[:MESSAGE_MAX_CHARS]
        self.violations = tuple(violations)[:VIOLATIONS_MAX]

    def status(self) -> Status:
        """As google.rpc.Status, with BadRequest and RetryInfo where they apply."""
        status = Status(code=self.trouble.grpc, message=self.message)
        if self.violations:
            fields = [BadRequest.FieldViolation(field=f, description=d[:200]) for f, d in self.violations]
            status.details.add().Pack(BadRequest(field_violations=fields))
        if self.trouble.retry:
            status.details.add().Pack(retry_info())
        return status


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status, headers and body of an HTTP answer."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def refusal_of(error: BaseException) -> RefusalError:
    """Any error as an answer: what we did not foresee is our trouble, so the sender keeps its batch and retries."""
    if isinstance(error, RefusalError):
        return error
    if isinstance(error, TooLargeError):
        return RefusalError(Trouble.TOO_LARGE, str(error))
    if isinstance(error, RefusedError):
        return RefusalError(Trouble.BAD_DATA, str(error))
    if isinstance(error, BusyError):
        return RefusalError(Trouble.BUSY, str(error))
    return RefusalError(Trouble.BUSY, "The receiver could not take this now; send again in a second.")


def http_refusal(refusal: RefusalError, content_type: str) -> HttpAnswer:
    """A refusal in the encoding the sender speaks (JSON when it named none we know)."""
    status = refusal.status()
    if content_type == PROTOBUF:
        body = status.SerializeToString()
    else:
        shown: dict[str, object] = {"code": status.code, "message": status.message}
        details: list[dict[str, object]] = []
        if refusal.violations:
            violations = [{"field": f, "description": d[:200]} for f, d in refusal.violations]
            details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations})
        if refusal.trouble.retry:
            details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{RETRY_S}s"})
        if details:
            shown["details"] = details
        body = json.dumps(shown, ensure_ascii=False).encode()
        content_type = JSON
    headers = [(b"content-type", content_type.encode())]
    if refusal.trouble.retry:
        headers.append((b"retry-after", str(RETRY_S).encode()))
    if refusal.trouble is Trouble.WRONG_METHOD:
        headers.append((b"allow", b"POST"))
    if refusal.trouble is Trouble.NO_KEY:
        headers.append((b"www-authenticate", b'Bearer realm="tracetape"'))
    return HttpAnswer(refusal.trouble.http, tuple(headers), body)


def http_success(content_type: str, rejected_field: str, rejected: int, message: str) -> HttpAnswer:
    """200 in the sender's encoding; `partialSuccess` only when there is something to say."""
    if content_type == JSON:
        shown: dict[str, object] = {}
        if rejected or message:
            partial: dict[str, object] = {"errorMessage": message[:MESSAGE_MAX_CHARS]}
            if rejected:
                partial[rejected_field] = str(rejected)
            shown = {"partialSuccess": partial}
        body = json.dumps(shown, ensure_ascii=False).encode()
    else:
        body = success_bytes(rejected, message)
    return HttpAnswer(200, ((b"content-type", content_type.encode()),), body)


def success_bytes(rejected: int, message: str) -> bytes:
    """An Export…ServiceResponse of any signal: they share field numbers (1: partial_success; in it 1: count, 2: text)."""
    if not rejected and not message:
        return b""

    text = message[:MESSAGE_MAX_CHARS].encode()
    inner = (b"\x08" + varint(rejected) if rejected else b"") + (frame(2, text) if text else b"")
    return frame(1, inner)


def retry_info() -> RetryInfo:
    """The standard hint; Python senders read it from a trailer of its own, others from the status details."""
    return RetryInfo(retry_delay=Duration(seconds=RETRY_S))
