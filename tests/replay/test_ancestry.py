from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from replay.ancestry import Ancestry
from spans.ids import SpanId
from tests.builders import a_span_id


def plain(parents: dict[SpanId, SpanId | None], span_id: SpanId) -> tuple[SpanId, ...]:
    """Climbs from every step anew."""
    found: list[SpanId] = []
    at = parents.get(span_id)
    while at is not None and at in parents and at not in found and at != span_id:
        found.append(at)
        at = parents[at]
    return tuple(reversed(found))


@given(st.lists(st.integers(0, 12), min_size=1, max_size=10), st.randoms(use_true_random=False))
def test_a_path_is_that_of_climbing_whatever_the_tree_and_whoever_asks_first(above, random):
    """Circles, steps above themselves and parents that never arrived included."""
    parents = {a_span_id(n + 1): a_span_id(p) if p else None for n, p in enumerate(above)}
    tree, asked = Ancestry(parents), list(parents)
    random.shuffle(asked)
    assert {s: tree.of(s) for s in asked} == {s: plain(parents, s) for s in asked}


def test_steps_of_one_parent_share_their_path():
    tree = Ancestry({a_span_id(1): None, a_span_id(2): a_span_id(1), a_span_id(3): a_span_id(1)})
    assert tree.of(a_span_id(2)) is tree.of(a_span_id(3))
