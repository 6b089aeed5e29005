"""The oracle: a producer registers an id, sends, and only an acknowledged id becomes an obligation; faults are random and seeded."""

from __future__ import annotations

import http.client
import os
import random
import shutil
import signal
import string
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spans.ids import TraceId
from store import open_store
from store.api import RunQuery
from tests.tracetape.running import Running, wait_for
from tracetape.folder import DataFolder

SHIM = Path(__file__).with_name("clock_shim.c")
HOUR_S = 3600
SAMPLE = 60
"""Traces whose payloads are compared; their spans and runs are compared for all."""


@dataclass
class Obligation:
    """What was sent under one trace id."""

    payload: str
    spans: frozenset[str]


@dataclass
class Producer:
    """Threads that send small traces over HTTP, each with a payload of its own."""

    endpoint: str
    seed: int
    threads: int = 2
    spans: int = 8
    pause_s: float = 0.02
    """From one answer to the next request."""
    every_s: float = 0.0
    """From one request to the next, for a rate that does not fall with slow answers."""
    registered: dict[str, Obligation] = field(default_factory=dict)
    acked: list[str] = field(default_factory=list)
    answers: dict[int, int] = field(default_factory=dict)
    slowest_s: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    running: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self.running = [threading.Thread(target=self._loop, args=(n,), daemon=True) for n in range(self.threads)]
        for thread in self.running:
            thread.start()

    def finish(self) -> None:
        self.stop.set()
        for thread in self.running:
            thread.join(30)

    def batch(self, chance: random.Random) -> tuple[str, bytes]:
        trace, payload = chance.randbytes(16), "".join(chance.choices(string.ascii_lowercase, k=600))
        ids = [chance.randbytes(8) for _ in range(self.spans)]
        request, now = ExportTraceServiceRequest(), time.time_ns()
        scope = request.resource_spans.add().scope_spans.add()
        for n, span_id in enumerate(ids):
            span = scope.spans.add(
                trace_id=trace, span_id=span_id, start_time_unix_nano=now, end_time_unix_nano=now + 9
            )
            span.name = "invoke_agent oracle" if n == 0 else "chat gpt-4o-mini"
            span.parent_span_id = b"" if n == 0 else ids[0]
            span.attributes.add(key="gen_ai.operation.name").value.string_value = "chat" if n else "invoke_agent"
            span.attributes.add(key="oracle.payload").value.string_value = payload
            if n:
                span.attributes.add(key="gen_ai.request.model").value.string_value = "gpt-4o-mini"
                span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 100
        with self.lock:
            self.registered[trace.hex()] = Obligation(payload, frozenset(one.hex() for one in ids))
        return trace.hex(), request.SerializeToString()

    def _loop(self, number: int) -> None:
        chance, place = random.Random(f"{self.seed}/{number}"), urlsplit(self.endpoint)
        with closing(http.client.HTTPConnection(place.hostname or "", place.port, timeout=20)) as connection:
            self._send(connection, chance)

    def _send(self, connection: http.client.HTTPConnection, chance: random.Random) -> None:
        head = {"Content-Type": "application/x-protobuf"}
        again: tuple[str, bytes] | None = None
        while not self.stop.is_set():
            trace, body = again or self.batch(chance)
            again, started = None, time.monotonic()
            try:
                connection.request("POST", "/v1/traces", body, head)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                again = (trace, body) if chance.random() < 0.5 else None  # some senders try again, some give up
                time.sleep(0.1)
                continue
            with self.lock:
                self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
                self.slowest_s = max(self.slowest_s, time.monotonic() - started)
                if answer.status == 200:
                    self.acked.append(trace)
            if answer.status == 200 and chance.random() < 0.05:
                again = (trace, body)  # the answer got lost on its way
            wait_s = self.pause_s if answer.status == 200 else 0.2
            time.sleep(max(wait_s, started + self.every_s - time.monotonic()))


class Volume:
    """A small volume of its own for one folder, which can be filled. Needs root; without it nothing is mounted."""

    def __init__(self, folder: Path, mib: int) -> None:
        self.folder, self.mib, self.mounted = folder, mib, False

    def mount(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={self.mib}m,mode=700", "tmpfs", str(self.folder)], check=False
            )
            self.mounted = done.returncode == 0

    def fill(self) -> None:
        """Not a byte is left; whatever becomes free meanwhile stays free."""
        with suppress(OSError), (self.folder / "ballast").open("ab", buffering=0) as ballast:
            while True:
                ballast.write(bytes(1 << 20))
        with suppress(OSError), (self.folder / "ballast").open("ab", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))

    def empty(self) -> None:
        (self.folder / "ballast").unlink(missing_ok=True)

    def unmount(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=False)


class Clock:
    """Sets the clock of everything that `serve` starts forward and back, and nobody else's."""

    def __init__(self, place: Path) -> None:
        self.offset = place / "clock-offset"
        self.offset.write_bytes(bytes(8))
        self.library = place / "clock_shim.so"
        self.works = False
        if compiler := shutil.which("cc") or shutil.which("gcc"):
            done = subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", self.library, SHIM, "-ldl"], check=False)
            self.works = done.returncode == 0

    def environ(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "TEST_CLOCK_OFFSET": str(self.offset)} if self.works else {}

    def set(self, seconds: int) -> None:
        with self.offset.open("r+b") as file:
            file.write(seconds.to_bytes(8, "little", signed=True))


@dataclass
class Faults:
    """Everything that can go wrong, by name; each returns when it is over."""

    running: Running
    chance: random.Random
    volumes: dict[str, Volume] = field(default_factory=dict)
    clock: Clock | None = None
    done: dict[str, int] = field(default_factory=dict)

    def kinds(self) -> dict[str, Callable[[], None]]:
        found: dict[str, Callable[[], None]] = {"kill": self.kill, "hang": self.hang}
        for name, volume in self.volumes.items():
            if volume.mounted:
                found[f"{name} full"] = lambda v=volume: self.full(v)  # type: ignore[misc]
        if self.clock is not None and self.clock.works:
            found["clock"] = self.jump
        return found

    def one(self) -> str:
        kinds = self.kinds()
        name = self.chance.choices(list(kinds), [6 if kind == "kill" else 2 for kind in kinds])[0]
        kinds[name]()
        self.done[name] = self.done.get(name, 0) + 1
        return name

    def kill(self) -> None:
        children = sorted(self.running.children().items())
        if children:
            with suppress(ProcessLookupError):
                os.kill(self.chance.choice(children)[1], signal.SIGKILL)

    def hang(self) -> None:
        children = sorted(self.running.children().items())
        if children:
            pid = self.chance.choice(children)[1]
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                time.sleep(self.chance.uniform(0.5, 4.0))
                os.kill(pid, signal.SIGCONT)

    def full(self, volume: Volume) -> None:
        volume.fill()
        time.sleep(self.chance.uniform(0.5, 4.0))
        volume.empty()

    def jump(self) -> None:
        assert self.clock
        self.clock.set(self.chance.choice([0, 61, -61, HOUR_S, -HOUR_S, 24 * HOUR_S, -24 * HOUR_S]))


def settled(running: Running, timeout_s: float) -> dict[str, Any]:
    return wait_for(
        lambda: (
            (d := running.try_api("/api/v1/health"))
            and all(c["pending"] == 0 for c in d["data"].values())
            and d["data"]
        ),
        timeout_s,
        "nothing pending",
    )


def verify(running: Running, producer: Producer, timeout_s: float = 240) -> dict[str, Any]:
    """Every obligation is stored exactly once with its payload, nothing unknown is there, and a new span is accepted.

    Stops the server: the store is read by itself, every trace of it.
    """
    producer.finish()
    health = settled(running, timeout_s)
    fresh = Producer(running.http, producer.seed + 1, threads=1, spans=producer.spans)
    fresh.start()
    wait_for(lambda: fresh.acked, 30, "a fresh span to be accepted after the faults")
    fresh.finish()
    health = settled(running, timeout_s)
    for count in health.values():
        parts = ("pending", "stored", "quarantined", "dropped_by_person", "expired")
        assert count["acked"] == sum(count[part] for part in parts)
        assert count["stored"] == sum(count["stored_as"].values())
    assert set(producer.answers) <= {200, 503}, producer.answers
    running.stop()
    registered = producer.registered | fresh.registered
    acked = set(producer.acked) | set(fresh.acked)
    store = open_store(DataFolder(running.data.resolve()).store_dsn())
    try:
        found = spans_by_trace(store)
        assert acked <= set(found), f"lost: {len(acked - set(found))} of {len(acked)} traces"
        assert set(found) <= set(registered), "something is stored that nobody sent"
        runs = all_runs(store)
        assert set(found) == set(runs), f"stored and not to be seen: {sorted(set(found) - set(runs))[:5]}"
        for trace, spans in found.items():
            assert spans == registered[trace].spans, f"{trace}: lost spans"
            assert runs[trace] == 100 * (producer.spans - 1), f"{trace}: usage {runs[trace]}"
        for trace in random.Random(producer.seed).sample(sorted(found), min(SAMPLE, len(found))):
            evidence = store.read_evidence("default", TraceId(trace))
            assert len(evidence.spans) == producer.spans, f"{trace}: doubled spans"
            for clean in evidence.spans:
                assert clean.span.attributes["oracle.payload"] == registered[trace].payload, f"{trace}: another payload"
    finally:
        store.close()
    return health


def spans_by_trace(store: Any) -> dict[str, frozenset[str]]:
    """Span ids of every stored trace, read at once."""
    rows = store._engine.select(
        "SELECT trace_id, groupUniqArray(span_id) AS ids FROM spans GROUP BY trace_id", pool="job"
    )
    return {row["trace_id"]: frozenset(row["ids"]) for row in rows}


def all_runs(store: Any) -> dict[str, int]:
    """Input tokens of every run that can be seen; one that is seen twice fails."""
    found: dict[str, int] = {}
    query = RunQuery("default", limit=1000)
    while True:
        page = store.find_runs(query)
        for run in page.rows:
            assert run.run_id not in found, f"{run.run_id} is seen twice"
            found[run.run_id] = run.usage.input
        if page.next_cursor is None:
            return found
        query = replace(query, cursor=page.next_cursor)
