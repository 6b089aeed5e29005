from __future__ import annotations

from tracetape.watermark import Watermark


class Notes:
    def __init__(self) -> None:
        self.kept: dict[str, object] = {}
        self.writes = 0

    def get(self, name, default=None):
        return self.kept.get(name, default)

    def put(self, name, value) -> None:
        self.kept[name] = value
        self.writes += 1


def test_it_survives_a_restart_and_starts_at_the_beginning():
    notes = Notes()
    assert Watermark(notes).at_ns == 0
    Watermark(notes).raise_to(100)
    assert Watermark(notes).at_ns == 100


def test_something_older_lowers_it_at_once_and_something_newer_costs_no_write():
    """A clock that was set back, or a record driven again after days: its run must be found after a crash."""
    notes = Notes()
    mark = Watermark(notes)
    mark.raise_to(1000)
    mark.lower(2000)
    mark.lower(1000)
    assert notes.writes == 1
    mark.lower(40)
    assert Watermark(notes).at_ns == 40


def test_it_never_falls_by_raising():
    mark = Watermark(Notes())
    mark.raise_to(10)
    mark.raise_to(5)
    assert mark.at_ns == 10
