from __future__ import annotations

import os
import re
from decimal import Decimal
from pathlib import Path

import pytest

from store.api import RunQuery
from store.clickhouse.sql import column_list, schema_files, statement
from store.columns import Column
from store.derived_rows import RUNS, STEPS
from store.filters import run_field, where
from store.group_orders import GROUP_ORDERS
from store.orders import ORDERS, order_of
from store.rows import CONTENT_COLUMNS, FACTS, LOG_COLUMNS, SPAN_COLUMNS

GOLDEN = Path(__file__).parent / "golden"
SQL = Path(__file__).parents[3] / "store" / "clickhouse" / "sql"
EVERY_FILTER = RunQuery(
    "p",
    since_ns=1,
    until_ns=2,
    environment="e",
    workflow="w",
    version="v",
    agent="a",
    service="s",
    mode="live",
    shape=("agent",),
    status="ok",
    outcome="success",
    session="s",
    user="u",
    model="m",
    tool="t",
    denied=True,
    waiting=False,
    tag="t",
    attributes={"k": "v", "k2": "v2"},
    min_cost=Decimal("0.5"),
    text="q",
    cursor="MTIuYWI",
)


def names(columns: tuple[Column, ...]) -> str:
    return column_list(column.name for column in columns)


def every_statement() -> str:
    words = {
        "read_spans": names(SPAN_COLUMNS),
        "read_contents": names(CONTENT_COLUMNS),
        "read_logs": names(LOG_COLUMNS),
        "read_facts": column_list([*FACTS.stored, "score"]),
        "read_steps": column_list(STEPS.stored),
        "read_steps_at": column_list(STEPS.stored),
        "read_step": column_list(STEPS.stored),
    }
    parts = []
    for path in sorted(SQL.glob("*.sql")):
        name = path.stem
        columns = words.get(name, column_list(RUNS.stored))
        text = statement(
            name,
            columns=columns,
            where=where(RunQuery("p")).clause,
            order=order_of("").clause,
            field=run_field("tool").sql,
            table="spans",
            wanted="1",
            item="span_id",
            partition="20261120",
            day_column="received_day",
            blanks="a = ''",
            filled="a != ''",
        )
        parts.append(f"-- {name}\n{text}\n")
    parts.append(f"-- every filter\n{where(EVERY_FILTER, with_cursor=True).clause}\n")
    parts += [f"-- order {name or 'newest'}\n{order.clause}\n{order.after()}\n" for name, order in ORDERS.items()]
    parts += [f"-- order of groups {name}\n{order.clause}\n" for name, order in GROUP_ORDERS.items()]
    return "\n".join(parts)


def every_schema_file() -> str:
    return "\n\n".join(f"-- {name}\n" + ";\n\n".join(statements) for _, name, statements in schema_files()) + "\n"


@pytest.mark.parametrize(("name", "made"), [("statements.sql", every_statement), ("schema.sql", every_schema_file)])
def test_the_sql_is_the_one_that_was_reviewed(name, made):
    """Set TRACETAPE_UPDATE_GOLDEN=1 to write the files anew, then read the difference."""
    path = GOLDEN / name
    if os.environ.get("TRACETAPE_UPDATE_GOLDEN"):
        path.write_text(made(), "utf-8")
    assert made() == path.read_text("utf-8")


def test_every_statement_says_what_it_is_for():
    for path in SQL.glob("*.sql"):
        assert path.read_text("utf-8").startswith("-- "), path.name


def test_every_placeholder_of_every_filter_has_a_value():
    shown = where(EVERY_FILTER, with_cursor=True)
    assert set(re.findall(r"\{(\w+):", shown.clause)) == set(shown.params)


def test_no_value_ever_stands_in_the_sql():
    canary = "c4n4ry"
    query = RunQuery(canary, workflow=canary, tool=canary, attributes={canary: canary}, text=canary, shape=(canary,))
    assert canary not in where(query).clause
    assert canary not in run_field(f"attr.{canary}").sql


def test_a_column_that_is_not_ours_is_refused():
    with pytest.raises(ValueError, match="ours"):
        column_list(["name", "1; DROP TABLE spans"])


def test_schema_files_are_numbered_without_gaps():
    assert [number for number, _, _ in schema_files()] == list(range(1, len(schema_files()) + 1))
