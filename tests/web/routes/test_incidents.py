"""Incidents, alert rules and channels: what people see, may do and are refused."""

from __future__ import annotations

import re

import pytest

from insights.alerts.backtest import Episode
from insights.alerts.rule_file import parse_rule
from insights.alerts.steps import Subject
from spans.change import Mark, MarkKind
from spans.errors import RefusedError
from spans.kinds import SpanKind, ToolOutcome
from spans.roles import Role
from store.ledger.alerts import Alert, AlertMove, AlertReading
from tests.builders import NOW_NS, a_run, a_span_id, a_step, a_trace_id, an_assembly
from tests.web.house import House, a_house

MINUTE = 60 * 10**9
BAD = a_trace_id(77)
SENTENCE = "refund-agent spends 4.1x what a Tuesday usually costs <script>alert(1)</script>"


def fire(house: House, workflow="refund-agent", environment="production", fingerprint="f" * 32, sentence=SENTENCE):
    reading = AlertReading(sentence, 12.4, 3.0, (BAD,), "", NOW_NS - 20 * MINUTE)
    alert = Alert(
        fingerprint, "default", "spend", workflow, environment, "", "firing", "page", NOW_NS, 0, 0, NOW_NS, "", reading
    )
    house.ledger.alerts.commit([AlertMove(alert, 0, "ok", "firing", ())], NOW_NS)
    return house.ledger.incidents.list("default")[0]


def add_bad_run(house: House):
    def call(n, tool, outcome):
        return a_step(
            kind=SpanKind.TOOL,
            span_id=a_span_id(n),
            ordinal=n,
            tool_name=tool,
            tool_call_id=f"call_{n}",
            tool_outcome=outcome,
            start_ns=NOW_NS - 10 * MINUTE + n,
        )

    steps = (
        call(1, "read_invoice", ToolOutcome.OK),
        call(2, "execute_refund", ToolOutcome.OK),
        call(3, "execute_refund", ToolOutcome.DENIED),
    )
    changes = {"workflow": "refund-agent", "environment": "production", "started_ns": NOW_NS - 10 * MINUTE}
    house.store.write_derived([an_assembly(*steps, run_id=BAD, **changes)])


def test_without_anything_the_page_says_what_to_do(house: House):
    text = house.client(Role.VIEWER).get("/incidents").text
    assert "Nothing has fired yet" in text
    assert "Set an alert rule" in text


def test_the_list_opens_the_incident(house: House):
    found = fire(house)
    text = house.client(Role.VIEWER).get("/incidents").text
    assert f"/incidents/{found.incident_id}" in text
    assert "<script>alert" not in text
    assert ">firing<" in text


def test_an_incident_says_first_whether_it_still_happens(house: House):
    add_bad_run(house)
    found = fire(house)
    text = house.client(Role.VIEWER).get(f"/incidents/{found.incident_id}").text
    order = ["Still happening?", "refund-agent spends 4.1x", "Affected", "What changed", "First bad run", "Timeline"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert "execute_refund" in text
    assert "<script>alert" not in text
    assert house.ledger.audit.list(10)[0].action == "content_read"


def test_what_changed_is_what_was_marked_and_what_was_new(house: House):
    add_bad_run(house)
    for n, (version, hours) in enumerate((("v1", 60), ("v2", 3))):
        run = {"run_id": a_trace_id(80 + n), "workflow": "refund-agent", "environment": "production"}
        started = NOW_NS - hours * 60 * MINUTE
        house.store.write_derived([an_assembly(**run, workflow_version=version, started_ns=started)])
    marks = (
        Mark("default", "", "", NOW_NS - 30 * MINUTE, MarkKind.DEPLOYMENT, "new <b>limits</b>", "ana"),
        Mark("default", "production", "refund-agent", NOW_NS - 40 * MINUTE, MarkKind.MODEL, "gpt-5-mini"),
        Mark("default", "staging", "refund-agent", NOW_NS - 40 * MINUTE, MarkKind.MODEL, "only in staging"),
        Mark("default", "", "triage", NOW_NS - 40 * MINUTE, MarkKind.MODEL, "of another workflow"),
        Mark("default", "", "", NOW_NS - 3 * 24 * 60 * MINUTE, MarkKind.DEPLOYMENT, "long ago"),
    )
    house.ledger.marks.add(marks)
    found = fire(house)
    text = house.client(Role.VIEWER).get(f"/incidents/{found.incident_id}").text
    told = text[text.index('aria-label="What changed"') :].split("</section>")[0]
    words = ("version v2 first seen", "model gpt-5-mini first seen", "marked: new &lt;b&gt;limits&lt;/b&gt;")
    places = [told.index(w) for w in words]
    assert places == sorted(places)
    assert not any(words in told for words in ("only in staging", "of another workflow", "long ago", "version v1"))


def test_only_calls_that_ran_and_change_something_are_writes(house: House):
    add_bad_run(house)
    found = fire(house)
    rows = house.client(Role.VIEWER).get(f"/incidents/{found.incident_id}/writes.csv").text.splitlines()
    assert len(rows) == 2
    assert "execute_refund" in rows[1]
    assert "call_2" in rows[1]


def test_an_incident_can_be_taken_home_as_markdown(house: House):
    add_bad_run(house)
    found = fire(house)
    answer = house.client(Role.VIEWER).get(f"/incidents/{found.incident_id}/report.md")
    assert answer.headers["content-type"].startswith("text/markdown")
    assert "## Timeline" in answer.text
    assert "\\<script\\>" in answer.text


def test_files_of_an_incident_are_saved_and_not_opened_as_pages(house: House):
    add_bad_run(house)
    found = fire(house)
    page = house.client(Role.VIEWER).get(f"/incidents/{found.incident_id}").text
    for name in ("report.md", "writes.csv"):
        assert re.search(rf"<a [^>]*/incidents/{found.incident_id}/{name}[^>]* download>", page), name


def test_people_acknowledge_assign_note_and_close(house: House):
    found = fire(house)
    reviewer = house.client(Role.REVIEWER)
    at = f"/incidents/{found.incident_id}"
    for what, form in (
        ("acknowledge", {}),
        ("assign", {"assignee": "ana"}),
        ("note", {"text": "Looked at it with maria@example.com."}),
        ("mode", {"mode": "draft_only"}),
        ("close", {}),
    ):
        assert reviewer.post(f"{at}/{what}", data=form).status_code in {200, 303}
    now = house.ledger.incidents.get("default", found.incident_id)
    assert (now.assignee, now.is_open) == ("ana", False)
    assert now.acknowledged_by
    assert house.ledger.states.get("default", "production", "refund-agent").mode.value == "draft_only"
    (note,) = house.ledger.incidents.notes(now)
    assert "maria@example.com" not in note.text
    did = [e.detail.get("did") for e in house.ledger.audit.list(20)]
    assert {"acknowledge", "assign", "note", "close"} <= set(did)


@pytest.mark.parametrize("what", ["acknowledge", "assign", "note", "close", "mode"])
def test_a_viewer_changes_nothing(house: House, what):
    found = fire(house)
    answer = house.client(Role.VIEWER).post(
        f"/incidents/{found.incident_id}/{what}", data={"text": "x", "mode": "stop"}
    )
    assert answer.status_code == 403
    assert house.ledger.incidents.get("default", found.incident_id).is_open


def test_incidents_of_other_projects_stay_there(house: House):
    found = fire(house)
    other = house.client(Role.ADMIN, project="other")
    assert other.get(f"/incidents/{found.incident_id}").status_code == 404
    assert other.post(f"/incidents/{found.incident_id}/close").status_code == 404
    assert other.get("/api/v1/incidents").json()["data"] == []


def test_the_short_form_makes_two_rules(house: House):
    admin = house.client(Role.ADMIN)
    house.ledger.channels.put("default", "team", "webhook", "https://example.com/x", "ticket")
    form = {"workflow": "refund-agent", "usd": "50", "per": "1d", "differs": "1", "to": "team"}
    assert admin.post("/alert-rules/quick", data=form).status_code in {200, 303}
    rules = {r.rule_id: parse_rule(r.body) for r in house.ledger.alert_rules.list("default")}
    assert (rules["spend-refund-agent"].above, rules["spend-refund-agent"].window_s) == (50.0, 86_400)
    assert rules["drift-refund-agent"].to == ("team",)
    text = admin.get("/alert-rules").text
    assert "spend of refund-agent above $50.00 in 1 day" in text


@pytest.mark.parametrize("usd", ["", "lots", "-1", "0"])
def test_the_short_form_says_what_is_missing_and_keeps_what_was_typed(house: House, usd):
    answer = house.client(Role.ADMIN).post("/alert-rules/quick", data={"workflow": "refund-agent", "usd": usd})
    assert answer.status_code == 400
    assert "dollars" in answer.text
    assert house.ledger.alert_rules.list("default") == ()


def test_the_starter_rules_are_added_once(house: House):
    admin = house.client(Role.ADMIN)
    for _ in range(2):
        admin.post("/alert-rules/starters")
    found = house.ledger.alert_rules.list("default")
    assert len(found) == 7
    assert {r.version for r in found} == {1}


def test_a_rule_is_tried_on_history_before_it_is_saved(tmp_path):
    asked = []

    def backtest(project, rule, days):
        asked.append((project, rule.rule_id, days))
        return (Episode(Subject("refund-agent", "production", ""), NOW_NS, NOW_NS + MINUTE, "It spent $60."),)

    house = a_house(tmp_path, backtest=backtest)
    body = "{id: spend, type: threshold, metric: cost_usd, above: 50, window: 1d}"
    answer = house.client(Role.ADMIN).post("/alert-rules/save", data={"body": body, "did": "try", "days": 14})
    assert asked == [("default", "spend", 14)]
    assert "Would have fired once in the last 14 days." in answer.text
    assert "It spent $60." in answer.text
    assert house.ledger.alert_rules.list("default") == ()
    house.ledger.close()


def test_a_rule_is_made_in_the_form_of_its_kind(house: House):
    house.ledger.channels.put("default", "team", "webhook", "https://example.com/x", "ticket")
    admin = house.client(Role.ADMIN)
    blank = admin.get("/alert-rules/new?type=spike").text
    assert "it spends far more than usual" in blank
    assert "about 0.18 false alarms" in blank
    sent = {
        "type": "spike",
        "id": "dear",
        "workflow": "*",
        "sensitivity": "quiet",
        "min_impact_usd": "$5",
        "to": ["team"],
    }
    tried = admin.post("/alert-rules/save", data={**sent, "did": "try"}).text
    assert "min_impact_usd: 5" in tried, "the page shows the text that the form makes"
    assert "enabled: false" in tried, "a box that is not ticked is sent as nothing"
    admin.post("/alert-rules/save", data={**sent, "enabled": "on", "did": "save"})
    (kept,) = house.ledger.alert_rules.list("default")
    assert "enabled" not in kept.body
    assert 'value="dear"' in admin.get("/alert-rules/dear").text


def test_a_form_that_is_refused_keeps_what_was_typed(house: House):
    sent = {"type": "threshold", "id": "x", "metric": "cpsc", "above": "a lot", "window": "1h", "enabled": "on"}
    answer = house.client(Role.ADMIN).post("/alert-rules/save", data={**sent, "did": "save"})
    assert answer.status_code == 400
    assert 'value="a lot"' in answer.text
    assert "above" in answer.text
    assert house.client(Role.ADMIN).get("/alert-rules/new?type=nonsense").status_code in {400, 422}


def test_a_rule_that_cannot_be_read_is_shown_with_its_line(house: House):
    body = "id: spend\ntype: threshold\nmetric: cost\nabove: 50\n"
    answer = house.client(Role.ADMIN).post("/alert-rules/save", data={"body": body, "did": "save"})
    assert answer.status_code == 400
    assert "line 3" in answer.text
    assert "metric: cost" in answer.text


def test_a_rule_for_an_unknown_channel_is_refused(house: House):
    body = "{id: spend, type: health, to: [nobody]}"
    answer = house.client(Role.ADMIN).post("/alert-rules/save", data={"body": body, "did": "save"})
    assert answer.status_code == 400
    assert "no channel" in answer.text


def test_rules_out_of_a_file_are_changed_there(house: House):
    house.ledger.settings.put("alerts.source.default", "file")
    admin = house.client(Role.ADMIN)
    assert "come from a file" in admin.get("/alert-rules").text
    assert admin.post("/alert-rules/starters").status_code == 400


def test_a_silence_needs_a_reason_and_ends(tmp_path):
    house = a_house(tmp_path, now_ns=None)
    reviewer = house.client(Role.REVIEWER)
    assert reviewer.post("/alert-rules/silence", data={"hours": 8}).status_code == 400
    reviewer.post("/alert-rules/silence", data={"hours": 8, "reason": "planned move", "rule_id": "spend"})
    (silence,) = house.ledger.alert_rules.silences("default")
    assert (silence.rule_id, silence.reason) == ("spend", "planned move")
    reviewer.post("/alert-rules/end-silence", data={"silence_id": silence.silence_id})
    assert house.ledger.alert_rules.silences("default") == ()
    house.ledger.close()


def test_an_address_is_never_shown_again(house: House):
    admin = house.client(Role.ADMIN)
    form = {"name": "hook", "kind": "webhook", "address": "https://hooks.example.com/services/T0/SECRET"}
    made = admin.post("/channels/save", data=form).text
    secret = house.ledger.channels.get("default", "hook").secret
    assert secret in made
    assert "T0/SECRET" not in made
    again = admin.get("/channels").text
    assert secret not in again
    assert "T0/SECRET" not in again
    assert "https://hooks.example.com/…" in again
    assert [m.notice for m in house.ledger.outbox.list("default")] == ["test"]


@pytest.mark.parametrize(
    ("kind", "address", "says"),
    [
        ("webhook", "http://127.0.0.1/x", "private network"),
        ("webhook", "ftp://example.com", "https://"),
        ("webhook", "https://user:pass@example.com", "no user"),
        ("apprise", "syslog://", "the machine tracetape runs on"),
        ("apprise", "no scheme", "begins with a scheme"),
        ("pigeon", "https://example.com", "one of webhook"),
        ("webhook", "env:lower", "env:NAME"),
    ],
)
def test_an_address_that_must_not_be_is_refused(tmp_path, kind, address, says):
    def refuse(_host, _port):
        raise RefusedError("This address lies inside a private network.")

    house = a_house(tmp_path, check_target=refuse)
    answer = house.client(Role.ADMIN).post("/channels/save", data={"name": "x", "kind": kind, "address": address})
    assert answer.status_code == 400
    assert says in answer.text
    assert house.ledger.channels.list("default") == ()
    house.ledger.close()


def test_the_demo_sends_no_test_message(house: House):
    form = {"name": "hook", "kind": "apprise", "address": "env:ONCALL_URL"}
    house.client(Role.ADMIN).post("/channels/save?project=demo", data=form)
    assert house.ledger.outbox.list("demo") == ()


def test_the_navigation_counts_what_fires(tmp_path):
    house = a_house(tmp_path, firing=lambda _project: 3)
    assert '<b class="count">3</b>' in house.client(Role.VIEWER).get("/incidents").text
    house.ledger.close()


def test_a_viewer_reads_rules_and_changes_none(house: House):
    viewer = house.client(Role.VIEWER)
    assert viewer.get("/alert-rules").status_code == 200
    assert viewer.post("/alert-rules/starters").status_code == 403
    assert viewer.get("/channels").status_code == 403


def test_a_run_shows_in_the_incident_it_began(house: House):
    add_bad_run(house)
    house.store.write_derived(
        [an_assembly(run_id=a_trace_id(5), workflow="refund-agent", started_ns=a_run().started_ns)]
    )
    found = fire(house)
    assert f"/runs/{BAD}" in house.client(Role.VIEWER).get(f"/incidents/{found.incident_id}").text
