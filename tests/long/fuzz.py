"""The fuzzers for ten minutes each, or LONG_FUZZ_S seconds; LONG_KEEP=1 adds inputs with new outcomes to the corpus."""

# ruff: noqa: T201 the seed is what a person needs
from __future__ import annotations

import os
import random

import pytest

from tests.collector.fuzzing import fuzz


@pytest.mark.parametrize("target", ["wire", "json", "spool"])
def test_no_bytes_make_a_reader_fail_in_another_way_than_its_own(target: str) -> None:
    seed = int(os.environ.get("LONG_SEED", str(random.SystemRandom().randrange(1 << 32))))
    print(f"\nLONG_SEED={seed}")
    keep = bool(os.environ.get("LONG_KEEP"))
    print(fuzz(target, float(os.environ.get("LONG_FUZZ_S", "600")), seed, keep=keep), "inputs")
