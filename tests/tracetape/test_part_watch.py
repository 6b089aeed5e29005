from __future__ import annotations

import threading

from tracetape.part_watch import PartWatch


class Engine:
    """A store whose disk forgets."""

    def __init__(self) -> None:
        self.broken: tuple[str, ...] = ()
        self.failures = 1

    def broken_parts(self) -> tuple[str, ...]:
        if self.failures:
            self.failures -= 1
            raise OSError("the folder cannot be read now")
        return self.broken


def test_a_part_without_its_bytes_opens_the_engine_anew_once():
    engine, reopened = Engine(), []
    seen = threading.Event()

    def reopen() -> None:
        reopened.append(1)
        seen.set()

    watch = PartWatch(engine, reopen, every_s=0.02)
    watch.start()
    assert not seen.wait(0.2)
    engine.broken = ("spans/20261120_1_6_2",)
    assert seen.wait(5)
    assert not threading.Event().wait(0.1)
    assert reopened == [1]
    watch.stop()


def test_it_stops_before_it_was_started_and_twice():
    watch = PartWatch(Engine(), lambda: None)
    watch.stop()
    watch.stop()
