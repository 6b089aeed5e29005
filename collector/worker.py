"""The worker process: takes slot references from main, reads the spool itself, hands back tables."""

from __future__ import annotations

import base64
import contextlib
import importlib
import json
import logging
import os
import queue
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from collector.handoff import Frame, HandoffError, connect, recv_frame, send_frame
from collector.isolate import pick
from collector.pipeline import Orders, Pipeline
from collector.spool.format import SUFFIX, Payload, RecordHead, Signal, is_segment_name
from collector.spool.reader import RecordRef, SegmentReader
from collector.trouble import described
from spans.errors import HouseError

logger = logging.getLogger(__name__)

MIB = 1024 * 1024
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
WATCH_EVERY_S = 1.0
ASIDE_FOLDERS = frozenset({"withheld", "quarantine"})
"""Beside the spool: sealed originals of texts that could not be redacted, and records that could not be processed."""
RECORDS, ASKED = "records", "asked"
"""Threads that may hang."""
Tasks = queue.SimpleQueue[Frame | None]
"""What arrived; None when the connection ended."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is told; everything secret comes over the socket."""

    name: str
    socket: Path | Callable[[], Path]
    """Where main listens; a function where main may listen elsewhere after each of its starts."""
    spool: Path
    rss_limit_bytes: int = 1536 * MIB
    """Beyond this the worker leaves after the record at hand and is started afresh: models keep growing for ever."""
    record_limit_s: float = 300.0
    """A record that takes longer has hung its worker, which ends itself so that the attempt counts."""
    pipeline: str = "collector.pipeline:build_pipeline"


def run_worker(settings: WorkerSettings) -> int:
    """Work until SIGTERM or SIGINT, or until it is time to be started afresh; returns the exit code."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return Worker(settings, stop).run()


class Worker:
    """One worker: a thread that reads frames, one that answers what a person waits for, and this one for records."""

    def __init__(self, settings: WorkerSettings, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._orders: Orders | None = None
        self._pipeline: Pipeline | None = None
        self._reader: SegmentReader | None = None
        self._busy_since: dict[str, float] = {}
        """Name of a thread → when it began what it is at."""
        self._recycle = False

    def run(self) -> int:
        """Connect, work, reconnect."""
        threading.Thread(target=self._watch, name="watch", daemon=True).start()
        pause = FIRST_PAUSE_S
        while not self._stop.is_set() and not self._recycle:
            try:
                sock = connect(place() if callable(place := self._settings.socket) else place)
            except HandoffError:
                self._stop.wait(pause)
                pause = min(LONGEST_PAUSE_S, pause * 2)
                continue
            pause = FIRST_PAUSE_S
            try:
                self._serve(sock)
            except HandoffError as error:
                logger.info("main is gone; connecting again", extra={"reason": str(error)})
                self._stop.wait(pause)
            finally:
                sock.close()
        return 0

    def _serve(self, sock: socket.socket) -> None:
        orders = _orders(recv_frame(sock))
        if self._orders is not None and orders != self._orders:
            self._recycle = True  # rules or keys changed: begin afresh rather than mix two sets of caches
            return
        self._orders = orders
        send_frame(sock, {"type": "status", "state": "loading", "pid": os.getpid(), "name": self._settings.name})
        if self._pipeline is None:
            logger.info("loading models …")
            try:
                self._pipeline = _builder(self._settings.pipeline)(orders)
            except HouseError as error:
                send_frame(
                    sock, {"type": "status", "state": "failed", "name": self._settings.name, "reason": str(error)}
                )
                raise
        send_frame(sock, {"type": "status", "state": "ready", "pid": os.getpid(), "name": self._settings.name})
        logger.info("ready")
        door = _Door(sock)
        records: Tasks = queue.SimpleQueue()
        asked: Tasks = queue.SimpleQueue()
        threading.Thread(target=_receive, args=(sock, records, asked), name="frames", daemon=True).start()
        threading.Thread(target=self._answer, args=(door, asked), name=ASKED, daemon=True).start()
        while not self._recycle:
            try:
                frame = records.get(timeout=0.2)
            except queue.Empty:
                if self._stop.is_set():
                    break
                continue
            if frame is None:
                raise HandoffError("The connection ended.")
            if self._stop.is_set():
                break
            self._handle(door, frame)
            self._recycle = _rss_bytes() > self._settings.rss_limit_bytes
        with contextlib.suppress(HandoffError):
            door.send({"type": "bye"})

    def _answer(self, door: _Door, asked: Tasks) -> None:
        """Redact what people wait for, beside the record at hand, which may take seconds."""
        while (frame := asked.get()) is not None:
            self._busy_since[ASKED] = time.monotonic()
            try:
                self._redact(door, frame.head)
            except HandoffError:
                return  # whoever asked is gone
            finally:
                self._busy_since.pop(ASKED, None)

    def _handle(self, door: _Door, frame: Frame) -> None:
        self._busy_since[RECORDS] = time.monotonic()
        try:
            if frame.type == "work":
                self._work(door, frame.head)
            elif frame.type == "rework":
                self._rework(door, frame.head)
        finally:
            self._busy_since.pop(RECORDS, None)

    def _redact(self, door: _Door, head: Mapping[str, Any]) -> None:
        answer: dict[str, Any] = {"type": "redacted", "id": head.get("id")}
        try:
            project, text = str(head["project"]), str(head["text"])
            match head.get("want", "text"):
                case "explained":
                    answer["text"] = self._ready().explain_text(project, text)
                case "pseudonyms":
                    answer["text"] = json.dumps(self._ready().pseudonyms(project, str(head.get("entity", "")), text))
                case _:
                    answer["text"] = self._ready().redact_text(project, text)
        except Exception as error:  # noqa: BLE001 one bad text must not end the worker
            logger.error("a search text could not be redacted", extra={"trouble": described(error)})  # noqa: TRY400
            answer["failed"] = True
        door.send(answer)

    def _work(self, door: _Door, head: Mapping[str, Any]) -> None:
        key = {"segment": head["segment"], "slot": head["slot"]}
        try:
            ref, segment = _reference(head), str(head["segment"])
            started = time.monotonic()
            payload = self._segment(segment).read(ref, base64.b64decode(head["data_key"]))
            if "try" in head:
                self._try_parts(door, head, ref.head, payload)
                return
            if "without" in head:
                left = frozenset(range(ref.head.items)).difference(head["without"])
                payload = pick(payload, left)
                ref = RecordRef(replace(ref.head, items=len(left)), ref.offset, ref.head_bytes)
            done = self._ready().process(segment, ref.head, payload)
            names, pieces = _streams(done.tables)
        except Exception as error:  # noqa: BLE001 one bad record must not end the worker
            logger.error("a record could not be processed", extra={"trouble": described(error), **key})  # noqa: TRY400
            door.send({"type": "failure", **key, "reason": type(error).__name__})
            return
        result = {"type": "result", **key, "items": done.items, "withheld": done.withheld}
        result["work_s"] = time.monotonic() - started
        door.send({**result, "traces": list(done.traces), "tables": names}, pieces)

    def _rework(self, door: _Door, head: Mapping[str, Any]) -> None:
        """Redact a record set aside again; nothing is counted of it."""
        answer: dict[str, Any] = {"type": "reworked", "id": head.get("id")}
        try:
            ref = _reference(head)
            place = self._settings.spool / _aside_folder(str(head["folder"]))
            reader = SegmentReader(place / _file_name(str(head["name"])))
            try:
                payload = reader.read(ref, base64.b64decode(head["data_key"]))
            finally:
                reader.close()
            done = self._ready().process(str(head["segment"]), replace(ref.head, slot=int(head["origin"])), payload)
            names, pieces = _streams(done.tables)
        except Exception as error:  # noqa: BLE001 one bad original must not end the worker
            logger.error("an original could not be redacted", extra={"trouble": described(error)})  # noqa: TRY400
            later = isinstance(error, OSError) and not isinstance(error, FileNotFoundError)
            door.send({**answer, "later" if later else "failed": True})
            return
        door.send({**answer, "withheld": done.withheld, "traces": list(done.traces), "tables": names}, pieces)

    def _try_parts(self, door: _Door, head: Mapping[str, Any], record: RecordHead, payload: Payload) -> None:
        """Process parts of a record one after the other, only to see which of them can be processed at all."""
        parts = [(int(start), int(end)) for start, end in head["try"]]
        for number, (start, end) in enumerate(parts):
            self._busy_since[RECORDS] = time.monotonic()
            try:
                part = pick(payload, range(start, end))
                self._ready().process(str(head["segment"]), replace(record, items=end - start), part)
                good = True
            except Exception:  # noqa: BLE001 this is the question being asked
                good = False
            last = number + 1 == len(parts)
            said = {"type": "tried", "segment": head["segment"], "slot": head["slot"], "good": good, "last": last}
            door.send(said)

    def _ready(self) -> Pipeline:
        if self._pipeline is None:
            raise HandoffError("The models are not loaded.")
        return self._pipeline

    def _segment(self, segment: str) -> SegmentReader:
        name = f"{segment}.seg"
        if not is_segment_name(name):
            raise HandoffError("A reference names no segment.")
        if self._reader is None or self._reader.header.segment != segment:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
            self._reader = SegmentReader(self._settings.spool / name)
        return self._reader

    def _watch(self) -> None:
        """End the process when a record hangs it: only the death of a worker frees what it holds."""
        while True:
            time.sleep(WATCH_EVERY_S)
            since = min(list(self._busy_since.values()), default=None)
            if since is not None and time.monotonic() - since > self._settings.record_limit_s:
                logger.error("a record takes too long; leaving so that it can be set aside")
                os._exit(3)


class _Door:
    """The way back to main, for several threads."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lock = threading.Lock()

    def send(self, head: Mapping[str, Any], pieces: Sequence[bytes] = ()) -> None:
        """One whole frame.

        Raises:
            HandoffError: main is gone.
        """
        with self._lock:
            send_frame(self._sock, head, pieces)


def _receive(sock: socket.socket, records: Tasks, asked: Tasks) -> None:
    """Sort what arrives; the end of the connection is told to both."""
    while True:
        try:
            frame = recv_frame(sock)
        except HandoffError:
            records.put(None)
            asked.put(None)
            return
        (asked if frame.type == "redact" else records).put(frame)


def _aside_folder(name: str) -> str:
    if name not in ASIDE_FOLDERS:
        raise HandoffError("A reference names no folder.")
    return name


def _file_name(name: str) -> str:
    """The file of a record set aside; its name comes over the socket and is still checked."""
    if not re.fullmatch(r"[0-9a-f-]{1,80}", name):
        raise HandoffError("A reference names no record.")
    return f"{name}{SUFFIX}"


def _orders(hello: Frame) -> Orders:
    if hello.type != "hello":
        raise HandoffError("The other side speaks another language.")
    path = hello.head.get("rules_path")
    return Orders(str(hello.head["mode"]), Path(path) if path else None, Path(str(hello.head["keys"])))


def _reference(head: Mapping[str, Any]) -> RecordRef:
    record = RecordHead(
        slot=int(head["slot"]),
        signal=Signal(int(head["signal"])),
        items=int(head["items"]),
        project=str(head["project"]),
        received_ns=int(head["received_ns"]),
        payload_bytes=int(head["payload_bytes"]),
        spans_before=int(head["spans_before"]),
        logs_before=int(head["logs_before"]),
        version=int(head["version"]),
    )
    return RecordRef(record, int(head["offset"]), int(head["head_bytes"]))


def _streams(tables: Mapping[str, Any]) -> tuple[list[str], list[bytes]]:
    import pyarrow as pa

    names, pieces = [], []
    for name, table in tables.items():
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        names.append(name)
        pieces.append(memoryview(sink.getvalue()))
    return names, pieces  # type: ignore[return-value]


def _builder(path: str) -> Callable[[Orders], Pipeline]:
    module, _, name = path.partition(":")
    built: Callable[[Orders], Pipeline] = getattr(importlib.import_module(module), name)
    return built


def _rss_bytes() -> int:
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 a fixed pseudo file
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
