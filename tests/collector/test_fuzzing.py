from __future__ import annotations

import random

import pytest

from tests.collector.fuzzing import fuzz


@pytest.mark.parametrize("target", ["wire", "json", "spool"])
def test_no_bytes_make_a_reader_fail_in_another_way_than_its_own(target: str) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    assert fuzz(target, 2, seed) > 20, f"seed {seed}"
