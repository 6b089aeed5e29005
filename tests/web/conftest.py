from __future__ import annotations

import pytest

from tests.web.house import House, a_house


@pytest.fixture
def house(tmp_path) -> House:
    made = a_house(tmp_path)
    yield made
    made.ledger.close()
