from __future__ import annotations

import time
from contextlib import closing

import pytest

import store.clickhouse.schema as schema_module
from spans.errors import SettingsError
from store.clickhouse.address import parse_address
from store.clickhouse.engine import Engine
from store.clickhouse.schema import migrate
from store.clickhouse.sql import schema_files


@pytest.fixture
def engine(tmp_path):
    with closing(Engine.open(parse_address(f"chdb://{tmp_path / 'store'}"))) as opened:
        yield opened


def tables(engine):
    return {row["name"] for row in engine.select("SELECT name FROM system.tables WHERE database = 'tracetape'")}


def test_it_makes_every_table(engine):
    migrate(engine)
    hours = {"hour_marks", "hourly_runs", "hourly_calls", "survivors", "gone_traces"}
    assert tables(engine) == {"spans", "span_contents", "logs", "facts", "runs", "steps", "schema_version", *hours}


def test_it_resumes_after_a_crash_at_every_statement(engine, monkeypatch):
    change, countdown = engine.change, 0

    class PowerCutError(Exception):
        pass

    def failing(sql, params=None, *, what):
        nonlocal countdown
        countdown -= 1
        if countdown < 0:
            raise PowerCutError
        change(sql, params, what=what)

    crashes = 0
    monkeypatch.setattr(engine, "change", failing)
    for allowed in range(50):
        countdown = allowed
        try:
            migrate(engine)
        except PowerCutError:
            crashes += 1
        else:
            break
    assert crashes >= 3
    assert engine.select("SELECT max(version) AS v FROM schema_version") == [{"v": len(schema_files())}]


def test_runs_written_anew_are_all_there_wherever_it_was_cut_short(engine, monkeypatch):
    """Schema 0016 writes the table of runs anew; a copy that is not whole never takes its place."""
    migrate(engine, up_to=15)
    for day in (1, 2, 3):
        engine.change(
            "INSERT INTO runs (project, run_id, version, partition_day, name) "
            f"SELECT 'p', toString(number), 1, toDate('2026-05-0{day}'), 'a run' FROM numbers({day} * 700)",
            what="test",
        )
    change, left = engine.change, 0

    def dying(sql, params=None, *, what):
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        change(sql, params, what=what)

    counted = "SELECT count() AS n, uniqExact(partition_day, run_id) AS ids FROM runs"
    whole = engine.select(counted)
    monkeypatch.setattr(engine, "change", dying)
    deaths = 0
    for allowed in range(20):
        left = allowed
        try:
            migrate(engine)
        except KeyboardInterrupt:
            deaths += 1
            assert engine.select(counted) == whole
        else:
            break
    assert deaths > 5
    assert engine.select(counted) == whole
    made = engine.select("SELECT engine_full AS e FROM system.tables WHERE name = 'runs' AND database = 'tracetape'")[
        0
    ]["e"]
    assert "index_granularity = 512" in made
    assert "fsync_after_insert" not in made
    assert "runs_next" not in tables(engine)


def test_a_newer_schema_is_refused_with_what_to_do(engine):
    migrate(engine)
    engine.change("INSERT INTO schema_version (version, name) VALUES (99, 'later')", what="test")
    with pytest.raises(SettingsError, match=r"schema 99.*update tracetape"):
        migrate(engine)


def test_an_applied_file_is_not_run_again(engine, monkeypatch):
    migrate(engine)
    monkeypatch.setattr(
        schema_module, "schema_files", lambda: tuple((n, name, ("BROKEN",)) for n, name, _ in schema_files())
    )
    migrate(engine)


def test_the_engine_keeps_no_logs_of_its_own(engine):
    migrate(engine)
    engine.select("SELECT 1")
    rows = engine.select(
        "SELECT name FROM system.tables WHERE database = 'system' AND engine IN ('MergeTree', 'Log', 'StripeLog')"
    )
    assert rows == []


def test_every_table_that_receives_evidence_is_fsynced(engine):
    migrate(engine)
    rows = engine.select("SELECT name, create_table_query AS made FROM system.tables WHERE database = 'tracetape'")
    synced = {row["name"] for row in rows if "fsync_after_insert = 1, fsync_part_directory = 1" in row["made"]}
    assert synced == {"spans", "span_contents", "logs", "facts", "schema_version"}


def test_a_quiet_day_of_a_derived_table_becomes_one_part(engine):
    """So that reading newest versions (FINAL) costs nothing on days that are over; evidence stays as it is."""
    migrate(engine)
    sql = "SELECT name FROM system.tables WHERE database = 'tracetape' AND create_table_query LIKE '%min_age_to_force_merge_on_partition_only = 1%'"
    assert {row["name"] for row in engine.select(sql)} == {"runs", "steps", "hour_marks", "hourly_runs", "hourly_calls"}
    engine.change("ALTER TABLE runs MODIFY SETTING min_age_to_force_merge_seconds = 1", what="test")
    for version in (1, 2):
        row = f"INSERT INTO runs (project, run_id, version, partition_day) VALUES ('p', 'r', {version}, '2026-05-01')"
        engine.change(row, what="test")
    parts = "SELECT name, rows FROM system.parts WHERE active AND table = 'runs'"
    deadline = time.monotonic() + 60
    while len(found := engine.select(parts)) > 1:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    assert found[0]["rows"] == 1
