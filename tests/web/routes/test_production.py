"""Pages that judge runs show production unless another environment was chosen, and say so where there is none."""

from __future__ import annotations

import html

import pytest

from spans.run import Assembly
from tests.builders import a_run
from tests.web.house import NOW_NS, House

HOUR = 3_600_000_000_000
JUDGING = ("/", "/workflows", "/workflows/billing", "/spend", "/drift", "/near-misses", "/near-misses/week")


def add(house: House, *environments: str) -> None:
    for number, environment in enumerate(environments):
        run = a_run(
            run_id=f"{number + 1:032x}",
            workflow="billing",
            environment=environment,
            started_ns=NOW_NS - 2 * HOUR + number,
        )
        house.store.write_derived([Assembly(run, ())])
    while house.store.roll_up():
        pass


def page(house: House, address: str) -> str:
    answer = house.browser().get(address)
    assert answer.status_code == 200
    return html.unescape(answer.text)


@pytest.mark.parametrize("path", JUDGING)
def test_production_is_shown_first_and_every_link_keeps_it(house: House, path):
    add(house, "production", "staging")
    shown = page(house, path)
    assert "<summary><span>production</span>" in shown
    assert 'href="/drift?environment=production' in shown
    assert "All environments" in shown
    assert f'href="{path}?environment=*' in shown
    everything = page(house, f"{path}?environment=*")
    assert "<summary><span>All environments</span>" in everything
    assert 'href="/drift?environment=*' in everything
    assert "shown together" not in everything


@pytest.mark.parametrize("path", JUDGING)
def test_without_the_attribute_all_runs_are_judged_with_a_banner(house: House, path):
    add(house, "", "")
    assert "No run of this time names its environment" in page(house, path)
    assert "deployment.environment.name" in page(house, path)
    assert "names its environment" not in page(house, f"{path}?environment=*")


def test_where_nothing_is_production_all_environments_are_shown(house: House):
    add(house, "staging", "dev")
    shown = page(house, "/")
    assert "No run of this time is from production" in shown
    assert "<summary><span>All environments</span>" in shown


def test_runs_without_an_environment_beside_production_are_told_of(house: House):
    add(house, "production", "", "")
    shown = page(house, "/spend")
    assert "Production only. 2\xa0runs of this time named no environment." in shown
    assert '<a href="/spend?environment=*">Show all environments</a>' in shown


def test_a_workflow_that_never_runs_in_production_is_shown_where_it_runs(house: House):
    add(house, "production")
    run = a_run(run_id="f" * 32, workflow="trial", environment="staging", started_ns=NOW_NS - HOUR)
    house.store.write_derived([Assembly(run, ())])
    while house.store.roll_up():
        pass
    assert "No run of this time is from production" in page(house, "/workflows/trial")


def test_the_list_of_runs_shows_every_environment(house: House):
    add(house, "production", "staging")
    shown = page(house, "/runs")
    assert "<summary><span>All environments</span>" in shown
    assert "staging" in shown


def test_a_workflow_stands_in_the_list_as_it_does_on_overview(house: House):
    add(house, "production")
    text = "workflow_id: billing\nowner: {team: payments, to: [oncall]}\nbudget: {usd: 100, per: 1d}\n"
    house.ledger.policies.save("default", "billing", "d", text, author="a")
    for path in ("/", "/workflows"):
        row = page(house, path).partition("<tbody>")[2].partition("</tbody>")[0]
        assert "payments" in row, path
        assert 'class="meter' in row or "<meter" in row or "%" in row, path
