from __future__ import annotations

import ast

import pytest

from tests.web.quickstart_page import PAGE, page
from web.quickstarts import QUICKSTARTS
from web.services import Endpoints
from web.snippets import build_snippets

ENDPOINTS = Endpoints("http://a:4317", "http://a:4318", "http://a:4319", "http://a:4319")


def test_the_page_is_what_the_connect_page_shows():
    """Run `python -m tests.web.quickstart_page` after a change."""
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("start", QUICKSTARTS, ids=lambda start: start.key)
def test_a_quick_start_is_a_whole_program(start):
    ast.parse(start.program)
    assert start.install.startswith("pip install ")
    assert start.captured.endswith(".")
    assert start.off.endswith(".")


def test_there_are_ten_and_each_is_a_snippet():
    assert len({start.key for start in QUICKSTARTS}) == 10
    keys = [snippet.key for snippet in build_snippets(ENDPOINTS, with_key=False)]
    assert keys[:10] == [start.key for start in QUICKSTARTS]


def test_every_snippet_can_be_chosen_without_script():
    from web.assets import load_assets

    css = load_assets()["app.css"].body.decode()
    for snippet in build_snippets(ENDPOINTS, with_key=True):
        assert f"#snip-{snippet.key}:checked ~ .snip-{snippet.key}" in css
