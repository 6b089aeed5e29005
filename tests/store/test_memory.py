from __future__ import annotations

import pytest

from store.memory import MemoryStore
from tests.store.contract import StoreContract
from tests.store.judged_contract import JudgedContract
from tests.store.whatif_contract import WhatIfContract


@pytest.fixture(scope="module")
def store():
    return MemoryStore()


class TestMemoryStore(StoreContract):
    pass


class TestMemoryJudged(JudgedContract):
    pass


class TestMemoryWhatIf(WhatIfContract):
    pass
