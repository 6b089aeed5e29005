"""Counts what arrives and what is refused, and tells it in a small file that survives restarts."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from spans.health import Arrival

logger = logging.getLogger(__name__)

WRITE_EVERY_S = 0.5
RATE_WINDOW_S = 10
ARRIVALS_MAX = 20
USER_AGENT_MAX_CHARS = 120
REASON_MAX_CHARS = 300


class Tally:
    """Counters of one receiver. Safe to call from several threads; nothing in it was written by a sender but its user agent."""

    def __init__(self, path: Path, extra: Callable[[], Mapping[str, object]] = dict) -> None:
        self._path = path
        self._extra = extra
        self._lock = threading.Lock()
        self._acked: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._answers: Counter[str] = Counter()
        self._took_s: dict[str, float] = {}
        self._refused_by: Counter[str] = Counter()
        self._arrivals: dict[tuple[str, ...], Arrival] = {}
        self._recent: deque[tuple[float, int]] = deque()
        self._last_accepted_ns = 0
        self._changed = True
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tally", daemon=True)
        self._load()

    def start(self) -> None:
        """Begin to write the file, at most twice a second."""
        self._thread.start()

    def stop(self) -> None:
        """Write it a last time."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2)
        self._write()

    def answered(
        self,
        signal: str,
        transport: str,
        code: str,
        *,
        kept: int,
        refused: int,
        reason: str = "",
        user_agent: str = "",
        took_s: float = 0.0,
    ) -> None:
        """Count one answered request.

        Args:
            signal: spans, logs or metrics; empty when the path names none.
            transport: grpc or http.
            code: what was answered, such as 200 or UNAVAILABLE.
            kept: items that are durable now.
            refused: items that are not, as far as they could be counted.
            reason: a sentence of ours.
            user_agent: what the sender calls itself.
            took_s: from the first look at the request to the answer.
        """
        agent = "".join(c for c in user_agent[:USER_AGENT_MAX_CHARS] if c.isprintable())
        now_ns = time.time_ns()
        arrival = Arrival(
            now_ns, signal, transport, kept > 0 or not reason, code, kept, reason[:REASON_MAX_CHARS], agent
        )
        key = (signal, transport, code, arrival.reason, agent)
        with self._lock:
            self._acked[signal] += kept
            self._refused[signal] += refused
            if refused:
                self._refused_by[f"{signal} {code}"] += refused
            self._answers[f"{transport} {code}"] += 1
            self._took_s[transport] = self._took_s.get(transport, 0.0) + took_s
            before = self._arrivals.pop(key, None)
            if before is not None:
                arrival = dataclasses.replace(arrival, items=before.items + kept, count=before.count + 1)
            self._arrivals[key] = arrival
            while len(self._arrivals) > ARRIVALS_MAX:
                self._arrivals.pop(next(iter(self._arrivals)))
            if kept:
                self._last_accepted_ns = now_ns
                if signal == "spans":
                    self._recent.append((time.monotonic(), kept))
            self._changed = True

    def snapshot(self) -> dict[str, object]:
        """What the file says."""
        with self._lock:
            now = time.monotonic()
            while self._recent and self._recent[0][0] < now - RATE_WINDOW_S:
                self._recent.popleft()
            signals = ("spans", "logs", "metrics")
            return {
                "version": 1,
                "pid": os.getpid(),
                "written_ns": time.time_ns(),
                "received": {s: self._acked[s] + self._refused[s] for s in signals},
                "acked": {s: self._acked[s] for s in signals},
                "refused": {s: self._refused[s] for s in signals},
                "answers": dict(self._answers),
                "took_s": {transport: round(took, 6) for transport, took in self._took_s.items()},
                "refused_by": dict(self._refused_by),
                "arrivals": [dataclasses.asdict(a) for a in reversed(self._arrivals.values())],
                "spans_per_s": round(sum(n for _, n in self._recent) / RATE_WINDOW_S, 2),
                "last_accepted_ns": self._last_accepted_ns,
                **self._extra(),
            }

    def _run(self) -> None:
        quiet = 0
        while not self._stop.wait(WRITE_EVERY_S):
            changed, self._changed = self._changed, False
            quiet = 0 if changed else quiet + 1
            if quiet <= RATE_WINDOW_S / WRITE_EVERY_S + 1:  # go on until the rate has fallen to zero
                self._write()

    def _write(self) -> None:
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            fresh.write_text(json.dumps(self.snapshot()), encoding="utf-8")
            fresh.replace(self._path)
        except OSError as error:
            logger.warning("the receiver's status file cannot be written", extra={"reason": str(error)})
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)

    def _load(self) -> None:
        before = read_tally(self._path)
        self._acked.update(_numbers(before.get("acked")))
        self._refused.update(_numbers(before.get("refused")))
        self._answers.update(_numbers(before.get("answers")))
        took = before.get("took_s")
        self._took_s.update({k: v for k, v in took.items() if isinstance(v, float)} if isinstance(took, dict) else {})
        self._refused_by.update(_numbers(before.get("refused_by")))
        last = before.get("last_accepted_ns")
        self._last_accepted_ns = last if isinstance(last, int) else 0
        arrivals = before.get("arrivals")
        for raw in reversed(arrivals) if isinstance(arrivals, list) else ():
            with contextlib.suppress(TypeError):
                arrival = Arrival(**raw)
                key = (arrival.signal, arrival.transport, arrival.code, arrival.reason, arrival.user_agent)
                self._arrivals[key] = arrival


def read_tally(path: Path) -> dict[str, Any]:
    """The receiver's status file; empty when there is none or it cannot be read."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _numbers(value: object) -> dict[str, int]:
    if not isinstance(value, dict):
        return {}
    return {str(k): v for k, v in value.items() if isinstance(v, int) and v >= 0}
