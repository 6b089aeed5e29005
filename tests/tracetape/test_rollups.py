from __future__ import annotations

import time

from spans.errors import BusyError
from store.hours import HourQuery
from store.memory import MemoryStore
from tests.builders import an_assembly
from tracetape import rollups
from tracetape.rollups import RollUps


def wait_until(true, seconds=5.0):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_dirty_hour_is_summed_soon_after(monkeypatch):
    monkeypatch.setattr(rollups, "EVERY_S", 0.01)
    store = MemoryStore()
    keeping = RollUps(store)
    keeping.start()
    store.write_derived([an_assembly()])
    wait_until(lambda: [row.runs for row in store.hours(HourQuery("default"))] == [1])
    keeping.stop(5.0)
    keeping.stop(5.0)


def test_a_busy_store_is_tried_again(monkeypatch):
    monkeypatch.setattr(rollups, "EVERY_S", 0.01)
    monkeypatch.setattr(rollups, "BUSY_PAUSE_S", 0.01)

    class BusyTwice(MemoryStore):
        asked = 0

        def roll_up(self, limit=1_000):
            self.asked += 1
            if self.asked <= 2:
                raise BusyError("no") if self.asked == 1 else RuntimeError("worse")
            return super().roll_up(limit)

    store = BusyTwice()
    store.write_derived([an_assembly()])
    keeping = RollUps(store)
    keeping.start()
    wait_until(lambda: store.hours(HourQuery("default")))
    keeping.stop(5.0)


def test_stop_works_before_start():
    RollUps(MemoryStore()).stop(1.0)
