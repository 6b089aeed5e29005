"""The JSON contract of the design, section 10."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from spans.health import Health, SignalCount
from spans.roles import Role
from tests.builders import NOW_NS, SECOND_NS, a_span, a_span_id, a_trace_id
from tests.web.house import House, a_house, clean, fill
from tests.web.samples import add_refund
from web.routes import api

SUMMARY = {
    "run_id",
    "project",
    "name",
    "service",
    "environment",
    "mode",
    "shape",
    "workflow",
    "workflow_source",
    "workflow_version",
    "agents",
    "continues",
    "continued_by",
    "tags",
    "attributes",
    "waiting_for",
    "session_id",
    "user_id",
    "started_at",
    "duration_ms",
    "status",
    "outcome",
    "cost_usd",
    "unpriced_calls",
    "usage",
    "model_calls",
    "tool_calls",
    "retrievals",
    "denials",
    "errors",
    "interventions",
    "models",
    "tools",
    "dialects",
    "replayability",
    "pinned",
    "complete",
}
SPAN = {
    "span_id",
    "parent_span_id",
    "kind",
    "subkind",
    "name",
    "started_at",
    "duration_ms",
    "status",
    "error",
    "model",
    "usage",
    "cost",
    "system",
    "input_messages",
    "output_messages",
    "tool_definitions",
    "tool",
    "retrieval",
    "embedding",
    "rerank",
    "decisions",
    "evaluations",
    "finish_reasons",
    "stream",
    "prompt",
    "agent",
    "input",
    "output",
    "dialect",
    "attributes",
    "redactions",
    "flags",
}


def test_a_list_of_runs_has_the_fields_of_the_contract(house: House):
    run = add_refund(house.store)
    body = house.client(Role.VIEWER).get("/api/v1/runs").json()
    assert set(body) == {"data", "next_cursor"}
    (summary,) = body["data"]
    assert set(summary) >= SUMMARY
    assert summary["run_id"] == run
    assert summary["started_at"] == "2026-11-20T12:00:00.000000000Z"
    assert set(summary["outcome"]) == {"label", "source"}
    assert set(summary["usage"]) >= {"input", "output", "cache_read", "cache_write", "reasoning"}
    assert Decimal(summary["cost_usd"]) > 0


def test_a_run_brings_its_spans_with_content(house: House):
    run = add_refund(house.store, text="I want a refund")
    data = house.client(Role.VIEWER).get(f"/api/v1/runs/{run}").json()["data"]
    assert data["spans_next_cursor"] is None
    spans = {s["name"]: s for s in data["spans"]}
    assert all(set(s) >= SPAN for s in data["spans"])
    tool = spans["execute_tool execute_refund"]["tool"]
    assert (tool["name"], tool["arguments"]["amount"], tool["outcome"]) == ("execute_refund", 1249.0, "denied")
    assert data["spans"][1]["input_messages"][0]["parts"][0]["content"] == "I want a refund"
    assert data["spans"][1]["attributes"]["gen_ai.request.model"] == "gpt-4o-mini"
    assert data["spans"][1]["cost"]["explanation"]["lines"]


def test_without_content_no_text_leaves_and_nothing_is_recorded_as_read(house: House):
    run = add_refund(house.store, text="I want a refund")
    answer = house.client(Role.VIEWER).get(f"/api/v1/runs/{run}?content=none")
    assert next(s["name"] for s in answer.json()["data"]["spans"]) == "invoke_agent refund-agent"
    assert "input_messages" in answer.text
    assert all(not s["input_messages"] and not s["attributes"] for s in answer.json()["data"]["spans"])
    assert house.ledger.audit.list() == ()


def test_reading_content_stands_in_the_access_log(house: House):
    run = add_refund(house.store)
    client = house.client(Role.VIEWER)
    client.get(f"/api/v1/runs/{run}")
    client.get(f"/api/v1/runs/{run}/spans/{a_span_id(101)}")
    entries = house.ledger.audit.list()
    assert [(e.action, e.target, e.project) for e in entries] == [("content_read", run, "default")] * 2
    assert all(e.actor.startswith("key:") for e in entries)


def test_one_span_answers_alone(house: House):
    run = add_refund(house.store)
    client = house.client(Role.VIEWER)
    data = client.get(f"/api/v1/runs/{run}/spans/{a_span_id(103)}").json()["data"]
    assert (data["kind"], data["tool"]["name"]) == ("tool", "execute_refund")
    assert client.get(f"/api/v1/runs/{run}/spans/{a_span_id(103)}?content=none").json()["data"]["attributes"] == {}
    for odd in ("ffffffffffffffff", "xyz", "0"):
        assert client.get(f"/api/v1/runs/{run}/spans/{odd}").status_code == 404


@pytest.mark.parametrize("spelling", [str.upper, lambda i: f"{i[:8]}-{i[8:12]}-{i[12:16]}-{i[16:20]}-{i[20:]}"])
def test_ids_are_found_in_any_spelling(house: House, spelling):
    run = add_refund(house.store, 0xABCDEF)
    assert house.client(Role.VIEWER).get(f"/api/v1/runs/{spelling(run)}").json()["data"]["run_id"] == run


def many_spans(number: int, spans: int, *, text: str = ""):
    root = a_span(trace_id=a_trace_id(number), span_id=a_span_id(1), name="root")
    extra = {"gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}])}
    children = [
        a_span(
            trace_id=a_trace_id(number),
            span_id=a_span_id(n + 2),
            parent_span_id=a_span_id(1),
            start_ns=NOW_NS + n + 1,
            end_ns=NOW_NS + n + 1 + SECOND_NS,
            attributes={**root.attributes, **(extra if text else {})},
        )
        for n in range(spans - 1)
    ]
    return [root, *children]


def walk(client, run: str) -> list[int]:
    pages, cursor, names = [], None, []
    while True:
        suffix = f"?spans_cursor={cursor}" if cursor else ""
        data = client.get(f"/api/v1/runs/{run}{suffix}").json()["data"]
        pages.append(len(data["spans"]))
        names += [s["span_id"] for s in data["spans"]]
        cursor = data["spans_next_cursor"]
        if cursor is None:
            assert len(names) == len(set(names))
            return pages


def test_spans_come_in_pages_when_there_are_many(house: House, monkeypatch):
    monkeypatch.setattr(api, "INLINE_SPANS", 40)
    (run,) = fill(house.store, clean(many_spans(7, 100)))
    assert walk(house.client(Role.VIEWER), run) == [40, 40, 20]


def test_spans_come_in_pages_when_they_are_large(house: House, monkeypatch):
    monkeypatch.setattr(api, "INLINE_BYTES", 50_000)
    (run,) = fill(house.store, clean(many_spans(8, 6, text="x" * 20_000)))
    pages = walk(house.client(Role.VIEWER), run)
    assert sum(pages) == 6
    assert len(pages) >= 3


def test_the_limits_are_those_of_the_contract():
    assert (api.INLINE_SPANS, api.INLINE_BYTES) == (2_000, 16 * 1024 * 1024)


@pytest.mark.parametrize("query", ["spans_cursor=5", "spans_cursor=s-1", "spans_cursor=sx", "content=some"])
def test_odd_parameters_are_refused(house: House, query):
    run = add_refund(house.store)
    assert house.client(Role.VIEWER).get(f"/api/v1/runs/{run}?{query}").status_code == 400


def test_lists_page_by_cursor_without_loss(house: House):
    for number in range(1, 8):
        add_refund(house.store, number, at_ns=NOW_NS + number * SECOND_NS)
    client = house.client(Role.VIEWER)
    found, cursor = [], ""
    while True:
        body = client.get(f"/api/v1/runs?limit=3&cursor={cursor}").json()
        found += [r["run_id"] for r in body["data"]]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert found == [a_trace_id(n) for n in range(7, 0, -1)]


def test_filters_of_the_contract_narrow_the_list(house: House):
    add_refund(house.store, 1)
    add_refund(house.store, 2, name="triage", at_ns=NOW_NS - 7200 * SECOND_NS)
    client = house.client(Role.VIEWER)

    def count(query: str) -> int:
        return len(client.get(f"/api/v1/runs?{query}").json()["data"])

    assert count("") == 2
    assert count("workflow=triage") == 1
    assert count("denied=1") == 2
    assert count("denied=0") == 0
    assert count("tool=execute_refund&environment=production&shape=agent") == 2
    assert count("since=2026-11-20T11:30:00Z") == 1
    assert count("until=2026-11-20T11:30:00Z") == 1
    assert count("since=1h") == 1
    assert count("min_cost=1000") == 0
    assert client.get("/api/v1/runs?since=2026-11-20T12:00:00Z&until=2026-11-19").status_code == 400


def test_searched_text_is_redacted_before_it_is_looked_for_or_logged(house: House):
    add_refund(house.store, text="write to <EMAIL_ADDRESS_tapkmj7f>")
    client = house.client(Role.VIEWER)
    assert len(client.get("/api/v1/runs?q=maria@example.com").json()["data"]) == 1
    (entry,) = house.ledger.audit.list()
    assert (entry.action, entry.detail["text"]) == ("search", "<EMAIL_ADDRESS_tapkmj7f>")


def test_health_is_the_conservation_law(tmp_path):
    found = Health(SignalCount(10, 9, 1, 2, 7, stored_as={"rows": 6, "duplicate": 1}), SignalCount())
    house = a_house(tmp_path, health=lambda: found)
    data = house.client(Role.VIEWER).get("/api/v1/health").json()["data"]
    keys = {
        "received",
        "acked",
        "refused",
        "pending",
        "stored",
        "quarantined",
        "dropped_by_person",
        "expired",
        "stored_as",
    }
    assert set(data) == {"spans", "logs"}
    assert all(set(c) == keys for c in data.values())
    assert data["spans"]["stored_as"] == {
        "rows": 6,
        "duplicate": 1,
        "folded": 0,
        "discarded": 0,
        "withheld": 0,
        "erased": 0,
    }
    c = data["spans"]
    assert c["acked"] == c["pending"] + c["stored"] + c["quarantined"] + c["dropped_by_person"] + c["expired"]


def test_a_recording_is_the_ordered_exchanges_and_reading_it_is_recorded(house: House):
    run = add_refund(house.store, text="I want a refund")
    client = house.client(Role.VIEWER)
    data = client.get(f"/api/v1/runs/{run}/recording").json()["data"]
    assert data["format"] == "tracetape-recording"
    assert [e["number"] for e in data["exchanges"]] == list(range(1, len(data["exchanges"]) + 1))
    assert {"model", "tool"} <= {e["kind"] for e in data["exchanges"]}
    assert any(entry.action == "content_read" for entry in house.ledger.audit.list())
    without = client.get(f"/api/v1/runs/{run}/recording?content=none").json()["data"]["exchanges"]
    assert not any(e["asked"].get(side) for e in without for side in ("messages", "system", "arguments"))
    assert not any(value for e in without for name, value in e["answered"].items() if name != "finish_reasons")
    assert client.get(f"/api/v1/runs/{'0' * 31}9/recording").status_code == 404
