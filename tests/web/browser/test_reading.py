"""Reading in a real browser: keyboard, back and forward, live update, phone, no script, themes, time zones."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from spans.roles import Role
from spans.span import StatusCode
from tests.builders import NOW_NS, SECOND_NS, a_span_id, a_trace_id
from tests.web.browser.conftest import Site, a_listener, serving
from tests.web.furnished import furnished, html_pages
from tests.web.house import clean, fill
from tests.web.routes.test_api import many_spans
from tests.web.samples import FIELDS, add_refund

pytestmark = pytest.mark.browser

PAGES = (
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
    "/-/patterns",
)
LONG = "a-workflow-with-a-name-of-eighty-characters-because-somebody-somewhere-will-do-that"


def test_every_page_loads_without_a_complaint_of_the_browser(site: Site):
    run = add_refund(site.house.store)
    page = site.page()
    for path in (*PAGES, f"/runs/{run}", f"/runs/{run}/conversation"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
    assert site.problems == []


def test_charts_are_drawn_in_the_colours_of_the_page(site: Site):
    add_refund(site.house.store)
    page = site.page(color_scheme="dark")
    page.goto("/")
    expect(page.locator("#c-runs ~ *, .plot .main-svg").first).to_be_visible()
    assert page.locator(".plot .main-svg").count() >= 3
    colour = page.evaluate("getComputedStyle(document.querySelector('.plot .bars path, .plot .point path')).fill")
    assert colour not in {"", "rgb(0, 0, 0)"}


def test_a_link_preview_does_not_sign_in_but_a_person_does(site: Site):
    token = site.house.ledger.links.create("sign_in", role=Role.ADMIN, name="owner")
    page = site.page(signed_in=False)
    page.goto(f"/sign-in?token={token}&next=/workflows")
    page.reload()
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/workflows$"))
    page.get_by_role("button", name="Sign out").first.click()
    expect(page).to_have_url(re.compile("/sign-in$"))
    page.goto("/runs")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    site.problems[:] = [p for p in site.problems if "401" not in p]


def test_selecting_a_step_follows_back_forward_and_reload(site: Site):
    run = add_refund(site.house.store)
    page = site.page()
    page.goto(f"/runs/{run}")
    heading = page.locator("#detail h2")
    expect(heading).to_have_text("execute_refund")
    page.locator(f'.go[data-span="{a_span_id(102)}"]').click()
    expect(heading).to_have_text("gpt-4o-mini")
    expect(page).to_have_url(re.compile(f"span={a_span_id(102)}"))
    page.locator(f'.go[data-span="{a_span_id(101)}"]').click()
    expect(heading).to_have_text("refund-agent")
    page.go_back()
    expect(heading).to_have_text("gpt-4o-mini")
    page.go_forward()
    expect(heading).to_have_text("refund-agent")
    page.reload()
    expect(heading).to_have_text("refund-agent")
    page.get_by_role("link", name="Conversation").click()
    expect(page).to_have_url(re.compile(f"/conversation\\?span={a_span_id(101)}"))


def test_a_step_of_another_part_of_the_conversation_opens_that_part(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("web.talk.WHOLE_CONVERSATION", 4)
    monkeypatch.setattr("web.talk.PART_STEPS", 6)
    apart = [
        replace(span, attributes={**span.attributes, "gen_ai.request.model": f"m{n}", "gen_ai.response.model": f"m{n}"})
        for n, span in enumerate(many_spans(7, 30, text="what was asked"))
    ]
    fill(site.house.store, clean(apart))
    page = site.page()
    page.goto(f"/runs/{a_trace_id(7)}/conversation?part=0")
    far = a_span_id(28)
    assert page.locator(f"#t-{far}").count() == 0
    page.locator(f'.go[data-span="{far}"]').click()
    expect(page.locator(f"#t-{far}")).to_be_in_viewport()
    expect(page).to_have_url(re.compile(f"span={far}"))
    assert "part=" not in page.url
    page.go_back()
    expect(page).to_have_url(re.compile("part=0"))
    near = a_span_id(3)
    page.locator(f'.go[data-span="{near}"]').click()
    expect(page.locator(f"#t-{near}.hit")).to_be_in_viewport()
    assert site.problems == []


def test_a_step_that_says_nothing_opens_beside_a_part_of_the_conversation(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("web.talk.WHOLE_CONVERSATION", 4)
    monkeypatch.setattr("web.talk.PART_STEPS", 6)
    root, *calls = many_spans(7, 30, text="what was asked")
    fill(site.house.store, clean([replace(root, name="invoke_agent clerk", attributes={}), *calls]))
    page = site.page()
    page.goto(f"/runs/{a_trace_id(7)}/conversation?part=6")
    page.evaluate("window.stays = true")
    page.locator(f'.go[data-span="{a_span_id(1)}"]').click()
    expect(page.locator("#detail h2")).to_contain_text("clerk")
    assert page.evaluate("window.stays")  # no other page was loaded


def test_the_tree_is_walked_with_the_keyboard(site: Site):
    run = add_refund(site.house.store)
    page = site.page()
    page.goto(f"/runs/{run}?span={a_span_id(101)}")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#detail h2")).to_have_text("execute_refund")
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(f"/runs/{run}$"))
    page.keyboard.press("/")
    page.keyboard.type(run)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/runs/{run}$"))


def test_everything_can_be_reached_with_the_tab_key(site: Site):
    add_refund(site.house.store)
    page = site.page()
    page.goto("/runs")
    names = []
    for _ in range(60):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate(
                "(document.activeElement.getAttribute('aria-label') || document.activeElement.textContent || document.activeElement.name || '').trim().slice(0, 40)"
            )
        )
        if page.evaluate("document.activeElement === document.body"):
            break
        seen = page.evaluate(
            """() => {
                const at = document.activeElement, bar = at.querySelector('rect.hit');
                return getComputedStyle(at).outlineStyle !== 'none' || (bar && getComputedStyle(bar).fill !== 'rgba(0, 0, 0, 0)');
            }"""
        )
        assert seen, names[-1]
    assert names[0] == "Skip to content"
    assert "Overview" in names
    assert any("refund-agent" in n for n in names)


def test_new_runs_arrive_at_the_top_by_themselves(site: Site):
    add_refund(site.house.store, 1)
    page = site.page()
    page.goto("/runs")
    page.mouse.move(5, 400)
    add_refund(site.house.store, 2, at_ns=NOW_NS + SECOND_NS, name="fresh")
    expect(page.locator("#list tbody tr")).to_have_count(2, timeout=10_000)
    expect(page.locator("#list tbody tr").first).to_contain_text("fresh")


def test_the_row_under_the_pointer_never_moves(site: Site):
    for number in range(1, 6):
        add_refund(site.house.store, number, at_ns=NOW_NS + number)
    page = site.page()
    page.goto("/runs")
    row = page.locator("#list tbody tr").nth(2)
    before = row.bounding_box()
    row.hover()
    add_refund(site.house.store, 9, at_ns=NOW_NS + SECOND_NS, name="fresh")
    bar = page.get_by_role("link", name="1 new run")
    expect(bar).to_be_visible(timeout=10_000)
    page.wait_for_timeout(400)
    after = row.bounding_box()
    assert (before["x"], before["y"]) == (after["x"], after["y"])
    bar.click()
    expect(page.locator("#list tbody tr")).to_have_count(6)


def test_new_rows_take_nothing_away_that_was_chosen_and_the_download_follows_them(site: Site):
    for number in range(1, 4):
        add_refund(site.house.store, number, at_ns=NOW_NS + number)
    page = site.page()
    page.goto("/runs")
    page.locator("#list .choose").nth(1).check()
    page.mouse.move(5, 400)
    add_refund(site.house.store, 9, at_ns=NOW_NS + SECOND_NS, name="fresh")
    bar = page.get_by_role("link", name="1 new run")
    expect(bar).to_be_visible(timeout=10_000)
    page.wait_for_timeout(400)
    expect(page.locator("#list tbody tr")).to_have_count(3)  # not by itself while something is chosen
    bar.click()
    expect(page.locator("#list tbody tr")).to_have_count(4)
    expect(page.locator("#list .choose").nth(2)).to_be_checked()
    expect(page.locator("#how-many")).to_have_text("1")
    expect(page.locator("#shapes")).to_contain_text("agent runs 4")
    with page.expect_download() as waiting:
        page.locator("#pager").get_by_role("link", name="CSV").click()
    assert Path(waiting.value.path()).read_text("utf-8").count("refund-agent") == 3
    assert Path(waiting.value.path()).read_text("utf-8").count('"fresh"') == 1


def test_a_chosen_run_stays_chosen_when_it_changes(site: Site):
    spans = many_spans(3, 2)
    fill(site.house.store, clean(spans[:1]))
    page = site.page()
    page.goto("/runs?shape=any")
    page.locator("#list .choose").check()
    fill(site.house.store, clean(spans))
    expect(page.locator("#list tr.flash")).to_have_count(1, timeout=10_000)
    page.wait_for_timeout(200)
    expect(page.locator("#list .choose")).to_be_checked()
    expect(page.locator("#how-many")).to_have_text("1")


def test_what_can_be_done_follows_how_many_are_chosen(site: Site):
    for number in range(1, 4):
        add_refund(site.house.store, number, at_ns=NOW_NS + number)
    page = site.page()
    page.goto("/runs")
    boxes, compare = page.locator("#list .choose"), page.locator("#compare-chosen")
    boxes.nth(0).check()
    expect(compare).to_have_text("Compare with the last good one")
    boxes.nth(1).check()
    expect(compare).to_have_text("Compare two")
    boxes.nth(2).check()
    expect(compare).to_be_disabled()
    page.get_by_text("Filter by workflow").click()
    page.get_by_label("Cost at least (USD)").fill("0.0001")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(r"/runs\?min_cost=0.0001$"))


def test_the_first_screen_shows_the_first_run_within_seconds(site: Site):
    page = site.page()
    page.goto("/")
    expect(page.get_by_role("heading", name="Waiting for your first span")).to_be_visible()
    add_refund(site.house.store)
    expect(page.get_by_role("link", name="refund-agent")).to_be_visible(timeout=5_000)
    expect(page.get_by_role("heading", name="Your first run is here")).to_be_visible()


def test_snippets_switch_without_script(site: Site):
    page = site.page(java_script_enabled=False)
    page.goto("/")
    page.get_by_text("Node.js", exact=True).click()
    expect(page.get_by_text("OTLPTraceExporter({")).to_be_visible()
    expect(page.get_by_text("OpenAIInstrumentor().instrument()")).to_be_hidden()


def test_everything_is_readable_without_script(site: Site):
    run = add_refund(site.house.store, text="Please refund me.")
    page = site.page(java_script_enabled=False)
    page.goto("/")
    page.get_by_role("link", name="Runs", exact=True).first.click()
    page.get_by_role("link", name="refund-agent", exact=True).click()
    expect(page.locator("#detail h2")).to_have_text("execute_refund")
    page.locator(f'.go[data-span="{a_span_id(102)}"]').click()
    expect(page).to_have_url(re.compile(f"span={a_span_id(102)}"))
    expect(page.locator("#detail")).to_contain_text("Please refund me.")
    page.get_by_role("link", name="Conversation").click()
    expect(page.locator("article").first).to_contain_text("You are careful.")
    assert page.locator("time").first.inner_text()
    page.goto(f"/runs/{run}")
    page.locator(".top input[name=q]").fill("refund")
    page.locator(".top input[name=q]").press("Enter")
    expect(page).to_have_url(re.compile("q=refund"))


def test_every_page_reads_without_a_script(chromium: Browser, tmp_path: Path):
    """Its words are there, and whatever can be sent has a button to send it."""
    with a_listener() as listener:
        made = furnished(tmp_path, text="what was said")
        with serving(made.house, chromium, listener) as site:
            page = site.page(java_script_enabled=False)
            wrong = {}
            for path in html_pages(made):
                page.goto(path)
                main = page.locator("main")
                if len(main.inner_text()) < 30:
                    wrong[path] = main.inner_text()
                for form in main.locator("form").all():
                    if not form.locator("button:not([type=button]), input[type=submit]").count():
                        wrong[path] = form.evaluate("form => form.outerHTML.slice(0, 200)")
    assert wrong == {}


def test_a_list_is_filtered_by_a_real_value(site: Site):
    add_refund(site.house.store)
    page = site.page()
    page.goto("/runs")
    page.get_by_text("Filter by workflow").click()
    page.get_by_label("Tool").select_option("execute_refund")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile("tool=execute_refund"))
    expect(page.get_by_role("link", name="refund-agent", exact=True)).to_be_visible()
    plain = site.page(java_script_enabled=False)
    plain.goto("/runs")
    plain.get_by_text("Filter by workflow").click()
    plain.get_by_role("link", name="Filter by field").click()
    plain.get_by_label("Tool").select_option("execute_refund")
    plain.get_by_role("button", name="Apply").click()
    expect(plain.get_by_role("link", name="refund-agent", exact=True)).to_be_visible()


WIDE = """() => {
  const width = document.documentElement.scrollWidth;
  if (width <= 390) return null;
  const beyond = [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > 391 && !e.closest('.scroll'));
  return [width, ...beyond.slice(0, 3).map(e => e.outerHTML.slice(0, 80))];
}"""


@pytest.mark.parametrize(
    ("scheme", "text"),
    [("light", "x" * 400 + " مرحبا " + "long " * 200), ("dark", "what was said, in words of a usual length " * 30)],
)
def test_nothing_scrolls_sideways_on_a_phone(chromium: Browser, tmp_path: Path, scheme: str, text: str):
    """Every page of a house that has one of everything, with text that has no place to break and with text that has."""
    unbroken = text.partition(" ")[0]
    name = LONG.replace("-", "") if len(unbroken) > len(LONG) else LONG
    fields = {name: f"{unbroken[:80]}{value}" for name, value in FIELDS.items()}
    with a_listener() as listener:
        made = furnished(tmp_path, text=text, name=name, words=(unbroken[:60], text[:60]), fields=fields)
        with serving(made.house, chromium, listener) as site:
            page = site.page(
                viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, color_scheme=scheme
            )
            wide = {}
            for path in (*html_pages(made), "/nope"):
                page.goto(path)
                page.evaluate("document.querySelectorAll('main details').forEach(e => { e.open = true })")
                if found := page.evaluate(WIDE):
                    wide[path] = found
    assert wide == {}


def test_two_runs_are_compared_on_a_phone(site: Site):
    words = "which customers of the north came back within ninety days of their first order and what did they buy "
    runs = [add_refund(site.house.store, n, text=f"{n} {words * 3}", at_ns=NOW_NS - n * SECOND_NS) for n in (1, 2)]
    page = site.page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto(f"/compare?left={runs[0]}&right={runs[1]}")
    expect(page.get_by_role("heading", name="Compare")).to_be_visible()
    page.evaluate("document.querySelectorAll('details.fold').forEach(e => { e.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_phone_has_a_bar_and_the_step_covers_the_tree(site: Site):
    run = add_refund(site.house.store)
    page = site.page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto(f"/runs/{run}")
    expect(page.locator(".bar > a")).to_have_text(["Overview", "Incidents", "Runs", "Workflows"])
    expect(page.locator("#detail")).to_be_hidden()
    page.locator(f'.go[data-span="{a_span_id(102)}"]').tap()
    expect(page.locator("#detail")).to_be_visible()
    page.get_by_role("link", name="Close").tap()
    expect(page.locator("#detail")).to_be_hidden()
    for target in page.locator(".bar > a").all():
        assert target.bounding_box()["height"] >= 44


def test_light_and_dark_switch_at_once_and_are_remembered(site: Site):
    add_refund(site.house.store)
    page = site.page(color_scheme="light")
    page.goto("/")
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(251, 251, 250)"
    page.get_by_role("button", name="Dark").first.click()
    assert page.evaluate(background) == "rgb(17, 18, 20)"
    page.wait_for_timeout(300)
    page.reload()
    assert page.evaluate(background) == "rgb(17, 18, 20)"


def test_times_are_shown_in_the_readers_zone_or_in_utc(site: Site):
    add_refund(site.house.store)
    page = site.page(timezone_id="Asia/Tokyo")
    page.goto("/runs")
    expect(page.locator("#list time").first).to_contain_text("21:00")
    expect(page.locator("[data-tz]").first).to_have_text("+09:00")
    with page.expect_navigation():
        page.get_by_role("button", name="UTC").first.click()
    expect(page.locator("#list time").first).to_contain_text("12:00:00")


def test_a_range_is_typed_in_the_readers_zone_or_in_utc(site: Site):
    add_refund(site.house.store)
    page = site.page(timezone_id="Asia/Tokyo")
    page.goto("/runs?workflow=refund-agent&since=2026-11-20T09:00:00Z&until=2026-11-20T15:00:00Z")
    ranges = page.locator("details.menu", has=page.locator("[data-moment]"))
    ranges.locator("summary").click()
    since = page.get_by_label("From (Asia/Tokyo)")
    expect(since).to_have_value(re.compile("^2026-11-20T18:00"))
    since.fill("2026-11-20T20:30:00")
    ranges.get_by_role("button", name="Show").click()
    expect(page).to_have_url(
        re.compile(r"workflow=refund-agent.*since=2026-11-20T11%3A30%3A00Z&until=2026-11-20T15%3A00%3A00Z$")
    )
    expect(page.locator("#list tbody tr")).to_have_count(1)
    with page.expect_navigation():
        page.get_by_role("button", name="UTC").first.click()
    ranges.locator("summary").click()
    expect(page.get_by_label("From (UTC)")).to_have_value(re.compile("^2026-11-20T11:30"))
    page.get_by_label("To (UTC)").fill("2026-11-20T12:30:00")
    ranges.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"since=2026-11-20T11%3A30(%3A00)?&until=2026-11-20T12%3A30(%3A00)?$"))
    expect(page.locator("#list tbody tr")).to_have_count(1)


def test_a_long_run_answers_within_its_time(site: Site):
    (run,) = fill(site.house.store, clean(many_spans(5, 3_000)))
    page = site.page()
    page.goto(f"/runs/{run}")
    rows = page.locator(".wf .row")
    expect(rows).to_have_count(2)
    page.get_by_role("link", name="Open", exact=False).last.click()
    expect(page).to_have_url(re.compile("open=g1"))
    expect(rows).not_to_have_count(2)
    took = page.evaluate(
        """async () => {
            const started = performance.now();
            document.querySelectorAll('.wf .row .go')[150].click();
            while (!document.querySelector('.wf .row.sel')) await new Promise(requestAnimationFrame);
            return performance.now() - started;
        }"""
    )
    assert took < 1_000
    page.mouse.wheel(0, 100_000)  # the next window comes by itself
    expect(rows).to_have_count(600)
    page.go_back()
    page.go_back()
    expect(rows).to_have_count(2)


def test_the_tree_opens_and_shuts_with_arrow_keys_and_reads_without_a_script(site: Site):
    run = add_refund(site.house.store)
    page = site.page()
    page.goto(f"/runs/{run}?span={a_span_id(101)}")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".wf .row")).to_have_count(1)
    expect(page).to_have_url(re.compile("shut=0"))
    page.keyboard.press("ArrowRight")
    expect(page.locator(".wf .row")).to_have_count(5)
    plain = site.page(java_script_enabled=False)
    plain.goto(f"/runs/{run}?span={a_span_id(101)}")
    plain.get_by_role("link", name="Shut refund-agent").click()
    expect(plain.locator(".wf .row")).to_have_count(1)


def test_a_jump_opens_the_fold_that_hides_its_step(site: Site):
    spans = many_spans(5, 400)
    bad = replace(spans[300], status_code=StatusCode.ERROR)
    (run,) = fill(site.house.store, clean([*spans[:300], bad, *spans[301:]]))
    page = site.page()
    page.goto(f"/runs/{run}?span={spans[0].span_id}")
    expect(page.locator(".wf .row")).to_have_count(3)
    page.locator(".wf .row .go").nth(1).click()
    page.get_by_role("link", name="error", exact=True).click()
    expect(page.locator(f'.row.sel .go[data-span="{bad.span_id}"]')).to_be_in_viewport()
