"""O8 on real processes: a backup while two projects send, restored on an empty machine; then every span of before is there once."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from spans.ids import TraceId
from store import open_store
from store.ledger import Ledger
from store.ledger.erasures import Subject
from tests.tracetape.running import Running, wait_for
from tests.tracetape.test_crash import SPANS, a_batch
from tracetape.folder import DataFolder

pytestmark = [pytest.mark.slow, pytest.mark.crash]

PROJECTS = ("orders", "claims")
ENOUGH = 25
"""Acknowledged batches per project before the backup begins."""


class Tenant:
    """Sends as one project until told to stop, and remembers what was acknowledged and when."""

    def __init__(self, running: Running, project: str) -> None:
        self.endpoint = running.http
        self.project = project
        self.key = running.cli("keys", "create", "--project", project, "--role", "ingest", "--name", "sender")
        self.viewer = running.cli("keys", "create", "--project", project, "--role", "viewer", "--name", "reader")
        self.acked: dict[str, float] = {}
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._loop, daemon=True)

    def _loop(self) -> None:
        head = {"Content-Type": "application/x-protobuf", "Authorization": f"Bearer {self.key}"}
        while not self.stop.is_set():
            trace, body = a_batch()
            request = urllib.request.Request(f"{self.endpoint}/v1/traces", body, head)
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    if answer.status == 200:
                        self.acked[trace] = time.monotonic()
            except OSError:
                time.sleep(0.1)
            time.sleep(0.02)

    def span_ids(self, running: Running, trace: str) -> list[str]:
        """Of one trace, as a page would list them; empty when it is not there."""
        try:
            found = running.api_with(self.viewer, f"/api/v1/runs/{trace}")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return []
        return [span["span_id"] for span in found["data"]["spans"]]


@pytest.mark.timeout(900)
def test_o8_a_backup_while_ingesting_is_whole_on_an_empty_machine(tmp_path: Path) -> None:
    backup, empty = tmp_path / "backup", tmp_path / "empty"
    with Running(tmp_path / "data") as running:
        tenants = [Tenant(running, project) for project in PROJECTS]
        for tenant in tenants:
            tenant.thread.start()
        wait_for(lambda: all(len(t.acked) >= ENOUGH for t in tenants), 120, "enough acknowledged")
        began = time.monotonic()
        running.cli("backup", "--out", str(backup))
        ended = time.monotonic()
        wait_for(lambda: all(max(t.acked.values()) > ended for t in tenants), 60, "sending went on")
        for tenant in tenants:
            tenant.stop.set()
            tenant.thread.join(30)
        meanwhile = sum(began < at < ended for t in tenants for at in t.acked.values())
        assert meanwhile, "nothing was sent while the backup was made"
        erased = next(iter(tenants[0].acked))
        running.settle()
    ledger = Ledger.open(DataFolder(tmp_path / "data").ledger_url())
    # The tombstone is written first, and is all that a restore needs of an erasure.
    ledger.erasures.begin(PROJECTS[0], Subject.RUN, erased, [TraceId(erased)], by="tests")
    ledger.close()

    restored = Running(empty)
    said = restored.cli("restore", "--from", str(backup), "--erased-by", str(tmp_path / "data"), timeout_s=600)
    assert "the access log's chain holds" in said
    manifest = json.loads((backup / "backup.json").read_text())
    folder = DataFolder(empty)
    store, ledger = open_store(folder.store_dsn()), Ledger.open(folder.ledger_url())
    assert ledger.audit.first_broken() is None
    by_project = store.stored_rows()["spans"]
    store.close()
    ledger.close()
    expected = dict.fromkeys(PROJECTS, 0)
    for place, rows in manifest["rows"]["spans"].items():
        expected[place.split()[0]] += rows
    if "erased again" in said:  # it was stored, not still in the spool, when the backup was made
        expected[PROJECTS[0]] -= SPANS
    assert {project: by_project.get(project, 0) for project in PROJECTS} == expected

    with restored:
        settled = restored.settle(120)
        assert settled["spans"]["acked"] == settled["spans"]["stored"] + settled["spans"]["quarantined"]
        assert settled["spans"]["quarantined"] == 0
        for tenant in tenants:
            for trace in [trace for trace, at in tenant.acked.items() if at < began]:
                ids = tenant.span_ids(restored, trace)
                if trace == erased:
                    assert ids == [], "what was erased came back"
                else:
                    assert len(ids) == len(set(ids)) == SPANS, trace
