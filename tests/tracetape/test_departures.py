from __future__ import annotations

import itertools

import pytest

from store.ledger import Ledger
from store.ledger.forwards import Done, ForwardRecord
from store.memory import MemoryStore
from tests.builders import a_clean_span, a_span, a_trace_id, an_origin
from tests.store.contract import tables_for
from tracetape.departures import departures

TRACE = a_trace_id(1)


@pytest.fixture
def ledger(tmp_path):
    moments = itertools.count(2_000)
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}", clock=lambda: next(moments))
    yield opened
    opened.close()


@pytest.fixture
def store():
    kept = MemoryStore()
    span = a_span(trace_id=TRACE, start_ns=1_000, end_ns=1_001)
    kept.write_evidence(tables_for(a_clean_span(span, origin=an_origin(received_ns=1_500))))
    return kept


def left(store, ledger, *traces, url=""):
    found = departures(store, ledger, "default", traces or (TRACE,), url)
    return [(d.what, d.rows, d.certain) for d in found]


def test_an_export_that_covers_them_held_them_and_says_who_when_and_how_many_rows(store, ledger):
    began = ledger.audit.append("ann", "export", "files", {"folder": "out", "since_ns": "500"}, "default")
    detail = {"entry": str(began.entry_id), "rows": "12"}
    ledger.audit.append("ann", "export", "files written", detail, "default")
    (found,) = departures(store, ledger, "default", [TRACE])
    assert (found.what, found.by, found.at_ns, found.rows, found.certain) == ("export", "ann", began.time_ns, 12, True)
    assert found.detail == {"folder": "out", "since_ns": "500", "target": "files"}


@pytest.mark.parametrize("detail", [{"until_ns": "1000"}, {"since_ns": "1001"}])
def test_an_export_of_another_time_did_not(store, ledger, detail):
    ledger.audit.append("ann", "export", "files", detail, "default")
    assert left(store, ledger) == []


def test_an_export_of_another_project_did_not(store, ledger):
    ledger.audit.append("ann", "export", "files", {}, "other")
    assert left(store, ledger) == []


def test_a_list_that_was_downloaded_may_have_held_them_and_a_run_surely_did(store, ledger):
    ledger.audit.append("ann", "export", "", {"runs": "50", "format": "csv"}, "default")
    ledger.audit.append("ann", "export", str(TRACE), {"as": "html"}, "default")
    ledger.audit.append("ann", "export", str(a_trace_id(2)), {"as": "html"}, "default")
    assert left(store, ledger) == [("export", None, False), ("export", None, True)]


def test_a_backup_of_the_house_held_them(store, ledger):
    ledger.audit.append("command line", "export", "backup", {"folder": "b"})
    assert left(store, ledger) == [("backup", None, True)]


def test_spans_that_were_forwarded_since_may_have_been_theirs(store, ledger):
    assert left(store, ledger, url="https://other.example/v1/traces") == []
    ledger.forwards.append([ForwardRecord("s", 1, "default", (TRACE,), 1, 1)])
    ledger.forwards.advance("spans", Done(1, 1))
    (found,) = departures(store, ledger, "default", [TRACE], "https://other.example/v1/traces")
    assert (found.what, found.detail, found.certain) == (
        "forwarded",
        {"signal": "spans", "destination": "other.example"},
        False,
    )


def test_of_what_was_never_stored_nothing_left(store, ledger):
    ledger.audit.append("ann", "export", "files", {}, "default")
    assert left(store, ledger, a_trace_id(9)) == []
