"""A newcomer's first minute in a real browser: the link, the empty screen, the first run appearing by itself."""

from __future__ import annotations

import re
import time

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter

from tests.tracetape.running import Running
from tests.tracetape.test_first_light import send_run

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def page(tmp_path_factory, chromium):
    with Running(tmp_path_factory.mktemp("browser"), "--workers", "1") as running:
        context = chromium.new_context()
        opened = context.new_page()
        opened.running = running
        opened.trouble = []
        opened.on("pageerror", lambda error: opened.trouble.append(str(error)))
        yield opened
        context.close()


def sign_in_link(running: Running) -> str:
    said = next(line for line in running.lines if line.startswith("Sign in once"))
    return re.search(r"https?://\S+", said)[0]


def test_the_printed_link_signs_in_once_and_shows_the_empty_first_screen(page):
    link = sign_in_link(page.running)
    page.goto(link)
    page.click("form button")
    page.wait_for_selector("text=Waiting for your first span")
    assert page.running.http in page.content()
    stranger = page.context.browser.new_context().new_page()
    stranger.goto(link)
    if stranger.query_selector("form button"):
        stranger.click("form button")
    assert not stranger.query_selector("text=Waiting for your first span")
    stranger.context.close()


def test_a_run_is_on_the_screen_within_five_seconds_of_flushing(page):
    page.goto(page.running.web + "/runs")
    send_run(GrpcExporter(endpoint=f"http://{page.running.grpc}", insecure=True), "on-screen")
    flushed = time.monotonic()
    page.wait_for_selector("text=on-screen", timeout=5_000)
    assert time.monotonic() - flushed < 5


def test_the_first_screen_gives_way_to_the_overview_by_the_test_button_or_a_span(page):
    page.goto(page.running.web + "/")
    page.wait_for_selector("text=on-screen", timeout=5_000)


def test_the_run_page_shows_its_tree_and_no_personal_data(page):
    page.goto(page.running.web + "/runs")
    page.click("text=on-screen")
    page.wait_for_selector("text=lookup_customer")
    text = page.inner_text("body")
    assert "4111" not in text
    assert "maria.gonzalez" not in text


def test_nothing_went_wrong_in_the_page(page):
    assert page.trouble == []
