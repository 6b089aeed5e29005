"""A ledger in a temporary folder with a clock that stands still until told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.ledger import Ledger

START_NS = 1_800_000_000_000_000_000


class Clock:
    """A hand-moved clock."""

    def __init__(self) -> None:
        self.now_ns = START_NS

    def __call__(self) -> int:
        return self.now_ns

    def pass_s(self, seconds: float) -> None:
        self.now_ns += int(seconds * 1e9)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


@pytest.fixture
def ledger(url: str, clock: Clock) -> Iterator[Ledger]:
    opened = Ledger.open(url, clock=clock)
    yield opened
    opened.close()
