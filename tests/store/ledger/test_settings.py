from __future__ import annotations

import pytest


def test_a_setting_is_kept_and_replaced(ledger):
    assert ledger.settings.get("mark", 0) == 0
    ledger.settings.put("mark", 17)
    ledger.settings.put("mark", {"a": [1, None, "ü"]})
    assert ledger.settings.get("mark") == {"a": [1, None, "ü"]}


def test_a_value_that_is_not_json_is_refused(ledger):
    with pytest.raises(ValueError, match="JSON"):
        ledger.settings.put("mark", float("nan"))
