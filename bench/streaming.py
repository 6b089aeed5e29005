"""One trace of 100,000 spans that arrives over hours: what understanding it again and again costs.

    python -m bench.streaming

A trace that is still growing is assembled anew while it grows. How often depends on what an assembly took
(`tracetape.assembler.SHARE`), so the cost over hours follows from what one assembly costs at each size. That is measured
here, on a real store, at five sizes: processor time of all threads, the engine's included, wall clock, and bytes written.
The hours in between are added up from these points.
"""

from __future__ import annotations

import itertools
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.redaction import conversation
from collector.decode import decode_traces
from collector.pipeline import is_content
from runs.facts import facts_of
from runs.pricing import PriceBook
from spans.clean import CleanSpan, Origin, Redaction
from spans.ids import TraceId
from store.clickhouse.address import parse_address
from store.clickhouse.engine import Engine
from store.clickhouse.store import ClickHouseStore
from store.rows import evidence_tables
from tracetape.assembler import AGAIN_S, SHARE, Assembler

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
BATCH = 500
TURNS = 5
HOURS = (1, 2, 4, 8)
PROJECT = "default"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one assembly."""

    spans: int
    cpu_s: float
    wall_s: float
    written: int


def main() -> None:
    """Fill, assemble, print."""
    rng, now = random.Random(7), time.time_ns()
    trace = rng.randbytes(16)
    with tempfile.TemporaryDirectory() as folder:
        store = ClickHouseStore(Engine.open(parse_address(f"chdb://{Path(folder) / 'store'}")))
        store.migrate()
        assembler = Assembler(store, PriceBook)
        costs, received, sent, evidence = [], 0, 0, 0.0
        batches = _batches(rng, trace, now)
        for size in SIZES:
            while sent < size:
                raw = next(batches)
                spans = list(decode_traces(raw))
                origin = Origin(PROJECT, now, datetime.fromtimestamp(now / 1e9, UTC).date())
                clean = [CleanSpan(span, origin, (), Redaction.OFF, "") for span in spans]
                began = time.process_time()
                store.write_evidence(evidence_tables(clean, [facts_of(one) for one in clean], is_content))
                evidence += time.process_time() - began
                received, sent = received + len(raw), sent + len(spans)
            cost = _measured(sent, lambda: assembler.assemble_now(PROJECT, [TraceId(trace.hex())]))
            costs.append(cost)
            print(
                f"{sent:,} spans: assembled in {cost.cpu_s:.2f} s of processor time, {cost.wall_s:.2f} s on the clock, "
                f"{cost.written / 2**20:.1f} MiB written",
                flush=True,
            )
        store.close()
    print(f"received {received / 2**20:.0f} MiB of OTLP; load {os.getloadavg()[0]:.1f}")
    for hours in HOURS:
        times, cpu_s, written = _over(hours * 3600, costs)
        print(
            f"over {hours} h: assembled {times} times, {100 * cpu_s / (hours * 3600):.1f} % of a core, "
            f"{written / received:.2f} bytes written for each received"
        )
    print(f"writing its evidence: {evidence:.1f} s of processor time, facts included")


def _batches(rng: random.Random, trace: bytes, now: int) -> Iterator[bytes]:
    """Requests of one agent that talks to one person after another, all of it below one root."""
    root = rng.randbytes(8)
    numbers = itertools.count()
    while True:
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = "long-runner"
        spans = resource.scope_spans.add().spans
        while len(spans) < BATCH:
            for texts in conversation(rng, TURNS):
                number = next(numbers)
                span = spans.add(trace_id=trace, span_id=rng.randbytes(8) if number else root)
                if number:
                    span.parent_span_id = root
                span.start_time_unix_nano, span.end_time_unix_nano = now + number * 10**6, now + (number + 1) * 10**6
                tool = "gen_ai.tool.name" in texts
                span.name = "execute_tool lookup_customer" if tool else "chat gpt-4o-mini"
                for key, text in {"gen_ai.operation.name": "execute_tool" if tool else "chat", **texts}.items():
                    span.attributes.add(key=key).value.string_value = text
                if not tool:
                    span.attributes.add(key="gen_ai.request.model").value.string_value = "gpt-4o-mini"
                    span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 900
        yield request.SerializeToString()


def _measured(spans: int, work: Callable[[], None]) -> Cost:
    cpu, wall, written = time.process_time(), time.monotonic(), _written()
    work()
    return Cost(spans, time.process_time() - cpu, time.monotonic() - wall, _written() - written)


def _written() -> int:
    """Bytes this process gave to files (proc(5): wchar also counts what never reaches the disk, write_bytes does not)."""
    for line in Path("/proc/self/io").read_text().splitlines():
        name, _, value = line.partition(": ")
        if name == "write_bytes":
            return int(value)
    return 0


def _over(seconds: float, costs: list[Cost]) -> tuple[int, float, float]:
    """Assemblies, processor seconds and bytes written while the spans arrive evenly, each as soon as the last one allows."""
    sizes = [0, *(cost.spans for cost in costs)]

    def at(spans: float, values: list[float]) -> float:
        return float(np.interp(spans, sizes, [values[0], *values]))

    most, now, times, cpu_s, written = costs[-1].spans, 0.0, 0, 0.0, 0.0
    while now <= seconds:
        spans = most * now / seconds
        times += 1
        cpu_s += at(spans, [cost.cpu_s for cost in costs])
        written += at(spans, [cost.written for cost in costs])
        wall_s = at(spans, [cost.wall_s for cost in costs])
        now += wall_s + max(AGAIN_S, SHARE * wall_s, seconds / most)
    return times, cpu_s, written


if __name__ == "__main__":
    main()
