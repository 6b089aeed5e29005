"""What merges do to what was accepted: a power cut may come between a merge and the moment its sources are removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from store.api import DERIVED_TABLES, EVIDENCE_TABLES
from store.clickhouse.store import ClickHouseStore
from tests.builders import a_clean_span, a_trace_id
from tests.store.contract import tables_for


@pytest.fixture
def store(tmp_path):
    opened = ClickHouseStore.open(f"chdb://{tmp_path / 'store'}")
    opened.migrate()
    yield opened
    opened.close()


def synced(store) -> int:
    rows = store._engine.select("SELECT value FROM system.events WHERE event = 'FileSync'")
    return int(rows[0]["value"]) if rows else 0


def test_a_merged_part_is_on_the_disk_before_its_sources_may_go(store):
    for number in (1, 2):
        store.write_evidence(tables_for(a_clean_span(trace_id=a_trace_id(number))))
    before = synced(store)
    store._engine.change("OPTIMIZE TABLE spans FINAL", what="Merging")
    parts = store._engine.select(
        "SELECT active, rows FROM system.parts WHERE table = 'spans' AND database = currentDatabase()"
    )
    assert sorted((bool(part["active"]), part["rows"]) for part in parts) == [(False, 1), (False, 1), (True, 2)]
    assert synced(store) > before


def test_every_table_syncs_its_merges(store):
    rows = store._engine.select(
        "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    )
    tables = {row["name"]: row["engine_full"] for row in rows if row["name"] != "schema_version"}
    assert set(tables) > {*EVIDENCE_TABLES, *DERIVED_TABLES}
    for name, settings in tables.items():
        assert "min_rows_to_fsync_after_merge = 1" in settings, name


def test_freed_memory_goes_back_to_the_system(store):
    """The allocator gives pages back by itself after five seconds, so a slow machine gets several tries."""
    saved = []
    for _ in range(5):
        store._engine.select(
            "SELECT length(groupArray(toString(number))) AS n FROM numbers(2000000)", what="Using memory"
        )
        before = resident()
        store.release_memory()
        saved.append(before - resident())
    assert max(saved) > 10 << 20, saved


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
