"""S5: nothing that anybody can type becomes SQL: values travel beside the statement, never inside it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from spans.errors import RefusedError
from store import open_store
from store.api import RunQuery
from store.clickhouse.engine import Engine
from store.judged import AttemptQuery
from tests.builders import NOW_NS, SECOND_NS, an_assembly

MARK = "qx7injected"
"""Stands in every string, so that it is found wherever one of them went."""
CORES = (
    "1 OR 1=1",
    "1; DROP TABLE runs",
    "1 UNION ALL SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "1 UNION ALL SELECT * FROM url('http://127.0.0.1:9/', 'LineAsString')",
    "1 UNION ALL SELECT * FROM executable('id', 'LineAsString', 'x String')",
    "1) FORMAT JSON SETTINGS readonly = 0",
    "sleepEachRow(3)",
    "{p1:String}",
    "${x} %(x)s :x ? $1",
    "toString(currentUser())",
    "x' INTO OUTFILE '/tmp/x",
    "ALTER TABLE spans DELETE WHERE 1",
    "project = 'other'",
)
OPENINGS = (
    "",
    "'",
    '"',
    "`",
    "\\'",
    "')",
    "'))",
    "''",
    "\u2019",
    "\u02bc",
    "\x00'",
    "%27",
    "\\x27",
    "/*",
    "' --",
    "';",
)
CLOSINGS = ("", " --", "#", "/*", "'", "\n")
STRINGS = [f"{MARK}{a}{core}{b}" for core in CORES for a in OPENINGS for b in CLOSINGS][::2]
TEXTS = (
    "environment",
    "workflow",
    "version",
    "agent",
    "service",
    "mode",
    "status",
    "outcome",
    "session",
    "user",
    "model",
    "tool",
    "tag",
    "text",
)
GROUPED = ("workflow", "version", "agent", "service", "session", "user", "model", "tool", "tag")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = open_store(f"chdb://{tmp_path_factory.mktemp('injected') / 'store'}")
    opened.migrate()
    for project in ("mine", "other"):
        opened.write_derived([an_assembly(project=project, workflow="w", cost_usd=Decimal(1))])
    yield opened
    opened.close()


@pytest.fixture
def said(monkeypatch) -> list[str]:
    """The text of every statement that reaches the engine."""
    heard: list[str] = []
    real = Engine.select

    def listen(self, sql, params=None, **options):
        heard.append(sql)
        return real(self, sql, params, **options)

    monkeypatch.setattr(Engine, "select", listen)
    return heard


QUERY = RunQuery("mine", since_ns=NOW_NS - SECOND_NS, until_ns=NOW_NS + SECOND_NS)


def test_there_are_five_hundred_of_them():
    assert len(set(STRINGS)) >= 500


@pytest.mark.timeout(900)
def test_no_string_finds_anything_or_enters_a_statement(store, said):
    """Each string in one filter, the filters in turn; all of them change nothing, and another project stays invisible."""
    assert len(store.find_runs(QUERY).rows) == 1
    for number, string in enumerate(STRINGS):
        field = TEXTS[number % len(TEXTS)]
        assert store.find_runs(replace(QUERY, **{field: string})).rows == (), (field, string)
    for string in STRINGS[::25]:
        assert store.find_runs(replace(QUERY, attributes={string: string})).rows == ()
        assert store.find_runs(replace(QUERY, shape=(string,))).rows == ()
        assert store.totals(replace(QUERY, workflow=string, text=string)).runs == 0
    assert len(said) > len(STRINGS)
    assert [sql for sql in said if MARK in sql] == []
    assert len(store.find_runs(QUERY).rows) == len(store.find_runs(replace(QUERY, project="other")).rows) == 1


@pytest.mark.timeout(900)
def test_no_string_enters_the_other_questions(store, said):
    for number, string in enumerate(STRINGS[::60]):
        field = TEXTS[number % (len(TEXTS) - 1)]
        own = replace(QUERY, **{field: string})
        assert store.fleet(own) == ()
        assert [row.runs for row in store.economics(own) if row.runs] == []
        assert store.used_tools(own) == store.offered_tools(own) == ()
        assert store.values(own, GROUPED[number % len(GROUPED)]) == ()
        assert store.attempt_groups(AttemptQuery("mine", 0, NOW_NS, workflow=string, tool=string, rule=string), 0) == ()
        assert store.find_runs(replace(QUERY, project=string)).rows == ()
    assert store.find_text([STRINGS[0]]) == ()
    assert [sql for sql in said if MARK in sql] == []


@pytest.mark.parametrize("string", STRINGS[::130])
def test_what_is_no_value_but_a_name_is_refused(store, string):
    """Orders, groupings and cursors choose among names of ours."""
    with pytest.raises(RefusedError):
        store.find_runs(replace(QUERY, order=string))
    with pytest.raises(RefusedError):
        store.values(QUERY, string)
    with pytest.raises(RefusedError):
        store.find_runs(replace(QUERY, cursor=string))
    with pytest.raises(RefusedError):
        store.economics(QUERY, string)
