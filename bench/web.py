"""How fast a large run reads in a real browser: 50,000 spans, and a prompt of 10 MB, on the embedded store; and the list
of a million runs.

    python -m bench.web [--spans 50000] [--megabytes 10] [--store chdb:///FOLDER]
    python -m bench.store make --spans 20000000 --tables runs --data DIR && python -m bench.web --runs DIR

Prints, in milliseconds, the first paint of each page as the browser reports it (the first visit reads the run, later ones
find it remembered), the size of its HTML, and how long a click takes until its answer stands on the page. Figures are of
one machine and one moment. With `--store` the runs are written once and found there again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Page, sync_playwright

from spans.ids import TraceId
from spans.roles import Role
from spans.span import Resource, Scope, Span, StatusCode
from store.api import Store
from store.opening import open_store
from tests.builders import NOW_NS, SECOND_NS, a_span_id, a_trace_id
from tests.web.house import a_house, clean, fill

SCOPE = Scope("opentelemetry.instrumentation.genai.openai", "1.3b0")
CRAWLER, READER = a_trace_id(7), a_trace_id(8)
_PAINT = """() => new Promise((told) => {
  new PerformanceObserver((list) => told(list.getEntriesByName('first-contentful-paint')[0].startTime)).observe({ type: 'paint', buffered: true });
  setTimeout(() => told(-1), 5000);
})"""
"""The page may be loaded before it is painted, so the figure is waited for."""
LISTS = (
    ("last 24 hours", "/runs"),
    ("last 30 days", "/runs?range=30d"),
    ("30 days, one workflow", "/runs?range=30d&workflow=workflow-3"),
    ("30 days, most expensive first", "/runs?range=30d&order=cost"),
    ("30 days, grouped by workflow", "/runs?range=30d&group=workflow"),
)
_CLICK = """async ([selector, done]) => {
  const from = performance.now();
  [...document.querySelectorAll(selector)].pop().click();
  while (!eval(done)) { if (performance.now() - from > 20000) return -1; await new Promise(requestAnimationFrame); }
  return performance.now() - from;
}"""


def crawler(spans: int) -> list[Span]:
    """An agent with many helpers that fetch pages, retry, and sometimes time out."""
    chance, resource = random.Random(7), Resource({"service.name": "crawler"})
    made: list[Span] = []

    def span(name: str, parent: int, start: int, length: int, attributes: dict[str, Any], *, bad: bool = False) -> int:
        made.append(
            Span(
                CRAWLER,
                a_span_id(7_000_001 + len(made)),
                name,
                parent_span_id=a_span_id(7_000_001 + parent) if parent >= 0 else None,
                start_ns=start,
                end_ns=start + length,
                resource=resource,
                scope=SCOPE,
                attributes={**attributes, **({"error.type": "TimeoutError"} if bad else {})},
                status_code=StatusCode.ERROR if bad else StatusCode.UNSET,
            )
        )
        return len(made) - 1

    agent = {"gen_ai.operation.name": "invoke_agent"}
    at = NOW_NS - 3600 * SECOND_NS
    root = span("invoke_agent crawler", -1, at, 3600 * SECOND_NS, {**agent, "gen_ai.agent.name": "crawler"})
    while len(made) < spans:
        helper = span(
            "invoke_agent page-reader", root, at, 6 * SECOND_NS, {**agent, "gen_ai.agent.name": "page-reader"}
        )
        for turn in range(6):
            begin = at + turn * SECOND_NS
            span("chat gpt-4o-mini", helper, begin, SECOND_NS // 2, _chat(f"read page {len(made)}", chance))
            for _ in range(chance.choice((1, 1, 3, 12))):
                span("execute_tool fetch_page", helper, begin + SECOND_NS // 2, SECOND_NS // 10, {
                    "gen_ai.operation.name": "execute_tool",
                    "gen_ai.tool.name": "fetch_page",
                    "gen_ai.tool.call.id": f"call_{len(made)}",
                    "gen_ai.tool.call.arguments": json.dumps({"url": f"https://example.com/{len(made)}"}),
                }, bad=chance.random() < 0.02)  # fmt: skip
        at += SECOND_NS
    return made[:spans]


def reader(megabytes: int) -> list[Span]:
    """One call with a very long prompt."""
    line = "The quick brown fox <PERSON_tapkmj7f> jumps over the lazy dog. " * 20 + "\n"
    text = line * (megabytes * 1024 * 1024 // len(line))
    resource = Resource({"service.name": "reader"})
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "reader"}
    start = NOW_NS - 60 * SECOND_NS
    root = Span(
        READER, a_span_id(8_001), "invoke_agent reader", start_ns=start, end_ns=start + 9 * SECOND_NS,
        resource=resource, scope=SCOPE, attributes=agent,
    )  # fmt: skip
    call = Span(
        READER, a_span_id(8_002), "chat gpt-4o-mini", parent_span_id=root.span_id, start_ns=start + SECOND_NS,
        end_ns=start + 8 * SECOND_NS, resource=resource, scope=SCOPE, attributes=_chat(text, random.Random(8)),
    )  # fmt: skip
    return [root, call]


def _chat(text: str, chance: random.Random) -> dict[str, Any]:
    """One call; its answer is 2 to 5 kB long, as those of real agents are: a page of short ones cannot become too large."""
    answer = "".join(
        f"Finding {n}: the page says {chance.random()} and links on.\n" for n in range(chance.randrange(40, 90))
    )
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": chance.randrange(100, 3000),
        "gen_ai.usage.output_tokens": chance.randrange(10, 300),
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": answer}]}]),
    }


def measure(page: Page, run: TraceId, visits: int = 3) -> Iterator[tuple[str, str]]:
    """Lines of (what, figure)."""
    for tab in ("", "/conversation"):
        paints = []
        for _ in range(visits):
            answer = page.goto(f"/runs/{run}{tab}", wait_until="load")
            paints.append(page.evaluate(_PAINT))
        size = len(answer.body()) if answer else 0
        told = ", ".join(f"{p:.0f}" for p in paints)
        yield f"{tab.strip('/') or 'timeline'}: first paint of {visits} visits", f"{told} ms; HTML {size / 1000:.0f} kB"


def clicks(page: Page, run: TraceId) -> Iterator[tuple[str, str]]:
    """What a hand does in a large tree."""
    page.goto(f"/runs/{run}?span={a_span_id(7_000_001)}", wait_until="load")
    steps = (
        ("open the fold of repeats", ".row:nth-child(2) a.tw", "document.querySelectorAll('.wf .row').length > 100"),
        ("open a helper in it", ".row:nth-child(5) a.tw", "document.querySelector('.row:nth-child(5) a.tw').ariaExpanded === 'true'"),
        ("select a step", ".row:nth-child(6) .go", "document.querySelector('#detail h2')?.textContent === 'gpt-4o-mini'"),
        ("jump to the most expensive", ".tabs a[data-span]", "document.querySelector('.row.sel')"),
    )  # fmt: skip
    for words, selector, done in steps:
        yield words, f"{page.evaluate(_CLICK, [selector, done]):.0f} ms"


def main() -> None:
    """Run it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--spans", type=int, default=50_000)
    options.add_argument("--megabytes", type=int, default=10)
    options.add_argument("--store", default="")
    options.add_argument("--runs", type=Path, help="folder of `bench.store make`: time the list of its runs instead")
    told = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-web-") as folder:
        store = open_store(f"chdb://{told.runs}" if told.runs else told.store or f"chdb://{folder}/store")
        store.migrate()
        if not told.runs and store.read_run("default", CRAWLER) is None:
            _write(store, told.spans, told.megabytes)
        _serve(Path(folder), store, lists_only=told.runs is not None)


def _write(store: Store, spans: int, megabytes: int) -> None:
    started = time.monotonic()
    for made in (crawler(spans), reader(megabytes)):
        fill(store, clean(made))  # type: ignore[arg-type]
    print(f"written in {time.monotonic() - started:.0f} s")


def lists(page: Page, visits: int = 5) -> Iterator[tuple[str, str]]:
    """The list of runs, everything included: until its rows are painted."""
    for words, path in LISTS:
        paints = []
        for _ in range(visits):
            page.goto(path, wait_until="load")
            paints.append(page.evaluate(_PAINT))
        told = ", ".join(f"{p:.0f}" for p in paints)
        found = page.locator(".chip.on").all_inner_texts()
        yield words, f"{told} ms; {found[0] if found else 'no runs in this time'}"


def _serve(folder: Path, store: Store, *, lists_only: bool) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        house = a_house(folder, store=store)  # type: ignore[arg-type]
        server = uvicorn.Server(uvicorn.Config(house.app, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        _, secret = house.ledger.keys.create("default", Role.ADMIN, "bench")
        with sync_playwright() as playwright:
            path = next(p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p)
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            context = browser.new_context(base_url=base, viewport={"width": 1440, "height": 900}, bypass_csp=True)
            context.request.post("/sign-in", form={"key": secret}, headers={"origin": base}, max_redirects=0)
            page = context.new_page()
            page.goto("/about")  # templates, connections and files are warm, as on any running server
            if lists_only:
                _print("a list of many runs", lists(page))
            else:
                _print("a large run", itertools.chain(measure(page, CRAWLER), clicks(page, CRAWLER)))
                _print("a long prompt", measure(page, READER))
            browser.close()
        server.should_exit = True
        thread.join(10)


def _print(name: str, lines: Iterable[tuple[str, str]]) -> None:
    print(name)
    for what, figure in lines:
        print(f"  {what:44} {figure}", flush=True)


if __name__ == "__main__":
    main()
