"""Policies, outcomes, the switch, near misses and the hub over HTTP, as a reader, a reviewer and an admin."""

from __future__ import annotations

import html
import re
from urllib.parse import quote

import pytest
from msgspec import structs

from insights.near_misses import earlier_key_of
from insights.policy_file import parse_policy
from spans.errors import BusyError
from spans.ids import RunId, TraceId
from spans.kinds import OutcomeLabel
from spans.policy import SuccessRule
from spans.roles import Role
from spans.run import Assembly
from store.judged import AttemptQuery
from store.ledger.reviews import Review
from store.ledger.workflow_states import WorkMode
from tests.builders import NOW_NS, SECOND_NS, a_trace_id
from tests.web.house import House, a_house
from tests.web.samples import add_refund
from tracetape.alerting.driver import AlertDriver
from tracetape.judges import Judges


@pytest.fixture
def filled(house: House) -> House:
    """Two runs of refund-agent, judged as main judges them."""
    for number in (1, 2):
        add_refund(house.store, number)
    judge(house)
    return house


def judge(house: House, *numbers: int):
    judges = Judges(house.ledger)
    for run_id in numbers or (1, 2):
        (assembly,) = house.store.read_assemblies("default", [RunId(a_trace_id(run_id))])
        house.store.write_derived(judges.judge([assembly]))


def test_an_outcome_is_said_by_the_api_and_kept(filled: House):
    client = filled.client(Role.REVIEWER)
    path = f"/api/v1/runs/{a_trace_id(1)}/outcome"
    said = client.post(path, json={"label": "success", "reason": "for maria@example.com"})
    assert said.status_code == 200, said.text
    assert said.json()["data"]["reason"] == "for <EMAIL_ADDRESS_tapkmj7f>"
    assert client.post(path, json={"label": "great"}).status_code == 400
    assert client.post(path, json={"label": "failure"}).status_code == 200
    judge(filled)
    told = client.get(path).json()["data"]
    assert told["outcome"] == {"label": "failure", "source": "api"}
    assert [h["label"] for h in told["history"]] == ["failure", "success"]
    assert filled.ledger.audit.list()[0].action == "review"


def test_a_label_may_come_before_its_run_and_a_reader_may_not_label(filled: House):
    early = f"/api/v1/runs/{'ab' * 16}/outcome"
    assert filled.client(Role.REVIEWER).post(early, json={"label": "success"}).status_code == 200
    assert filled.ledger.labels.newest("default", [TraceId("ab" * 16)])
    assert filled.client(Role.VIEWER).post(early, json={"label": "success"}).status_code == 403


def test_the_switch_is_set_recorded_and_polled(filled: House):
    path = "/api/v1/workflows/refund-agent/state"
    reader = filled.client(Role.VIEWER)
    assert reader.get(path).json()["data"]["mode"] == "run"
    assert reader.post(path, json={"mode": "stop"}).status_code == 403
    reviewer = filled.client(Role.REVIEWER)
    assert reviewer.post(path, json={"mode": "halt"}).status_code == 400
    assert reviewer.post(path, json={"mode": "draft_only", "reason": "double refunds"}).status_code == 200
    told = reader.get(path).json()["data"]
    assert (told["mode"], told["reason"], told["by"][:4]) == ("draft_only", "double refunds", "key:")
    assert told["since"]
    assert told["budget"] is None
    assert filled.ledger.audit.list()[0].detail["state"] == "draft_only"


def test_an_agent_that_names_no_environment_is_held_while_one_is_stopped(filled: House):
    path = "/api/v1/workflows/refund-agent/state"
    reader, reviewer = filled.client(Role.VIEWER), filled.client(Role.REVIEWER)
    assert reviewer.post(path, json={"mode": "stop", "environment": "production"}).status_code == 200
    told = reader.get(path).json()["data"]
    assert (told["mode"], told["environment"]) == ("stop", "production")
    assert reader.get(path, params={"environment": "staging"}).json()["data"]["mode"] == "run"
    assert reviewer.post(path, json={"mode": "draft_only"}).status_code == 200
    assert reader.get(path, params={"environment": "staging"}).json()["data"]["mode"] == "draft_only"
    assert reader.get(path).json()["data"]["mode"] == "stop"
    hub = filled.browser(Role.REVIEWER).get("/workflows/refund-agent").text
    assert re.search(
        r'stopped</b> <a href="/workflows/refund-agent\?environment=production[^"]*">in production</a>', hub
    )


def test_a_rule_that_fires_for_one_environment_holds_agents_that_name_none(filled: House):
    rule = "{id: spend, type: threshold, metric: cost_usd, above: 0.00001, window: 24h, severity: page, switch: stop}"
    filled.ledger.alert_rules.put("default", "spend", rule, "tests")
    filled.store.roll_up()
    AlertDriver(filled.store, filled.ledger, clock_ns=lambda: filled.services.clock_ns() + 3_600 * SECOND_NS).look()
    told = filled.client(Role.VIEWER).get("/api/v1/workflows/refund-agent/state").json()["data"]
    assert (told["mode"], told["environment"], told["by"]) == ("stop", "production", "rule:spend")


def test_the_switch_tells_how_the_budget_stands(filled: House):
    text = "workflow_id: refund-agent\nbudget: {usd: 0.0001, per: 7d}\n"
    filled.ledger.policies.save("default", "refund-agent", "d", text, author="a")
    budget = filled.client(Role.VIEWER).get("/api/v1/workflows/refund-agent/state").json()["data"]["budget"]
    assert budget["mode"] == "spent"
    assert float(budget["spent_usd"]) > 0


def test_figures_of_a_workflow(filled: House):
    filled.ledger.labels.add("default", RunId(a_trace_id(1)), OutcomeLabel.SUCCESS, source="api", author="a")
    judge(filled)
    told = filled.client(Role.VIEWER).get("/api/v1/workflows/refund-agent/economics?by=model").json()["data"]
    figures = told["figures"]
    assert (figures["runs"], figures["success"]) == (2, 1)
    assert float(figures["cost_per_success_usd"]) == pytest.approx(float(figures["cost_usd"]))
    assert told["rows"][0]["key"].startswith("gpt-4o-mini")


def test_near_misses_as_json_and_as_a_page(filled: House):
    client = filled.browser(Role.ADMIN)
    (one,) = client.get("/api/v1/near-misses").json()["data"]
    assert (one["tool"], one["kind"], one["count"], one["is_new"]) == ("execute_refund", "stopped", 2, True)
    page = client.get("/near-misses")
    assert page.status_code == 200
    assert "execute_refund" in page.text
    assert "NEW" in page.text
    href = re.search(r'href="(/near-misses/kind[^"]+)"', page.text)
    assert href
    opened = client.get(href[1].replace("&amp;", "&"))
    assert opened.status_code == 200
    assert "Up to the attempt" in opened.text
    assert "I want a refund" in opened.text
    assert any(e.detail.get("part") == "near miss" for e in filled.ledger.audit.list())


def test_if_loosened_asks_stored_runs_with_a_looser_policy(filled: House):
    text = "workflow_id: refund-agent\ndenied_tools: [execute_refund, drop_table]\n"
    filled.ledger.policies.save("default", "refund-agent", "d", text, author="a")
    client = filled.browser(Role.VIEWER)
    kind = re.search(r'href="(/near-misses/kind[^"]+)"', client.get("/near-misses").text)
    opened = client.get(html.unescape(kind[1])).text if kind else ""
    href = re.search(r'href="(/whatif[^"]+)"[^>]*>If loosened', opened)
    assert href
    page = html.unescape(client.get(html.unescape(href[1])).text)
    assert "Loosened: execute_refund is off denied_tools." in page
    assert "denied_tools: [drop_table]" in page
    assert "2 calls that a control stopped would have run." in page.replace("\u00a0", " ")


def test_a_review_is_kept_and_not_a_near_miss_teaches(filled: House):
    client = filled.browser(Role.REVIEWER)
    (one,) = client.get("/api/v1/near-misses").json()["data"]
    form = {"key": one["key"], "workflow": "refund-agent", "tool": "execute_refund", "text": ""}
    assert client.post("/near-misses/review", data={**form, "answer": "loosen"}).status_code == 303
    assert client.post("/near-misses/review", data={**form, "answer": "whatever"}).status_code == 400
    assert "loosen the rule" in client.get("/near-misses").text
    assert client.post("/near-misses/review", data={**form, "answer": "not_a_near_miss"}).status_code == 303
    judge(filled)
    assert client.get("/api/v1/near-misses").json()["data"] == []
    (pattern,) = filled.ledger.reviews.patterns("default")
    assert client.post("/near-misses/forget", data={"pattern": pattern.pattern_id}).status_code == 303
    judge(filled)
    assert len(client.get("/api/v1/near-misses").json()["data"]) == 1


def test_not_a_near_miss_hides_its_own_kind_and_nothing_without_words_or_a_tool(filled: House):
    client = filled.browser(Role.REVIEWER)
    (one,) = client.get("/api/v1/near-misses").json()["data"]
    form = {"key": one["key"], "answer": "not_a_near_miss", "reason": one["reason"]}
    assert client.post("/near-misses/review", data=form).status_code == 400
    assert client.post("/near-misses/review", data={**form, "text": " "}).status_code == 400
    for reason in ("policy_file", "whatever"):
        refused = client.post("/near-misses/review", data={**form, "tool": "execute_refund", "reason": reason})
        assert refused.status_code == 400
    assert filled.ledger.reviews.patterns("default") == ()
    assert filled.ledger.reviews.newest("default") == {}
    taught = {**form, "tool": "execute_refund", "workflow": "refund-agent", "reason": "invalid_args"}
    assert client.post("/near-misses/review", data=taught).status_code == 303
    judge(filled)
    assert len(client.get("/api/v1/near-misses").json()["data"]) == 1, "the tool was stopped for another reason"
    assert client.post("/near-misses/review", data={**taught, "reason": ""}).status_code == 303
    assert [p.reason for p in filled.ledger.reviews.patterns("default")] == ["invalid_args", one["reason"]]
    assert "permission refused" in client.get("/near-misses").text.split("Patterns")[1]


def move(house: House, number: int, environment: str) -> None:
    """The run ran in another environment."""
    (found,) = house.store.read_assemblies("default", [RunId(a_trace_id(number))])
    house.store.write_derived([Assembly(structs.replace(found.run, environment=environment), found.steps)])


@pytest.mark.parametrize("other", ["staging", ""])
def test_a_kind_is_counted_listed_and_reviewed_in_its_environment(filled: House, other):
    add_refund(filled.store, 3)
    judge(filled, 3)
    move(filled, 3, other)
    client = filled.browser(Role.REVIEWER)
    page = html.unescape(client.get("/near-misses").text)
    by_runs = {}
    for href in dict.fromkeys(re.findall(r'href="(/near-misses/kind[^"]+)"', page)):
        opened = client.get(href).text
        count = int(re.search(r'Attempts</span><span class="value">(\d+)', opened)[1])
        assert count == opened.count('<a class="door" href="/near-misses/kind')
        by_runs[count] = (re.search(r'name="key" value="(\w+)"', opened)[1], href)
    assert set(by_runs) == {1, 2}
    form = {"key": by_runs[1][0], "answer": "loosen"}
    assert client.post("/near-misses/review", data=form).status_code == 303
    assert "last: agent needs it" in client.get(by_runs[1][1]).text
    assert "nobody has said anything yet" in client.get(by_runs[2][1]).text


def test_a_review_of_before_environments_were_told_apart_applies_to_all_of_them(filled: House):
    move(filled, 2, "staging")
    (group, _) = filled.store.attempt_groups(AttemptQuery("default", 0, NOW_NS * 2), 0)
    filled.ledger.reviews.add("default", earlier_key_of(group), Review.LOOSEN, author="member:1")
    client = filled.browser(Role.REVIEWER)
    assert client.get("/near-misses").text.count("loosen the rule") == 2
    for environment in ("staging", "production"):
        (one,) = client.get("/api/v1/near-misses", params={"environment": environment}).json()["data"]
    client.post("/near-misses/review", data={"key": one["key"], "answer": "rule_right"})
    assert client.get("/near-misses").text.count("loosen the rule") == 1


def test_a_violation_has_no_button_that_would_change_nothing(filled: House):
    client = filled.browser(Role.REVIEWER)
    params = {"workflow": "refund-agent", "kind": "violation", "tool": "execute_refund", "rule": "denied_tools"}
    shown = client.get("/near-misses/kind", params={**params, "reason": "policy_file"}).text
    assert 'value="rule_right"' in shown
    assert 'value="not_a_near_miss"' not in shown
    stopped = client.get("/near-misses/kind", params={**params, "kind": "stopped", "reason": "permission"}).text
    assert 'value="not_a_near_miss"' in stopped


def test_the_weekly_review_as_page_and_markdown(filled: House):
    client = filled.browser(Role.VIEWER)
    assert "Top 10 by risk" in client.get("/near-misses/week").text
    text = client.get("/near-misses/week.md")
    assert text.headers["content-type"].startswith("text/markdown")
    assert "`execute_refund` of `refund-agent`" in text.text
    assert filled.ledger.audit.list()[0].action == "export"


def test_a_policy_is_checked_saved_and_kept(filled: House):
    client = filled.browser(Role.ADMIN)
    page = client.get("/policies/refund-agent")
    assert "Observes and reports. Blocks nothing." in page.text
    form = {"workflow": "refund-agent", "after": "0"}
    bad = client.post("/policy/save", data={**form, "text": "workflow_id: refund-agent\nlimts: {}\n"})
    assert bad.status_code == 400
    assert "line 2" in bad.text
    assert "limts: {}" in bad.text
    text = "workflow_id: refund-agent\r\nallowed_tools: [get_order]\r\n"
    checked = client.post("/policy/save", data={**form, "text": text, "do": "check"})
    assert checked.status_code == 200
    assert filled.ledger.policies.current("default") == ()
    drafted = client.post("/policy/save", data={**form, "text": text, "do": "draft"})
    assert "allowed_tools: [execute_refund]" in drafted.text
    saved = client.post("/policy/save", data={**form, "text": text, "note": "first"})
    assert saved.status_code == 303
    (version,) = filled.ledger.policies.current("default")
    assert version.text == "workflow_id: refund-agent\nallowed_tools: [get_order]\n"
    assert filled.ledger.audit.list()[0].action == "policy_change"
    late = client.post("/policy/save", data={**form, "text": text + "denied_tools: [x]\n"})
    assert late.status_code == 400
    assert "refund-agent" in client.get("/policies").text
    other = client.post("/policy/save", data={**form, "text": "workflow_id: other\n"})
    assert "but this is the policy of" in other.text.replace("&#39;", "'")


def test_policies_applied_from_files_are_read_only_here(filled: House):
    filled.ledger.settings.put("policies_managed.default", "policies")
    client = filled.browser(Role.ADMIN)
    assert "read-only" in client.get("/policies").text
    form = {"workflow": "refund-agent", "text": "workflow_id: refund-agent\n"}
    assert client.post("/policy/save", data=form).status_code == 400
    assert client.get("/policies/refund-agent").text.count("Save a version") == 0


def test_only_admins_change_policies(filled: House):
    client = filled.browser(Role.REVIEWER)
    form = {"workflow": "refund-agent", "text": "workflow_id: refund-agent\n"}
    assert client.post("/policy/save", data=form).status_code == 403
    assert "Save a version" not in client.get("/policies/refund-agent").text


@pytest.mark.parametrize("tab", ["summary", "spend", "drift", "near-misses", "versions", "tools", "policy", "nonsense"])
def test_every_tab_of_the_hub_opens(filled: House, tab):
    filled.ledger.policies.save(
        "default",
        "refund-agent",
        "d",
        "workflow_id: refund-agent\nowner: {team: payments, runbook_url: 'https://runbook.example'}\n"
        "denied_tools: [execute_refund]\nslo: {success_rate: 0.9}\nbudget: {usd: 5, per: 1d}\n",
        author="a",
    )
    judge(filled)
    page = filled.browser(Role.ADMIN).get(f"/workflows/refund-agent?tab={tab}")
    assert page.status_code == 200, page.text
    assert "payments" in page.text
    assert "https://runbook.example" in page.text


def test_a_hostile_name_opens_its_hub(filled: House):
    name = "a/b <script>?&"
    page = filled.browser(Role.ADMIN).get(f"/workflows/{quote(name, safe='')}")
    assert page.status_code == 200
    assert "<script>?" not in page.text


def test_success_is_defined_with_a_preview_and_saved_as_a_version(filled: House):
    client = filled.browser(Role.ADMIN)
    page = client.get("/workflows/refund-agent?preview=1&status=ok")
    assert "would label 2 of the last 2" in page.text
    assert client.post("/workflow/success", data={"workflow": "refund-agent"}).status_code == 400
    form = {"workflow": "refund-agent", "status": "ok", "score": "helpfulness", "floor": "0.7"}
    assert client.post("/workflow/success", data=form).status_code == 303
    (version,) = filled.ledger.policies.current("default")
    assert version.text == "workflow_id: refund-agent\nsuccess: {status: ok, min_scores: {helpfulness: 0.7}}\n"
    assert version.source == "success"


def test_defining_success_keeps_what_the_policy_of_all_workflows_says(filled: House):
    everyone = (
        "# house rules\nworkflow_id: '*'\ndenied_tools: [drop_table]\nlimits: {max_tokens: 2000000}\n"
        "slo: {success_rate: 0.9}\nbudget: {usd: 5, per: 1d}\n"
    )
    filled.ledger.policies.save("default", "*", "d", everyone, author="a")
    client = filled.browser(Role.ADMIN)
    assert client.post("/workflow/success", data={"workflow": "refund-agent", "status": "ok"}).status_code == 303
    own = next(v.text for v in filled.ledger.policies.current("default") if v.workflow == "refund-agent")
    assert own == everyone.replace("'*'", "refund-agent") + "success: {status: ok}\n"


def test_defining_success_keeps_what_the_form_does_not_show(filled: House):
    text = (
        "workflow_id: refund-agent\nsuccess: {status: error, final_tool: close_case, "
        "min_scores: {helpfulness: 0.7, user_feedback: 0.5, safety: 0.9}}\n"
    )
    filled.ledger.policies.save("default", "refund-agent", "d", text, author="a")
    client = filled.browser(Role.ADMIN)
    page = client.get("/workflows/refund-agent?tab=policy").text
    assert "it ended with an error, unless the first box is ticked; the score safety was at least 0.9" in page
    assert '<option value="close_case" selected>' in page
    form = {"workflow": "refund-agent", "final_tool": "close_case", "score": "tone", "floor": "0.6", "feedback": "1"}
    assert client.post("/workflow/success", data=form).status_code == 303
    (version,) = filled.ledger.policies.current("default")
    assert parse_policy(version.text).success == SuccessRule(
        status="error", final_tool="close_case", min_scores={"tone": 0.6, "safety": 0.9, "user_feedback": 0.5}
    )


def test_a_policy_that_the_success_form_cannot_change_is_left_alone(filled: House):
    filled.ledger.policies.save("default", "*", "d", "{workflow_id: '*', denied_tools: [x]}\n", author="a")
    client = filled.browser(Role.ADMIN)
    assert client.post("/workflow/success", data={"workflow": "refund-agent", "status": "ok"}).status_code == 400
    assert len(filled.ledger.policies.current("default")) == 1


def test_the_buttons_of_hub_and_run(filled: House):
    client = filled.browser(Role.REVIEWER)
    assert client.post("/workflow/state", data={"workflow": "refund-agent", "mode": "stop"}).status_code == 303
    assert filled.ledger.states.get("default", "", "refund-agent").mode is WorkMode.STOP
    assert client.post("/workflow/state", data={"workflow": "refund-agent", "mode": "x"}).status_code == 400
    path = f"/runs/{a_trace_id(1)}/review"
    assert client.post(path, data={"label": "success"}).status_code == 303
    judge(filled)
    run = filled.store.read_run("default", TraceId(a_trace_id(1)))
    assert run is not None
    assert (run.outcome.label, run.outcome.source) == (OutcomeLabel.SUCCESS, "review")


def busy(*_args):
    raise BusyError("No worker can redact now; try again in a moment.")


def test_a_near_miss_that_cannot_be_redacted_now_is_not_half_saved(tmp_path):
    house = a_house(tmp_path, redact_text=busy)
    client = house.client(Role.REVIEWER)
    form = {"key": "a" * 16, "answer": "not_a_near_miss", "text": "for maria@example.com"}
    for path, fields in (("/near-misses/review", form), ("/near-misses/teach", {"text": "for maria@example.com"})):
        assert client.post(path, data=fields, headers={"sec-fetch-site": "same-origin"}).status_code == 503
    assert house.ledger.reviews.newest("default") == {}
    assert house.ledger.reviews.patterns("default") == ()


def test_what_is_saved_while_main_is_away_says_when_it_takes_effect(tmp_path):
    waiting = [1]
    house = a_house(tmp_path, waiting=lambda: waiting[0])
    add_refund(house.store, 1)
    client = house.client(Role.REVIEWER)
    said = client.post(f"/api/v1/runs/{a_trace_id(1)}/outcome", json={"label": "success"})
    tagged = client.post(f"/api/v1/runs/{a_trace_id(1)}/remarks", json={"kind": "tag", "text": "double"})
    for answer in (said, tagged):
        assert (answer.status_code, answer.json()["takes_effect"]) == (200, "when the main process is back")
    words, page = "is saved and takes effect when the main process is back", f"/runs/{a_trace_id(1)}"
    assert words in house.browser().get(page).text
    waiting[0] = 0
    assert words not in house.browser().get(page).text
    assert "takes_effect" not in client.post(f"/api/v1{page}/outcome", json={"label": "failure"}).json()
