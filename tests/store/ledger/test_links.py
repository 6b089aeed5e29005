from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from spans.roles import Role
from store.ledger.links import Redeemed


def test_a_link_works_once(ledger):
    token = ledger.links.create("invitation", role=Role.VIEWER, name="Ada")
    assert ledger.links.redeem(token) == Redeemed("invitation", Role.VIEWER, "Ada", "")
    assert ledger.links.redeem(token) is None


def test_a_link_expires(ledger, clock):
    token = ledger.links.create("sign_in", role=Role.ADMIN, ttl_s=60)
    clock.pass_s(60)
    assert ledger.links.redeem(token) is None
    assert ledger.links.pending() == ()


def test_a_foreign_token_opens_nothing(ledger):
    ledger.links.create("sign_in", role=Role.ADMIN)
    assert ledger.links.redeem("nonsense") is None


def test_of_many_at_once_exactly_one_redeems(ledger):
    token = ledger.links.create("sign_in", role=Role.ADMIN)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(ledger.links.redeem, [token] * 16))
    assert sum(r is not None for r in results) == 1


def test_pending_links_can_be_cancelled(ledger):
    token = ledger.links.create("invitation", role=Role.REVIEWER, name="Bo")
    (pending,) = ledger.links.pending()
    assert (pending.name, pending.role) == ("Bo", Role.REVIEWER)
    assert ledger.links.cancel(pending.link_id)
    assert not ledger.links.cancel(pending.link_id)
    assert ledger.links.redeem(token) is None
