"""The oracle for LONG_MINUTES minutes or LONG_KILLS faults: random kills, hangs, full volumes and clock jumps of a real `serve`.

pytest tests/long/oracle.py -s --timeout 0        # LONG_KILLS=200 for R1; LONG_MINUTES=30 for the oracle; LONG_SEED=7 to repeat
"""

# ruff: noqa: T201 the seed and the progress are what a person watches
from __future__ import annotations

import os
import random
import time

from tests.tracetape.oracle import Clock, Faults, Producer, Volume, verify
from tests.tracetape.running import Running

KILLS = int(os.environ.get("LONG_KILLS", "0"))
MINUTES = float(os.environ.get("LONG_MINUTES", "0" if KILLS else "30"))
SEED = int(os.environ.get("LONG_SEED", str(random.SystemRandom().randrange(1 << 32))))
PAUSE_S = float(os.environ.get("LONG_PAUSE_S", "0.02"))
SPOOL_MIB = 160
"""More than the 64 MiB that the receiver leaves free."""
STORE_MIB = 512


def test_random_faults_lose_double_and_change_nothing(tmp_path):
    print(f"\nLONG_SEED={SEED} LONG_KILLS={KILLS} LONG_MINUTES={MINUTES}")
    chance, data = random.Random(SEED), tmp_path / "data"
    volumes = {} if KILLS else {"spool": Volume(data / "spool", SPOOL_MIB), "store": Volume(data / "store", STORE_MIB)}
    clock = Clock(tmp_path)
    for volume in volumes.values():
        volume.mount()
    try:
        with Running(
            data, "--workers", "2", "--redaction", "rules", environ={} if KILLS else clock.environ()
        ) as running:
            producer = Producer(running.http, SEED, pause_s=PAUSE_S)
            producer.start()
            faults = Faults(running, chance, volumes, None if KILLS else clock)
            end, number = time.monotonic() + MINUTES * 60, 0
            while number < KILLS or time.monotonic() < end:
                time.sleep(chance.uniform(0.05, 2.0))
                number += 1
                if KILLS:
                    faults.kill()
                else:
                    faults.one()
                if number % 20 == 0:
                    print(f"{number} faults {faults.done}, {len(producer.acked)} traces acknowledged", flush=True)
            health = verify(running, producer, 1200)
            print(f"{number} faults {faults.done}; answers {producer.answers}; slowest {producer.slowest_s:.2f} s")
            print(
                f"{len(producer.acked)} acknowledged traces of {producer.spans} spans: each there once. {health['spans']}"
            )
    finally:
        for volume in volumes.values():
            volume.unmount()
