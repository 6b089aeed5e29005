from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

from store.ledger import Ledger
from tracetape.receipt_files import ProvenReceipts


def test_a_dropped_day_leaves_a_receipt_a_line_in_the_access_log_and_a_file_that_names_it(tmp_path):
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    book = ProvenReceipts(ledger, tmp_path / "receipts")
    book.write("content", date(2026, 5, 3), {"span_contents": 12, "logs": 0})
    book.write("content", date(2026, 5, 3), {"span_contents": 1})  # rows of an import came to a day that had gone
    book.write("metadata", date(2026, 5, 3), {"spans": 12, "runs": 2})
    assert [r.kind for r in ledger.receipts.list()] == ["metadata", "content", "content"]
    entries = {entry.entry_id: entry for entry in ledger.audit.list()}
    files = [json.loads(path.read_text()) for path in sorted((tmp_path / "receipts").iterdir())]
    assert len(files) == len(entries) == 3
    for proof in files:
        entry = entries[proof["access_log_entry"]]
        assert (proof["access_log_chain"], entry.actor, entry.action) == (entry.chain, "retention", "retention_change")
        assert entry.target == f"2026-05-03 {proof['dropped']}"
        assert {k: int(v) for k, v in entry.detail.items() if k not in {"dropped", "day"}} == {
            name: count for name, count in proof["rows"].items() if count
        }
    assert ledger.audit.first_broken() is None
    assert (tmp_path / "receipts").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "receipts").iterdir()} == {0o600}
    ledger.close()


def test_the_file_is_on_the_disk_with_its_name_when_the_receipt_is_written(tmp_path, monkeypatch):
    synced, sync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(str(Path(f"/proc/self/fd/{fd}").readlink())) or sync(fd))
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    ProvenReceipts(ledger, tmp_path / "receipts").write("content", date(2026, 5, 3), {"span_contents": 12})
    ledger.close()
    assert str(tmp_path) in synced, "the folder is new"
    assert synced[-1] == str(tmp_path / "receipts"), "a name is durable with its folder"
    assert synced[-2].startswith(str(tmp_path / "receipts" / ".2026-05-03-content")), "content before name"
