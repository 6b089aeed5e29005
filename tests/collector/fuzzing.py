"""Mutated bytes for every reader of hostile bytes; only our own errors may come out. Shared by the short and the long run."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import resource
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
GROWTH_MAX_KIB = 128 * 1024
CORPUS = Path(__file__).parents[1] / "data" / "fuzz"
CORPUS_MAX = 40
OUTCOMES_MAX = 5_000
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


def wire(raw: bytes) -> str:
    """Feed the wire scanner and what takes records apart; says in a word what came out."""
    with contextlib.suppress(SpoolError):
        pick(Payload(raw), {0, 2})
    try:
        done = accept(raw, TRACES, Bounds())
    except RefusalError as refusal:
        return f"{refusal.trouble.name} {refusal.violations}"
    return f"{done.items} {done.rejected} {done.message} {sorted(done.payload.marks.values())}"


def otlp_json(raw: bytes) -> str:
    """Feed the JSON decoder and what stands behind it."""
    try:
        made = transcode(raw, TRACES, Bounds())
        done = accept(made.raw, TRACES, Bounds(), marks=made.marks, already=made.rejected, warnings=made.warnings)
    except RefusalError as refusal:
        return f"{refusal.trouble.name} {[place for place, _ in refusal.violations]}"
    return f"{done.items} {done.rejected} {done.message}"


def spool_reader(folder: Path) -> Callable[[bytes], str]:
    ring = load_key_ring(folder / "keys")
    (path,) = segment_paths(folder / "spool")

    def read(raw: bytes) -> str:
        path.write_bytes(raw)
        try:
            reader = SegmentReader(path)
        except SpoolError as error:
            return str(error)
        scan = reader.scan()
        said = f"{len(scan.records)} {scan.closed} {scan.torn_bytes > 0} {scan.damaged_bytes > 0} {scan.lost}"
        try:
            for ref in scan.records:
                reader.read(ref, reader.header.data_key(ring))
        except (SpoolError, UnsealError) as error:
            return f"{said} {error}"
        finally:
            reader.close()
        return said

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


def kept(target: str) -> list[bytes]:
    """The corpus: inputs that once made a reader say something new."""
    return [path.read_bytes() for path in sorted((CORPUS / target).glob("*.bin"))]


def fuzz(target: str, seconds: float, seed: int, *, keep: bool = False) -> int:
    """Feed one target for so long; returns how many inputs it took. An unexpected error, a hang or growth raises.

    Args:
        target: wire, json or spool.
        seconds: for how long.
        seed: of the mutations.
        keep: whether inputs with a new outcome are written to the corpus.
    """
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        run: Callable[[bytes], str]
        if target == "wire":
            run, first = wire, traces("a", "b", "c", key="value").SerializeToString()
        elif target == "json":
            run, first = otlp_json, json.dumps(json_traces(json_span(), json_span())).encode()
        else:
            first = a_segment(Path(place))
            run = spool_reader(Path(place))
        corpus, count, end = [first, *kept(target)], 0, time.monotonic() + seconds
        seen = {run(raw) for raw in corpus}
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        while time.monotonic() < end:
            raw = mutated(chance.choice(corpus), chance)
            started = time.process_time()
            try:
                outcome = run(raw)
            except Exception as error:
                raise AssertionError(f"{target}, seed {seed}: {type(error).__name__} for {raw.hex()}") from error
            assert time.process_time() - started < SLOW_S, f"{target}, seed {seed}: slow for {raw.hex()}"
            if outcome not in seen and len(seen) < OUTCOMES_MAX and len(raw) < 20_000:
                seen.add(outcome)
                corpus = [*corpus[-400:], raw]
                if keep and len(raw) < 6_000 and len(list((CORPUS / target).glob("*.bin"))) < CORPUS_MAX:
                    (CORPUS / target).mkdir(parents=True, exist_ok=True)
                    (CORPUS / target / f"{hashlib.sha256(raw).hexdigest()[:12]}.bin").write_bytes(raw)
            count += 1
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < GROWTH_MAX_KIB, f"{target}, seed {seed}: grew by {grown} KiB"
    return count
