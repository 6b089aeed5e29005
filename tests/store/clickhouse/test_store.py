from __future__ import annotations

import pytest

from store import open_store
from tests.store.contract import StoreContract
from tests.store.judged_contract import JudgedContract
from tests.store.whatif_contract import WhatIfContract


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = open_store(f"chdb://{tmp_path_factory.mktemp('embedded') / 'store'}")
    opened.migrate()
    yield opened
    opened.close()


class TestEmbeddedStore(StoreContract):
    pass


class TestEmbeddedJudged(JudgedContract):
    pass


class TestEmbeddedWhatIf(WhatIfContract):
    pass
