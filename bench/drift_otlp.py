"""Scores drift as a stranger would: a fleet sent by OTLP to a real `tracetape serve`, its history evaluated, findings read from the API.

    python -m bench.drift_otlp --fleet DIR [--begin 2026-09-07] [--days 14] [--every 6h] [--data DIR]

A fleet is a folder with `otlp/*.json` (ExportTraceServiceRequest bodies) and `truth.json` as `bench.drift` reads them. Only the
documented doors are used: `POST /v1/traces`, `GET /api/v1/health`, `tracetape evaluate`, `GET /api/v1/findings?kind=drift`.
With `--data`, a folder that was filled before is evaluated and read again.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from bench.drift import DAY_NS, SECOND_NS, score
from tests.tracetape import running
from tests.tracetape.running import Running, clean_environ

RETRY_S = 1.0
PARTS = re.compile(r"^(.+?)(?:\.(\d+))?Z$")


@dataclass(frozen=True, slots=True)
class ToldFeature:
    """One feature of a finding, as the API says it."""

    name: str
    z: float


@dataclass(frozen=True, slots=True)
class Told:
    """One finding, as the API says it."""

    workflow: str
    detected_ns: int
    features: tuple[ToldFeature, ...]


def send(server: Running, fleet: Path) -> tuple[int, int]:
    """Post every body in order, again when refused with 503; returns how many requests and spans there were."""
    place = urlsplit(server.http)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    requests = spans = 0
    for file in sorted((fleet / "otlp").glob("*.json")):
        body = file.read_bytes()
        while True:
            connection.request("POST", "/v1/traces", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = answer.read()
            if answer.status == 200:
                break
            if answer.status != 503:
                raise SystemExit(f"{file.name} was refused: {answer.status} {said[:300]!r}")
            time.sleep(RETRY_S)
        if json.loads(said or b"{}").get("partialSuccess"):
            raise SystemExit(f"{file.name} was taken in part: {said[:300]!r}")
        requests, spans = requests + 1, spans + body.count(b'"spanId"')
    return requests, spans


def evaluate(server: Running, begin: datetime, end: datetime, every: str) -> None:
    """`tracetape evaluate`, as a person types it."""
    words = ["evaluate", "--from", f"{begin:%Y-%m-%d}", "--to", f"{end:%Y-%m-%d}", "--every", every]
    command = [sys.executable, "-m", "tracetape", *words, "--data", str(server.data)]
    done = subprocess.run(command, capture_output=True, text=True, env=clean_environ(), check=False)
    if done.returncode:
        raise SystemExit(done.stderr)


def findings(server: Running) -> list[Told]:
    """Every drift that the API tells."""
    return [
        Told(
            found["workflow"],
            _ns(found["detected_at"]),
            tuple(ToldFeature(feature["name"], feature["z"]) for feature in found["features"]),
        )
        for found in server.api("/api/v1/findings?kind=drift&limit=10000")["data"]
    ]


def _ns(text: str) -> int:
    match = PARTS.match(text)
    if match is None:
        raise SystemExit(f"not a moment: {text!r}")
    whole = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    return int(whole.timestamp()) * SECOND_NS + int((match[2] or "0").ljust(9, "0"))


def main() -> None:
    """Send, evaluate, read, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fleet", type=Path, required=True)
    parser.add_argument("--begin", type=datetime.fromisoformat, default=datetime(2026, 9, 7, tzinfo=UTC))
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--every", default="6h")
    parser.add_argument("--data", type=Path, help="keep (and reuse) the data folder here")
    options = parser.parse_args()
    begin_ns = int(options.begin.replace(tzinfo=UTC).timestamp()) * SECOND_NS
    end_ns = begin_ns + options.days * DAY_NS
    running.START_S = 900  # a busy machine is no failure here
    truth = json.loads((options.fleet / "truth.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or Path(folder) / "data"
        fresh = not (data / "store").exists()
        with Running(data) as server:
            began = time.monotonic()
            if fresh:
                requests, spans = send(server, options.fleet)
                sent = time.monotonic() - began
                server.settle(3_600)
                stored = time.monotonic() - began
                print(
                    f"{len(truth)} workflows, {sum(t['runs'] for t in truth.values())} runs, {spans} spans in {requests} requests: "
                    f"acknowledged in {sent:.0f} s, stored and assembled in {stored:.0f} s ({spans / stored:.0f} spans/s)"
                )
            began = time.monotonic()
            begin = datetime.fromtimestamp(begin_ns / SECOND_NS, UTC)
            end = datetime.fromtimestamp(end_ns / SECOND_NS, UTC)
            evaluate(server, begin, end, options.every)
            print(f"evaluated every {options.every} in {time.monotonic() - began:.0f} s; load {os.getloadavg()[0]:.1f}")
            found = findings(server)
        print(json.dumps(score(found, truth, begin_ns + 7 * DAY_NS, end_ns), indent=1))


if __name__ == "__main__":
    main()
