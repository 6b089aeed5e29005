from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.text import fold, one_line, person, spoken, tint, visible


def test_markup_of_an_agent_is_text():
    assert visible("<script>alert(1)</script>") == "&lt;script&gt;alert(1)&lt;/script&gt;"


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200b", "\x07", "\x1b", "\ufeff", "\U000e0041", "\x85"])
def test_nothing_hides(hidden):
    shown = visible(f"a{hidden}b")
    assert hidden not in shown
    assert f"U+{ord(hidden):04X}" in shown


@pytest.mark.parametrize(
    "kept", ["tab\tnewline\n", "family 👨\u200d👩\u200d👧", "مرحبا", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"]
)
def test_honest_text_stays_as_it_is(kept):
    assert html.unescape(str(visible(kept))) == kept


def test_a_pseudonym_is_a_chip_with_its_own_tint():
    shown = visible("ask <PERSON_tapkmj7f> or p-bp3oqlro@pii.example.net")
    assert f'class="who tint-{tint("tapkmj7f")}"' in shown
    assert ">PERSON tapkmj7f</span>" in shown
    assert ">EMAIL bp3oqlro</span>" in shown


def test_withheld_text_is_a_block():
    assert 'class="withheld"' in visible("<REDACTION_FAILED>")


def test_lone_surrogates_do_not_break_a_page():
    visible("\ud800 é").encode("utf-8")


@given(st.text(max_size=200))
def test_whatever_the_text_no_tag_of_its_own_comes_out(text):
    tags = re.findall(r"<[^>]*>", str(visible(text)))
    assert all(
        re.fullmatch(r'</span>|<span class="(who tint-\d|withheld|hidden-char)" title="[^"<>]*">', t) for t in tags
    )


def test_long_text_folds_at_a_space_and_says_what_is_cut():
    folded = fold("word " * 20_000)
    assert len(folded.head) <= 1_200
    assert folded.head.endswith("word")
    assert len(folded.head) + len(folded.rest) + folded.cut == 100_000


def test_short_text_is_not_folded():
    assert fold("x" * 1_400).rest == ""


def test_a_preview_is_one_line():
    assert one_line("a\n\n  b\tc") == "a b c"
    assert len(one_line("x" * 10_000)) == 160


def test_a_person_is_a_chip_whole_on_hover():
    assert person("<PERSON_tapkmj7f>", 5) == visible("<PERSON_tapkmj7f>")
    chip = person('user-"4471"-with-a-long-id', 8)
    assert "user-&#34;" in chip
    assert "…" in chip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"calls":[],"approvals":[{"tool_name":"delete_account"}]}', "approvals: tool_name: delete_account"),
        ('{"name":"<PERSON_wvmfn6nz>","email":"x…', "name: <PERSON_wvmfn6nz>, email: x…"),
        ('{"args":"{\\"id\\":1}","ok":true,"note":null}', "args: id: 1, ok: yes"),
        ('["a", 1.5, ["b"]]', "a, 1.5, b"),
        ('{"cut in an escape":"a\\', "cut in an escape: a"),
        ("{}", "{}"),
        ("[INFO] started", "[INFO] started"),
        ("[a link](x)", "[a link](x)"),
        ("plain words", "plain words"),
    ],
)
def test_a_structured_answer_is_read_as_words(text, said):
    assert spoken(text) == said


@given(st.text(max_size=200) | st.text('{}[]",:\\ ab1', max_size=60))
def test_no_text_stops_a_row_from_being_drawn(text):
    assert isinstance(spoken(text), str)
