"""Full volumes and a stopped store, with real processes: the receiver says come back or goes on, and nothing is lost."""

from __future__ import annotations

import http.client
import os
import signal
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.tracetape.oracle import Producer, Volume, settled, verify
from tests.tracetape.running import Running, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.crash]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small volume")


OUTAGE_S = float(os.environ.get("LONG_OUTAGE_S", "6"))


def readiness(running: Running) -> int:
    place = urlsplit(running.http)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    finally:
        connection.close()


@needs_root
@pytest.mark.timeout(600)
def test_r4_and_r5_full_volumes_of_spool_and_store(tmp_path: Path) -> None:
    data = tmp_path / "data"
    spool, store = Volume(data / "spool", 140), Volume(data / "store", 400)
    for volume in (spool, store):
        volume.mount()
    try:
        with Running(data, "--workers", "1", "--redaction", "rules") as running:
            producer = Producer(running.http, seed=1, threads=1, pause_s=0.05)
            producer.start()
            wait_for(lambda: len(producer.acked) > 20, 30, "acknowledgements")

            spool.fill()
            filled = time.monotonic()
            wait_for(lambda: producer.answers.get(503), 10, "503 from a full spool")
            assert time.monotonic() - filled < 3
            wait_for(lambda: readiness(running) == 503, 10, "the receiver to say that it is not ready")
            settled(running, 60)  # what was accepted before is stored, and its segments are removed, at 100 % full
            before = len(producer.acked)
            spool.empty()
            freed = time.monotonic()
            wait_for(lambda: len(producer.acked) > before, 10, "acknowledgements after space was freed")
            assert time.monotonic() - freed < 5
            wait_for(lambda: readiness(running) == 200, 10, "the receiver to be ready again")

            store.fill()
            before = len(producer.acked)
            wait_for(
                lambda: (
                    (running.try_api("/api/v1/health") or {"data": {"spans": {"pending": 0}}})["data"]["spans"][
                        "pending"
                    ]
                    > 100
                ),
                60,
                "spans to wait in the spool",
            )
            assert readiness(running) == 200
            assert len(producer.acked) > before
            store.empty()
            verify(running, producer, 150)
            assert producer.slowest_s < 5
    finally:
        for volume in (spool, store):
            volume.unmount()


@pytest.mark.timeout(600 + 2 * OUTAGE_S)
def test_r5_a_stopped_store_keeps_nobody_from_sending(tmp_path: Path) -> None:
    """LONG_OUTAGE_S=600 is the ten minutes of R5."""
    with Running(tmp_path / "data", "--workers", "1", "--redaction", "rules") as running:
        producer = Producer(running.http, seed=2, threads=1, pause_s=0.05)
        producer.start()
        wait_for(lambda: len(producer.acked) > 5, 30, "acknowledgements")
        main = running.children()["main"]
        os.kill(main, signal.SIGSTOP)
        before = len(producer.acked)
        time.sleep(OUTAGE_S)
        assert readiness(running) == 200
        during = len(producer.acked) - before
        os.kill(main, signal.SIGCONT)
        assert during > OUTAGE_S, "sending went on"
        assert set(producer.answers) == {200}
        verify(running, producer, 200 + OUTAGE_S)
