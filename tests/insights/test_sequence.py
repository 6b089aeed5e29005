"""The test of the order of tools: quiet by chance, awake when the order moves although every tool is used as before."""

from __future__ import annotations

import random

from insights.sequence import sequence_change
from store.measures import ToolRow


def rows(seed, current_order=0.5, current=120, reference=400):
    """Runs that look up and refund in either order, then mail; the current ones with another share of orders."""
    rng = random.Random(seed)
    made = []
    for n in range(current + reference):
        is_current = n < current
        first = rng.random() < (current_order if is_current else 0.5)
        tools = ("lookup", "refund") if first else ("refund", "lookup")
        made.append(ToolRow(is_current, n % 4, (*tools, *(("mail",) if rng.random() < 0.6 else ()))))
    return made


def test_by_chance_it_stays_quiet():
    z = [change.z for seed in range(12) if (change := sequence_change(rows(seed))) is not None]
    assert all(value < 3.5 for value in z)


def test_another_order_of_the_same_tools_is_seen_and_named():
    change = sequence_change(rows(1, current_order=0.9))
    assert change.z > 4
    name, before, after = change.moved[0]
    assert " > " in name
    assert abs(after - before) > 0.25


def test_the_same_rows_give_the_same_answer():
    assert sequence_change(rows(1, 0.7)) == sequence_change(rows(1, 0.7))


def test_too_few_runs_or_no_tools_say_nothing():
    assert sequence_change(rows(1, 0.9, current=29)) is None
    assert sequence_change(rows(1, 0.9, reference=49)) is None
    assert sequence_change([ToolRow(n < 40, 0, ()) for n in range(140)]) is None
    assert sequence_change([ToolRow(n < 40, n % 2, ("only",)) for n in range(140)]) is None
