"""A person and a run erased by clicking: every address on the way is free of what was typed, and the list tells the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from store.ledger import Ledger
from store.memory import MemoryStore
from tests.web.browser.conftest import a_listener, serving
from tests.web.house import a_house
from tests.web.samples import add_refund
from tracetape.erased_arrivals import ErasedArrivals
from tracetape.erased_sealed import NothingSealed
from tracetape.erasing import Erasing
from tracetape.erasure_desk import ErasureDesk

pytestmark = pytest.mark.browser
TOKEN = "<PERSON_abcdefgh>"


def test_a_person_and_a_run_are_erased_by_clicking(chromium: Browser, tmp_path: Path):
    store, ledger = MemoryStore(), Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    theirs, other = add_refund(store, 1, text=f"I am {TOKEN}"), add_refund(store, 2)
    erasing = Erasing(store, ledger, NothingSealed(), ErasedArrivals(ledger.erasures))
    house = a_house(
        tmp_path,
        store=store,
        pseudonyms=lambda _project, _entity, _value: (TOKEN,),
        erasures=ErasureDesk(erasing, ledger),
    )
    with a_listener() as listener, serving(house, chromium, listener) as site:
        page = site.page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))

        page.goto("/redaction")
        page.get_by_role("link", name="Erasure", exact=True).first.click()
        page.get_by_label("Spellings of one person, one per line").fill("Maria Gonzalez")
        page.get_by_role("button", name="Show what would go").click()
        expect(page.get_by_role("heading", name="1\xa0run")).to_be_visible()
        expect(page.get_by_text("PERSON abcdefgh")).to_be_visible()
        page.get_by_role("link", name="Keep").click()
        expect(page.get_by_text("Nobody was erased")).to_be_visible()
        assert store.read_run("default", theirs) is not None

        page.get_by_label("Spellings of one person, one per line").fill("Maria Gonzalez")
        page.get_by_role("button", name="Show what would go").click()
        page.get_by_role("button", name="Erase for good").click()
        expect(page.get_by_label("Type erase to confirm")).to_be_focused()
        page.get_by_label("Type erase to confirm").fill("erase")
        page.get_by_role("button", name="Erase for good").click()
        row = page.locator("#erasures tbody tr").first
        expect(row).to_contain_text("hidden", timeout=15_000)
        assert store.read_run("default", theirs) is None

        while erasing.go_on():
            pass
        expect(row).to_contain_text("bytes gone", timeout=15_000)  # the list looks again by itself
        with page.expect_download() as waiting:
            row.get_by_role("link", name="Certificate").click()
        told = json.loads(Path(waiting.value.path()).read_text("utf-8"))
        assert (told["target"], told["traces"]) == (TOKEN, 1)

        page.goto(f"/runs/{other}")
        page.get_by_role("link", name="Erase…").click()
        page.get_by_label("Type erase to confirm").fill("erase")
        page.get_by_role("button", name="Erase for good").click()
        expect(page.locator("#erasures tbody tr")).to_have_count(2)
        page.goto(f"/t/{other}")
        expect(page.get_by_text("was erased on")).to_be_visible()
        assert not [url for url in asked if "gonzalez" in url.lower()]
        site.problems[:] = [said for said in site.problems if "404" not in said]  # the erased trace answers so
    assert site.problems == []
    ledger.close()
