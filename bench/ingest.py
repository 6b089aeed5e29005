"""Ingest of a real `tracetape serve`: offered, acknowledged, stored, latencies, memory of every process; peers beside it.

python -m bench.ingest --seconds 20 --senders 4
python -m bench.ingest --peer phoenix --peer mlflow       # installs each from the package index into a scratch folder

All of one run are measured one after the other on the same machine with the same bodies, so the ratios mean something
and the figures only there. At the end every server is killed with -9 while its last batches are a moment old, started
again, and asked how many of the acknowledged spans it still has.
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import psutil
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.tracetape.running import Running, wait_for

TEXT = "The customer asks where the parcel is and whether the refund has been booked already. "


def a_batch(spans: int, size: int) -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    trace, now = os.urandom(16), time.time_ns()
    for _ in range(spans):
        span = scope.spans.add(trace_id=trace, span_id=os.urandom(8), name="chat gpt-4o-mini")
        span.start_time_unix_nano, span.end_time_unix_nano = now, now + 5_000_000
        span.attributes.add(key="gen_ai.operation.name").value.string_value = "chat"
        span.attributes.add(key="gen_ai.input.messages").value.string_value = (TEXT * (size // len(TEXT) + 1))[:size]
    return request.SerializeToString()


class Sender(threading.Thread):
    path = "/v1/traces"
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, endpoint: str, bodies: list[bytes], spans: int, until: float) -> None:
        super().__init__(daemon=True)
        self.place, self.bodies, self.spans, self.until = urlsplit(endpoint), bodies, spans, until
        self.offered = self.acked = 0
        self.took: list[float] = []
        self.seen: set[int] = set()

    def run(self) -> None:
        connection = http.client.HTTPConnection(self.place.hostname or "", self.place.port, timeout=10)
        at = 0
        while time.monotonic() < self.until:
            started = time.monotonic()
            self.offered += self.spans
            try:
                head = {"Content-Type": "application/x-protobuf", **self.headers}
                connection.request("POST", self.path, self.bodies[at % len(self.bodies)], head)
                answer = connection.getresponse()
                answer.read()
            except OSError:
                connection.close()
                continue
            if answer.status == 200:
                self.acked += self.spans
                self.seen.add(at % len(self.bodies))
                self.took.append(time.monotonic() - started)
            else:
                time.sleep(1)
            at += 1


@dataclass
class Result:
    """What one server did in its turn."""

    name: str
    offered: int = 0
    acked: int = 0
    seconds: float = 0.0
    distinct: int = 0
    """Acknowledged spans without repeats: what a server must have."""
    took: list[float] = field(default_factory=list)
    memory: dict[str, int] = field(default_factory=dict)
    kept: int | None = None
    """Of the acknowledged spans, those that are there after kill -9; None when it could not be asked."""

    @property
    def acked_per_s(self) -> float:
        return self.acked / self.seconds if self.seconds else 0.0

    def quantile_ms(self, share: float) -> float:
        ordered = sorted(self.took)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else 0.0


def offer(
    name: str, endpoint: str, options: argparse.Namespace, bodies: list[bytes], pids: Callable[[], dict[str, int]]
) -> Result:
    """Send for the time asked, and watch the memory."""
    started = time.monotonic()
    until = started + options.seconds
    senders = [Sender(endpoint, bodies[n :: options.senders], options.spans, until) for n in range(options.senders)]
    for sender in senders:
        sender.start()
    result = Result(name)
    while time.monotonic() < until:
        for role, pid in pids().items():
            try:
                result.memory[role] = max(result.memory.get(role, 0), psutil.Process(pid).memory_info().rss)
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.5)
    for sender in senders:
        sender.join(30)
    result.seconds = time.monotonic() - started
    result.offered = sum(s.offered for s in senders)
    result.acked = sum(s.acked for s in senders)
    result.distinct = sum(len(s.seen) for s in senders) * options.spans
    result.took = [t for s in senders for t in s.took]
    return result


def ours(options: argparse.Namespace, place: Path) -> Result:
    """tracetape, with every promise kept: acknowledged is durable."""
    running = Running(place / "data", "--redaction", "rules")
    running.start()
    try:
        bodies = [a_batch(options.spans, options.size) for _ in range(options.bodies)]
        before = running.api("/api/v1/health")["data"]["spans"]["stored"]
        result = offer("tracetape", running.http, options, bodies, running.children)
        stored = running.api("/api/v1/health")["data"]["spans"]["stored"]
        print(f"  stored while sending {(stored - before) / result.seconds:10.0f} spans/s (rules tier)")
        for pid in [*running.children().values(), running.process.pid if running.process else 0]:
            os.kill(pid, signal.SIGKILL)
        if running.process:
            running.process.wait()
        running.restart()
        count = running.api("/api/v1/health")["data"]["spans"]
        result.kept = result.distinct - max(0, result.acked - count["acked"])  # pending is on our disk, and on its way
        return result
    finally:
        running.stop()


@dataclass(frozen=True)
class Peer:
    """How another server is installed, started and asked."""

    package: str
    command: Callable[[Path, int, Path], list[str]]
    environ: Callable[[int, Path], dict[str, str]]
    path: str
    headers: dict[str, str]
    database: Callable[[Path], Path]
    count: str


PEERS = {
    "phoenix": Peer(
        "arize-phoenix",
        lambda venv, _port, _place: [str(venv / "bin" / "phoenix"), "serve"],
        lambda port, place: {
            "PHOENIX_PORT": str(port),
            "PHOENIX_GRPC_PORT": str(free_port()),
            "PHOENIX_WORKING_DIR": str(place),
            "PHOENIX_TELEMETRY_ENABLED": "false",
        },
        "/v1/traces",
        {},
        lambda place: place / "phoenix.db",
        "SELECT count(*) FROM spans",
    ),
    "mlflow": Peer(
        "mlflow",
        lambda venv, port, place: [
            str(venv / "bin" / "mlflow"),
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--backend-store-uri",
            f"sqlite:///{place / 'mlflow.db'}",
        ],
        lambda _port, _place: {"MLFLOW_DISABLE_TELEMETRY": "true"},
        "/v1/traces",
        {"x-mlflow-experiment-id": "0"},
        lambda place: place / "mlflow.db",
        "SELECT count(*) FROM spans",
    ),
}


def installed(name: str, scratch: Path) -> Path:
    """The virtual environment of a peer, made and filled from the package index when it is missing."""
    venv = scratch / name
    if not (venv / "bin" / "pip").exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    subprocess.run([str(venv / "bin" / "pip"), "install", "--quiet", PEERS[name].package], check=True)
    return venv


def started(name: str, venv: Path, port: int, data: Path) -> subprocess.Popen[bytes]:
    """A peer with its defaults, listening; its log stands beside its folder."""
    known = PEERS[name]
    with data.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen(
            known.command(venv, port, data),
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(data), **known.environ(port, data)},
            stdout=log,
            stderr=log,
            cwd=data,
            start_new_session=True,
        )
    wait_for(lambda: is_open(port), 180, f"{name} to listen")
    return process


def peer(name: str, options: argparse.Namespace, place: Path) -> Result:
    """Another server, as it comes from the package index and with its defaults."""
    known, data, port = PEERS[name], place / name, free_port()
    venv = installed(name, options.scratch)
    data.mkdir()

    def start() -> subprocess.Popen[bytes]:
        return started(name, venv, port, data)

    process = start()
    try:
        bodies = [a_batch(options.spans, options.size) for _ in range(options.bodies)]
        Sender.path, Sender.headers = known.path, known.headers
        result = offer(name, f"http://127.0.0.1:{port}", options, bodies, lambda: family(process.pid))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process = start()
        time.sleep(5)
        with closing(sqlite3.connect(known.database(data))) as connection:
            result.kept = int(connection.execute(known.count).fetchone()[0])
        return result
    finally:
        Sender.path, Sender.headers = "/v1/traces", {}
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def family(pid: int) -> dict[str, int]:
    """The process and its children."""
    try:
        return {
            f"{n}": p.pid for n, p in enumerate([psutil.Process(pid), *psutil.Process(pid).children(recursive=True)])
        }
    except psutil.NoSuchProcess:
        return {}


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def is_open(port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(1)
        return sock.connect_ex(("127.0.0.1", port)) == 0


def show(result: Result, first: Result) -> None:
    print(f"{result.name}")
    print(f"  offered      {result.offered / result.seconds:10.0f} spans/s")
    print(f"  acknowledged {result.acked_per_s:10.0f} spans/s  ({result.acked} spans)")
    for share in (0.5, 0.99, 1.0):
        print(f"  p{share * 100:<4.0f} {result.quantile_ms(share):8.1f} ms")
    for role, size in sorted(result.memory.items()):
        print(f"  {role:10} {size / 2**20:6.0f} MiB")
    if result.kept is not None:
        lost = max(0, result.distinct - result.kept)
        print(f"  kill -9: {result.distinct} different spans acknowledged, {result.distinct - lost} kept, lost {lost}")
    if result is not first and result.acked_per_s:
        print(f"  {first.name} / {result.name}: {first.acked_per_s / result.acked_per_s:.2f} x acknowledged spans/s")


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--seconds", type=float, default=20)
    ask.add_argument("--senders", type=int, default=4)
    ask.add_argument("--spans", type=int, default=512)
    ask.add_argument("--size", type=int, default=1024)
    ask.add_argument(
        "--bodies",
        type=int,
        default=64,
        help="Different batches per server; more than are sent means none is sent twice.",
    )
    ask.add_argument("--peer", action="append", choices=sorted(PEERS), default=[])
    ask.add_argument("--scratch", type=Path, default=None, help="Where peers are installed; kept when given.")
    options = ask.parse_args()
    with tempfile.TemporaryDirectory() as place:
        options.scratch = options.scratch or Path(place) / "peers"
        options.scratch.mkdir(parents=True, exist_ok=True)
        if options.peer:
            options.bodies = max(options.bodies, 256)
        first = ours(options, Path(place))
        show(first, first)
        for name in options.peer:
            show(peer(name, options, Path(place)), first)


if __name__ == "__main__":
    main()
