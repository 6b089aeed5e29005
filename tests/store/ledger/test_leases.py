from __future__ import annotations

import threading


def test_one_holder_at_a_time_and_the_next_one_is_told_apart(ledger, clock):
    first = ledger.leases.acquire("retention", "a", 10)
    assert first is not None
    assert ledger.leases.acquire("retention", "b", 10) is None
    assert ledger.leases.acquire("retention", "a", 10).fence == first.fence
    assert ledger.leases.holds(first)
    clock.pass_s(11)
    assert not ledger.leases.holds(first)
    second = ledger.leases.acquire("retention", "b", 10)
    assert second.fence > first.fence
    assert not ledger.leases.holds(first), "who slept too long must not go on"
    ledger.leases.release(first)
    assert ledger.leases.holds(second)
    ledger.leases.release(second)
    assert ledger.leases.acquire("retention", "a", 10).fence > second.fence
    assert [lease.name for lease in ledger.leases.list()] == ["retention"]


def test_a_holder_that_lost_its_lease_gets_a_new_fence(ledger, clock):
    first = ledger.leases.acquire("retention", "a", 10)
    clock.pass_s(11)
    assert ledger.leases.acquire("retention", "a", 10).fence > first.fence


def test_of_many_that_try_at_once_one_wins(ledger):
    won = []

    def work(number):
        if ledger.leases.acquire("job", f"holder {number}", 60):
            won.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
