"""Proof of what retention removed: a receipt in the ledger, a line in the access log, and a file that names the line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from collector.spool.io import DiskIO
from collector.spool.keys import write_secret
from store.ledger import Ledger
from tracetape import __version__

ACTOR = "retention"
FORMAT = 1


class ProvenReceipts:
    """Implements `store.retention.ReceiptBook`: the access log is chained, so a file cannot be made up later."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self._ledger = ledger
        self._folder = folder

    def write(self, kind: str, day: date, removed: Mapping[str, int]) -> None:
        """Keep a receipt; durable when it returns."""
        told = {name: str(count) for name, count in sorted(removed.items()) if count}
        what = {"dropped": kind, "day": day.isoformat(), **told}
        entry = self._ledger.audit.append(ACTOR, "retention_change", target=f"{day} {kind}", detail=what)
        self._ledger.receipts.write(kind, day, removed)
        proof = {
            "format": FORMAT,
            "day": day.isoformat(),
            "dropped": kind,
            "rows": dict(removed),
            "at": datetime.fromtimestamp(entry.time_ns / 1e9, UTC).isoformat(timespec="seconds"),
            "tracetape": __version__,
            "access_log_entry": entry.entry_id,
            "access_log_chain": entry.chain,
        }
        if not self._folder.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            DiskIO().fsync_folder(self._folder.parent)
        path = self._folder / f"{day}-{kind}-{entry.entry_id}.json"
        write_secret(path, f"{json.dumps(proof, indent=1)}\n".encode())
