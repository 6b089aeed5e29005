from __future__ import annotations

import random

from replay.alignment import aligned
from tests.replay.taped import Tape


def exchanges(*script, number=1):
    tape = Tape(number)
    for name, argument in script:
        tape.tool(name, {"n": argument}, argument)
    return tape.json()["exchanges"]


def numbers(pairs):
    return [(p.left and p.left["number"], p.right and p.right["number"]) for p in pairs]


def test_equal_ends_are_paired_and_the_middle_by_likeness():
    left = exchanges(("a", 1), ("b", 2), ("c", 3))
    right = exchanges(("a", 1), ("x", 9), ("b", 5), ("c", 3), number=2)
    assert numbers(aligned(left, right)) == [(1, 1), (None, 2), (2, 3), (3, 4)]


def test_different_tools_are_never_a_pair():
    pairs = aligned(exchanges(("a", 1)), exchanges(("b", 1), number=2))
    assert sorted(numbers(pairs), key=str) == [(1, None), (None, 1)]


def test_every_exchange_stands_in_exactly_one_pair_and_pairs_never_cross():
    chance = random.Random(3)
    for _ in range(30):
        scripts = [
            [(f"t{chance.randrange(3)}", chance.randrange(4)) for _ in range(chance.randrange(12))] for _ in "lr"
        ]
        left, right = exchanges(*scripts[0]), exchanges(*scripts[1], number=2)
        pairs = aligned(left, right)
        assert sorted(p.left["number"] for p in pairs if p.left) == [e["number"] for e in left]
        assert sorted(p.right["number"] for p in pairs if p.right) == [e["number"] for e in right]
        both = [(p.left["number"], p.right["number"]) for p in pairs if p.left and p.right]
        assert both == sorted(both)
        assert [b for _, b in both] == sorted(b for _, b in both)


def test_long_stretches_are_aligned_near_the_diagonal_without_losing_anything():
    left = exchanges(*((f"t{n % 5}", n) for n in range(300)))
    right = exchanges(*((f"t{n % 5}", n + 1_000) for n in range(320)), number=2)
    pairs = aligned(left, right)
    assert sum(1 for p in pairs if p.left) == 300
    assert sum(1 for p in pairs if p.right) == 320
