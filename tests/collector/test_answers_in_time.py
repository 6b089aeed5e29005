"""Whatever hangs, every request is answered within five seconds, and the answer is "come back in a second"."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import grpc
import pytest
import uvicorn

from collector.bounds import Bounds
from collector.credentials import Gate
from collector.door import Door
from collector.receivers.grpc import GrpcReceiver
from collector.receivers.http import HttpReceiver
from collector.signals import TRACES
from collector.spool.io import DiskIO
from collector.spool.keys import ensure_spool_keys, load_seal_key
from collector.spool.writer import SpoolWriter
from collector.tally import Tally
from tests.collector.helpers import Place, traces
from tests.collector.test_credentials import Entry, Source, digest

WITHIN_S = 5.0
CROWD = 40
BODY = traces("a").SerializeToString()


class HangingDisk(DiskIO):
    """Its syncs wait until the gate is opened."""

    def __init__(self) -> None:
        self.works = threading.Event()
        self.works.set()

    def fdatasync(self, fd: int) -> None:
        self.works.wait(60)
        super().fdatasync(fd)


class HangingSource(Source):
    """A ledger that does not answer."""

    def __init__(self) -> None:
        super().__init__(tt_key=Entry("shop"))
        self.works = threading.Event()

    def snapshot(self) -> tuple[tuple[str, Entry], ...]:
        self.works.wait(60)
        return super().snapshot()


@contextmanager
def doors(place: Place, disk: DiskIO, source: Source) -> Iterator[tuple[int, int]]:
    """Both transports in this process; their ports."""
    ensure_spool_keys(place.keys)
    spool = SpoolWriter(place.spool, lambda: load_seal_key(place.keys), io=disk)
    spool.start()
    door = Door(Gate(source, digest, keyless=True), spool, Tally(place.status), Bounds(), 1 << 28)
    rpc = GrpcReceiver(door, "127.0.0.1", 0)
    rpc.start()
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(128)
    app = HttpReceiver(door, ThreadPoolExecutor(8))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        yield rpc.port, sock.getsockname()[1]
    finally:
        server.should_exit = True
        rpc.stop(0.1)
        thread.join(5)
        spool.close(1)


def by_http(port: int, **headers: str) -> tuple[str, float]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    started = time.monotonic()
    connection.request("POST", "/v1/traces", BODY, {"content-type": "application/x-protobuf"} | headers)
    answer = connection.getresponse()
    took = time.monotonic() - started
    if answer.status == 503:
        assert answer.headers["retry-after"] in {"1", "2"}
    connection.close()
    return str(answer.status), took


def by_grpc(port: int, **headers: str) -> tuple[str, float]:
    started = time.monotonic()
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        call: Any = channel.unary_unary(f"/{TRACES.service}/Export")
        try:
            call(BODY, timeout=30, metadata=tuple(headers.items()))
        except grpc.RpcError as error:
            return error.code().name, time.monotonic() - started
    return "OK", time.monotonic() - started


def crowd(send: Any, port: int, **headers: str) -> list[tuple[str, float]]:
    with ThreadPoolExecutor(CROWD) as pool:
        asked: list[Future[tuple[str, float]]] = [pool.submit(send, port, **headers) for _ in range(CROWD)]
        return [one.result(40) for one in asked]


@pytest.mark.parametrize(
    ("send", "at", "busy", "fine"), [(by_http, 1, "503", "200"), (by_grpc, 0, "UNAVAILABLE", "OK")]
)
def test_a_disk_that_hangs_is_answered_in_time_and_forgotten_when_it_is_back(
    place: Place, send: Any, at: int, busy: str, fine: str
) -> None:
    disk = HangingDisk()
    with doors(place, disk, Source()) as ports:
        assert send(ports[at])[0] == fine
        disk.works.clear()
        for code, took in crowd(send, ports[at]):
            assert code == busy
            assert took < WITHIN_S
        code, took = send(ports[at])
        assert code == busy, "what is known to hang is refused at once"
        assert took < 1
        disk.works.set()
        time.sleep(0.3)
        assert send(ports[at])[0] == fine


@pytest.mark.parametrize(
    ("send", "at", "busy", "fine"), [(by_http, 1, "503", "200"), (by_grpc, 0, "UNAVAILABLE", "OK")]
)
def test_a_ledger_that_hangs_is_answered_in_time(place: Place, send: Any, at: int, busy: str, fine: str) -> None:
    source = HangingSource()
    with doors(place, DiskIO(), source) as ports:
        keyed = {"x-api-key": "tt_key"}
        for code, took in crowd(send, ports[at], **keyed):
            assert code == busy
            assert took < WITHIN_S
        assert send(ports[at])[0] == fine, "senders that need no key do not wait for it"
        source.works.set()
        time.sleep(0.3)
        assert send(ports[at], **keyed)[0] == fine
