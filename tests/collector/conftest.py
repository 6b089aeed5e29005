"""Fixtures of the collector's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collector.helpers import Place, RunningReceiver, a_receiver


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("receiver"))


@pytest.fixture(scope="module")
def receiver(shared_place: Place) -> Iterator[RunningReceiver]:
    """One real receiver for the tests of a module."""
    with a_receiver(shared_place) as running:
        yield running
