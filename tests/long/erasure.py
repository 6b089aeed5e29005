"""S20: a person with 10,000 spans on 30 received days, and in spool, quarantine, withheld originals, exports and a backup.

pytest tests/long/erasure.py -s --timeout 0          # LONG_SPANS=10000

Gone from every answer within 60 s; no byte left within 15 minutes (every file and every decompressed column is read), with a
certificate; and still gone after a restore of an older backup. Others go on sending meanwhile.
"""

# ruff: noqa: T201 the figures are what a person wants
from __future__ import annotations

import json
import os
import signal
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collector.broker import QUARANTINE_FOLDER, WITHHELD_FOLDER
from collector.pseudonym_key import ensure_keys
from collector.spool.keys import ensure_spool_keys
from collector.spool.sidestore import SideStore
from spans.ids import SpanId, TraceId
from store import open_store
from tests.builders import a_clean_span, a_span, an_origin
from tests.long.erased_everywhere import (
    OTHERS,
    PERSON,
    SEEN_S,
    UNREADABLE,
    WITHIN_S,
    WORDS,
    begin,
    erasures,
    is_there,
    printed,
    scan,
    sent,
    set_aside,
)
from tests.store.contract import tables_for
from tests.tracetape.running import Running, wait_for
from tracetape.folder import DataFolder

SPANS = int(os.environ.get("LONG_SPANS", "10000"))
DAYS = 30
PER_TRACE = 20
SIDE = 5
"""Records in quarantine, withheld and pending, each."""


def fill(folder: DataFolder, token: str) -> list[str]:
    """Thirty received days: the person's runs among as many of others."""
    store = open_store(folder.store_dsn())
    store.migrate()
    theirs = []
    now = datetime.now(UTC)
    for day in range(DAYS):
        received = now - timedelta(days=day)
        spans = []
        for number in range(SPANS // PER_TRACE // DAYS + 1):
            for who, text in ((1, f"{WORDS} wrote {token}"), (2, f"{OTHERS} wrote nobody")):
                trace = TraceId(f"{who:08x}{day:08x}{number:016x}")
                theirs += [trace] if who == 1 else []
                for n in range(PER_TRACE):
                    span = a_span(
                        trace_id=trace,
                        span_id=SpanId(f"{n + 1:016x}"),
                        parent_span_id=SpanId(f"{1:016x}") if n else None,
                        start_ns=int(received.timestamp() * 1e9),
                        end_ns=int(received.timestamp() * 1e9) + 1_000,
                        attributes={"gen_ai.input.messages": f"{text} {n} " + "x" * 300},
                    )
                    origin = an_origin(received_day=received.date(), received_ns=int(received.timestamp() * 1e9))
                    spans.append(a_clean_span(span, origin=origin))
        store.write_evidence(tables_for(*spans))
    store.close()
    return theirs


def test_a_person_with_ten_thousand_spans_is_erased_everywhere(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    ensure_spool_keys(folder.keys)
    ensure_keys(folder.keys)
    quarantined = [set_aside(folder, f"{WORDS} {PERSON} {n}", n + 1) for n in range(SIDE)]
    innocent = [set_aside(folder, f"{OTHERS} nobody {n}", n + 100) for n in range(SIDE)]
    running = Running(folder.root)
    token = running.cli("pseudonym", "--entity", "EMAIL_ADDRESS", said=PERSON).splitlines()[0].split()[0]
    theirs = fill(folder, token)
    print(f"\n{len(theirs) * PER_TRACE:,} spans of {token} on {DAYS} days, as many of others")
    stop = threading.Event()

    def others() -> None:
        while not stop.wait(0.5):
            with suppress(OSError):
                sent(running, f"{OTHERS} goes on")

    with running:
        for n in range(SIDE):
            sent(running, f"{WORDS} {UNREADABLE} {n}")
        running.settle(600)  # what was written into the folder is assembled first
        assert scan(running, tmp_path, WORDS, PERSON) == {WORDS}
        running.cli("export", "--out", str(tmp_path / "export"), timeout_s=600)
        running.cli("backup", "--out", str(tmp_path / "backup"), timeout_s=600)
        busy = threading.Thread(target=others, daemon=True)
        busy.start()
        workers = [pid for role, pid in running.children().items() if role.startswith("work")]
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        try:
            pending = [sent(running, f"{WORDS} wrote {PERSON} {n} again") for n in range(SIDE)]
            asked = time.monotonic()
            erase = begin(running, PERSON, "--person", "--entity", "EMAIL_ADDRESS")
            wait_for(lambda: not any(is_there(running, t) for t in theirs[:: len(theirs) // 30]), WITHIN_S, "unseen")
            unseen_s = time.monotonic() - asked
            print(f"unseen after {unseen_s:.1f} s")
        finally:
            for pid in workers:
                os.kill(pid, signal.SIGCONT)
        wait_for(
            lambda: erasures(running)[0]["bytes_gone_at"], WITHIN_S - (time.monotonic() - asked), "the certificate"
        )
        gone_s = time.monotonic() - asked
        stop.set()
        busy.join()
        done = printed(erase)
        print(json.dumps(done, indent=1))
        print(f"unseen after {unseen_s:.1f} s, no byte left after {gone_s:.1f} s")
        assert unseen_s <= SEEN_S
        assert done["removed_rows"]["spans"] >= SPANS
        assert done["removed_elsewhere"]["quarantined_items"] == 2 * SIDE
        assert done["removed_elsewhere"]["sealed_originals"] == SIDE
        assert done["removed_elsewhere"]["arrived_later"] == 2 * SIDE
        assert {one["what"] for one in done["left_before"]} == {"export", "backup"}
        assert not any(is_there(running, trace) for trace in (*pending, *theirs[::50]))
        assert {kept.name for kept in SideStore(folder.spool / QUARANTINE_FOLDER).list()} == set(innocent)
        assert set(quarantined).isdisjoint(innocent)
        assert SideStore(folder.spool / WITHHELD_FOLDER).list() == ()
        assert scan(running, tmp_path, token, PERSON, OTHERS) - {token} == {OTHERS}, (
            "the token stands in the certificate"
        )

    restored = Running(tmp_path / "fresh")
    restored.cli("restore", "--from", str(tmp_path / "backup"), "--erased-by", str(folder.root), timeout_s=WITHIN_S)
    with restored:
        restored.settle(300)
        assert not any(is_there(restored, trace) for trace in theirs[::50])
        wait_for(lambda: all(one["bytes_gone_at"] for one in erasures(restored)), WITHIN_S, "gone after the restore")
        assert scan(restored, tmp_path, PERSON, OTHERS) == {OTHERS}
