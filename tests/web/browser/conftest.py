"""A real headless Chromium on a real server on a free port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page

from spans.roles import Role
from tests.web.house import House, a_house
from web.settings import WebSettings


@dataclass
class Site:
    """A running house and what its pages must never do."""

    house: House
    base: str
    browser: Browser
    problems: list[str] = field(default_factory=list)
    opened: list[BrowserContext] = field(default_factory=list)

    def page(self, *, role: Role = Role.ADMIN, signed_in: bool = True, **options) -> Page:
        """A page that is signed in and reports dialogs, errors, violations and requests to other hosts."""
        defaults = {"viewport": {"width": 1440, "height": 900}, "timezone_id": "Europe/Berlin", "locale": "en-GB"}
        context = self.browser.new_context(base_url=self.base, **{**defaults, **options})
        self.opened.append(context)
        if signed_in:
            _, secret = self.house.ledger.keys.create("default", role, "browser")
            answer = context.request.post(
                "/sign-in", form={"key": secret}, headers={"origin": self.base}, max_redirects=0
            )
            assert answer.status == 303
        page = context.new_page()
        page.on("dialog", lambda d: (self.problems.append(f"dialog: {d.message}"), d.dismiss()))
        page.on("pageerror", lambda e: self.problems.append(f"error: {e}"))
        page.on(
            "console", lambda m: self.problems.append(f"console: {m.text}") if m.type in {"error", "warning"} else None
        )
        page.on(
            "request",
            lambda r: None if r.url.startswith((self.base, "data:")) else self.problems.append(f"request: {r.url}"),
        )
        return page


@contextmanager
def serving(house: House, chromium: Browser, listener: socket.socket) -> Iterator[Site]:
    """A house behind a real server."""
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(house.app, log_config=None, lifespan="on", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    made = Site(house, base, chromium)
    yield made
    for context in made.opened:
        context.close()
    server.should_exit = True
    thread.join(10)
    house.ledger.close()


def a_listener() -> socket.socket:
    """A socket on a free port of this machine."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


@pytest.fixture
def site(chromium: Browser, tmp_path: Path) -> Iterator[Site]:
    with a_listener() as listener, serving(a_house(tmp_path, settings=WebSettings()), chromium, listener) as made:
        yield made
    assert made.problems == []
