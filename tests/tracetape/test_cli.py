from __future__ import annotations

import pytest

from spans.errors import SettingsError
from tracetape.commands.evaluate import parse_period_ns


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800), ("6h", 21_600), ("1d", 86_400)])
def test_periods_are_written_with_a_unit(text, seconds):
    assert parse_period_ns(text) == seconds * 1_000_000_000


@pytest.mark.parametrize("text", ["", "6", "h", "0h", "-1h", "1.5h", "six hours", "٣h"])
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(SettingsError, match="30m, 6h or 1d"):
        parse_period_ns(text)
