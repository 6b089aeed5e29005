from __future__ import annotations

import sqlite3

import pytest

from spans.errors import NotFoundError
from spans.roles import Role


def test_a_new_key_is_found_by_its_secret_and_nothing_else(ledger):
    info, secret = ledger.keys.create("shop", Role.INGEST, "laptop")
    assert secret.startswith(f"tt_ingest_{info.key_id}_")
    assert len(secret.removeprefix(f"tt_ingest_{info.key_id}_")) == 43
    assert ledger.keys.lookup(secret) == info
    assert ledger.keys.lookup(secret[:-1]) is None
    assert ledger.keys.lookup("") is None
    assert ledger.keys.lookup("\ud800") is None


def test_a_revoked_key_no_longer_works_but_is_still_listed(ledger, clock):
    info, secret = ledger.keys.create("shop", Role.VIEWER, "ci")
    clock.pass_s(5)
    ledger.keys.revoke(info.key_id)
    first = ledger.keys.list()[0].revoked_ns
    clock.pass_s(5)
    ledger.keys.revoke(info.key_id)
    assert ledger.keys.lookup(secret) is None
    assert ledger.keys.list()[0].revoked_ns == first == clock.now_ns - 5_000_000_000
    assert ledger.keys.get(info.key_id).revoked_ns == first


def test_revoking_an_unknown_key_says_so(ledger):
    with pytest.raises(NotFoundError, match="nokey"):
        ledger.keys.revoke("nokey")


def test_count_counts_working_keys_of_one_role(ledger):
    info, _ = ledger.keys.create("a", Role.INGEST, "1")
    ledger.keys.create("a", Role.INGEST, "2")
    ledger.keys.create("a", Role.ADMIN, "3")
    ledger.keys.revoke(info.key_id)
    assert (ledger.keys.count(Role.INGEST), ledger.keys.count(Role.ADMIN), ledger.keys.count(Role.AUDITOR)) == (1, 1, 0)


def test_no_secret_reaches_the_file(ledger, url, ledger_file):
    _, secret = ledger.keys.create("shop", Role.INGEST, "laptop")
    token = ledger.links.create("invitation", role=Role.VIEWER)
    with sqlite3.connect(ledger_file) as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert secret not in dump
    assert secret[-43:] not in dump
    assert token not in dump
