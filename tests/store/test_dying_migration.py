"""The migrations of a ledger end well although a real kill -9 ends them again and again."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing

import pytest

from store.ledger import Ledger


def deaths(address, every):
    command = [sys.executable, "-m", "tests.store.dying_migration", address, str(every)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout)


@pytest.mark.crash
def test_a_ledger_migrates_through_kills_at_every_seventh_statement(tmp_path):
    address = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    assert deaths(address, 7) >= 5
    with closing(Ledger.open(address)) as ledger:
        assert ledger.settings.get("x", 1) == 1
