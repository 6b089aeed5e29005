"""From a span to a webhook through a real server: within one interval of the rule and five seconds.

pytest tests/long/alert_path.py -s --timeout 0
"""

from __future__ import annotations

import json
import os
import time

import httpx

from tests.tracetape.alerting.sinks import HttpSink
from tests.tracetape.running import Running, wait_for

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
        from store.ledger import Ledger

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
