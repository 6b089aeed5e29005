"""Every verb that needs the store works while `serve` holds the folder, and on a folder that nobody holds."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from store.ledger import Ledger
from tests.tracetape.running import Running, wait_for
from tests.tracetape.test_first_light import send_run
from tracetape.folder import DataFolder, is_held
from tracetape.verbs import VERBS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A running server with the demo in it, as a newcomer would load it."""
    with Running(tmp_path_factory.mktemp("verbs"), "--workers", "2") as running:
        said = running.cli("demo")
        assert "?project=demo" in said
        yield running


def demo_runs(running: Running) -> list[dict]:
    key = running.cli("keys", "create", "--role", "viewer", "--name", "demo reader", "--project", "demo")
    return running.api_with(key, "/api/v1/runs?limit=100")["data"]


def test_the_demo_is_on_screen_within_a_minute_and_complete_within_three(demo):
    wait_for(lambda: demo_runs(demo), 60, "the first runs of the demo")
    demo.settle(180)
    runs = demo_runs(demo)
    assert {r["workflow"] for r in runs} >= {"refund-agent", "ticket-triage"}
    assert all(r["cost_usd"] for r in runs if r["model_calls"] and not r["unpriced_calls"] and r["status"] == "ok")


def test_health_answers_the_same_with_and_without_a_server(demo):
    demo.settle(180)
    with_server = json.loads(demo.cli("health"))
    trace = send_run(OTLPSpanExporter(endpoint=f"{demo.http}/v1/traces"), "kept")
    wait_for(lambda: demo.try_api(f"/api/v1/runs/{trace}"), 10, "the run")
    demo.settle()
    stored = json.loads(demo.cli("health"))["spans"]["stored"]
    assert stored == with_server["spans"]["stored"] + 3
    demo.stop()
    without = json.loads(demo.cli("health"))
    assert without["spans"]["stored"] == stored
    assert without["spans"]["pending"] == 0


def test_the_demo_is_removed_with_a_server_and_without(demo):
    if demo.process.poll() is None:
        demo.stop()
    assert "removed the demo project" in demo.cli("demo", "--remove")
    demo.restart()
    assert demo_runs(demo) == []
    demo.cli("demo")
    wait_for(lambda: demo_runs(demo), 60, "the demo again")
    demo.settle(180)
    assert "removed the demo project" in demo.cli("demo", "--remove")
    assert demo_runs(demo) == []


def test_renormalising_changes_nothing_while_the_rules_are_the_same(tmp_path):
    with Running(tmp_path / "data", "--workers", "1") as running:
        trace = send_run(OTLPSpanExporter(endpoint=f"{running.http}/v1/traces"), "again")
        wait_for(lambda: running.try_api(f"/api/v1/runs/{trace}"), 10, "the run")
        running.settle()
        before = running.api(f"/api/v1/runs/{trace}")
        assert "3 spans and logs of 1 traces" in running.cli("renormalise")
        running.settle()
        assert running.api(f"/api/v1/runs/{trace}") == before
        day = datetime.now(UTC)
        window = [
            "evaluate",
            "--from",
            f"{day:%Y-%m-%d}",
            "--to",
            f"{day + timedelta(days=1):%Y-%m-%d}",
            "--every",
            "1d",
            "--runs",
        ]
        assert "1 runs judged" in running.cli(*window)
        running.settle()
        assert running.api(f"/api/v1/runs/{trace}") == before
        running.stop()
        assert "3 spans and logs of 1 traces" in running.cli("renormalise")
        assert "1 runs judged" in running.cli(*window)
        running.restart()
        assert running.api(f"/api/v1/runs/{trace}") == before


def test_without_a_server_the_delivery_check_still_sees_what_waits_in_the_spool(tmp_path):
    """After a crash of everything at once: acknowledged, in the spool, not yet stored."""
    with Running(tmp_path / "data", "--workers", "1") as running:
        children = running.children()
        os.kill(children["work 1"], signal.SIGSTOP)
        trace = send_run(OTLPSpanExporter(endpoint=f"{running.http}/v1/traces"), "waiting")
        running.process.kill()
        running.process.wait()
        for pid in children.values():
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not is_held(DataFolder(running.data)), 10, "the folder to be free")
        spans = json.loads(running.cli("health"))["spans"]
        assert (spans["acked"], spans["pending"], spans["stored"]) == (3, 3, 0)
        running.restart()
        wait_for(lambda: running.try_api(f"/api/v1/runs/{trace}"), 30, "the run after the restart")
        assert running.settle()["spans"]["stored"] == 3


def test_a_mark_is_redacted_and_stands_in_the_access_log(tmp_path):
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    broker = SimpleNamespace(redact_text=lambda project, text: text.replace("ann@example.com", f"<EMAIL of {project}>"))
    house = SimpleNamespace(ledger=ledger, broker=broker)
    done = VERBS["mark"](house, {"label": "v42 by ann@example.com", "workflow": "refund-agent"})
    (told,) = ledger.audit.list()
    (kept,) = ledger.marks.list("default", 0, 2**62)
    ledger.close()
    assert kept.label == done["label"] == "v42 by <EMAIL of default>"
    assert (told.actor, told.action, told.target) == ("command line", "rule_change", "changes of refund-agent")
