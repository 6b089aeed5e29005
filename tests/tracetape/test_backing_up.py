from __future__ import annotations

import json
import threading
from types import SimpleNamespace

import pytest

from spans.errors import SettingsError
from spans.ids import RunId
from store import open_store
from store.api import RunQuery
from store.hours import HourQuery
from store.ledger import Ledger
from store.ledger.erasures import Subject
from tests.builders import a_clean_span, a_trace_id, an_assembly
from tests.store.contract import tables_for
from tracetape.backing_up import back_up, restore
from tracetape.folder import DataFolder


def write(store, number):
    store.write_evidence(tables_for(a_clean_span(trace_id=a_trace_id(number), status_message=f"canary {number}")))
    store.write_derived([an_assembly(run_id=RunId(a_trace_id(number)))])


@pytest.fixture
def house(tmp_path):
    folder = DataFolder(tmp_path / "data")
    folder.create()
    store, ledger = open_store(folder.store_dsn()), Ledger.open(folder.ledger_url())
    store.migrate()
    for number in range(1, 6):
        write(store, number)
    while store.roll_up():
        pass
    (folder.keys / "pseudonym.key").write_bytes(b"k" * 32)
    (folder.spool / "waiting.seg").write_bytes(b"sealed")
    yield SimpleNamespace(folder=folder, store=store, ledger=ledger, pump=SimpleNamespace(accounting=threading.Lock()))
    ledger.close()
    store.close()


def opened(tmp_path, name="elsewhere"):
    folder = DataFolder(tmp_path / name)
    folder.root.mkdir(parents=True, exist_ok=True)
    return folder


def test_a_backup_made_while_writing_goes_on_is_whole_and_erasures_are_repeated(house, tmp_path, monkeypatch):
    monkeypatch.setattr("store.clickhouse.keeping.Keeping.wait_for_bytes", lambda *_: None)
    stop, written = threading.Event(), []

    def go_on():
        for number in range(100, 200):
            if stop.is_set():
                return
            write(house.store, number)
            written.append(number)

    house.ledger.erasures.begin("default", Subject.RUN, str(a_trace_id(1)), [a_trace_id(1)], by="ann")
    thread = threading.Thread(target=go_on)
    thread.start()
    manifest = back_up(house, tmp_path / "backup")
    stop.set()
    thread.join()
    later = house.ledger.erasures.begin("default", Subject.RUN, str(a_trace_id(2)), [a_trace_id(2)], by="ann")

    house.store.close()  # the embedded engine opens one folder per process
    folder = opened(tmp_path)
    done = restore(tmp_path / "backup", folder, [later])
    assert done.rows == sum(sum(days.values()) for days in manifest["rows"].values())
    assert done.erased_rows > 0
    assert (folder.spool / "waiting.seg").read_bytes() == b"sealed"
    assert (folder.keys / "pseudonym.key").read_bytes() == b"k" * 32
    store = open_store(folder.store_dsn())
    found = {run.run_id for run in store.find_runs(RunQuery("default", limit=500)).rows}
    assert {RunId(a_trace_id(n)) for n in (3, 4, 5)} <= found
    assert not {RunId(a_trace_id(n)) for n in (1, 2)} & found, "what was erased came back"
    assert found <= {RunId(a_trace_id(n)) for n in (3, 4, 5, *written)}
    store.roll_up()
    assert sum(row.runs for row in store.hours(HourQuery("default"))) >= 3
    store.write_evidence(tables_for(a_clean_span(trace_id=a_trace_id(9))))
    store.close()


def test_a_damaged_backup_is_refused_before_anything_is_written(house, tmp_path):
    back_up(house, tmp_path / "backup")
    victim = next(path for path in (tmp_path / "backup" / "store").rglob("*") if path.is_file())
    victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    folder = opened(tmp_path)
    with pytest.raises(SettingsError, match="damaged"):
        restore(tmp_path / "backup", folder)
    assert not (folder.root / "store").exists()


def test_a_backup_of_a_newer_program_is_refused(house, tmp_path):
    back_up(house, tmp_path / "backup")
    path = tmp_path / "backup" / "backup.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(SettingsError, match="newer"):
        restore(tmp_path / "backup", opened(tmp_path))


def test_nothing_is_ever_written_over(house, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("mine")
    with pytest.raises(SettingsError, match="not empty"):
        back_up(house, tmp_path / "full")
    back_up(house, tmp_path / "backup")
    with pytest.raises(SettingsError, match="not empty"):
        restore(tmp_path / "backup", house.folder)


def test_what_is_no_backup_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="no backup"):
        restore(tmp_path, opened(tmp_path))
