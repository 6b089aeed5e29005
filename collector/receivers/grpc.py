"""OTLP over gRPC: raw bytes in, so that undecodable requests are refused by us and not by the library."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from collector.answers import (
    RETRY_TRAILER,
    STATUS_TRAILER,
    RefusalError,
    Trouble,
    refusal_of,
    retry_info,
    success_bytes,
)
from collector.door import Deadline, Door
from collector.signals import SIGNALS, OtlpSignal
from collector.tls import ServerTls
from spans.errors import SettingsError

logger = logging.getLogger(__name__)

T = TypeVar("T")
THREADS = 32
FRAME_SLACK_BYTES = 1024
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class GrpcReceiver:
    """The gRPC port."""

    def __init__(self, door: Door, host: str, port: int, tls: ServerTls | None = None) -> None:
        """Bind the port, which may be 0; with TLS when there is a certificate.

        Raises:
            SettingsError: the address cannot be bound.
        """
        self._door = door
        self._threads = _Threads()
        self._server = grpc.server(
            self._threads,
            options=[
                ("grpc.max_receive_message_length", door.bounds.body_bytes + FRAME_SLACK_BYTES),
                ("grpc.max_send_message_length", 4096),
                ("grpc.so_reuseport", 1),
                ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
                ("grpc.http2.max_ping_strikes", 0),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.max_concurrent_streams", 1_000),
            ],
            compression=grpc.Compression.NoCompression,
        )
        for signal in SIGNALS:
            handler = grpc.unary_unary_rpc_method_handler(self._export_of(signal), request_deserializer=_Arrived)
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(signal.service, {"Export": handler}),)
            )
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        bracketed = f"[{host}]" if ":" in host else host
        try:
            self.port: int = _bind(self._server, f"{bracketed}:{port}", tls)
        except RuntimeError:
            raise SettingsError(f"The gRPC address {bracketed}:{port} cannot be bound.") from None

    def start(self) -> None:
        """Begin to accept."""
        self._server.start()
        self.set_ready(ready=True)

    def set_ready(self, *, ready: bool) -> None:
        """What the health service says."""
        state = health_pb2.HealthCheckResponse
        for service in ("", *(signal.service for signal in SIGNALS)):
            self._health.set(service, state.SERVING if ready else state.NOT_SERVING)

    def stop(self, grace_s: float) -> None:
        """Finish what is under way, then close."""
        self.set_ready(ready=False)
        self._server.stop(grace_s).wait(grace_s + 1)

    def _export_of(self, signal: OtlpSignal) -> Callable[[_Arrived, Any], bytes]:
        def export(request: _Arrived, context: Any) -> bytes:
            return self._export(request.raw, context, signal, Deadline(request.deadline.at - self._threads.waited_s()))

        return export

    def _export(self, raw: bytes, context: Any, signal: OtlpSignal, deadline: Deadline) -> bytes:
        started, agent, held, counted = time.monotonic(), "", 0, 0
        try:
            headers = _metadata(context)
            agent = headers.get("user-agent", "")
            deadline.check()
            project = self._door.gate.project_of(headers, _peer(context))
            self._door.budget.take(len(raw))
            held = len(raw)
            try:
                admission = self._door.admit(raw, signal, project, is_json=False, deadline=deadline)
                if admission.durable is not None:
                    _wait(admission.durable, deadline)
            except Exception:
                counted = self._door.count(raw, signal, is_json=False)
                raise
        except Exception as error:  # noqa: BLE001 every error becomes an answer of our table
            refusal = self._refusal(error)
            code = _CODES[refusal.trouble.grpc]
            self._door.tally.answered(
                signal.word,
                "grpc",
                code.name,
                kept=0,
                refused=counted,
                reason=refusal.message,
                user_agent=agent,
                took_s=time.monotonic() - started,
            )
            context.abort_with_status(_status(refusal))
            raise AssertionError from None  # abort_with_status has raised
        finally:
            self._door.budget.give_back(held)
        done = admission.accepted
        self._door.tally.answered(
            signal.word,
            "grpc",
            "OK",
            kept=done.items,
            refused=done.rejected,
            reason=done.message,
            user_agent=agent,
            took_s=time.monotonic() - started,
        )
        return success_bytes(done.rejected, done.message)

    @staticmethod
    def _refusal(error: Exception) -> RefusalError:
        if isinstance(error, FutureTimeoutError):
            return RefusalError(Trouble.BUSY, "The disk is slow; send again in a second.")
        refusal = refusal_of(error)
        if not isinstance(error, RefusalError) and refusal.trouble is Trouble.BUSY:
            logger.warning("a request could not be taken", extra={"reason": type(error).__name__})
        return refusal


def _bind(server: Any, address: str, tls: ServerTls | None) -> int:
    if tls is None:
        return int(server.add_insecure_port(address))
    pair = (tls.key.read_bytes(), tls.cert.read_bytes())
    return int(server.add_secure_port(address, grpc.ssl_server_credentials([pair])))


def _wait(durable: Future[None], deadline: Deadline) -> None:
    try:
        durable.result(deadline.left_s())
    except FutureTimeoutError:
        durable.cancel()
        raise


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A message, made the moment the last byte of it is there."""

    raw: bytes
    deadline: Deadline = field(default_factory=Deadline)


class _Threads(ThreadPoolExecutor):
    """Remembers how long a call waited for its thread: that time is gone when its message begins to be read."""

    def __init__(self) -> None:
        super().__init__(THREADS, thread_name_prefix="grpc")
        self._here = threading.local()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """As the library's."""
        asked = time.monotonic()

        def run() -> T:
            self._here.waited_s = time.monotonic() - asked
            return fn(*args, **kwargs)

        return super().submit(run)

    def waited_s(self) -> float:
        """How long what this thread does now has waited."""
        return float(getattr(self._here, "waited_s", 0.0))


class _Status(NamedTuple):
    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, bytes], ...]


class _AbortStatus(_Status, grpc.Status):  # type: ignore[misc]
    """What `abort_with_status` takes; aborting before any header was sent makes the answer trailers-only."""


def _status(refusal: RefusalError) -> _AbortStatus:
    trailers = [(STATUS_TRAILER, refusal.status().SerializeToString())]
    if refusal.trouble.retry:
        trailers.append((RETRY_TRAILER, retry_info().SerializeToString()))
    return _AbortStatus(_CODES[refusal.trouble.grpc], refusal.message, tuple(trailers))


def _metadata(context: Any) -> dict[str, str]:
    pairs = context.invocation_metadata()
    return {key.lower(): value for key, value in pairs if isinstance(value, str)}


def _peer(context: Any) -> str:
    """The sender's address out of `ipv4:127.0.0.1:5000` or `ipv6:%5B::1%5D:5000`."""
    family, _, rest = unquote(str(context.peer())).partition(":")
    host = rest.rpartition(":")[0].strip("[]")
    if family == "unix":
        return "127.0.0.1"
    return host.partition("%")[0]
