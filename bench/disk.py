"""Bytes on disk for the same OTLP: twenty-turn conversations here and at a peer, attributes, indexes and derived data included.

    python -m bench.disk --peer phoenix                # installs it from the package index into a scratch folder

Both get the same requests. Measured is what each keeps once everything is stored: here the parts of the store in use and
the ledger, there its database with its journal. Merged-away parts, which stand for half a minute or longer, are printed beside.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.end_to_end import a_batch
from bench.ingest import PEERS, free_port, installed, started
from store.clickhouse.address import parse_address
from store.clickhouse.engine import Engine
from store.clickhouse.store import ClickHouseStore
from tests.tracetape.running import Running, wait_for

TURNS = 20
PER_REQUEST = 3
MERGE_S = 60


@dataclass(frozen=True, slots=True)
class Kept:
    """What one server keeps."""

    name: str
    spans: int
    bytes: int
    words: str


def main() -> None:
    """Send, wait, weigh, print."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--conversations", type=int, default=240)
    ask.add_argument("--redaction", default="full", choices=["full", "rules", "off"])
    ask.add_argument("--peer", action="append", choices=sorted(PEERS), default=[])
    ask.add_argument("--scratch", type=Path, default=None, help="Where peers are installed; kept when given.")
    options = ask.parse_args()
    rng = random.Random(20)
    made = [a_batch(rng, TURNS, PER_REQUEST) for _ in range(max(1, options.conversations // PER_REQUEST))]
    requests, spans = [body for _, body, _, _ in made], sum(count for *_, count, _ in made)
    wire = sum(map(len, requests))
    print(f"{spans:,} spans of {TURNS}-turn conversations, {wire / spans:,.0f} bytes of OTLP each")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        options.scratch = options.scratch or place / "peers"
        options.scratch.mkdir(parents=True, exist_ok=True)
        first = ours(requests, spans, place, options.redaction)
        _show(first, first)
        for name in options.peer:
            _show(theirs(name, requests, spans, options.scratch, place), first)


def ours(requests: Sequence[bytes], spans: int, place: Path, redaction: str) -> Kept:
    """tracetape as it is installed."""
    data = place / "data"
    with Running(data, "--redaction", redaction) as server:
        _send(requests, f"{server.http}/v1/traces", {})
        health = server.settle(1800)
        assert health["spans"]["stored"] == spans, health["spans"]
        time.sleep(MERGE_S)  # sealing, and the merges of what just arrived
    engine = Engine.open(parse_address(f"chdb://{data / 'store'}"))
    store = ClickHouseStore(engine)
    tables = store.stored_bytes()
    store.close()
    ledger = sum(path.stat().st_size for path in data.glob("ledger*") if path.is_file())
    folder = sum(path.stat().st_size for path in (data / "store").rglob("*") if path.is_file())
    words = ", ".join(
        f"{name} {size / spans:.0f}" for name, size in sorted(tables.items(), key=lambda t: -t[1]) if size
    )
    return Kept(
        f"tracetape (redaction {redaction})",
        spans,
        sum(tables.values()) + ledger,
        f"bytes a span by table: {words}, ledger {ledger / spans:.0f}; the store's folder now {folder / spans:.0f}",
    )


def theirs(name: str, requests: Sequence[bytes], spans: int, scratch: Path, place: Path) -> Kept:
    """A peer with its defaults."""
    known, data, port = PEERS[name], place / name, free_port()
    venv = installed(name, scratch)
    data.mkdir()
    process = started(name, venv, port, data)
    try:
        database = known.database(data)

        def stored() -> int:
            with closing(sqlite3.connect(database)) as connection:
                return int(connection.execute(known.count).fetchone()[0])

        for number, body in enumerate(requests):
            _send([body], f"http://127.0.0.1:{port}{known.path}", known.headers)
            if number % 8 == 7:  # it keeps what it has accepted in memory: do not ask more of it than it can write
                sent = number + 1
                wait_for(lambda at=sent: stored() >= spans * at // len(requests) - spans // 20, 600, f"{name} to store")  # type: ignore[misc]
        wait_for(lambda: stored() >= spans, 900, f"{name} to store everything")
        size = sum(path.stat().st_size for path in data.glob(f"{database.name}*"))
        return Kept(name, stored(), size, "database with its journal")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _send(requests: Sequence[bytes], url: str, headers: dict[str, str]) -> None:
    for body in requests:
        request = urllib.request.Request(
            url, body, {"Content-Type": "application/x-protobuf", **headers}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200, answer.status


def _show(kept: Kept, first: Kept) -> None:
    each = kept.bytes / kept.spans
    print(f"{kept.name}: {each:,.0f} bytes a span ({kept.words})")
    if kept is not first:
        print(f"  {first.name} / {kept.name}: 1/{each / (first.bytes / first.spans):.1f} of the bytes")


if __name__ == "__main__":
    main()
