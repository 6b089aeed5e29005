"""The six numbers of a workflow, also where there is nothing or one of it."""

from __future__ import annotations

from insights.economics import economics_of
from store.judged import EconomicsRow
from tests.builders import NOW_NS
from web.pages.workflow import build_tiles
from web.places import Place, parse_range

PLACE = Place("", "default", parse_range({"range": "24h"}, NOW_NS))
NOTHING = economics_of(EconomicsRow(key="w"))


def notes(now, violations=0):
    return [
        tile.note.replace("\N{NO-BREAK SPACE}", " ") for tile in build_tiles(PLACE, "w", now, NOTHING, violations, 0)
    ]


def test_a_time_without_runs_claims_nothing_of_them():
    assert notes(NOTHING) == ["none in this time", "", "", "", "", "none against the policy"]


def test_one_of_a_kind_is_written_as_one():
    row = EconomicsRow(key="w", runs=1, jobs=1, failure=1, unpriced_calls=1)
    assert notes(economics_of(row), violations=1)[1:] == [
        "of all jobs", "no success yet", "1 call unpriced", "0 % with an intervention", "1 violation",
    ]  # fmt: skip
