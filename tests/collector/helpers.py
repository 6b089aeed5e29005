"""What collector tests share: real receiver and worker processes, OTLP builders, fakes for ledger and store."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.broker import Delivery
from collector.pipeline import Orders, Processed
from collector.spool.format import Payload, RecordHead, Signal
from collector.spool.keys import load_key_ring
from collector.spool.reader import SegmentReader, segment_paths
from spans.ids import TraceId
from store.ledger.slots import SettledSlot, SlotKey, SlotTotals

ROOT = Path(__file__).resolve().parents[2]
T0 = 1_700_000_000_000_000_000


def trace_id(number: int = 1) -> bytes:
    return number.to_bytes(16, "big")


def span_id(number: int = 1) -> bytes:
    return number.to_bytes(8, "big")


def traces(*names: str, first: int = 1, **attributes: str) -> ExportTraceServiceRequest:
    """One request with a span per name."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope = group.scope_spans.add()
    scope.scope.name = "tests"
    for number, name in enumerate(names, first):
        span = scope.spans.add(
            trace_id=trace_id(number),
            span_id=span_id(number),
            name=name,
            start_time_unix_nano=T0,
            end_time_unix_nano=T0 + 1,
        )
        for key, value in attributes.items():
            span.attributes.add(key=key).value.string_value = value
    return request


def logs(*bodies: str) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for body in bodies:
        record = scope.log_records.add(
            time_unix_nano=T0,
            observed_time_unix_nano=T0,
            trace_id=trace_id(),
            span_id=span_id(),
            severity_number=9,
            severity_text="INFO",
        )
        record.body.string_value = body
    return request


def json_span(**changes: Any) -> dict[str, Any]:
    span = {
        "traceId": trace_id().hex(),
        "spanId": span_id().hex(),
        "name": "chat",
        "kind": 3,
        "startTimeUnixNano": str(T0),
        "endTimeUnixNano": str(T0 + 5),
    }
    return {k: v for k, v in (span | changes).items() if v is not ...}


def json_traces(*spans: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "resourceSpans": [
            {"resource": {"attributes": []}, "scopeSpans": [{"scope": {"name": "t"}, "spans": list(spans)}]}
        ]
    }


def json_logs(*records: Mapping[str, Any]) -> dict[str, Any]:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": list(records)}]}]}


@dataclass
class Kept:
    """Everything durable in a spool, unsealed."""

    heads: list[RecordHead]
    payloads: list[Payload]

    def spans(self) -> list[Any]:
        found = []
        for head, payload in zip(self.heads, self.payloads, strict=True):
            if head.signal is Signal.SPANS:
                for group in ExportTraceServiceRequest.FromString(payload.otlp).resource_spans:
                    found += [span for scope in group.scope_spans for span in scope.spans]
        return found

    def logs(self) -> list[Any]:
        found = []
        for head, payload in zip(self.heads, self.payloads, strict=True):
            if head.signal is Signal.LOGS:
                for group in ExportLogsServiceRequest.FromString(payload.otlp).resource_logs:
                    found += [record for scope in group.scope_logs for record in scope.log_records]
        return found


def kept_in(spool: Path, keys: Path) -> Kept:
    """Read a spool the way a worker does."""
    ring = load_key_ring(keys)
    kept = Kept([], [])
    for path in segment_paths(spool):
        reader = SegmentReader(path)
        try:
            scan = reader.scan(writer_gone=reader.is_abandoned())
            key = reader.header.data_key(ring)
            for ref in scan.records:
                kept.heads.append(ref.head)
                kept.payloads.append(reader.read(ref, key))
        finally:
            reader.close()
    return kept


@dataclass
class FakeSlots:
    """A slot ledger in memory with the contract of the real one."""

    rows: dict[SlotKey, SettledSlot] = field(default_factory=dict)
    attempts: Counter[SlotKey] = field(default_factory=Counter)
    kept: dict[str, Counter[str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def attempt(self, keys: Sequence[SlotKey]) -> dict[SlotKey, int]:
        with self.lock:
            self.attempts.update(keys)
            return {key: self.attempts[key] for key in keys}

    def settle(self, rows: Sequence[SettledSlot]) -> None:
        with self.lock:
            for row in rows:
                key = SlotKey(row.segment, row.slot)
                if key not in self.rows:
                    self.rows[key] = row
                    if row.items:
                        self.kept.setdefault(row.signal, Counter())[row.state] += row.items
                elif self.rows[key].state == "quarantined" and row.state in {"dropped_by_person", "expired", "stored"}:
                    self.rows[key] = row
                    self.kept[row.signal]["quarantined"] -= row.items
                    self.kept[row.signal][row.state] += row.items

    def reopen(self, segment: str) -> None:
        with self.lock:
            for key in [key for key in self.rows if key.segment == segment]:
                row = self.rows.pop(key)
                self.kept[row.signal]["quarantined"] -= row.items

    def quarantined(self) -> tuple[SettledSlot, ...]:
        return tuple(row for row in self.rows.values() if row.state == "quarantined")

    def settled(self, segment: str) -> frozenset[int]:
        return frozenset(key.slot for key in self.rows if key.segment == segment)

    def forget_segment(self, segment: str) -> None:
        with self.lock:
            for key in [key for key in self.rows if key.segment == segment]:
                del self.rows[key]

    def totals(self) -> dict[str, SlotTotals]:
        return {signal: SlotTotals(c["stored"], c["quarantined"]) for signal, c in self.kept.items()}


class CollectingSink:
    """Takes deliveries as main does: keep, settle, confirm."""

    def __init__(self, slots: Any) -> None:
        self.slots = slots
        self.deliveries: list[Delivery] = []
        self.confirm: Callable[[Sequence[SlotKey]], None] = lambda _keys: None
        self.is_open = True

    def __call__(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        if self.is_open:
            self.finish(delivery)

    def finish(self, delivery: Delivery) -> None:
        row = SettledSlot(
            delivery.key.segment, delivery.key.slot, delivery.signal, "stored", delivery.items, {"rows": delivery.items}
        )
        self.slots.settle([row, delivery.set_aside] if delivery.set_aside else [row])
        self.confirm([delivery.key])

    def names(self) -> list[str]:
        """Item names of all deliveries, each slot once: what the idempotent store would hold."""
        latest = {delivery.key: delivery for delivery in self.deliveries}
        return [name for d in latest.values() for name in d.tables["names"].column("name").to_pylist()]


class EchoPipeline:
    """A pipeline without models: item names as one table. Some names misbehave on purpose."""

    def process(self, segment: str, head: RecordHead, payload: Payload) -> Processed:
        kept = Kept([head], [payload])
        items = [(s.name, s.trace_id.hex()) for s in kept.spans()]
        items += [(record.body.string_value, record.trace_id.hex()) for record in kept.logs()]
        names = [name for name, _ in items]
        if "die" in names:
            os.kill(os.getpid(), signal.SIGKILL)
        if "raise" in names:
            raise ValueError("a message with the secret hunter2")
        if "slow" in names:
            time.sleep(1)
        ids = tuple(dict.fromkeys(TraceId(trace) for _, trace in items))
        withheld = sum(name == "withhold" for name in names)
        return Processed({"names": pa.table({"name": names})}, len(names), withheld, ids)

    def redact_text(self, project: str, text: str) -> str:
        return f"{project}:{text.upper()}"


def build_echo(orders: Orders) -> EchoPipeline:
    assert orders.keys.name == "keys"
    return EchoPipeline()


class MildPipeline(EchoPipeline):
    """A later version, with the mistake repaired."""

    def process(self, segment: str, head: RecordHead, payload: Payload) -> Processed:
        names = [s.name for s in Kept([head], [payload]).spans()]
        return Processed({"names": pa.table({"name": names})}, len(names), 0, ())


def build_mild(orders: Orders) -> MildPipeline:
    return MildPipeline()


class HandlelessPipeline(EchoPipeline):
    """One whose process has no file handle left."""

    def process(self, segment: str, head: RecordHead, payload: Payload) -> Processed:
        raise OSError(errno.EMFILE, "Too many open files")


def build_handleless(orders: Orders) -> HandlelessPipeline:
    return HandlelessPipeline()


@dataclass
class Place:
    """A data folder for one test."""

    root: Path

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def socket(self) -> Path:
        return self.root / "work.sock"

    @property
    def ready(self) -> Path:
        return self.root / "ready.json"

    @property
    def status(self) -> Path:
        return self.root / "receiver.json"

    @property
    def ledger(self) -> str:
        return f"sqlite:///{self.root / 'ledger.sqlite'}"

    def kept(self) -> Kept:
        return kept_in(self.spool, self.keys)


_RECEIVER = """
import sys
from pathlib import Path
from collector.receiver import ReceiverSettings, run_receiver
from collector.spool.writer import SpoolSettings
root = Path(sys.argv[1])
sys.exit(run_receiver(ReceiverSettings(
    spool=root / "spool", keys=root / "keys", ledger_url=f"sqlite:///{root / 'ledger.sqlite'}",
    status_path=root / "receiver.json", ready_path=root / "ready.json",
    grpc_port=int(sys.argv[2]), http_port=int(sys.argv[3]), require_key=sys.argv[4] == "True",
    cors_origins=("https://app.example",),
    spool_settings=SpoolSettings(segment_age_s=float(sys.argv[5])),
)))
"""
_WORKER = """
import sys
from pathlib import Path
from collector.worker import WorkerSettings, run_worker
root = Path(sys.argv[1])
sys.exit(run_worker(WorkerSettings(
    name="w", socket=root / "work.sock", spool=root / "spool", pipeline=sys.argv[2],
)))
"""


@dataclass
class RunningReceiver:
    process: subprocess.Popen[bytes]
    grpc: int
    http: int

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)


def spawn_receiver(
    place: Place, *, grpc: int = 0, http: int = 0, require_key: bool = False, segment_age_s: float = 60.0
) -> RunningReceiver:
    place.root.mkdir(exist_ok=True)
    place.ready.unlink(missing_ok=True)
    process = subprocess.Popen(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            _RECEIVER,
            str(place.root),
            str(grpc),
            str(http),
            str(require_key),
            str(segment_age_s),
        ],
        cwd=ROOT,
    )
    wait_until(lambda: place.ready.exists() or process.poll() is not None, 20)
    assert process.poll() is None, "the receiver did not start"
    said = json.loads(place.ready.read_bytes())
    return RunningReceiver(process, said["grpc_port"], said["http_port"])


def spawn_worker(place: Place, pipeline: str = "tests.collector.helpers:build_echo") -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _WORKER, str(place.root), pipeline], cwd=ROOT)


@contextmanager
def a_receiver(place: Place, **options: Any) -> Iterator[RunningReceiver]:
    running = spawn_receiver(place, **options)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.kill()


@contextmanager
def workers(
    place: Place, count: int = 1, pipeline: str = "tests.collector.helpers:build_echo"
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Workers that are started again when they die, as the supervisor does."""
    running = [spawn_worker(place, pipeline) for _ in range(count)]
    stop = threading.Event()

    def tend() -> None:
        while not stop.wait(0.05):
            for at, process in enumerate(running):
                if process.poll() is not None and not stop.is_set():
                    running[at] = spawn_worker(place, pipeline)

    thread = threading.Thread(target=tend)
    thread.start()
    try:
        yield running
    finally:
        stop.set()
        thread.join()
        for process in running:
            process.kill()
            process.wait()


def wait_until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
