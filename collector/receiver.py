"""The receiver process: small, accepting within seconds whatever the backlog; it can seal but not read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from collector.bounds import MIB, Bounds
from collector.credentials import Gate
from collector.door import Door
from collector.receivers.grpc import GrpcReceiver
from collector.receivers.http import HttpReceiver
from collector.spool.keys import ensure_spool_keys, load_seal_key
from collector.spool.reader import sweep
from collector.spool.writer import SpoolSettings, SpoolWriter
from collector.tally import Tally
from collector.tls import ServerTls
from spans.errors import SettingsError

logger = logging.getLogger(__name__)

HTTP_THREADS = 8
DRAIN_S = 3.0
KEEP_ALIVE_S = 75
"""Exporters reuse connections for at least a minute."""
LISTEN_BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class ReceiverSettings:
    """What the receiver is told. Ports of 0 mean any free port; the ready file says which."""

    spool: Path
    keys: Path
    ledger_url: str
    status_path: Path
    ready_path: Path
    host: str = "127.0.0.1"
    grpc_port: int = 4317
    http_port: int = 4318
    http_socket_fd: int | None = None
    """An already listening socket that survives our restarts; None makes us open our own."""
    require_key: bool = False
    """False lets senders on this machine send without a key."""
    max_request_bytes: int = 64 * MIB
    cors_origins: tuple[str, ...] = ()
    """Origins of browser senders; none means CORS is off."""
    tls: ServerTls | None = None
    """None leaves encryption to a proxy in front."""
    memory_budget_bytes: int = 192 * MIB
    """Request bytes under way at a time, after decompression."""
    spool_settings: SpoolSettings = field(default_factory=SpoolSettings)


def run_receiver(settings: ReceiverSettings) -> int:
    """Receive until SIGTERM or SIGINT; returns the exit code.

    Raises:
        SettingsError: an address cannot be bound, or the keys cannot be read.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    receiver = Receiver(settings)
    receiver.start()
    try:
        while not stop.wait(0.5):
            receiver.tell_health()
            if not receiver.is_alive():
                logger.error("the HTTP door or the spool stopped by itself")
                return 1
    finally:
        receiver.stop()
    return 0


class Receiver:
    """Both doors over one spool. `stop` works before `start`, and twice."""

    def __init__(self, settings: ReceiverSettings) -> None:
        """Bind both ports.

        Raises:
            SettingsError: an address cannot be bound, or the public key cannot be read.
        """
        from store.ledger.key_reader import KeyReader, digest_of

        self._settings = settings
        settings.ready_path.unlink(missing_ok=True)
        if not (settings.keys / "spool_public.pem").exists():
            ensure_spool_keys(settings.keys)
        load_seal_key(settings.keys)
        settings.spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        sweep(settings.spool)
        self._spool = SpoolWriter(settings.spool, lambda: load_seal_key(settings.keys), settings.spool_settings)
        self._tally = Tally(settings.status_path, self._figures)
        gate = Gate(KeyReader(settings.ledger_url), digest_of, keyless=not settings.require_key)
        limit = settings.max_request_bytes
        bounds = Bounds(body_bytes=limit, json_bytes=min(limit, Bounds().json_bytes))
        self._door = Door(gate, self._spool, self._tally, bounds, max(settings.memory_budget_bytes, 2 * limit))
        self._grpc = GrpcReceiver(self._door, settings.host, settings.grpc_port, settings.tls)
        self._executor = ThreadPoolExecutor(HTTP_THREADS, thread_name_prefix="http")
        self._socket = _http_socket(settings)
        app = HttpReceiver(self._door, self._executor, settings.cors_origins)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(DRAIN_S),
            ws="none",
            ssl_certfile=settings.tls.cert if settings.tls else None,
            ssl_keyfile=settings.tls.key if settings.tls else None,
        )
        self._http = _Server(config)
        self._http_thread = threading.Thread(target=self._serve_http, name="http-door", daemon=True)
        self._stopped = False

    @property
    def grpc_port(self) -> int:
        """The port that was bound."""
        return self._grpc.port

    @property
    def http_port(self) -> int:
        """The port that was bound."""
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Open both doors and say so in the ready file."""
        self._spool.start()
        self._tally.start()
        self._grpc.start()
        self._http_thread.start()
        while not self._http.started and self._http_thread.is_alive():
            self._http_thread.join(0.02)
        ready = {"pid": os.getpid(), "ready": True, "grpc_port": self.grpc_port, "http_port": self.http_port}
        fresh = self._settings.ready_path.with_name(f".{self._settings.ready_path.name}.{os.getpid()}")
        fresh.write_text(json.dumps(ready), encoding="utf-8")
        fresh.replace(self._settings.ready_path)
        logger.info("receiving", extra=ready)

    def is_alive(self) -> bool:
        """Whether the HTTP door still serves and the spool still commits."""
        return self._http_thread.is_alive() and self._spool.is_alive()

    def tell_health(self) -> None:
        """Let the gRPC health service say what `/readyz` says."""
        self._grpc.set_ready(ready=self._door.is_ready())

    def stop(self) -> None:
        """Not ready at once, finish what is under way, make it durable, leave."""
        if self._stopped:
            return
        self._stopped = True
        self._settings.ready_path.unlink(missing_ok=True)
        self._door.stop()
        self._http.should_exit = True
        self._grpc.stop(DRAIN_S - 1)
        if self._http_thread.is_alive():
            self._http_thread.join(DRAIN_S)
        self._spool.close(DRAIN_S)
        self._tally.stop()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _serve_http(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._http.serve(sockets=[self._socket]))

    def _figures(self) -> dict[str, object]:
        figures = self._spool.figures
        return {
            "spool": {
                "records": figures.records,
                "groups": figures.groups,
                "bytes": figures.bytes,
                "failures": figures.failures,
                "last_sync_ms": round(figures.last_sync_s * 1000, 3),
                "refusal": self._spool.refusal(),
            },
            "grpc_port": self._grpc.port,
        }


class _Server(uvicorn.Server):
    """Uvicorn without its signal handling: the spool is closed after the last answer, by us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _http_socket(settings: ReceiverSettings) -> socket.socket:
    if settings.http_socket_fd is not None:
        return socket.socket(fileno=settings.http_socket_fd)
    sock = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((settings.host, settings.http_port))
    except OSError as error:
        sock.close()
        raise SettingsError(
            f"The HTTP port {settings.http_port} on {settings.host} cannot be bound: {error.strerror}."
        ) from None
    sock.listen(LISTEN_BACKLOG)
    return sock
