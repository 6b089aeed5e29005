from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from insights.budgets import BudgetMode, BudgetState, Period
from insights.policies import PolicyBook
from spans.policy import Budget, Owner, Policy
from store.api import Bucket, FleetRow, Totals
from store.ledger.incidents import Incident
from tests.builders import NOW_NS, SECOND_NS
from web.pages.overview import CHART_BARS, POINTS, Around, add_totals, build_overview, fleet_lines
from web.places import Place, TimeRange

PLACE = Place("", "default", TimeRange(NOW_NS - 86_400 * SECOND_NS, NOW_NS, "24h"))
SERIES = tuple(Bucket(NOW_NS + n, Totals(runs=n, success=n, cost_usd=Decimal(n))) for n in range(CHART_BARS))


def row(workflow: str, **totals: object) -> FleetRow:
    return FleetRow(workflow, "production", Totals(**totals), NOW_NS, 1_000_000)


def plain(text: str) -> str:
    return text.replace("\xa0", " ")


def test_the_worst_stands_first():
    lines = fleet_lines(
        PLACE,
        [
            row("fine", runs=100, cost_usd=Decimal(9)),
            row("failing", runs=10, failure=5),
            row("denied", runs=100, denials=20),
        ],
    )
    assert [line.workflow for line in lines] == ["failing", "denied", "fine"]
    assert [line.loud for line in lines] == [True, False, False]
    assert lines[1].denials == 20


def test_calls_that_ran_although_forbidden_count_as_near_misses_and_move_their_workflow_up():
    around = Around(violations={("b", "production"): (2, 1)})
    fleet = [row("a", runs=10, denials=1), row("b", runs=10)]
    assert [line.workflow for line in fleet_lines(PLACE, fleet, around)] == ["b", "a"]
    assert fleet_lines(PLACE, fleet, around)[0].violations == 2
    page = build_overview(PLACE, Totals(runs=20, denials=1), Totals(runs=20), SERIES, fleet, around)
    tile = next(tile for tile in page.tiles if tile.label == "Near misses")
    assert (plain(tile.value), tile.note, tile.worse) == ("3", "2 ran although forbidden", True)
    assert page.troubles[0].words == "2 calls ran although the policy forbids them"
    assert page.troubles[0].href == "/near-misses?kind=violation"


def test_a_success_rate_that_fell_to_nothing_is_worse():
    page = build_overview(PLACE, Totals(runs=10, failure=10), Totals(runs=10, success=9, failure=1), SERIES, [])
    tile = next(tile for tile in page.tiles if tile.label == "Success")
    assert tile.worse
    assert not next(
        t for t in build_overview(PLACE, Totals(runs=10), Totals(), SERIES, []).tiles if t.label == "Success"
    ).worse


def test_success_that_nobody_defined_is_a_dash_and_never_a_number():
    (line,) = fleet_lines(PLACE, [row("a", runs=10, cost_usd=Decimal(1))])
    assert line.success == "\N{EN DASH}"
    assert line.cost_per_success is None


def test_cost_per_success_carries_the_failures():
    (line,) = fleet_lines(PLACE, [row("a", runs=4, success=2, failure=2, cost_usd=Decimal(1))])
    assert plain(line.success) == "50.0 %"
    assert line.cost_per_success == Decimal("0.5")


def test_an_environment_goes_along_into_the_link():
    (line,) = fleet_lines(PLACE, [row("a b", runs=1)])
    assert line.href == "/workflows/a%20b?environment=production"
    assert line.runs_href == "/runs?environment=production&workflow=a%20b&shape=agent%2Csingle_call"


def test_tiles_show_change_against_the_time_before():
    now = Totals(runs=20, success=10, failure=10, denials=4, waiting=1, cost_usd=Decimal(4))
    before = Totals(runs=10, success=10, denials=2, cost_usd=Decimal(2))
    page = build_overview(PLACE, now, before, SERIES, [])
    tiles = {t.label: t for t in page.tiles}
    assert (tiles["Runs"].value, tiles["Runs"].change) == ("20", "\N{MULTIPLICATION SIGN}2.0")
    assert plain(tiles["Success"].value) == "50.0 %"
    assert tiles["Success"].worse
    assert tiles["Near misses"].worse
    assert tiles["Cost per success"].value == "$0.40"
    assert all(len(t.spark.points.split()) in {0, POINTS, POINTS - 1} for t in page.tiles)
    assert all(t.href for t in page.tiles)


def test_trouble_is_said_in_sentences_that_are_doors():
    page = build_overview(PLACE, Totals(runs=9, errors=1, denials=2, waiting=1), Totals(), SERIES, [])
    assert [t.words for t in page.troubles] == [
        "1 run ended in an error",
        "2 calls were stopped by a control",
        "1 run waits for somebody",
    ]


def test_calm_is_said_too():
    page = build_overview(PLACE, Totals(runs=1), Totals(), SERIES, [])
    assert page.troubles == ()
    assert plain(page.quiet) == "1 run, last 24 hours: no errors, nothing denied, nobody waited for."
    assert build_overview(PLACE, Totals(), Totals(), SERIES, []).quiet == "No runs in the last 24 hours."


def test_totals_add_up_and_keep_unpriced_apart_from_zero():
    total = add_totals([Totals(runs=1), Totals(runs=2, cost_usd=Decimal(3), unpriced_calls=1)])
    assert (total.runs, total.cost_usd, total.unpriced_calls) == (3, Decimal(3), 1)
    assert add_totals([Totals(), Totals()]).cost_usd is None


def an_incident(workflow: str, **changes: object) -> Incident:
    return replace(
        Incident(
            "i1", "default", workflow, "", "page", "spends 4.1x what a Tuesday usually costs", NOW_NS, NOW_NS, 0, 0, "",
            0, "", "", "",
        ),
        **changes,
    )  # fmt: skip


def test_what_fires_stands_first_and_takes_its_workflow_to_the_top():
    around = Around(incidents=(an_incident("calm"),))
    rows = [row("calm", runs=100), row("failing", runs=10, failure=9)]
    page = build_overview(PLACE, Totals(runs=110), Totals(), SERIES, rows, around)
    assert [i.words for i in page.incidents] == ["calm: spends 4.1x what a Tuesday usually costs"]
    assert page.incidents[0].href == "/incidents/i1"
    assert [(line.workflow, line.alerts) for line in page.fleet] == [("calm", 1), ("failing", 0)]


def test_nothing_firing_says_who_still_learns():
    around = Around(known={("a", "production"): 18, ("b", "production"): 400})
    page = build_overview(PLACE, Totals(runs=2), Totals(), SERIES, [row("a", runs=1), row("b", runs=1)], around)
    assert plain(page.calm) == "Nothing firing; 1 workflow still learning."
    assert {line.workflow: line.learning for line in page.fleet} == {"a": "learning: 18 of 30 runs", "b": ""}


def test_owner_and_budget_come_from_the_policy():
    policy = Policy("a", owner=Owner(team="payments"), budget=Budget(Decimal(40), 1))
    state = BudgetState(
        policy.budget, Period(0, 1), Decimal(50), 1.25, Decimal(1), Decimal(60), None, (), BudgetMode.SPENT
    )
    around = Around(policies=PolicyBook({"a": policy}), budgets={("a", "production"): state})
    (line,) = fleet_lines(PLACE, [row("a", runs=1)], around)
    assert (line.owner, line.budget_share) == ("payments", 1.25)
    assert plain(line.budget_note) == "$50.00 of $40.00 today"
