"""Mutated bytes for every reader of hostile bytes; only our own errors may come out. Shared by the short and the long run."""

from __future__ import annotations

import contextlib
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from collector.accept import accept
from collector.answers import RefusalError
from collector.bounds import Bounds
from collector.isolate import pick
from collector.otlp_json import transcode
from collector.signals import TRACES
from collector.spool.format import Payload, Signal, SpoolError
from collector.spool.keys import UnsealError, ensure_spool_keys, load_key_ring, load_seal_key
from collector.spool.reader import SegmentReader, segment_paths
from collector.spool.writer import SpoolWriter
from tests.collector.helpers import json_span, json_traces, traces

SLOW_S = 1.0
PARTS = (b"\xff", b"\x00", b"\x0a\xff\xff\xff\xff\x0f", b"[" * 50, b"{", b'"', b"\xed\xa0\x80", b"\x12\x00" * 20)


def mutated(seed: bytes, chance: random.Random) -> bytes:
    raw = bytearray(seed)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(raw) + 1)
        what = chance.randrange(4)
        if what == 0 and raw:
            raw[at % len(raw)] ^= 1 << chance.randrange(8)
        elif what == 1:
            raw[at:at] = chance.choice(PARTS)
        elif what == 2:
            del raw[at : at + chance.randint(1, 20)]
        else:
            other = chance.randrange(len(raw) + 1)
            raw[at:at] = raw[other : other + chance.randint(1, 40)]
    return bytes(raw)


def wire(raw: bytes) -> None:
    with contextlib.suppress(RefusalError):
        accept(raw, TRACES, Bounds())
    with contextlib.suppress(SpoolError):
        pick(Payload(raw), {0, 2})


def otlp_json(raw: bytes) -> None:
    with contextlib.suppress(RefusalError):
        accept(transcode(raw, TRACES, Bounds()).raw, TRACES, Bounds())


def spool_reader(folder: Path) -> Callable[[bytes], None]:
    ring = load_key_ring(folder / "keys")
    (path,) = segment_paths(folder / "spool")

    def read(raw: bytes) -> None:
        path.write_bytes(raw)
        try:
            reader = SegmentReader(path)
        except SpoolError:
            return
        try:
            for ref in reader.scan().records:
                reader.read(ref, reader.header.data_key(ring))
        except (SpoolError, UnsealError):
            pass
        finally:
            reader.close()

    return read


def a_segment(folder: Path) -> bytes:
    ensure_spool_keys(folder / "keys")
    writer = SpoolWriter(folder / "spool", lambda: load_seal_key(folder / "keys"))
    writer.start()
    for name in "abc":
        writer.offer(Signal.SPANS, "p", 1, Payload(traces(name).SerializeToString())).result(5)
    writer.close(5)
    (path,) = segment_paths(folder / "spool")
    return path.read_bytes()


def fuzz(target: str, seconds: float, seed: int) -> int:
    """Feed one target for so long; returns how many inputs it took. An unexpected error or a hang raises."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        run: Callable[[bytes], None]
        if target == "wire":
            run, first = wire, traces("a", "b", "c", key="value").SerializeToString()
        elif target == "json":
            run, first = otlp_json, json.dumps(json_traces(json_span(), json_span())).encode()
        else:
            first = a_segment(Path(place))
            run = spool_reader(Path(place))
        corpus, count, end = [first], 0, time.monotonic() + seconds
        while time.monotonic() < end:
            raw = mutated(chance.choice(corpus), chance)
            started = time.monotonic()
            try:
                run(raw)
            except Exception as error:
                raise AssertionError(f"{target}, seed {seed}: {type(error).__name__} for {raw.hex()}") from error
            assert time.monotonic() - started < SLOW_S, f"{target}, seed {seed}: slow for {raw.hex()}"
            if chance.random() < 0.02 and len(raw) < 20_000:
                corpus = [*corpus[-200:], raw]
            count += 1
    return count
