"""Prices, workflow names and coverage: what the pages show, what they change, and what the access log keeps of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import structs

from spans.naming import NamingRule, NamingRules
from spans.prices import PriceRow
from spans.roles import Role
from spans.run import Assembly
from store.api import RunQuery
from tests.builders import an_assembly
from tests.runs.spans_of import agent, chat
from tests.web.house import a_house, fill
from web.pages.naming import added

TOKENS = {"gen_ai.usage.input_tokens": 900, "gen_ai.usage.output_tokens": 100}
RANGE = {"since": "2025-11-01T00:00:00Z", "until": "2025-12-31T00:00:00Z"}


@pytest.fixture
def told():
    return []


@pytest.fixture
def house(tmp_path, told):
    made = a_house(
        tmp_path,
        overruled=told.append,
        recomputing=lambda: (3, 10),
        file_prices=(PriceRow("from the file", "m*", {"input": Decimal(1)}),),
        file_rules=lambda _project: (NamingRule("filed", service="x"),),
    )
    fill(made.store, [agent(1, "support"), chat(2, parent=1, attributes={**TOKENS, "gen_ai.request.model": "house-7"})])
    made.store.roll_up()
    return made


def entry(house):
    return house.ledger.audit.list(limit=1)[0]


def test_models_without_a_price_are_listed_and_can_be_priced(house, told):
    browser = house.browser()
    page = browser.get("/prices", params=RANGE)
    assert page.status_code == 200
    assert "house-7" in page.text
    assert "from the file" in page.text
    assert "3 of 10 traces" in page.text
    form = {"name": "ours", "model": "house-*", "usd_input": "1.5", "from": "2026-01-01", "until": "2026-02-01"}
    assert browser.post("/prices/set", data=form).status_code == 303
    (row,) = house.ledger.prices.list()
    assert (row.model, dict(row.prices), row.provider) == ("house-*", {"input": Decimal("1.5")}, "*")
    assert row.until_ns - row.from_ns == 31 * 86_400 * 10**9
    assert (entry(house).action, entry(house).target, entry(house).detail["did"]) == ("price_change", "ours", "set")
    assert told == [None]
    assert browser.post("/prices/remove", data={"name": "ours"}).status_code == 303
    assert (house.ledger.prices.list(), told) == ((), [None, None])
    assert browser.post("/prices/remove", data={"name": "ours"}).status_code == 404


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"name": "a"}, "needs a name and a model"),
        ({"name": "a", "model": "m"}, "at least one price"),
        ({"name": "a", "model": "m", "usd_input": "-1"}, "no amount"),
        ({"name": "a", "model": "m", "usd_input": "NaN"}, "no amount"),
        ({"name": "a", "model": "m", "usd_input": "1", "from": "tomorrow"}, "not a date"),
        ({"name": "a", "model": "m", "usd_input": "1", "from": "2026-01-02", "until": "2026-01-01"}, "after the first"),
    ],
)
def test_a_price_that_cannot_be_used_says_why(house, form, words):
    answer = house.browser().post("/prices/set", data=form)
    assert answer.status_code == 400
    assert words in answer.text
    assert house.ledger.prices.list() == ()


@pytest.mark.parametrize("path", ["/prices/set", "/prices/remove", "/workflow-names/add", "/workflow-names/remove"])
def test_only_admins_change_anything(house, path):
    assert house.browser(Role.VIEWER).post(path, data={"name": "a"}).status_code == 403


def test_viewers_see_the_pages_without_their_forms(house):
    for path in ("/prices", "/workflow-names"):
        page = house.browser(Role.VIEWER).get(path, params=RANGE)
        assert page.status_code == 200
        assert 'method="post" action="/prices' not in page.text
        assert 'method="post" action="/workflow-names' not in page.text


def test_a_workflow_is_renamed_and_the_rule_removed_again(house, told):
    browser = house.browser()
    page = browser.get("/workflow-names", params=RANGE)
    assert "the root agent" in page.text
    assert "filed" in page.text
    form = {"project": "default", "named": "support", "workflow": "refunds"}
    assert browser.post("/workflow-names/add", data=form).status_code == 303
    assert house.ledger.naming.rules("default").rules == (NamingRule("refunds", named="support"),)
    assert (entry(house).action, entry(house).detail["named"]) == ("rule_change", "support")
    wrong = browser.post("/workflow-names/remove", data={"index": "0", "workflow": "other"})
    assert wrong.status_code == 400
    gone = browser.post("/workflow-names/remove", data={"index": "0", "workflow": "refunds"})
    assert gone.status_code == 303
    assert (house.ledger.naming.rules("default").rules, told) == ((), ["default", "default"])


def test_a_rule_without_a_pattern_is_refused(house):
    answer = house.browser().post("/workflow-names/add", data={"workflow": "all", "service": "*"})
    assert answer.status_code == 400
    assert "pattern" in answer.text


def test_renaming_what_a_rule_named_moves_the_rule_along():
    merged = NamingRules((NamingRule("refunds", named="a"), NamingRule("refunds", named="b")))
    names = [(rule.named, rule.workflow) for rule in added(merged, NamingRule("returns", named="refunds"))]
    assert names == [("refunds", "returns"), ("a", "returns"), ("b", "returns")]


def test_coverage_says_what_is_missing_and_which_switch_brings_it(house):
    (run,) = house.store.find_runs(RunQuery("default")).rows
    judged = structs.replace(run, replay_reasons=("no_content",), version=run.version + 1)
    house.store.write_derived([Assembly(judged, house.store.read_steps("default", run.run_id))])
    page = house.browser().get("/coverage", params=RANGE)
    assert page.status_code == 200
    assert "support" in page.text
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT" in page.text
    assert "gen_ai.conversation.id" in page.text


def test_pages_of_an_empty_project_say_what_to_do(tmp_path):
    browser = a_house(tmp_path).browser()
    for path in ("/prices", "/workflow-names", "/coverage"):
        assert browser.get(path).status_code == 200


def test_hostile_names_are_text(house):
    house.ledger.prices.put(PriceRow("<script>a</script>", "m", {"input": Decimal(1)}))
    house.ledger.naming.replace("default", [NamingRule("<script>b</script>", service="<script>c")])
    browser = house.browser()
    for path in ("/prices", "/workflow-names"):
        assert "<script>a" not in (text := browser.get(path, params=RANGE).text)
        assert "<script>b" not in text
        assert "<script>c" not in text


def test_a_run_of_another_project_is_not_looked_at(house):
    house.store.write_derived([an_assembly(project="other")])
    assert "other" not in house.browser().get("/coverage", params=RANGE).text.split("What runs tell")[1]
