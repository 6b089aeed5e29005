"""A web house for tests: memory store, SQLite ledger, fakes for the rest; filled through the real decode-to-run chain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient

from collector.decode import decode_logs, decode_traces
from runs.assemble import assemble
from runs.facts import facts_of
from runs.pricing import PriceBook
from spans.clean import CleanLog, CleanSpan, Origin, Redaction
from spans.facts import SpanFacts
from spans.health import Arrival, Health, IngestStatus, SignalCount
from spans.ids import TraceId
from spans.roles import Role
from spans.span import LogRecord, Span
from store.ledger import Ledger
from store.memory import MemoryStore
from store.retention import RetentionRules
from store.rows import evidence_tables
from tests.builders import NOW_NS
from web.app import create_app
from web.callers import permissions_of
from web.services import Endpoints, Services
from web.settings import WebSettings

BASE = "http://localhost:4319"
ENDPOINTS = Endpoints("http://127.0.0.1:4317", "http://127.0.0.1:4318", BASE, BASE)


def redact_text(_project: str, text: str) -> str:
    """What the tests' redaction does: one known address becomes its pseudonym."""
    return text.replace("maria@example.com", "<EMAIL_ADDRESS_tapkmj7f>")


@dataclass
class House:
    """Everything a test of the web needs."""

    store: MemoryStore
    ledger: Ledger
    services: Services
    settings: WebSettings
    app: FastAPI
    calls: list[str] = field(default_factory=list)

    def client(self, role: Role | None = None, *, project: str = "default", base: str = BASE) -> TestClient:
        """A client with a key of a role; without one, anonymous."""
        client = TestClient(self.app, base_url=base, follow_redirects=False, raise_server_exceptions=False)
        if role is not None:
            _, secret = self.ledger.keys.create(project, role, f"{role.value} of the tests")
            client.headers["authorization"] = f"Bearer {secret}"
        return client

    def browser(self, role: Role = Role.ADMIN) -> TestClient:
        """A client that signed in by a one-time link, as a browser does."""
        client = self.client()
        token = self.ledger.links.create("sign_in", role=role, name="Ada")
        answer = client.post("/sign-in", data={"token": token}, headers={"sec-fetch-site": "same-origin"})
        assert answer.status_code == 303, answer.text
        client.headers["sec-fetch-site"] = "same-origin"
        return client


def a_house(
    folder: Path,
    *,
    ingest: IngestStatus | None = None,
    settings: WebSettings | None = None,
    now_ns: int | None = NOW_NS + 60_000_000_000,
    store: MemoryStore | None = None,
    **changes: object,
) -> House:
    """A house on an empty store (or the given one) whose clock stands still unless `now_ns` is None."""
    ledger = Ledger.open(f"sqlite:///{folder / 'ledger.sqlite'}")
    calls: list[str] = []
    status = ingest or IngestStatus(receiver_ready=True, workers=2, workers_ready=2)
    services = Services(
        store=store or MemoryStore(),
        ledger=ledger,
        redact_text=redact_text,
        health=lambda: Health(spans=SignalCount(received=10, acked=9, refused=1, stored=9, stored_as={"rows": 9})),
        ingest=lambda: status,
        endpoints=ENDPOINTS,
        send_test_run=lambda: calls.append("test run"),
        load_demo=lambda: calls.append("demo"),
        version="0.1.0",
        retention_rules=lambda: RetentionRules(30, 365),
    )
    if now_ns is not None:
        services = replace(services, clock_ns=lambda: now_ns)
    services = replace(services, **changes)  # type: ignore[arg-type]
    chosen = settings or WebSettings()
    app = create_app(services, chosen)
    return House(services.store, ledger, services, chosen, app, calls)  # type: ignore[arg-type]


def every_page(house: House) -> list[str]:
    """The address of every page that needs nothing but an address: found in the app, so that a new page is tested too."""
    odd = {"/arrivals", "/ingest-dot", "/runs/live", "/runs/export", "/compare", "/sign-in", "/favicon.ico", "/metrics"}
    paths = sorted(path for method, path in permissions_of(house.app) if method == "GET")
    return [
        p for p in paths if "{" not in p and not p.startswith("/api/") and p not in odd and not p.endswith(("z", ".md"))
    ]


def clean(items: Iterable[Span | LogRecord], project: str = "default") -> list[CleanSpan | CleanLog]:
    """Items as redaction hands them on, unchanged."""
    cleaned: list[CleanSpan | CleanLog] = []
    for number, item in enumerate(items):
        at = (item.end_ns if isinstance(item, Span) else item.time_ns) or NOW_NS
        origin = Origin(project, at, datetime.fromtimestamp(at / 1e9, UTC).date(), "00000001", 0, number)
        if isinstance(item, Span):
            cleaned.append(CleanSpan(item, origin, (), Redaction.FULL, "rules-1"))
        else:
            cleaned.append(CleanLog(item, f"{number:032x}", origin, (), Redaction.FULL, "rules-1"))
    return cleaned


def fill(store: MemoryStore, items: list[CleanSpan | CleanLog]) -> list[TraceId]:
    """Put clean items through facts, evidence rows and assembly, as main does."""
    facts = [facts_of(item) for item in items]
    store.write_evidence(evidence_tables(items, facts))
    traces: dict[tuple[str, TraceId], list[SpanFacts]] = defaultdict(list)
    for one in facts:
        traces[one.project, one.trace_id].append(one)
    book = PriceBook()
    store.write_derived([assemble(own, book=book) for own in traces.values()])
    return [trace for _, trace in traces]


def fill_requests(store: MemoryStore, requests: Iterable[tuple[str, bytes]], project: str = "default") -> list[TraceId]:
    """Put OTLP protobuf bodies (`traces` or `logs`) through the whole chain but redaction."""
    items: list[Span | LogRecord] = []
    for signal, body in requests:
        items.extend(decode_traces(body) if signal == "traces" else decode_logs(body))
    return fill(store, clean(items, project))


def an_arrival(**changes: object) -> Arrival:
    """One accepted request of three spans; change any field by name."""
    arrival = Arrival(
        NOW_NS, "traces", "http", accepted=True, code="200", items=3, user_agent="OTel-OTLP-Exporter-Python/1.40"
    )
    return replace(arrival, **changes)  # type: ignore[arg-type]
