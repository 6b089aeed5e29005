"""The oracle: only an acknowledged trace is an obligation; random kills and hangs of any process; every obligation is kept once.

pytest tests/long/oracle.py -s --timeout 0        # LONG_KILLS=200 LONG_SEED=7 to choose
"""

# ruff: noqa: T201 the seed and the progress are what a person watches
from __future__ import annotations

import os
import random
import signal
import time

from tests.tracetape.running import Running, wait_for
from tests.tracetape.test_crash import Sender, assert_everything_acked_is_there_once

KILLS = int(os.environ.get("LONG_KILLS", "200"))
SEED = int(os.environ.get("LONG_SEED", str(random.SystemRandom().randrange(1 << 32))))


def test_random_kills_and_hangs_lose_and_double_nothing(tmp_path):
    print(f"\nLONG_SEED={SEED} LONG_KILLS={KILLS}")
    chance = random.Random(SEED)
    with Running(tmp_path / "data", "--workers", "2") as running:
        sender = Sender(running.http)
        sender.thread.start()
        for number in range(KILLS):
            time.sleep(chance.uniform(0.05, 2.0))
            role, pid = chance.choice(sorted(running.children().items()))
            try:
                if chance.random() < 0.2:
                    os.kill(pid, signal.SIGSTOP)
                    time.sleep(chance.uniform(0.5, 5.0))
                    os.kill(pid, signal.SIGCONT)
                else:
                    os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            if number % 10 == 9:
                print(f"{number + 1} faults, last on {role}, {len(sender.acked)} batches acknowledged")
        before = len(sender.acked)
        wait_for(lambda: len(sender.acked) > before + 5, 120, "acknowledgements after the last fault")
        sender.stop.set()
        sender.thread.join()
        assert_everything_acked_is_there_once(running, sender.acked)
        print(f"{len(sender.acked)} acknowledged batches, each there once")
