from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from store.ledger.slots import SettledSlot, SlotKey, SlotTotals


def a_slot(slot=0, **changes):
    values = {
        "segment": "s1",
        "slot": slot,
        "signal": "spans",
        "state": "stored",
        "items": 10,
        "stored_as": {"rows": 10},
    }
    return SettledSlot(**{**values, **changes})


def test_attempts_count_up_per_slot_and_outlive_the_process(ledger, url):
    keys = [SlotKey("s1", 0), SlotKey("s1", 1)]
    assert ledger.slots.attempt(keys) == {keys[0]: 1, keys[1]: 1}
    ledger.close()
    assert ledger.slots.attempt(keys[:1]) == {keys[0]: 2}
    assert ledger.slots.attempt([]) == {}


def test_settling_twice_counts_once(ledger):
    for _ in range(3):
        ledger.slots.settle([a_slot(0), a_slot(1, stored_as={"rows": 8, "withheld": 2})])
    assert ledger.slots.totals() == {
        "spans": SlotTotals(stored=20, stored_as={"rows": 18, "withheld": 2}),
        "logs": SlotTotals(),
    }
    assert ledger.slots.settled("s1") == {0, 1}


def test_the_same_slot_twice_in_one_call_counts_once(ledger):
    ledger.slots.settle([a_slot(0), a_slot(0)])
    assert ledger.slots.totals()["spans"].stored == 10


def test_quarantine_moves_to_stored_when_driven_again_and_never_back(ledger):
    ledger.slots.settle([a_slot(0, state="quarantined", stored_as={}, reason="poison")])
    assert ledger.slots.totals()["spans"] == SlotTotals(quarantined=10)
    assert [s.reason for s in ledger.slots.quarantined()] == ["poison"]
    ledger.slots.settle([a_slot(0)])
    ledger.slots.settle([a_slot(0, state="quarantined", stored_as={})])
    assert ledger.slots.totals()["spans"] == SlotTotals(stored=10, stored_as={"rows": 10})
    assert ledger.slots.quarantined() == ()


def test_a_forgotten_segment_leaves_its_totals(ledger):
    ledger.slots.attempt([SlotKey("s1", 0)])
    ledger.slots.settle([a_slot(0), a_slot(0, segment="s2", signal="logs", items=3, stored_as={"folded": 3})])
    ledger.slots.forget_segment("s1")
    assert ledger.slots.settled("s1") == frozenset()
    assert ledger.slots.settled("s2") == {0}
    assert ledger.slots.totals() == {
        "spans": SlotTotals(stored=10, stored_as={"rows": 10}),
        "logs": SlotTotals(stored=3, stored_as={"folded": 3}),
    }


def test_totals_are_exact_under_threads(ledger):
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: ledger.slots.settle([a_slot(n % 20, items=1, stored_as={"rows": 1})]), range(60)))
    assert ledger.slots.totals()["spans"].stored == 20


def test_two_who_settle_the_same_slots_in_opposite_order_neither_wait_for_ever_nor_count_twice(ledger):
    slots = [a_slot(n, items=1, stored_as={"rows": 1}) for n in range(30)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: ledger.slots.settle(slots if n % 2 else slots[::-1]), range(12)))
    assert ledger.slots.totals()["spans"] == SlotTotals(stored=30, stored_as={"rows": 30})


def test_a_quarantined_record_leaves_the_count_when_it_is_driven_again_and_ends_as_dropped_or_expired(ledger):
    slots = ledger.slots
    row = SettledSlot("aside", 0, "spans", "quarantined", 3)
    slots.settle([row])
    slots.reopen("aside")
    slots.reopen("aside")
    assert slots.totals()["spans"].quarantined == 0
    assert slots.settled("aside") == frozenset()
    slots.settle([row, SettledSlot("other", 0, "spans", "quarantined", 2)])
    slots.settle(
        [SettledSlot("aside", 0, "spans", "expired", 3), SettledSlot("other", 0, "spans", "dropped_by_person", 2)]
    )
    slots.settle([SettledSlot("aside", 0, "spans", "dropped_by_person", 3)])
    totals = slots.totals()["spans"]
    assert (totals.quarantined, totals.expired, totals.dropped_by_person) == (0, 3, 2)
