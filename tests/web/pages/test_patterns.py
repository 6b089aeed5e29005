from __future__ import annotations

import re

import pytest

from spans.roles import Role
from tests.web.house import House
from web.desk import TEMPLATES
from web.pages.patterns import GLYPHS, ICONS

UI = (TEMPLATES / "parts/ui.html").read_text("utf-8")
PATTERNS = (TEMPLATES / "patterns.html").read_text("utf-8")
MACROS = dict(re.findall(r"{% macro (\w+)\(.*?%}(.*?)endmacro", UI, flags=re.DOTALL))


def _called(text: str) -> set[str]:
    """Macros of parts/ui.html that a template calls, by itself or inside one that it calls."""
    found: set[str] = set()
    waiting = [text]
    while waiting:
        here = waiting.pop()
        fresh = {name for name in MACROS if re.search(rf"(?:{{{{-?|{{% call|[^\w'.]) ?{name}\(", here)} - found
        found |= fresh
        waiting += [MACROS[name] for name in fresh]
    return found


def test_every_shared_piece_is_on_the_pattern_page():
    assert len(MACROS) > 30
    assert set(MACROS) - _called(PATTERNS) == set()


def test_every_glyph_and_icon_of_the_sprite_is_on_the_pattern_page(house: House):
    sprite = re.findall(r'<symbol id="([gi])-([\w-]+)"', (TEMPLATES / "parts/icons.html").read_text("utf-8"))
    assert tuple(name for letter, name in sprite if letter == "g") == GLYPHS
    assert tuple(name for letter, name in sprite if letter == "i") == ICONS
    page = house.client(Role.ADMIN).get("/-/patterns").text
    for theme in page.split('<div data-theme="')[1:]:
        assert [f"{a}-{b}" for a, b in sprite if f'href="#{a}-{b}"' not in theme] == []


@pytest.mark.parametrize(
    "piece",
    [
        'class="hatched"',
        'class="crit"',
        "fold-row",
        "row sel",
        "faint",
        'data-csv="workflows"',
        "code-number",
        'class="msg role-tool"',
    ],
)
def test_rows_of_the_waterfall_and_the_fleet_a_message_and_a_refused_page_are_there(house: House, piece: str):
    page = house.client(Role.ADMIN).get("/-/patterns").text
    assert all(piece in theme for theme in page.split('<div data-theme="')[1:])
    assert page.count('id="tree"') == 0
