from __future__ import annotations

import pytest

from collector.isolate import DEATHS_MAX, Trial, pick
from collector.spool.format import Payload, SpoolError
from tests.collector.helpers import traces


def judged(trial: Trial, poison: set[int], *, kills: bool) -> Trial:
    rounds = 0
    while not trial.is_over:
        start, end = trial.todo[0]
        hit = any(start <= p < end for p in poison)
        (trial.died if hit and kills else trial.failed if hit else trial.passed)()
        rounds += 1
        assert rounds < 10_000
    return trial


@pytest.mark.parametrize("kills", [True, False])
@pytest.mark.parametrize("poison", [set(), {0}, {9_999}, {17, 18, 4_000}])
def test_exactly_the_poisonous_items_of_ten_thousand_are_found(kills, poison):
    trial = judged(Trial(10_000), poison, kills=kills)
    assert trial.bad == poison
    assert trial.deaths <= 5 * len(poison)


def test_a_kill_by_somebody_else_accuses_no_item_for_good():
    trial = Trial(1)
    trial.died()
    trial.passed()
    assert trial.is_over
    assert trial.bad == set()


def test_a_record_full_of_poison_ends_after_a_bounded_number_of_deaths():
    trial = judged(Trial(1_000), set(range(1_000)), kills=True)
    assert trial.bad == set(range(1_000))
    assert trial.deaths == DEATHS_MAX


def test_picking_keeps_order_resource_scope_and_marks():
    request = traces("a", "b", "c", "d")
    got = pick(Payload(request.SerializeToString(), {1: ("utf8_repaired",), 3: ("x",)}), {1, 2})
    again = type(request).FromString(got.otlp)
    assert [s.name for s in again.resource_spans[0].scope_spans[0].spans] == ["b", "c"]
    assert again.resource_spans[0].resource == request.resource_spans[0].resource
    assert again.resource_spans[0].scope_spans[0].scope.name == "tests"
    assert got.marks == {0: ("utf8_repaired",)}


def test_picking_everything_changes_nothing():
    payload = Payload(traces("a", "b").SerializeToString())
    assert pick(payload, {0, 1}) == payload


def test_picking_from_other_bytes_is_our_error():
    with pytest.raises(SpoolError):
        pick(Payload(b"\x0a\xff"), {0})
