"""Quarantine verbs and metrics: on a folder nobody holds and through the control socket, with exact counts."""

from __future__ import annotations

import json
import time

import pytest
from typer.testing import CliRunner

from collector.spool.format import Payload, RecordHead, Signal
from collector.spool.keys import ensure_spool_keys, load_seal_key
from spans.errors import HouseError
from tests.collector.helpers import traces
from tracetape.cli import app
from tracetape.control import ControlServer
from tracetape.folder import DataFolder, FolderLock, write_status
from tracetape.house import House
from tracetape.metrics import PREFIX, metrics_of
from tracetape.settings import ServeSettings
from tracetape.verbs import VERBS


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACETAPE_STORE", "memory://")
    folder = DataFolder(tmp_path)
    folder.create()
    ensure_spool_keys(folder.keys)
    made = House.open(ServeSettings(data=tmp_path, store="memory://"), folder, lambda _phase: None)
    yield made
    made.ledger.close()


def set_aside(house: House, slot: int, items: int = 2) -> str:
    quarantine = house.broker.quarantine
    head = RecordHead(slot, Signal.SPANS, items, "default", time.time_ns() + slot, 0)
    payload = Payload(traces(*"ab"[:items]).SerializeToString())
    kept = quarantine.put(f"{slot:016x}-00000000", head, payload, "It failed.", load_seal_key(house.folder.keys))
    house.ledger.slots.settle([quarantine.row(kept)])
    return kept.name


def cli(house: House, *words: str) -> str:
    done = CliRunner().invoke(app, ["quarantine", *words, "--data", str(house.folder.root)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def work_through(house: House) -> None:
    first, second = set_aside(house, 1), set_aside(house, 2)
    assert [line.split()[0] for line in cli(house, "list").splitlines()] == [first, second]
    assert "2 items are on their way" in cli(house, "redrive", first)
    assert (house.folder.spool / f"{first}.seg").exists()
    assert "2 items were destroyed" in cli(house, "drop", second)
    with pytest.raises(HouseError, match="quarantine list"):
        cli(house, "drop", second)
    totals = house.ledger.slots.totals()["spans"]
    assert (totals.quarantined, totals.dropped_by_person) == (0, 2)


def test_records_are_listed_driven_again_and_dropped_without_a_server(house):
    work_through(house)


def test_records_are_listed_driven_again_and_dropped_through_a_running_server(house):
    lock = FolderLock(house.folder)
    lock.acquire()
    server = ControlServer(house.folder.control_socket, house, VERBS)
    server.start()
    try:
        work_through(house)
    finally:
        server.stop()
        lock.release()


def test_driving_all_again_needs_the_word_all(house):
    set_aside(house, 1)
    set_aside(house, 2)
    with pytest.raises(HouseError, match="--all"):
        cli(house, "redrive")
    assert "4 items" in cli(house, "redrive", "--all")


def test_who_did_it_is_on_record(house):
    name = set_aside(house, 1)
    cli(house, "drop", name)
    assert any(entry.target == name for entry in house.ledger.audit.list(10))


def test_metrics_state_the_conservation_law_and_no_word_of_a_sender(house):
    set_aside(house, 1)
    status = {
        "refused_by": {"spans 503": 7},
        "answers": {"http 200": 3, "http 401": 2, "grpc UNAUTHENTICATED": 1},
        "took_s": {"http": 0.5, "grpc": 0.25},
        "arrivals": [{"user_agent": "canary-agent"}],
        "spool": {"last_sync_ms": 2.5, "records": 8, "groups": 2, "refusal": "canary"},
    }
    write_status(house.folder.receiver_status, status)
    text = metrics_of(house)
    assert f"{PREFIX}conservation_gap_spans 0.0\n" in text
    assert f"{PREFIX}worker_quarantined_spans 2.0\n" in text
    assert f'{PREFIX}receiver_refused_spans_total{{reason="503"}} 7.0\n' in text
    assert f'{PREFIX}receiver_requests_total{{code="200",transport="http"}} 3.0\n' in text
    assert f"{PREFIX}spool_fsync_seconds 0.0025\n" in text
    assert f"{PREFIX}spool_group_size 4.0\n" in text
    assert f"{PREFIX}receiver_request_seconds_sum 0.75\n" in text
    assert f"{PREFIX}receiver_request_seconds_count 6.0\n" in text
    assert f'{PREFIX}auth_failures_total{{kind="wrong or missing key"}} 3.0\n' in text
    assert "canary" not in text
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    assert json.dumps(text)


NAMED = """receiver_accepted_spans_total receiver_refused_spans_total receiver_request_seconds spool_bytes spool_capacity_bytes
spool_oldest_age_seconds spool_fsync_seconds spool_group_size spool_corrupt_records_total worker_redacted_spans_total
worker_quarantined_spans_total worker_redaction_seconds redaction_unprocessed_total store_inserted_spans_total
store_insert_seconds store_insert_failures_total store_active_parts retention_oldest_row_age_seconds audit_entries_total
auth_failures_total conservation_gap_spans"""


def test_every_metric_that_alerts_are_written_for_is_there(house):
    """The names are a promise: people's alerts carry over from the collector's."""
    house.set_aside["spans", "It failed."] += 2
    house.ledger.audit.append("somebody", "search")
    text = metrics_of(house)
    assert {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")} >= {
        f"{PREFIX}{name}" for name in NAMED.split()
    }
    assert f'{PREFIX}worker_quarantined_spans_total{{reason="It failed."}} 2.0\n' in text
    assert f"{PREFIX}audit_entries_total 1.0\n" in text
