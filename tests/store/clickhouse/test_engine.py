from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from urllib.parse import quote

import pytest

from spans.errors import BusyError, SettingsError
from store import open_store
from store.clickhouse.address import parse_address
from store.clickhouse.engine import POOLS, Engine
from tests.builders import TRACE, a_clean_span
from tests.store.clickhouse_server import PASSWORD, USER, a_server
from tests.store.contract import StoreContract, tables_for


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with a_server(tmp_path_factory.mktemp("server") / "data") as (port, _process):
        yield port


def dsn(port, password=PASSWORD, database="tracetape"):
    return f"clickhouse://{USER}:{quote(password, safe='')}@127.0.0.1:{port}/{database}"


@pytest.fixture(scope="module")
def store(server):
    opened = open_store(dsn(server))
    opened.migrate()
    yield opened
    opened.close()


class TestNetworkedStore(StoreContract):
    pass


def test_two_clients_see_each_others_rows(server, store):
    other = open_store(dsn(server))
    other.migrate()
    other.write_evidence(tables_for(a_clean_span(project="shared")))
    assert len(store.read_evidence("shared", TRACE).spans) == 1
    other.close()


def test_a_wrong_password_is_a_clear_sentence_without_it(server):
    with pytest.raises(SettingsError, match="refuses this user") as caught:
        open_store(dsn(server, password="wrong-one"))
    assert "wrong-one" not in str(caught.value)


def test_a_missing_database_is_created(server):
    opened = open_store(dsn(server, database="second"))
    opened.migrate()
    assert opened.projects() == ()
    opened.close()


def test_a_server_that_is_away_is_busy_then_works_again(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(BusyError, match="cannot be reached"):
        open_store(dsn(port))
    folder = tmp_path / "data"
    with a_server(folder, port):
        opened = open_store(dsn(port))
        opened.migrate()
        opened.write_evidence(tables_for(a_clean_span()))
    with pytest.raises(BusyError):
        opened.write_evidence(tables_for(a_clean_span()))
    with pytest.raises(BusyError):
        opened.read_evidence("default", TRACE)
    with a_server(folder, port):
        opened.write_evidence(tables_for(a_clean_span()))
        assert len(opened.read_evidence("default", TRACE).spans) == 1
        opened.close()


def test_readers_cannot_write_nor_read_files(server):
    engine = Engine.open(parse_address(dsn(server)))
    for sql in (
        "INSERT INTO schema_version (version) VALUES (9)",
        "DROP TABLE spans",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT 1 SETTINGS max_execution_time = 1000",
    ):
        with pytest.raises(Exception, match=r"(?i)readonly|read.only|not allowed|access"):
            engine.select(sql)
    engine.close()


def test_a_query_beyond_its_cap_is_busy_with_advice(server, monkeypatch):
    monkeypatch.setitem(POOLS, "page", POOLS["page"].__class__(1, 1, POOLS["page"].memory_bytes, 0.2))
    engine = Engine.open(parse_address(dsn(server)))
    slow = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"

    def hold():
        with pytest.raises(BusyError):
            engine.select(slow)

    holder = threading.Thread(target=hold)
    holder.start()
    time.sleep(0.3)
    with pytest.raises(BusyError, match="all 1 readers"):
        engine.select("SELECT 1")
    holder.join()
    with pytest.raises(BusyError, match="Reading took longer than its time limit"):
        engine.select(slow)
    assert engine.select("SELECT 1 AS one") == [{"one": 1}]
    engine.close()


def test_a_query_beyond_its_memory_is_busy(server, monkeypatch):
    monkeypatch.setitem(POOLS, "page", POOLS["page"].__class__(1, 10, 10_000_000, 1))
    engine = Engine.open(parse_address(dsn(server)))
    with pytest.raises(BusyError, match="more memory than its limit"):
        engine.select("SELECT groupArray(toString(number)) FROM numbers(3000000)")
    engine.close()


def test_a_closed_store_is_busy_not_broken(server):
    opened = open_store(dsn(server))
    opened.projects()
    opened.close()
    opened.close()
    with pytest.raises(BusyError, match="closing"):
        opened.projects()


def other_process(*words, **streams):
    command = [sys.executable, "-m", "tests.store.other_process", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **streams)


def test_a_folder_in_use_is_a_clear_sentence(tmp_path):
    address = f"chdb://{tmp_path / 'held'}"
    holder = other_process("hold", address, stdin=subprocess.PIPE)
    assert holder.stdout.readline() == "open\n"
    second, _ = other_process("hold", address, stdin=subprocess.DEVNULL).communicate(timeout=60)
    assert "another process may be using it" in second
    holder.communicate("", timeout=60)


def test_a_folder_that_cannot_be_made_is_a_clear_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match="cannot be used"):
        open_store(f"chdb://{tmp_path / 'file' / 'store'}")


@pytest.mark.crash
def test_kill_9_while_inserting_loses_and_doubles_nothing(tmp_path):
    address, done = f"chdb://{tmp_path / 'store'}", 0
    for round_ in range(4):
        process = other_process("write", address, done)
        last = done - 1
        for line in process.stdout:
            last = int(line)
            if last >= done + 3 * (1 + round_):
                break
        time.sleep(0.007 * round_)
        process.kill()
        rest = process.stdout.read().split()
        process.communicate()
        done = max([last, *map(int, rest)]) + 1
    said, _ = other_process("check", address, done).communicate(timeout=120)
    assert said == "whole\n"
    assert done >= 30
    assert list((tmp_path / "store" / "inserts").iterdir()) == []
