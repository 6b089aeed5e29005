from __future__ import annotations

import pytest

from collector.trouble import described


def test_the_message_of_an_error_is_never_told() -> None:
    with pytest.raises(ValueError, match="invalid literal") as caught:
        int("hunter2")
    said = described(caught.value)
    assert "hunter2" not in said
    assert said.startswith("ValueError at test_trouble.py:")
    assert described(KeyError("hunter2")) == "KeyError"
