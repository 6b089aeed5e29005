from __future__ import annotations

import itertools
import re
import time

import pytest

from spans.errors import BusyError
from spans.ids import RunId
from store import open_store
from store.clickhouse.sql import statement
from store.survivors import Survivors
from tests.builders import DAY, a_clean_span, a_trace_id, an_assembly
from tests.store.contract import tables_for


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"chdb://{tmp_path / 'store'}")
    opened.migrate()
    for number in (1, 2):
        span = a_clean_span(trace_id=a_trace_id(number), status_message=f"canary {number}")
        opened.write_evidence(tables_for(span))
        opened.write_derived([an_assembly(run_id=RunId(a_trace_id(number)), user_id=f"canary {number}")])
    yield opened
    opened.close()


def parts(store, number):
    """Parts on disk, active or not, whose rows hold the canary: read out of the engine's own list of parts."""
    rows = store._engine.select(
        "SELECT count() AS n FROM system.parts WHERE database = currentDatabase() AND NOT active AND rows > 0 "
        "AND table IN ('spans', 'span_contents', 'logs', 'facts', 'runs', 'steps')"
    )
    return rows[0]["n"], store.find_traces("default", f"canary {number}")


@pytest.mark.slow
def test_an_erasure_returns_when_no_file_holds_the_bytes(store):
    store.erase("default", [a_trace_id(1)])
    assert parts(store, 1) == (0, ())
    assert store.find_traces("default", "canary 2") == (a_trace_id(2),)


def test_an_erasure_whose_bytes_do_not_go_says_so(store):
    store.erase("default", [a_trace_id(1)], wait=False)
    with pytest.raises(BusyError, match="old files"):
        store._keeping.wait_for_bytes(timeout_s=0.0)
    assert store.find_traces("default", "canary 1") == ()


@pytest.mark.slow
def test_what_a_busy_store_merges_afterwards_does_not_hold_up_an_erasure(store):
    store.erase("default", [a_trace_id(1)], wait=False)
    gone_s = time.time()
    assert not store.old_bytes_gone(gone_s)
    time.sleep(2.1)  # the engine tells such moments in whole seconds
    until, numbers = time.monotonic() + 300, itertools.count(3)
    gone = False
    while not gone:
        assert time.monotonic() < until
        store.write_evidence(tables_for(a_clean_span(trace_id=a_trace_id(next(numbers)), status_message="x")))
        store._engine.change("OPTIMIZE TABLE spans FINAL", what="Merging")
        gone = store.old_bytes_gone(gone_s)
        assert not store.old_bytes_gone(time.time()), "the control: what was merged just now lies there"
        time.sleep(0.5)


def test_what_a_backup_froze_is_an_old_file_too_and_one_that_was_cut_short_is_removed_at_the_next_opening(store):
    gone_s = time.time()
    shadow = store._engine.folder() / "shadow"
    for name, is_before in ((f"tracetape_{int((gone_s + 60) * 1e9)}", False), (f"tracetape_{int(gone_s * 1e9)}", True)):
        (shadow / name / "store").mkdir(parents=True)
        assert store.old_bytes_gone(gone_s) is not is_before
    store.migrate()
    assert list(shadow.iterdir()) == []
    assert store.old_bytes_gone(gone_s)


def test_a_copy_that_is_not_complete_drops_nothing(store, monkeypatch):
    engine, change = store._engine, store._engine.change

    def half(sql, params=None, *, what):
        change(sql.replace("WHERE", "WHERE false AND") if what.startswith("Copying") else sql, params, what=what)

    monkeypatch.setattr(engine, "change", half)
    survivors = Survivors(pinned=frozenset({("default", a_trace_id(1))}))
    with pytest.raises(BusyError, match="nothing was dropped"):
        store.drop_day(DAY, survivors)
    assert len(store.read_evidence("default", a_trace_id(1)).spans) == 1
    assert len(store.read_evidence("default", a_trace_id(2)).spans) == 1
    monkeypatch.undo()
    assert store.drop_day(DAY, survivors)["spans"] == 1
    assert store.read_run("default", a_trace_id(1)) is not None


@pytest.mark.parametrize("dies_before", ["staging_fill", "staging_swap", "after the swap"])
def test_a_crash_anywhere_in_the_swap_can_be_repeated(store, monkeypatch, dies_before):
    change = store._engine.change
    marks = {"staging_fill": "Copying", "staging_swap": "Dropping", "after the swap": "Clearing"}
    seen = []

    def dying(sql, params=None, *, what):
        hits = what.startswith(marks[dies_before]) and (dies_before != "after the swap" or "Dropping" in str(seen))
        seen.append(what)
        if hits:
            raise BusyError("power cut")
        change(sql, params, what=what)

    survivors = Survivors(pinned=frozenset({("default", a_trace_id(1))}))
    monkeypatch.setattr(store._engine, "change", dying)
    with pytest.raises(BusyError):
        store.drop_day(DAY, survivors)
    monkeypatch.undo()
    store.drop_day(DAY, survivors)
    assert len(store.read_evidence("default", a_trace_id(1)).spans) == 1
    assert store.read_evidence("default", a_trace_id(2)).spans == ()
    assert store.read_run("default", a_trace_id(2)) is None


NO_TEXT = {
    "project": "of the installation", "trace_id": "an id", "span_id": "an id", "parent_span_id": "an id", "log_id": "an id",
    "run_id": "an id", "segment": "an id of ours", "content_hash": "a digest", "fingerprint": "a digest", "key_id": "an id of ours",
    "marks": "words of ours", "redaction": "a word of ours", "notes": "kinds and places of what was hidden, never a value",
    "source": "a word of ours", "mode": "a word of ours", "shape": "a word of ours", "status": "a word of ours",
    "outcome": "a word of ours", "dialects": "words of ours", "measure_names": "words of ours", "measure_flags": "words of ours",
    "entities": "kinds of what was hidden", "cost_classes": "words of ours",
}  # fmt: skip
"""Column → why no person's pseudonym can stand there."""


def test_an_erasure_searches_every_column_in_which_a_sender_can_write(store):
    """A new column is either searched, or named above with its reason."""
    searched = statement("traces_naming")
    for table in ("spans", "span_contents", "logs", "facts", "runs"):
        own = re.search(rf"FROM {table}\n(.*?)(UNION ALL|\n\)\n)", searched, re.DOTALL)
        rows = store._engine.select(
            "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {t:String}"
            " AND default_kind != 'ALIAS' AND position(type, 'String') > 0",
            {"t": table},
        )
        texts = {str(row["name"]): str(row["type"]) for row in rows}
        for name, kind in texts.items():
            if name in NO_TEXT or (table == "runs" and name == "traces"):
                continue
            pattern = rf"mapKeys\({name}\)" if kind.startswith("Map") else rf"\b{name}\b"
            assert re.search(pattern, own[1]), f"{table}.{name} is not searched when a person is erased"
