from __future__ import annotations

from tests.runs.matrix import PAGE, page


def test_the_page_of_instrumentations_is_what_the_captures_say():
    """Run `python -m tests.runs.matrix` after a change and read the difference."""
    assert PAGE.read_text(encoding="utf-8") == page()
