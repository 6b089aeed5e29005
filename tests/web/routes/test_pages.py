from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from spans.attempts import Attempt, AttemptKind, AttemptReason, Grade
from spans.errors import BusyError
from spans.health import IngestStatus
from spans.ids import RunId
from spans.roles import Role
from spans.run import Assembly
from tests.builders import NOW_NS, SECOND_NS, a_run, a_span, a_span_id, a_trace_id
from tests.web.house import House, a_house, an_arrival, clean, fill
from tests.web.routes.test_api import many_spans
from tests.web.samples import add_refund, refund_spans
from web.format import NBSP
from web.links import parse_links
from web.pages.live_list import SLACK_NS
from web.tree import WINDOW


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace(NBSP, " ").split())


def test_without_data_the_first_screen_says_what_to_send(house: House):
    page = house.client(Role.ADMIN).get("/")
    text = words(page.text)
    assert "Waiting for your first span" in text
    assert "http://127.0.0.1:4318" in text
    assert "http://127.0.0.1:4317" in text
    assert "Send a test run" in text
    assert "Load demo" in text
    for name in ("OpenAI SDK", "LangChain", "OpenLLMetry", "Node.js", "curl"):
        assert name in text


def test_the_first_screen_tells_live_what_arrives(tmp_path):
    arrivals = (
        an_arrival(accepted=False, code="401", reason="no key", items=0),
        an_arrival(signal="metrics"),
        an_arrival(items=214),
    )
    house = a_house(tmp_path, ingest=IngestStatus(arrivals=arrivals, receiver_ready=True))
    client = house.client(Role.VIEWER)
    text = words(client.get("/arrivals").text)
    assert "refused: 401, no key" in text
    assert "metrics only" in text
    assert "214 spans" in text
    plain = a_span(attributes={"http.route": "/"}, name="GET /", trace_id=a_trace_id(9))
    fill(house.store, clean([plain]))
    assert "1 spans, none from an agent" in words(client.get("/arrivals").text)
    add_refund(house.store)
    text = words(client.get("/arrivals").text)
    assert "refund-agent via OpenTelemetry GenAI" in text
    assert "Your first run is here" in text


def test_content_that_is_off_is_named_with_its_switch(house: House):
    fill(house.store, clean([a_span()]))
    text = words(house.client(Role.VIEWER).get("/arrivals").text)
    assert "content off" in text
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT" in text


def test_the_buttons_of_the_first_screen_do_what_they_say(tmp_path):
    calls: list[str] = []
    house = a_house(tmp_path, send_test_run=lambda: calls.append("test"), load_demo=lambda: calls.append("demo"))
    browser = house.browser()
    assert browser.post("/send-test-run").headers["location"] == "/"
    assert "project=demo" in browser.post("/load-demo").headers["location"]
    assert calls == ["test", "demo"]


def test_what_a_server_cannot_do_is_not_offered(tmp_path):
    house = a_house(tmp_path, send_test_run=None, load_demo=None)
    browser = house.browser()
    assert "Send a test run</button>" not in browser.get("/").text
    assert browser.post("/send-test-run").status_code == 404


def test_the_demo_project_says_so_on_every_page(house: House):
    add_refund(house.store, project="demo")
    client = house.browser()
    for path in ("/", "/runs", "/workflows", "/near-misses"):
        assert "Demo project" in client.get(f"{path}?project=demo").text
    assert "Demo project" not in client.get("/runs").text


def test_the_overview_is_a_sentence_a_table_and_doors(house: House):
    add_refund(house.store)
    page = house.client(Role.VIEWER).get("/").text
    text = words(page)
    assert "1 call was stopped by a control" in text
    assert re.search(r'href="/near-misses"', page)
    for label in ("Runs", "Success", "Cost per success", "Spend", "Near misses", "Waiting"):
        assert f'<span class="label">{label}</span>' in page
    assert "refund-agent" in text
    assert '<script type="application/json" id="fig-runs"' in page


def test_what_ran_although_forbidden_and_who_waits_shows_in_the_fleet(house: House):
    attempt = Attempt(
        kind=AttemptKind.VIOLATION, reason=AttemptReason.POLICY_FILE, grade=Grade.COMPUTED, at_ns=NOW_NS - SECOND_NS,
        span_id=a_span_id(1), tool="issue_refund", rule="max_cost_usd",
    )  # fmt: skip
    forbidden = a_run(
        run_id=RunId("a" * 32), workflow="refund-agent", attempts=(attempt,), started_ns=NOW_NS - SECOND_NS
    )
    waiting = a_run(run_id=RunId("b" * 32), workflow="mail", started_ns=NOW_NS - SECOND_NS, waiting_for="a person")
    house.store.write_derived([Assembly(forbidden, ()), Assembly(waiting, ())])
    page = html.unescape(house.client(Role.VIEWER).get("/").text)
    assert "1 call ran although the policy forbids it" in words(page)
    assert re.search(
        r'href="/near-misses\?[^"]*kind=violation&workflow=refund-agent[^"]*"[^>]*>.*?1 ran<', page, re.DOTALL
    )
    assert re.search(r'href="/runs\?[^"]*workflow=mail&[^"]*waiting=1[^"]*"[^>]*>.*?1 waiting<', page, re.DOTALL)


def test_filters_live_in_the_address_and_read_as_a_sentence(house: House):
    add_refund(house.store)
    client = house.client(Role.VIEWER)
    page = client.get("/runs?workflow=refund-agent&denied=1&min_cost=0.0001&range=7d").text
    text = words(page)
    assert "workflow is refund-agent" in text
    assert "had a denial" in text
    assert "last 7 days" in text
    assert 'id="r-' in page
    empty = words(client.get("/runs?workflow=nothing&range=7d").text)
    assert "No run matches" in empty


def test_the_filter_form_offers_real_values_when_it_is_opened(house: House):
    add_refund(house.store)
    client = house.client(Role.VIEWER)
    page = client.get("/runs?workflow=refund-agent&range=7d").text
    assert 'class="facets"' not in page, "looking values up costs more than the list"
    later = re.search(r'hx-get="(/runs/facets[^"]+)"', page)[1].replace("&amp;", "&")
    form = client.get(later).text
    assert '<option value="refund-agent" selected>' in form
    assert '<option value="execute_refund">execute_refund (1)</option>' in form
    assert '<form class="facets" method="post" action="/runs/filter?range=7d">' in form
    opened = client.get("/runs?range=7d&facets=open").text
    assert '<details class="filterbox" open>' in opened
    assert '<option value="execute_refund">' in opened


def test_single_calls_are_shown_when_there_is_no_agent(house: House):
    fill(house.store, clean([a_span()]))
    text = words(house.client(Role.VIEWER).get("/runs").text)
    assert "Single calls" in text
    assert "gpt-4o" in text or "refund-agent" in text


def test_the_live_answer_is_empty_until_something_changed(house: House):
    add_refund(house.store, 1)
    client = house.client(Role.VIEWER)
    poll = re.search(r'hx-get="(/runs/live[^"]+)"', client.get("/runs").text)[1].replace("&amp;", "&")
    assert client.get(poll).status_code == 204
    add_refund(house.store, 2, at_ns=NOW_NS + SECOND_NS)
    answer = client.get(poll)
    assert answer.status_code == 200
    assert "1 new run" in words(answer.text)
    again = re.search(r'hx-get="(/runs/live[^"]+)"', answer.text)[1].replace("&amp;", "&")
    assert client.get(again).status_code == 204


def test_the_live_answer_reads_no_further_back_than_the_page(house: House, monkeypatch):
    for n in range(1, 5):
        add_refund(house.store, n, at_ns=NOW_NS - n * SECOND_NS)
    client = house.client(Role.VIEWER)
    asked = []
    find = house.store.find_runs
    monkeypatch.setattr(house.store, "find_runs", lambda query: (asked.append(query), find(query))[1])
    for limit, oldest in ((2, NOW_NS - 2 * SECOND_NS), (9, None)):
        poll = re.search(r'hx-get="(/runs/live[^"]+)"', client.get(f"/runs?limit={limit}").text)[1]
        assert "shown=agent" in poll
        assert client.get(html.unescape(poll)).status_code == 204
        assert asked[-1].shape == ("agent",)
        assert oldest is None or asked[-1].since_ns == oldest - SLACK_NS


def test_an_empty_list_hears_of_its_first_run_whatever_its_shape(house: House):
    client = house.client(Role.VIEWER)
    poll = html.unescape(re.search(r'hx-get="(/runs/live[^"]+)"', client.get("/runs").text)[1])
    fill(house.store, clean([s for s in refund_spans() if s.span_id == a_span_id(102)]))
    assert "1 new run" in words(client.get(poll).text)


def test_a_list_of_single_calls_hears_of_the_first_agent_run(house: House):
    fill(house.store, clean([s for s in refund_spans() if s.span_id == a_span_id(102)]))
    client = house.client(Role.VIEWER)
    poll = html.unescape(re.search(r'hx-get="(/runs/live[^"]+)"', client.get("/runs").text)[1])
    assert client.get(poll).status_code == 204
    add_refund(house.store, 2, at_ns=NOW_NS - 30 * SECOND_NS)
    assert "1 new run" in words(client.get(poll).text)
    assert client.get(poll.replace("?", "?shown=single_call,no_agent&")).status_code == 200
    chosen = client.get("/runs?shape=single_call").text
    poll = html.unescape(re.search(r'hx-get="(/runs/live[^"]+)"', chosen)[1])
    assert client.get(poll).status_code == 204


def test_a_run_that_changed_is_swapped_where_it_stands(house: House):
    spans = many_spans(3, 2)
    fill(house.store, clean(spans[:1]))
    client = house.client(Role.VIEWER)
    poll = re.search(r'hx-get="(/runs/live[^"]+)"', client.get("/runs?shape=any").text)[1].replace("&amp;", "&")
    fill(house.store, clean(spans))
    answer = client.get(poll)
    assert f'<tr id="r-{a_trace_id(3)}" class="flash" hx-swap-oob="true">' in answer.text


@pytest.mark.parametrize(("minutes", "told"), [(5, False), (15, True)])
def test_an_open_run_says_since_when_no_end_was_seen(tmp_path, minutes, told):
    house = a_house(tmp_path, now_ns=NOW_NS + minutes * 60 * SECOND_NS)
    (run,) = fill(house.store, clean([replace(refund_spans()[0], end_ns=0)]))
    client = house.client(Role.VIEWER)
    assert ("no end seen since 12:00" in words(client.get("/runs").text)) is told
    assert "no end seen since 12:00" in words(client.get(f"/runs/{run}").text)


def test_typed_text_is_redacted_before_it_reaches_the_address(house: House):
    browser = house.browser()
    answer = browser.post("/search", data={"q": "write to maria@example.com"})
    assert answer.status_code == 303
    assert "maria" not in answer.headers["location"]
    assert "tapkmj7f" in answer.headers["location"]
    page = browser.get("/runs?q=maria@example.com&shape=any").text
    assert "maria@example.com" not in page
    searched = [e for e in house.ledger.audit.list() if e.action == "search"]
    assert [e.detail["text"] for e in searched] == ["<EMAIL_ADDRESS_tapkmj7f>"]


def test_a_pasted_trace_id_opens_its_run(house: House):
    run = add_refund(house.store, 0xABC)
    browser = house.browser()
    assert browser.post("/search", data={"q": f" {run.upper()} "}).headers["location"] == f"/runs/{run}"
    assert browser.post("/search", data={"q": ""}).headers["location"] == "/runs"


def test_search_waits_for_redaction_rather_than_searching_in_clear(tmp_path):
    def busy(_project: str, _text: str) -> str:
        raise BusyError("Redaction is still loading; try again in a moment.")

    house = a_house(tmp_path, redact_text=busy)
    assert house.browser().post("/search", data={"q": "maria@example.com"}).status_code == 503


def test_a_run_opens_at_what_went_wrong(house: House):
    run = add_refund(house.store)
    page = house.client(Role.VIEWER).get(f"/runs/{run}").text
    text = words(page)
    assert "1 denied" in text
    assert "<h2>execute_refund</h2>" in page
    assert re.search(r'<div class="row sel[^"]*">.*data-span="0000000000000067" aria-current="true"', page)
    assert "<title>refund-agent · denied · 12:00:00 UTC · tracetape</title>" in page


def test_the_selection_lives_in_the_address_and_survives_the_tab(house: House):
    run = add_refund(house.store)
    client = house.client(Role.VIEWER)
    page = client.get(f"/runs/{run}?span={a_span_id(102)}").text
    assert "639 in" in words(page)
    assert f'href="/runs/{run}/conversation?span={a_span_id(102)}"' in page
    talk = client.get(f"/runs/{run}/conversation?span={a_span_id(102)}").text
    assert "hit" in talk


def test_links_to_other_tools_stand_on_the_run_and_on_its_steps(tmp_path):
    links = parse_links("Grafana=https://g.example.com/{trace_id}?a=1&b=2,Logs=https://l.example.com/{span_id}")
    house = a_house(tmp_path, links=links)
    run = add_refund(house.store)
    client = house.client(Role.VIEWER)
    page = client.get(f"/runs/{run}").text
    assert f'href="https://g.example.com/{run}?a=1&amp;b=2" target="_blank" rel="noreferrer noopener"' in page
    assert f'href="https://l.example.com/{a_span_id(103)}"' in page, "the step whose detail shows"
    detail = client.get(f"/runs/{run}/detail/{a_span_id(102)}").text
    assert f'href="https://l.example.com/{a_span_id(102)}"' in detail
    assert "g.example.com" not in detail


def test_the_detail_explains_cost_and_redaction(house: House):
    run = add_refund(house.store)
    client = house.client(Role.VIEWER)
    text = words(client.get(f"/runs/{run}/detail/{a_span_id(102)}").text)
    assert "computed from public prices" in text
    assert "639" in text
    assert "Nothing found" in text
    assert "Attributes" in text
    assert client.get(f"/runs/{run}/detail/ffffffffffffffff").status_code == 404


def test_a_conversation_reads_in_order_and_says_nothing_twice(house: House):
    run = add_refund(house.store, text="Please refund me.")
    text = words(house.client(Role.VIEWER).get(f"/runs/{run}/conversation").text)
    order = ["You are careful.", "Let me see.", "asks for execute_refund", "execute_refund tool", "I could not:"]
    at = [text.index(part) for part in order]
    assert at == sorted(at)
    assert text.count("You are careful.") == 1
    assert text.count("Let me see.") == 1


def test_opening_a_run_stands_in_the_access_log(house: House):
    run = add_refund(house.store)
    browser = house.browser()
    browser.get(f"/runs/{run}")
    browser.get(f"/runs/{run}/conversation")
    reads = [e for e in house.ledger.audit.list() if e.action == "content_read"]
    assert [(e.target, e.detail["part"]) for e in reads] == [(run, "conversation"), (run, "timeline")]
    assert browser.get("/access-log").text.count(f'href="/runs/{run}"') == 2


def test_a_long_run_is_read_window_by_window(house: House):
    (run,) = fill(house.store, clean(many_spans(5, 1_200)))
    client = house.client(Role.VIEWER)
    folded = client.get(f"/runs/{run}")
    assert folded.text.count('class="go"') == 2
    assert "\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}1,199" in html.unescape(folded.text)
    first = client.get(f"/runs/{run}?open=g1")
    assert first.text.count('class="go"') == WINDOW
    assert len(first.content) < 500_000
    assert "1 to 300 of 1,201 rows" in words(first.text)
    last = client.get(f"/runs/{run}/tree?open=g1&from=1000")
    assert last.text.count('class="go"') == 201
    assert "<html" not in last.text
    chosen = client.get(f"/runs/{run}?span={a_span_id(900)}")
    assert f'data-span="{a_span_id(900)}" aria-current="true"' in chosen.text


def test_a_long_conversation_comes_in_parts_that_say_nothing_twice(house: House, monkeypatch):
    monkeypatch.setattr("web.talk.WHOLE_CONVERSATION", 3)
    monkeypatch.setattr("web.talk.PART_STEPS", 2)
    run = add_refund(house.store, text="Where is my money?")
    client = house.client(Role.VIEWER)
    first, second = (words(client.get(f"/runs/{run}/conversation?part={n}").text) for n in (0, 2))
    assert "Steps 1 to 2 of 4" in first
    assert "Where is my money?" in first
    assert "Steps 3 to 4 of 4" in second
    assert "I could not: Where is my money?" in second
    assert "You are careful" not in second


def test_any_trace_of_a_run_leads_to_it_and_others_are_404(house: House):
    client = house.client(Role.VIEWER)
    add_refund(house.store)
    for odd in ("0" * 32, "f" * 32, "xyz", "..%2f"):
        assert client.get(f"/runs/{odd}").status_code == 404


def test_the_header_says_when_something_is_refused(tmp_path):
    arrivals = (an_arrival(accepted=False, code="401", reason="no key", time_ns=NOW_NS + 50 * SECOND_NS),)
    house = a_house(tmp_path, ingest=IngestStatus(arrivals=arrivals, receiver_ready=True))
    assert "refused: no key" in words(house.client(Role.VIEWER).get("/ingest-dot").text)


def test_every_page_draws_without_an_undefined_word(house: House):
    run = add_refund(house.store)
    client = house.client(Role.ADMIN)
    paths = (
        "/",
        "/runs",
        "/workflows",
        "/near-misses",
        "/connect",
        "/members",
        "/keys",
        "/access-log",
        "/delivery",
        "/about",
        "/incidents",
        "/alert-rules",
        "/alert-rules/new",
        "/channels",
        "/-/patterns",
        f"/runs/{run}",
        f"/runs/{run}/conversation",
    )
    for path in paths:
        page = client.get(path)
        assert page.status_code == 200, path
        # Programs are shown as they are: a Python snippet may say None.
        shown = words(re.sub(r"<script.*?</script>|<code.*?</code>|<pre.*?</pre>", "", page.text, flags=re.DOTALL))
        assert not re.search(r"\bNone\b|\bUndefined\b|object at 0x|\[object", shown), path


def test_the_demo_opens_its_overview_as_soon_as_it_can(house: House):
    client = house.browser()
    assert "The demo is on its way" in client.get("/?project=demo").text
    assert "hx-refresh" not in client.get("/arrivals?project=demo").headers
    add_refund(house.store, project="demo")
    assert client.get("/arrivals?project=demo").headers["hx-refresh"] == "true"
    assert "hx-refresh" not in client.get("/arrivals?project=demo&connect=1").headers
    assert 'hx-get="/arrivals?project=demo&amp;connect=1"' in client.get("/connect?project=demo").text
