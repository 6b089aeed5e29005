from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from spans.errors import BusyError, RefusedError


def test_entries_come_back_newest_first_in_pages(ledger):
    for n in range(5):
        ledger.audit.append("Ada", "search", target=f"t{n}", detail={"q": "EMAIL_1"}, project="shop")
    page = ledger.audit.list(2)
    assert [e.target for e in page] == ["t4", "t3"]
    assert [e.target for e in ledger.audit.list(10, before_id=page[-1].entry_id)] == ["t2", "t1", "t0"]
    assert page[0].detail == {"q": "EMAIL_1"}
    assert (page[0].actor, page[0].project) == ("Ada", "shop")


def test_an_unknown_action_is_refused(ledger):
    with pytest.raises(RefusedError, match="danced"):
        ledger.audit.append("Ada", "danced")


def test_entries_of_many_threads_stand_in_one_unbroken_chain(ledger):
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: ledger.audit.append("Ada", "content_read", target=str(n)), range(30)))
    assert [e.entry_id for e in ledger.audit.list(100)] == list(range(30, 0, -1))
    assert ledger.audit.first_broken() is None


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        ("UPDATE audit SET actor = 'Eve' WHERE entry_id = 2", 2),
        ("DELETE FROM audit WHERE entry_id = 2", 3),
        ('UPDATE audit SET detail = \'{"a": "b"}\' WHERE entry_id = 1', 1),
    ],
)
def test_tampering_shows(ledger, tampering, broken, ledger_file):
    for n in range(3):
        ledger.audit.append("Ada", "export", target=str(n))
    with sqlite3.connect(ledger_file) as connection:
        connection.execute(tampering)
    connection.close()
    assert ledger.audit.first_broken() == broken


def test_an_entry_that_cannot_be_written_raises(ledger, monkeypatch, ledger_file):
    monkeypatch.setattr("store.ledger.database.BUSY_TIMEOUT_MS", 50)
    ledger.close()  # connections of the pool carry the old time-out
    blocker = sqlite3.connect(ledger_file, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(BusyError, match="locked"):
        ledger.audit.append("Ada", "export")
    blocker.execute("ROLLBACK")
    blocker.close()
    assert ledger.audit.append("Ada", "export").entry_id == 1
