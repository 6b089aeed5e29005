from __future__ import annotations

import json
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from spans.errors import SettingsError
from spans.ids import RunId
from store import open_store
from store.api import ExportQuery, ExportTable
from tests.builders import a_clean_log, a_clean_span, a_step, a_trace_id, an_assembly
from tests.store.contract import tables_for
from tracetape.exporting import ExportFormat, export, verify

ALL = tuple(ExportTable)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = open_store(f"chdb://{tmp_path_factory.mktemp('export') / 'store'}")
    opened.migrate()
    for number in (1, 2, 3):
        own = {"trace_id": a_trace_id(number)}
        opened.write_evidence(tables_for(a_clean_span(**own, attributes={"long": "é" * 300}), a_clean_log(**own)))
        steps = (a_step(), a_step(ordinal=1))
        opened.write_derived([an_assembly(*steps, run_id=RunId(a_trace_id(number)), cost_usd=Decimal("0.1"))])
    yield opened
    opened.close()


@pytest.mark.parametrize("kind", list(ExportFormat))
def test_every_file_has_its_rows_and_checksum(store, tmp_path, kind):
    files = export(store, ExportQuery("default"), tmp_path / "out", kind, ALL)
    assert {file.table: file.rows for file in files} == {"runs": 3, "steps": 6, "spans": 3, "logs": 3}
    assert verify(tmp_path / "out") == ()
    runs = tmp_path / "out" / f"runs.{kind.value}"
    if kind is ExportFormat.PARQUET:
        rows = pq.read_table(runs).to_pylist()
        spans = pq.read_table(runs.with_name("spans.parquet")).to_pylist()
        assert dict(spans[0]["attributes"]) == {"long": json.dumps("é" * 300, ensure_ascii=False)}
    else:
        rows = [json.loads(line) for line in runs.read_text("utf-8").splitlines()]
        span = json.loads(runs.with_name("spans.jsonl").read_text("utf-8").splitlines()[0])
        assert span["attributes"]["long"]
        assert span["scope_attributes"] == {}  # an empty map is a map
    assert sorted(row["run_id"] for row in rows) == [str(a_trace_id(n)) for n in (1, 2, 3)]
    assert sum(Decimal(row["cost_usd"]) for row in rows) == Decimal("0.3")


def test_a_changed_or_missing_file_is_seen(store, tmp_path):
    export(store, ExportQuery("default"), tmp_path / "out", ExportFormat.JSONL, ALL)
    (tmp_path / "out" / "runs.jsonl").write_text("{}\n")
    (tmp_path / "out" / "logs.jsonl").unlink()
    assert len(verify(tmp_path / "out")) == 2
    assert verify(tmp_path) == (f"{tmp_path} has no readable manifest.json.",)


def test_an_export_never_writes_over_anything(store, tmp_path):
    (tmp_path / "mine").write_text("x")
    with pytest.raises(SettingsError, match="not empty"):
        export(store, ExportQuery("default"), tmp_path, ExportFormat.PARQUET, ALL)


def test_an_empty_project_gives_empty_files(store, tmp_path):
    files = export(store, ExportQuery("nobody"), tmp_path / "out", ExportFormat.PARQUET, ALL)
    assert [file.rows for file in files] == [0, 0, 0, 0]
    assert verify(tmp_path / "out") == ()
