"""OTLP over HTTP: a small ASGI application."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import Executor
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, TypeVar

from collector.answers import (
    JSON,
    PROTOBUF,
    HttpAnswer,
    RefusalError,
    Trouble,
    http_refusal,
    http_success,
    refusal_of,
)
from collector.bodies import Unpacker, unpacker
from collector.door import Admission, Deadline, Door
from collector.signals import SIGNALS, OtlpSignal

logger = logging.getLogger(__name__)

T = TypeVar("T")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_WITHIN_S = 30.0
REQUESTS_MAX = 512
CORS_HEADERS = "content-type, content-encoding, authorization, x-api-key, traceparent, tracestate, baggage"
_TYPES = {"application/x-protobuf": PROTOBUF, "application/protobuf": PROTOBUF, "application/json": JSON}


class HttpReceiver:
    """The ASGI application of the HTTP port."""

    def __init__(self, door: Door, executor: Executor, cors_origins: Iterable[str] = ()) -> None:
        self._door = door
        self._executor = executor
        self._cors = frozenset(cors_origins)
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever happens, the answer is one of our table."""
        if scope["type"] != "http":
            return
        headers = _headers(scope)
        cors = self._cors_headers(headers)
        answer: HttpAnswer | None
        try:
            answer = self._answer_small(scope, headers, cors) or await self._export(scope, headers, receive)
        except _SenderLeftError:
            return
        await _send(send, answer, cors)

    def _answer_small(
        self, scope: Scope, headers: dict[str, str], cors: tuple[tuple[bytes, bytes], ...]
    ) -> HttpAnswer | None:
        """Health probes and preflights; None when it is an export, or nothing we know."""
        path, method = scope["path"], scope["method"]
        if method in {"GET", "HEAD"} and path in {"/healthz", "/readyz"}:
            good = path == "/healthz" or self._door.is_ready()
            return HttpAnswer(
                200 if good else 503, ((b"content-type", b"text/plain"),), b"ok\n" if good else b"not ready\n"
            )
        if method == "OPTIONS" and cors and "access-control-request-method" in headers:
            more = (
                (b"access-control-allow-methods", b"POST"),
                (b"access-control-allow-headers", CORS_HEADERS.encode()),
                (b"access-control-max-age", b"86400"),
            )
            return HttpAnswer(204, more, b"")
        return None

    async def _export(self, scope: Scope, headers: dict[str, str], receive: Receive) -> HttpAnswer:
        signal: OtlpSignal | None = None
        content_type = _TYPES.get(_essence(headers.get("content-type", "")), "")
        agent = headers.get("user-agent", "")
        taken = [0]
        items, started = 0, time.monotonic()
        self._under_way += 1
        try:
            signal = _signal_of(scope["path"])
            self._check(scope, content_type)
            peer = (scope.get("client") or ("", 0))[0]
            project = await self._soon(Deadline(), self._door.gate.project_of, headers, peer)
            raw = await self._read(headers, receive, taken, content_type)
            is_json = content_type == JSON
            deadline = Deadline()
            try:
                admission = await self._soon(
                    deadline,
                    functools.partial(self._door.admit, is_json=is_json, deadline=deadline),
                    raw,
                    signal,
                    project,
                )
                await _durable(admission, deadline)
            except Exception:
                items = self._door.count(raw, signal, is_json=is_json)
                raise
        except _SenderLeftError:
            raise
        except Exception as error:  # noqa: BLE001 every error becomes an answer of our table
            refusal = refusal_of(error)
            if not isinstance(error, RefusalError) and refusal.trouble is Trouble.BUSY:
                logger.warning("a request could not be taken", extra={"reason": type(error).__name__})
            self._door.tally.answered(
                signal.word if signal else "",
                "http",
                str(refusal.trouble.http),
                kept=0,
                refused=items,
                reason=refusal.message,
                user_agent=agent,
                took_s=time.monotonic() - started,
            )
            return http_refusal(refusal, content_type)
        finally:
            self._under_way -= 1
            self._door.budget.give_back(taken[0])
        done = admission.accepted
        self._door.tally.answered(
            signal.word,
            "http",
            "200",
            kept=done.items,
            refused=done.rejected,
            reason=done.message,
            user_agent=agent,
            took_s=time.monotonic() - started,
        )
        return http_success(content_type, signal.rejected_key, done.rejected, done.message)

    async def _soon(self, deadline: Deadline, work: Callable[..., T], *inputs: object) -> T:
        """The result of work on another thread, or the answer "come back" when it does not come in time."""
        future = asyncio.get_running_loop().run_in_executor(self._executor, work, *inputs)
        try:
            return await asyncio.wait_for(future, deadline.left_s())
        except TimeoutError:
            raise RefusalError(Trouble.BUSY, "The receiver is busy; send again in a second.") from None

    def _check(self, scope: Scope, content_type: str) -> None:
        if scope["method"] != "POST":
            raise RefusalError(Trouble.WRONG_METHOD, f"Send telemetry with POST, not {_method(scope)}.")
        if not content_type:
            raise RefusalError(
                Trouble.WRONG_TYPE, "The Content-Type must be application/x-protobuf or application/json."
            )
        if self._under_way > REQUESTS_MAX:
            raise RefusalError(Trouble.BUSY, "The receiver is busy; send again in a second.")

    async def _read(self, headers: dict[str, str], receive: Receive, taken: list[int], content_type: str) -> bytes:
        limit = self._door.bounds.json_bytes if content_type == JSON else self._door.bounds.body_bytes
        body = unpacker(headers.get("content-encoding", ""), limit)
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            raise RefusalError(
                Trouble.TOO_LARGE, f"The request is larger than {limit // (1024 * 1024)} MiB; send smaller batches."
            )
        try:
            return await asyncio.wait_for(self._pour(body, receive, taken), BODY_WITHIN_S)
        except TimeoutError:
            raise RefusalError(Trouble.BUSY, f"The body did not arrive within {BODY_WITHIN_S:.0f} s.") from None

    async def _pour(self, body: Unpacker, receive: Receive, taken: list[int]) -> bytes:
        before = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _SenderLeftError
            piece = message.get("body", b"")
            if piece:
                body.feed(piece)
            if body.size > before:
                self._door.budget.take(body.size - before)
                taken[0] += body.size - before
                before = body.size
            if not message.get("more_body", False):
                return body.finish()

    def _cors_headers(self, headers: dict[str, str]) -> tuple[tuple[bytes, bytes], ...]:
        origin = headers.get("origin", "")
        if not origin or not self._cors:
            return ()
        if origin in self._cors:
            return ((b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"origin"))
        return ((b"access-control-allow-origin", b"*"),) if "*" in self._cors else ()


class _SenderLeftError(Exception):
    """The connection is gone: nobody hears an answer."""


async def _durable(admission: Admission, deadline: Deadline) -> None:
    if admission.durable is None:
        return
    try:
        await asyncio.wait_for(asyncio.wrap_future(admission.durable), deadline.left_s())
    except (TimeoutError, FutureTimeoutError, asyncio.CancelledError):
        raise RefusalError(Trouble.BUSY, "The disk is slow; send again in a second.") from None


def _signal_of(path: str) -> OtlpSignal:
    """The signal of a path, whatever stands before `/v1/…`.

    Raises:
        RefusalError: no path of ours.
    """
    tidy = path.rstrip("/")
    for signal in SIGNALS:
        if tidy.endswith(signal.path):
            return signal
    paths = ", ".join(signal.path for signal in SIGNALS)
    hint = " (a per-signal endpoint variable is used as it is: append /v1/traces)" if not tidy else ""
    raise RefusalError(Trouble.NO_SUCH_PATH, f"Nothing is received here; send to {paths}{hint}.")


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method.isalpha() and len(method) < 10 else "another method"


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _essence(content_type: str) -> str:
    return content_type.split(";", 1)[0].strip().lower()


async def _send(send: Send, answer: HttpAnswer, cors: tuple[tuple[bytes, bytes], ...]) -> None:
    headers = [*answer.headers, *cors]
    if answer.status != 204:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
