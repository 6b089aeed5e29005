"""Opens every run of every capture in a browser and reads the pages: nothing leaks through, no conversation is empty that has words.

usage: python -m tests.long.every_capture CAPTURES [--shots FOLDER] [--only WORD]
It starts a server of its own with redaction off (so that it is about the pages), sends the captures, and opens Timeline,
Conversation, Replay and the detail of steps of every run. Prints one line per capture; exit 1 when something is wrong.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.conftest import ARGUMENTS, NAMES

LEAKS = re.compile(
    r"(?<![\w\"'<.])(None|NaN|undefined|null)(?![\w\"'>])|\[object Object\]|Undefined\b|&amp;|&lt;|\\u00"
)
"""What a page must not say by itself. Recorded text may say it, so only the words of the page around it are searched."""
OWN_WORDS = """() => {
  const page = document.querySelector("main").cloneNode(true);
  for (const recorded of page.querySelectorAll("pre, .say, .code, .tree, .jt, .kv dd, .documents, .docs, .prev, textarea, .mono, .errorbox, svg")) recorded.remove();
  return page.textContent.replace(/\\s+/g, " ");
}"""
STEPS_OPENED = 6
"""Details opened per run: the first of every kind of step."""


@dataclass
class Told:
    """What was opened, and what was wrong."""

    runs: int = 0
    pages: int = 0
    empty: int = 0
    problems: list[str] = field(default_factory=list)


def main() -> int:
    """Send, open, read."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("captures", type=Path)
    asked.add_argument("--shots", type=Path, help="folder for a picture of every first conversation")
    asked.add_argument("--only", default="", help="captures whose name has this in it")
    options = asked.parse_args()
    folders = sorted(
        p for p in options.captures.iterdir() if p.is_dir() and options.only in p.name and (p / "headers.json").exists()
    )
    wrong = 0
    with (
        tempfile.TemporaryDirectory() as data,
        serving(Path(data)) as (web, otlp, key),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, NAMES))), args=ARGUMENTS
        )
        context = signed_in(browser, web, key)
        known: set[str] = set()
        for folder in folders:
            send(folder, otlp)
            settled(web, key)
            fresh = [r for r in runs_at(web, key) if r["run_id"] not in known]
            known |= {r["run_id"] for r in fresh}
            told = read_all(context, web, key, fresh, options.shots and options.shots / folder.name)
            wrong += len(told.problems)
            sys.stdout.write(f"{folder.name:44} {told.runs:3} runs {told.pages:4} pages {told.empty} without words\n")
            sys.stdout.writelines(f"    {p}\n" for p in told.problems)
            sys.stdout.flush()
        browser.close()
    return 1 if wrong else 0


@contextmanager
def serving(data: Path) -> Iterator[tuple[str, str, str]]:
    """A server on free ports: its web address, its OTLP address and a key that reads."""
    key = subprocess.run(
        [sys.executable, "-m", "tracetape", "keys", "create", "--data", data, "--role", "admin", "--name", "reader"],
        capture_output=True, text=True, check=True,
    ).stdout.split()[-1]  # fmt: skip
    ports = ["--grpc-port", "0", "--http-port", "0", "--web-port", "0", "--workers", "1"]
    server = subprocess.Popen(
        [sys.executable, "-m", "tracetape", "serve", "--data", data, *ports, "--redaction", "off"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert server.stdout
        line = next(text for text in server.stdout if text.startswith("ready:"))
        words = line.split()
        yield words[words.index("web") + 1], words[words.index("http") + 1], key
    finally:
        server.terminate()
        server.wait(30)


def send(folder: Path, otlp: str) -> None:
    """Post every body of a capture as it was; bodies that came over gRPC are protobuf without its framing."""
    for path in sorted(folder.iterdir()):
        parts = path.name.split(".")
        if len(parts) < 3 or parts[1] not in {"traces", "logs"}:
            continue
        headers = {"content-type": "application/json" if "json" in parts else "application/x-protobuf"}
        if parts[-1] == "gz":
            headers["content-encoding"] = "gzip"
        request = urllib.request.Request(f"{otlp}/v1/{parts[1]}", path.read_bytes(), headers)
        with urllib.request.urlopen(request, timeout=30):
            pass


def ask(web: str, key: str, path: str) -> Any:
    """An answer of the API."""
    request = urllib.request.Request(web + path, headers={"authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def settled(web: str, key: str) -> None:
    """Wait until everything that was accepted can be read."""
    for _ in range(600):
        told = ask(web, key, "/api/v1/health")["data"]
        if not any(told[signal]["pending"] for signal in ("spans", "logs")):
            return
        time.sleep(0.2)
    raise TimeoutError("the server did not settle in two minutes")


def runs_at(web: str, key: str) -> list[dict[str, Any]]:
    """Every run there is."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = ask(web, key, f"/api/v1/runs?since=2020-01-01&limit=200{cursor}")
        found += page["data"]
        if not page["next_cursor"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def signed_in(browser: Browser, web: str, key: str) -> BrowserContext:
    """A browser with a session."""
    context = browser.new_context(base_url=web, viewport={"width": 1440, "height": 900})
    context.request.post("/sign-in", form={"key": key}, headers={"origin": web}, max_redirects=0)
    return context


def read_all(context: BrowserContext, web: str, key: str, runs: list[dict[str, Any]], shots: Path | None) -> Told:
    """Open every page of these runs."""
    told = Told()
    page = context.new_page()
    page.on("pageerror", lambda e: told.problems.append(f"{page.url}: error {e}"))
    page.on("console", lambda m: told.problems.append(f"{page.url}: {m.text}") if m.type == "error" else None)
    for run in runs:
        told.runs += 1
        path = f"/runs/{run['run_id']}"
        spans = ask(web, key, f"/api/v1{path}")["data"]["spans"]
        for address in (path, f"{path}/conversation", f"{path}/replay", *details(path, spans)):
            look(page, address, told)
            if address.endswith("/conversation"):
                shown = page.locator("main article").count()
                told.empty += not shown
                if has_words(spans) and not shown:
                    told.problems.append(f"{address}: empty, although the run has messages")
                if shots and run is max(runs, key=lambda r: r["model_calls"] + r["tool_calls"]):
                    page.screenshot(path=f"{shots}.png", full_page=False)
    page.close()
    return told


def details(path: str, spans: list[dict[str, Any]]) -> list[str]:
    """Addresses of the first step of every kind."""
    firsts = {span["kind"]: span["span_id"] for span in reversed(spans)}
    return [f"{path}?span={span_id}" for span_id in list(firsts.values())[:STEPS_OPENED]]


def has_words(spans: list[dict[str, Any]]) -> bool:
    """Whether any model call or tool of the run told what was said; texts that are only embedded were not said."""
    telling = [s for s in spans if s["kind"] in {"model", "tool"}]
    return any(s["input_messages"] or s["output_messages"] or (s["tool"] or {}).get("arguments") for s in telling)


def look(page: Page, address: str, told: Told) -> None:
    """Open one page and read its own words."""
    answer = page.goto(address, wait_until="load")
    told.pages += 1
    if not answer or answer.status != 200:
        told.problems.append(f"{address}: answered {answer and answer.status}")
        return
    words = page.evaluate(OWN_WORDS)
    for hit in LEAKS.finditer(words):
        told.problems.append(f"{address}: says {words[max(0, hit.start() - 40) : hit.end() + 30]!r}")


if __name__ == "__main__":
    sys.exit(main())
