"""The table of versions says which of them made a workflow dearer."""

from __future__ import annotations

from decimal import Decimal

from insights.economics import Economics, economics_of
from store.judged import EconomicsRow
from tests.builders import NOW_NS
from web.pages.workflow import EconomicsTable, dearer_sentence, version_table
from web.places import Place, parse_range

DAY = 86_400 * 10**9
PLACE = Place("", "default", parse_range({"range": "24h"}, NOW_NS))
FORTNIGHT = Place("", "default", parse_range({"range": "14d"}, NOW_NS))


def version(name: str, usd: str, *, last: int, environment: str = "production", success: int = 40) -> Economics:
    """A version whose every run succeeded at one price, so that its interval is narrow."""
    one = float(usd)
    return economics_of(
        EconomicsRow(
            key=name, environment=environment, runs=success, jobs=success, success=success,
            cost_usd=Decimal(usd) * success, cost_squares=one * one * success, cost_of_success=one * success,
            last_started_ns=NOW_NS - last * DAY,
        )
    )  # fmt: skip


def test_the_sentence_names_the_version_and_both_prices():
    rows = (version("2.4.0", "0.02", last=4), version("2.4.1", "0.05", last=0), version("2.3.9", "0.09", last=9))
    assert dearer_sentence(rows) == (
        "Version 2.4.1 in production costs $0.0500 per success, more than the $0.0200 of 2.4.0 before it."
    ).replace("$0.0500", "$0.05").replace("$0.0200", "$0.02")


def test_cheaper_is_said_too_and_a_tenth_is_nothing():
    assert "less than" in dearer_sentence((version("b", "0.01", last=0), version("a", "0.02", last=3)))
    assert dearer_sentence((version("b", "0.0205", last=0), version("a", "0.02", last=3))) == ""


def test_few_runs_may_be_chance():
    found = dearer_sentence((version("b", "0.05", last=0, success=2), version("a", "0.02", last=3)))
    assert "it may be chance" in found


def test_environments_are_never_compared_with_each_other():
    rows = (version("b", "0.05", last=0), version("a", "0.01", last=1, environment="staging", success=3))
    assert dearer_sentence(rows) == ""


def test_the_newest_version_stands_first_with_its_change():
    table = version_table(FORTNIGHT, "w", (version("1", "0.02", last=4), version("2", "0.05", last=0)))
    assert [(line.key, line.change, line.is_dearer) for line in table.lines] == [
        ("2", "\N{MULTIPLICATION SIGN}2.5", True),
        ("1", "", False),
    ]
    assert table.longer_href == ""


def test_a_range_that_holds_one_version_points_to_a_longer_one():
    table = version_table(PLACE, "w", (version("2", "0.05", last=0),))
    assert table.sentence.replace("\xa0", " ") == "Only version 2 ran in the last 24 hours."
    assert table.longer_href == "/workflows/w?range=14d&tab=versions"
    assert version_table(FORTNIGHT, "w", (version("2", "0.05", last=0),)).longer_href == ""


def test_without_runs_there_is_nothing_to_say():
    assert version_table(PLACE, "w", ()) == EconomicsTable(())
