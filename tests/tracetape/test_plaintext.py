"""The hunt for plain text (R25): a thousand canaries, kill -9 in between; then every file and every decompressed column is read."""

from __future__ import annotations

import os
import random
import signal
import string
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from store import open_store
from tests.tracetape.oracle import Obligation, Producer, settled
from tests.tracetape.running import Running, wait_for
from tracetape.folder import DataFolder

pytestmark = [pytest.mark.slow, pytest.mark.crash]

CANARIES = 1000


class Leaky(Producer):
    """Every trace tells an address and a key that nobody else has."""

    canaries: list[bytes]

    def batch(self, chance: random.Random) -> tuple[str, bytes]:
        mail = "zq" + "".join(chance.choices(string.ascii_lowercase, k=12))
        key = "sk-proj-" + "".join(chance.choices(string.ascii_letters + string.digits, k=48))
        trace, body = super().batch(chance)
        told = f"write to {mail}@canary.example or use {key} ".ljust(600).encode()
        payload = self.registered[trace].payload.encode()
        self.registered[trace] = Obligation("", frozenset())
        self.canaries += [mail.encode(), key.encode()]
        return trace, body.replace(payload, told)


def leaks(texts: Iterable[bytes], canaries: list[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for text in texts:
        if b"zq" in text or b"sk-proj-" in text:
            found |= {canary for canary in canaries if canary in text}
    return found


def files(folder: Path) -> Iterable[bytes]:
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                yield path.read_bytes()
        except OSError:  # removed meanwhile
            continue


@pytest.mark.timeout(600)
def test_r25_no_canary_is_readable_on_disk_or_in_decompressed_columns(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Running(data, "--workers", "1", "--redaction", "rules") as running:
        leaky = Leaky(running.http, seed=7, threads=2, pause_s=0.01)
        leaky.canaries = []
        leaky.start()
        for victim in ("main", "receive", "work 1"):
            acked = len(leaky.acked)
            wait_for(lambda a=acked: len(leaky.acked) > a + CANARIES // 8, 120, "acknowledgements")
            os.kill(running.children()[victim], signal.SIGKILL)
            assert not leaks(files(data), list(leaky.canaries))
            time.sleep(0.2)
        wait_for(lambda: len(leaky.canaries) > CANARIES, 120, "a thousand canaries")
        leaky.finish()
        settled(running, 200)
        metrics = running.metrics()
        running.stop()
    canaries = leaky.canaries
    assert len(canaries) > CANARIES
    assert not leaks(files(data), canaries)
    assert not leaks([metrics, "\n".join(running.lines).encode()], canaries)
    store = open_store(DataFolder(data.resolve()).store_dsn())
    try:
        tables = [row["name"] for row in store._engine.select("SHOW TABLES", pool="job")]  # type: ignore[attr-defined]
        assert {"spans", "span_contents", "facts", "runs", "steps"} <= set(tables)
        for table in tables:
            rows = store._engine.select(f"SELECT * FROM {table}", pool="job")  # type: ignore[attr-defined]
            assert not leaks((str(row).encode() for row in rows), canaries), table
    finally:
        store.close()
