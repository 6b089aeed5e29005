from __future__ import annotations

from web.pages.lists import parse_changelog


def test_the_changelog_is_read_by_release():
    text = "# Changes\n\n## 0.1.0 (today)\n\n- First light:\n  it works\n- More\n\n## 0.0.1\n- Old\n"
    assert parse_changelog(text) == (("0.1.0 (today)", ("First light: it works", "More")), ("0.0.1", ("Old",)))
    assert parse_changelog("") == ()
