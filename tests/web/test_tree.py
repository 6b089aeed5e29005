from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from spans.kinds import RunStatus, SpanKind, ToolOutcome
from store.outline import Outline, Trouble, outline_of
from tests.builders import NOW_NS, SECOND_NS, a_step
from web.tree import REPEATS_IN_SHORT, SHOWN_TROUBLES, Planned, Tree, View
from web.waterfall import step_state


def an_outline(*rows: tuple[int, str, str], starts=None, lengths=None) -> Outline:
    """Rows of (depth, name, trouble)."""
    count = len(rows)
    return Outline(
        depths=[r[0] for r in rows],
        kinds=["tool"] * count,
        names=[r[1] for r in rows],
        starts_ns=starts or [NOW_NS + n for n in range(count)],
        durations_ns=lengths or [10] * count,
        troubles=[r[2] for r in rows],
        costs=[0.5] * count,
        counted=[True] * count,
        noise=[False] * count,
    )


PLAIN = View()


def shown(tree: Tree, view: View = PLAIN) -> list[tuple[int, int, int]]:
    """(place, level, repeats) of every row."""
    return [(r.index, r.level, r.repeats) for r in tree.plan(view).rows]


def a_fold(troubles: dict[int, str], number: int = 118) -> Tree:
    return Tree(an_outline((0, "root", ""), *((1, "fetch", troubles.get(n, "")) for n in range(number))))


def test_equal_neighbours_fold_into_one_row_and_open_on_demand():
    tree = a_fold({})
    assert shown(tree) == [(0, 0, 0), (1, 1, 118)]
    fold = tree.plan(View()).rows[1]
    opened = View().toggled(fold, tree)
    assert opened.params() == {"open": "g1"}
    assert len(shown(tree, opened)) == 2 + 118
    assert shown(tree, opened.toggled(tree.plan(opened).rows[1], tree)) == [(0, 0, 0), (1, 1, 118)]


def test_short_runs_keep_their_few_repeats():
    assert len(shown(Tree(an_outline(*((0, "a", ""),) * (REPEATS_IN_SHORT - 1))))) == REPEATS_IN_SHORT - 1


def test_a_short_tree_folds_bare_calls_but_not_what_holds_others():
    steps = [(0, "root", ""), *((d, n, "") for _ in range(13) for d, n in ((1, "step"), (2, "chat")))]
    assert len(shown(Tree(an_outline(*steps)))) == len(steps)
    assert len(shown(Tree(an_outline((0, "root", ""), *((1, "fetch", ""),) * 13)))) == 2


def test_a_closed_fold_never_hides_that_something_failed():
    tree = a_fold(dict.fromkeys(range(40, 60), "error") | {7: "denied"})
    rows = tree.plan(View()).rows
    assert [tree.count(rows[1], t) for t in (Trouble.ERROR, Trouble.DENIED)] == [20, 1]
    assert [r.index for r in rows[2:]] == [8, 41, 42][:SHOWN_TROUBLES]
    assert tree.cost(rows[1]) == 59


def test_the_selected_step_is_always_in_the_window_whatever_is_shut():
    rows = [(0, "root", ""), *((d, n, "") for _ in range(900) for d, n in ((1, "reader"), (2, "chat"), (3, "http")))]
    tree = Tree(an_outline(*rows))
    assert shown(tree) == [(0, 0, 0), (1, 1, 900)]
    for chosen in (3, 1500, 2700):
        plan = tree.plan(View(selected=chosen))
        assert chosen in [r.index for r in plan.rows if not r.repeats]
    assert shown(tree, View(selected=1500, shut=frozenset({"g1"}))) == [(0, 0, 0), (1, 1, 900)]


def test_an_address_that_makes_no_sense_is_the_plain_view():
    assert View.read({"open": "x.-1.g.9999999999", "shut": "\u0661", "from": "-5", "noise": "yes"}, None) == View()
    assert View.read({"open": "g4.12", "from": "300"}, 7) == View(7, 300, False, frozenset({"g4", "12"}))


def test_the_critical_path_is_what_the_end_waited_for():
    names = [(0, "root", ""), (1, "slow", ""), (2, "inner", ""), (1, "beside", ""), (1, "last", "")]
    tree = Tree(an_outline(*names, starts=[0, 0, 20, 10, 60], lengths=[100, 50, 30, 30, 40]))
    on_path = {r.index for r in tree.plan(View()).rows if tree.is_critical(r)}
    assert on_path == {0, 1, 2, 4}
    assert tree.critical_ns == 100


def test_jumps_name_the_innermost_and_count_it_once():
    names = [
        (0, "root", "error"),
        (1, "agent", "error"),
        (2, "pay", "error"),
        (1, "other", "error"),
        (1, "no", "denied"),
    ]
    tree = Tree(an_outline(*names))
    assert dict(tree.jumps)["first of 2 errors"] == 2
    assert dict(tree.jumps)["denial"] == 4
    assert tree.first_denied == 4
    assert tree.telling == 4


def test_the_first_denied_step_is_the_one_a_person_jumps_to():
    tree = Tree(an_outline((0, "root", "denied"), (1, "pay", "denied"), (1, "again", "denied")))
    assert tree.first_denied == dict(tree.jumps)["first of 2 denials"] == 1
    assert Tree(an_outline((0, "root", ""), (1, "pay", "error"))).first_denied is None


def test_the_step_to_open_first_is_the_one_that_is_wrong():
    assert Tree(an_outline((0, "a", "error"), (2, "b", "error"), (1, "c", ""))).telling == 1
    assert Tree(an_outline((0, "a", "error"), (1, "b", "waiting"))).telling == 1
    assert Tree(an_outline((0, "a", ""), (1, "b", ""))).telling == 0
    assert Tree(Outline()).telling is None


def test_the_trouble_of_an_outline_is_the_glyph_of_the_page():
    for changes in (
        {},
        {"status": RunStatus.ERROR},
        {"status": RunStatus.RUNNING},
        {"flags": ("unfinished",)},
        {"tool_outcome": ToolOutcome.NOT_EXECUTED},
        {"tool_outcome": ToolOutcome.INVALID_ARGUMENTS},
        {"tool_outcome": ToolOutcome.APPROVAL_PENDING, "status": RunStatus.ERROR},
    ):
        step = a_step(kind=SpanKind.TOOL, **changes)
        assert (outline_of([step]).troubles[0] or "ok") == step_state(step)[0]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from("abc"), st.sampled_from(["", "error"])), max_size=60))
def test_every_step_stands_once_in_order_when_everything_is_open(rows):
    tree = Tree(an_outline(*rows, lengths=[SECOND_NS] * len(rows) or None))
    everything = frozenset(f"g{n}" for n in range(len(rows))) | frozenset(map(str, range(len(rows))))
    plan = tree.plan(View(opened=everything))
    assert [r.index for r in plan.rows if not r.repeats] == list(range(len(rows)))
    assert all(isinstance(r, Planned) and r.index < r.end <= len(rows) for r in plan.rows)
    if rows:
        assert 0 <= tree.critical_ns <= tree.length_ns
