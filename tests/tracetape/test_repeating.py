from __future__ import annotations

import threading

import pytest

from spans.errors import BusyError
from tracetape.repeating import Repeating


@pytest.mark.parametrize("error", [BusyError("the store is closing"), ValueError("a bug")])
def test_what_goes_wrong_in_one_round_does_not_end_the_next(error):
    rounds, done = [], threading.Event()

    def work() -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise error
        done.set()

    thread = Repeating("test", work, 0.01)
    thread.start()
    assert done.wait(5)
    thread.stop()


def test_a_round_may_end_it():
    rounds = []
    thread = Repeating("test", lambda: (rounds.append(1), thread.stop()), 0.01)
    thread.start()
    thread._thread.join(5)
    assert not thread._thread.is_alive()
    assert rounds == [1]


def test_it_stops_before_it_was_started_and_twice():
    thread = Repeating("test", lambda: None, 0.01)
    thread.stop()
    thread.stop()
