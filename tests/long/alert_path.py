"""From a span to a webhook: within one interval and five seconds; once, with two web processes and main killed on the way.

pytest tests/long/alert_path.py -s --timeout 0
"""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import ExitStack

import httpx

from store.ledger import Ledger
from tests.tracetape.alerting.sinks import HttpSink
from tests.tracetape.parts import PartProcess
from tests.tracetape.running import Running, wait_for
from tests.tracetape.test_apart import command, servers

EVERY_S = 60


def a_body():
    now = time.time_ns()
    span = {
        "traceId": os.urandom(16).hex(),
        "spanId": os.urandom(8).hex(),
        "name": "chat gpt-4o-mini",
        "startTimeUnixNano": str(now - 10**9),
        "endTimeUnixNano": str(now),
        "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
            {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o-mini"}},
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "1200"}},
        ],
    }
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}


def test_a_span_reaches_a_webhook_within_one_interval_and_five_seconds(tmp_path, monkeypatch):
    hook = HttpSink()
    monkeypatch.setattr(
        "tests.tracetape.running.clean_environ",
        lambda: {**os.environ, "TRACETAPE_ALERT_NETWORKS": "127.0.0.1"},
    )
    with Running(tmp_path / "data") as server:
        rules = tmp_path / "alerts.yaml"
        rules.write_text(
            f"rules:\n  - {{id: any, type: per_run, any: [tokens > 1000], every: {EVERY_S // 60}m, window: 5m, to: [hook]}}\n"
        )
        server.cli("alerts", "apply", str(rules))
        ledger = Ledger.open(f"sqlite:///{tmp_path / 'data' / 'ledger.sqlite'}")
        ledger.channels.put("default", "hook", "webhook", hook.url, "ticket")
        sent = time.monotonic()
        httpx.post(f"{server.http}/v1/traces", json=a_body()).raise_for_status()
        wait_for(lambda: hook.received, EVERY_S + 30, "a webhook")
        took = time.monotonic() - sent
        assert json.loads(hook.received[0][1])["alerts"][0]["rule"] == "any"
        assert took <= EVERY_S + 5
        ledger.close()
    hook.close()


def test_two_web_processes_and_a_killed_main_tell_once(tmp_path):
    data, hook = tmp_path / "data", HttpSink()
    with servers(tmp_path) as environ, ExitStack() as ends:
        environ |= {"TRACETAPE_ALERT_NETWORKS": "127.0.0.1"}

        def part(word, *options):
            process = PartProcess(word, data, environ, *options)
            ends.callback(process.stop)
            return process

        main = part("main")
        door = part("receive", "--grpc-port", "0", "--http-port", "0")
        part("work", "--workers", "1")
        webs = [part("web", "--name", name, "--web-port", "0") for name in ("a", "b")]
        addresses = [web.address("web") for web in webs]
        main.wait_ready()
        rules = tmp_path / "alerts.yaml"
        rules.write_text(
            "rules:\n  - {id: any, type: per_run, any: [tokens > 1000], every: 1m, window: 5m, to: [hook]}\n"
        )
        applied = command(data, environ, "alerts", "apply", str(rules))
        assert applied.returncode == 0, applied.stderr
        ledger = Ledger.open(environ.get("TRACETAPE_LEDGER", f"sqlite:///{data / 'ledger.sqlite'}"))
        ledger.channels.put("default", "hook", "webhook", hook.url, "ticket")
        httpx.post(f"{door.address('http')}/v1/traces", json=a_body()).raise_for_status()
        wait_for(lambda: ledger.alerts.flips("default", limit=10), EVERY_S + 30, "a flip")
        os.kill(json.loads((data / "run" / "main.json").read_text())["pid"], signal.SIGKILL)
        wait_for(lambda: hook.received, EVERY_S + 30, "a webhook")
        time.sleep(EVERY_S + 10)  # another look of a main that was started again
        assert hook.alerts().count(("any", "firing")) == 1, hook.received
        assert all(httpx.get(f"{address}/readyz").status_code == 200 for address in addresses)
        ledger.close()
    hook.close()
