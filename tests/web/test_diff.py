from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from web.diff import diff_texts


def kinds(left: str, right: str) -> list[str]:
    return [row.kind for row in diff_texts(left, right).rows]


def test_equal_texts_have_nothing_to_show():
    found = diff_texts("a\nb", "a\nb")
    assert found.is_equal
    assert (found.rows, found.added, found.removed) == ((), 0, 0)


def test_a_changed_line_stands_beside_its_old_self_with_the_changed_words_marked():
    (row,) = diff_texts("never refund more than 500 dollars", "never refund more than 1500 dollars").rows
    assert row.kind == "changed"
    assert [p.text for p in row.left if p.changed] == ["500"]
    assert [p.text for p in row.right if p.changed] == ["1500"]


def test_lines_that_do_not_resemble_each_other_went_and_came():
    assert kinds("alpha beta gamma", "0123456789") == ["removed", "added"]


def test_a_line_that_only_moved_is_marked_as_moved():
    assert kinds("sign with your name\none\ntwo", "one\ntwo\nsign with your name") == ["moved", "same", "same", "moved"]


def test_long_unchanged_stretches_become_gaps_that_count_their_lines():
    middle = "\n".join(f"line {n}" for n in range(40))
    rows = diff_texts(f"{middle}\nold words here", f"{middle}\nnew words here").rows
    assert (rows[0].kind, rows[0].hidden) == ("gap", 37)
    assert rows[-1].kind == "changed"


@settings(deadline=None)
@given(st.text(alphabet="ab\n ", max_size=60), st.text(alphabet="ab\n ", max_size=60))
def test_both_texts_can_be_read_back_from_the_rows(left, right):
    rows = diff_texts(left, right, context=10_000).rows

    def side(name: str) -> list[str]:
        return ["".join(p.text for p in getattr(r, name)) for r in rows if getattr(r, f"{name}_line")]

    if left.splitlines() != right.splitlines():
        assert side("left") == left.splitlines()
        assert side("right") == right.splitlines()
