"""Two weeks of a believable fleet as OTLP requests, the newest runs first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from tracetape.demo import openinference, otel
from tracetape.demo.flows import FLOWS
from tracetape.demo.otlp import Recording, logs_request, traces_request
from tracetape.demo.played import Played, play
from tracetape.demo.script import Script
from tracetape.demo.stories import DAY_NS, MINUTE_NS, stories

DAYS = 14
MAX_SPANS = 10_000
"""What the demo promises not to exceed."""

FIRST_BATCH, BATCH = 120, 480
"""Spans in the first request, small so that something is on screen at once, and in the others."""

SETTLED_NS = 3 * MINUTE_NS
"""Ordinary runs started at least this long ago: they have all ended."""

_BUSY_HOURS = (2, 1, 1, 1, 1, 2, 4, 8, 14, 18, 20, 19, 15, 17, 20, 19, 16, 13, 10, 8, 7, 6, 4, 3)
"""How often a run starts in each hour of a day (UTC)."""

_WEEKEND = 0.4
_STAGING = 0.08
_FRESH_RUNS = 8

WRITERS: Mapping[str, Callable[[Played], Recording]] = {"otel": otel.write, "openinference": openinference.write}
"""The instrumentations of the fleet."""


@dataclass(frozen=True, slots=True)
class DemoRequest:
    """One OTLP request: `signal` is traces or logs, `items` the number of spans or log records in `body`."""

    signal: str
    body: bytes
    items: int


@dataclass(frozen=True, slots=True)
class _Planned:
    key: str
    start_ns: int
    script: Script


def generate(seed: int = 1, now_ns: int | None = None) -> Iterator[DemoRequest]:
    """The fleet of the fortnight before `now_ns` (Unix nanoseconds; default: now), in requests of at most 512 spans.

    The same seed and time give the same bytes. A run keeps its ids from load to load on one day, so that loading the
    demo twice does not double it.
    """
    now = time.time_ns() if now_ns is None else now_ns
    batch: list[Recording] = []
    size, limit = 0, FIRST_BATCH
    for planned in sorted(_plan(seed, now), key=lambda p: (-p.start_ns, p.key)):
        recording = WRITERS[planned.script.workflow.instrumentation](
            play(planned.script, planned.key, planned.start_ns)
        )
        if batch and size + len(recording.spans) > limit:
            yield from _requests(batch)
            batch, size, limit = [], 0, BATCH
        batch.append(recording)
        size += len(recording.spans)
    yield from _requests(batch)


def _requests(batch: list[Recording]) -> Iterator[DemoRequest]:
    spans = sum(len(r.spans) for r in batch)
    logs = sum(len(r.logs) for r in batch)
    if spans:
        yield DemoRequest("traces", traces_request(batch), spans)
    if logs:
        yield DemoRequest("logs", logs_request(batch), logs)


def _plan(seed: int, now_ns: int) -> Iterator[_Planned]:
    yield from _ordinary(seed, now_ns)
    today = datetime.fromtimestamp(now_ns // 10**9, UTC).date()
    rng = Random(f"{seed}:{today}:stories")  # noqa: S311  a demo must be repeatable, nothing here is secret
    for story in stories(rng):
        yield _Planned(f"{seed}:{today}:{story.name}", now_ns - story.before_ns, story.script)
    for number in range(_FRESH_RUNS):
        flow = FLOWS[number % len(FLOWS)]
        key = f"{seed}:{today}:fresh {number}"
        script = flow.write(Random(key), 0.0)  # noqa: S311  see above
        yield _Planned(key, now_ns - SETTLED_NS - number * 5 * MINUTE_NS, script)


def _ordinary(seed: int, now_ns: int) -> Iterator[_Planned]:
    """The everyday runs: more by day than by night, fewer at weekends."""
    midnight = datetime.fromtimestamp(now_ns // 10**9, UTC).replace(hour=0, minute=0, second=0)
    for days_back in range(DAYS):
        day = midnight - timedelta(days=days_back)
        share = _WEEKEND if day.weekday() >= 5 else 1.0
        for flow in FLOWS:
            for number in range(round(flow.runs_per_day * share)):
                key = f"{seed}:{day.date()}:{flow.workflow.name}:{number}"
                rng = Random(key)  # noqa: S311  see above
                hour = rng.choices(range(24), _BUSY_HOURS)[0]
                start_ns = (int(day.timestamp()) + hour * 3600) * 10**9 + rng.randrange(3600 * 10**6) * 1000
                if start_ns > now_ns - SETTLED_NS:
                    continue
                script = flow.write(rng, (now_ns - start_ns) / DAY_NS)
                if rng.random() < _STAGING:
                    script = replace(script, environment="staging")
                yield _Planned(key, start_ns, script)
