from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from replay.checking import seal_run
from spans.roles import Role
from tests.builders import a_span_id
from tests.web.house import clean, fill
from tests.web.samples import add_refund, refund_spans


@pytest.fixture
def run(house):
    return add_refund(house.store)


def read(house, path, role=Role.VIEWER, status=200):
    answer = house.client(role).get(path)
    assert answer.status_code == status, answer.text[:300]
    return answer


def test_the_replay_says_first_that_nothing_is_executed(house, run):
    page = read(house, f"/runs/{run}/replay").text
    assert "Playback of the recording." in page
    assert "Nothing is executed." in page
    assert "State at step 1" in page


def test_a_moment_is_an_address_and_works_without_script(house, run):
    page = read(house, f"/runs/{run}/replay?step=2").text
    assert "State at step 2" in page
    assert f'href="/runs/{run}/replay?step=3"' in page
    assert read(house, f"/runs/{run}?tab=replay&step=2", status=303).headers["location"] == f"/runs/{run}/replay?step=2"


def test_the_tab_is_reached_from_the_run_and_keeps_the_selected_step(house, run):
    page = read(house, f"/runs/{run}").text
    assert f"/runs/{run}/replay" in page
    span = house.store.read_steps("default", run)[2].span_id
    chosen = read(house, f"/runs/{run}/replay?span={span}").text
    assert f'data-span="{span}"' in chosen


def test_one_step_alone_is_the_same_part(house, run):
    part = read(house, f"/runs/{run}/replay/step?step=2").text
    assert "<html" not in part
    assert 'data-step="2"' in part


def test_every_read_is_in_the_access_log_and_a_burst_ahead_is_there_once(house, run):
    client = house.client(Role.VIEWER)
    for step in (2, 3, 4):
        assert client.get(f"/runs/{run}/replay/step?step={step}&ahead=1").status_code == 200
    client.get(f"/runs/{run}/replay/step?step=2")
    read_ = [e.detail["step"] for e in house.ledger.audit.list() if e.action == "content_read"]
    assert read_ == ["2", "ahead"]


def test_a_run_without_exchanges_is_told_so(house):
    assert read(house, "/runs/" + "9" * 32 + "/replay", status=404)


def test_the_proof_says_what_is_and_what_is_not_proved(house, run):
    page = read(house, f"/runs/{run}/proof").text
    assert "Not sealed yet" in page
    stored = house.store.read_run("default", run)
    seal_run(house.store, house.ledger, stored, sealed_ns=5)
    page = read(house, f"/runs/{run}/proof").text
    assert "Intact" in page
    assert "What it does not prove" in page
    assert "That a fresh run would do the same" in page
    told = read(house, f"/api/v1/runs/{run}/proof").json()["data"]
    assert (told["verdict"], told["chapters"]) == ("intact", 1)
    assert told["root"] in page


def test_other_projects_see_nothing(house, run):
    client = house.client(Role.VIEWER, project="other")
    for path in ("replay", "replay/step", "proof"):
        assert client.get(f"/runs/{run}/{path}").status_code == 404


@pytest.mark.parametrize("tab", ["", "/conversation", "/replay"])
def test_every_tab_of_a_run_stands_below_the_same_head(house, tab):
    run = add_refund(house.store)
    page = house.client(Role.VIEWER).get(f"/runs/{run}{tab}").text
    facts = re.search(r'<dl class="facts">(.*?)</dl>', page, re.DOTALL)[1]
    labels = ["Outcome", "Cost", "Tokens", "Time", "Model calls", "Decisions", "Redacted", "Recording"]
    assert re.findall(r"<dt>([^<]*)</dt>", facts) == labels
    assert "nothing found" in facts
    assert re.search(r"denied</a></dd><dd class=\"note\" title=\"execute_refund\">", facts)
    assert "production" in page.split('<div class="tabs"')[0]


def test_a_message_without_words_says_so(house):
    empty = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": ""}]}])
    spans = [s for s in refund_spans() if s.span_id in {a_span_id(101), a_span_id(102)}]
    changed = replace(spans[1], attributes={**spans[1].attributes, "gen_ai.output.messages": empty})
    (run,) = fill(house.store, clean([spans[0], changed]))
    page = house.client(Role.VIEWER).get(f"/runs/{run}/replay").text
    assert '<span class="none">empty</span>' in page.split('id="answered"')[1].split('id="changed"')[0]
