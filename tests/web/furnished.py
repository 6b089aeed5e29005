"""A house in which one of everything exists, and an address for every GET route: a page that nobody lists fails a test."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from urllib.parse import quote

from insights.near_misses import key_of
from insights.policy_file import parse_policy
from spans.change import Accepted, Mark, MarkKind
from spans.erasure import ErasureOutlook, Waiting
from spans.finding import FeatureChange, FindingKind, Impact
from spans.health import (
    ForwardStatus,
    IngestStatus,
    QuarantinedRecord,
    RedactionFigures,
    Refusals,
)
from spans.ids import RunId
from spans.kinds import OutcomeLabel
from spans.naming import NamingRule
from spans.prices import PriceRow
from spans.roles import Role
from spans.run import Run
from spans.span import LogRecord, Span
from store.judged import AttemptQuery
from store.ledger.alerts import Alert, AlertMove, AlertReading
from store.ledger.erasures import Departure, Subject
from store.ledger.periods import Period
from store.ledger.pins import PinReason
from store.ledger.remarks import RemarkKind
from store.ledger.reviews import Review
from store.ledger.workflow_states import WorkMode
from store.retention import RetentionRules
from tests.builders import DAY, NOW_NS, SECOND_NS, a_finding, a_span_id
from tests.web.house import House, a_house, an_arrival, clean, fill
from tests.web.samples import FIELDS, refund_spans
from tracetape.judges import Judges
from web.callers import permissions_of
from web.links import LinkTemplate
from web.settings import WebSettings

MINUTE_NS = 60 * SECOND_NS
DAY_NS = 86_400 * SECOND_NS
INCIDENT = "f" * 32


@dataclass(frozen=True, slots=True)
class Furnished:
    """What was put in."""

    house: House
    folder: Path
    runs: tuple[RunId, ...]
    workflow: str
    findings: tuple[str, ...]
    incident: str
    rule: str
    tool: str
    erasure: str


class OneInQuarantine:
    """Items that could not be processed."""

    def __init__(self, words: str) -> None:
        self._record = QuarantinedRecord(
            "one", "spans", 3, "default", NOW_NS, NOW_NS, words, NOW_NS + 7 * DAY_NS, can_be_redriven=True
        )

    def list(self) -> tuple[QuarantinedRecord, ...]:
        return (self._record,)

    def redrive(self, _name: str) -> int:
        return 3

    def drop(self, _name: str) -> int:
        return 3


class ErasuresOfTests:
    """An erasure that waits, and a preview in which everything speaks against it."""

    def preview(self, _project: str, _subject: str, _targets: Sequence[str]) -> ErasureOutlook:
        return ErasureOutlook(
            2, {"spans": 12, "runs": 2}, NOW_NS - DAY_NS, NOW_NS, {"sealed_originals": 1}, 3,
            {"legal_hold": 1, "incident": 2}, is_record=True, left=1,
        )  # fmt: skip

    def erase(
        self, _project: str, _subject: str, _targets: Sequence[str], _by: str, _override: str = ""
    ) -> tuple[str, ...]:
        return ("one",)

    def waiting(self) -> dict[str, Waiting]:
        return {}


def furnished(
    folder: Path,
    *,
    text: str = "I want a refund",
    key: str = "app.note",
    name: str = "refund-agent",
    words: Sequence[str] = (),
    keys: Sequence[str] = (),
    fields: Mapping[str, str] | None = None,
    settings: WebSettings | None = None,
) -> Furnished:
    """Two runs and everything that people and detectors add to them; `text` stands wherever anybody can write, `words` in turn
    wherever that has to be short; `keys` and `fields` as for `refund_spans`."""
    tool = {**FIELDS, **(fields or {})}["gen_ai.tool.name"]
    short = cycle([w[:60].replace("\x00", "") for w in words or [text]])
    house = a_house(
        folder,
        settings=settings,
        ingest=IngestStatus(
            arrivals=(an_arrival(user_agent=text[:120]), an_arrival(accepted=False, code="401", reason="no key")),
            receiver_ready=True, workers=2, workers_ready=2, last_accepted_ns=NOW_NS,
            refusals=(Refusals("spans", "503", 77),), spool_refusal="The spool's volume is full.",
        ),
        quarantine=OneInQuarantine(text),
        retention_rules=lambda: RetentionRules(30, 365),
        disk=lambda: (0.85, ()),
        beside_bytes=lambda: {"of the ledger": 5_000_000, "in the spool": 1_000},
        erasures=ErasuresOfTests(),
        redaction=lambda: RedactionFigures("full", "rules-1", 2, (("PERSON", 0.966, 1246),), 1500, 12.0),
        retry_withheld=lambda: 1,
        recomputing=lambda: (3, 10),
        file_prices=(PriceRow(next(short), "m*", {"input": Decimal(1)}),),
        file_rules=lambda _project: (NamingRule(next(short), service="never"),),
        firing=lambda _project: 1,
        forward=lambda: ForwardStatus("https://otel.example.com/", 4, sent=4, waiting=2, oldest_ns=NOW_NS, trouble=text),
        links=(LinkTemplate("Logs", "https://github.com/tracetape/tracetape/tree/{trace_id}/{span_id}/{service}"),),
        backtest=lambda _project, _rule, _days: (),
    )  # fmt: skip
    runs = tuple(
        _run(
            house,
            refund_spans(
                number, text=text, key=key, name=name, at_ns=NOW_NS - number * 20 * MINUTE_NS, keys=keys, fields=fields
            ),
            number,
            text,
            key,
        )
        for number in (1, 2)
    )
    house.store.roll_up()
    run = _first(house, runs[0])
    found = _found(house, runs, run.workflow, text)
    incident = _incident(house, runs, run, text)
    _said(house, runs, run, text, short)
    rule = _set_up(house, run, text, short, tool)
    return Furnished(house, folder, runs, run.workflow, found, incident, rule, tool, _erasure(house, text))


def _erasure(house: House, text: str) -> str:
    """One whose rows are hidden and whose bytes are going; an export had left before."""
    left = Departure("export", NOW_NS, text[:80], {"folder": text[:200]}, 12, certain=False)
    erasures = house.ledger.erasures
    begun = erasures.begin("default", Subject.PERSON, "<PERSON_abcdefgh>", [], by=text[:80], left_before=[left])
    erasures.hide(begun.erasure_id)
    erasures.add(begun.erasure_id, {"spans": 1234, "notes": 1})
    return begun.erasure_id


def _run(house: House, spans: list[Span], number: int, text: str, key: str) -> RunId:
    at_ns = spans[0].start_ns
    decided = {
        "tracetape.decision": "deny",
        "tracetape.decision.by": "policy",
        "tracetape.decision.rule": text,
        "tracetape.decision.reason": text,
    }
    for span in spans:
        if span.name.startswith("execute_tool"):
            object.__setattr__(span, "attributes", {**span.attributes, **decided})
    scored = {"gen_ai.evaluation.name": text[:80], "gen_ai.evaluation.score.value": 0.2}
    said = {"gen_ai.evaluation.score.label": text[:80], "gen_ai.evaluation.explanation": text}
    log = LogRecord(
        time_ns=at_ns + 4 * SECOND_NS, observed_ns=at_ns + 4 * SECOND_NS, severity_number=9, severity_text=text[:20],
        event_name="gen_ai.evaluation.result", body={key: text}, attributes={**scored, **said, key: text},
        trace_id=spans[0].trace_id, span_id=a_span_id(number * 100 + 5), resource=spans[0].resource,
        scope=spans[0].scope,
    )  # fmt: skip
    (trace,) = fill(house.store, clean([*spans, log]))
    label = OutcomeLabel.FAILURE if number == 1 else OutcomeLabel.SUCCESS
    house.ledger.labels.add("default", RunId(trace), label, source="review", author="member:x", reason=text)
    judges = Judges(house.ledger)
    (assembly,) = house.store.read_assemblies("default", [RunId(trace)])
    house.store.write_derived(judges.judge([assembly]))
    return RunId(trace)


def _first(house: House, run_id: RunId) -> Run:
    (assembly,) = house.store.read_assemblies("default", [run_id])
    return assembly.run


def _found(house: House, runs: tuple[RunId, ...], workflow: str, text: str) -> tuple[str, ...]:
    moved = (FeatureChange("cost_usd", 0.011, 0.0144, 5.2, "usd"), FeatureChange(f"arg:{text[:60]}", 1.0, 6.0, 4.1))
    detail = {
        "unchanged": [text[:60]],
        "cause": text,
        "version": text[:40],
        "tool": "execute_refund",
        "rule": text[:60],
    }
    given = [
        a_finding(
            kind=kind, workflow=workflow, subject=f"{kind.value} {text[:40]}", summary=text, features=moved,
            impact=Impact(119, 7, ("execute_refund", text[:40])), run_ids=runs, detail=detail,
        )
        for kind in FindingKind
    ]  # fmt: skip
    return tuple(one.finding_id for one in house.ledger.findings.record(given, NOW_NS, 3_600 * SECOND_NS))


def _incident(house: House, runs: tuple[RunId, ...], run: Run, text: str) -> str:
    reading = AlertReading(text, 12.4, 3.0, tuple(runs), "", NOW_NS - 20 * MINUTE_NS)
    alert = Alert(
        INCIDENT, "default", "spend", run.workflow, run.environment, text[:60], "firing", "page", NOW_NS, 0, 0, NOW_NS, "",
        reading,
    )  # fmt: skip
    house.ledger.alerts.commit([AlertMove(alert, 0, "ok", "firing", ())], NOW_NS)
    incident = house.ledger.incidents.list("default")[0]
    house.ledger.incidents.assign(incident, text[:60])
    house.ledger.incidents.note(incident, text[:60], text)
    return incident.incident_id


def _said(house: House, runs: tuple[RunId, ...], run: Run, text: str, short: Iterator[str]) -> None:
    ledger = house.ledger
    ledger.remarks.add("default", runs[0], RemarkKind.NOTE, text[:1_900], author="member:x")
    ledger.remarks.add("default", runs[0], RemarkKind.TAG, next(short)[:40], author="member:x")
    ledger.pins.add("default", runs[0], PinReason.LEGAL_HOLD, by=next(short), note=text)
    ledger.views.save("default", "runs", next(short), "workflow=refund-agent", owner="member:x", shared=True)
    for kind in MarkKind:
        ledger.marks.add(
            [Mark("default", "", "", NOW_NS - 30 * MINUTE_NS, kind, f"{kind.value} {next(short)}", next(short))]
        )
    ledger.states.put("default", "", run.workflow, WorkMode.DRAFT_ONLY, reason=text, set_by="member:x")
    ledger.accepted.put(
        "default", run.workflow, run.environment,
        Accepted(NOW_NS - 9 * DAY_NS, NOW_NS - 2 * DAY_NS, is_pinned=True, by=next(short)),
    )  # fmt: skip
    ledger.reviews.add_pattern(
        "default", workflow=run.workflow, tool=next(short), text=text[:80], counts=False, author="member:x"
    )
    query = AttemptQuery("default", NOW_NS - DAY_NS, NOW_NS + DAY_NS)
    for ranked in house.store.attempt_groups(query, 0):
        ledger.reviews.add("default", key_of(ranked), Review.FIX_PROMPT, author="member:x", note=text)


def _set_up(house: House, run: Run, text: str, short: Iterator[str], tool: str) -> str:
    ledger = house.ledger
    body = policy_text(run.workflow, next(short), "".join(c for c in tool if c.isprintable()))
    policy = parse_policy(body)
    ledger.policies.save("default", run.workflow, policy.version, body, author="member:x", note=text)
    ledger.channels.put("default", "team", "webhook", "https://example.com/hook", "ticket")
    ledger.channels.note("default", "team", error=text)
    ledger.alert_rules.put("default", "spend", "{id: spend, type: spike, to: [team]}", next(short))
    ledger.alert_rules.silence("default", "spend", run.workflow, NOW_NS + DAY_NS, text[:200], next(short))
    ledger.members.create(next(short), Role.REVIEWER)
    ledger.keys.create("default", Role.VIEWER, next(short))
    ledger.links.create("invitation", role=Role.VIEWER, name=next(short))
    ledger.prices.put(PriceRow(next(short) or "ours", next(short) or "m", {"input": Decimal(1)}))
    ledger.naming.replace(
        "default", [NamingRule(next(short), service="nobody", agent=next(short), name=next(short), named=next(short))]
    )
    ledger.periods.put(Period("default", run.workflow, 90, 400))
    ledger.receipts.write("content", DAY - timedelta(days=90), {"span_contents": 1234})
    ledger.audit.append("member:x", "search", text[:200], {"q": text}, "default")
    return "spend"


def policy_text(workflow: str, words: str, tool: str = "execute_refund") -> str:
    """A policy in which every free field holds the words."""
    said, named = json.dumps(words), json.dumps(tool)
    return (
        f"workflow_id: {json.dumps(workflow)}\n"
        f'owner: {{team: {said}, to: [{said}], runbook_url: "https://github.com/tracetape/tracetape/tree/runbook",'
        f' stop_url: "https://github.com/tracetape/tracetape/tree/stop"}}\n'
        f"allowed_tools: [{said}]\n"
        f"denied_tools: [{named}]\n"
        f"tool_effects: {{{named}: irreversible}}\n"
        "success: {status: ok, no_denials: true}\n"
        "slo: {success_rate: 0.95}\n"
        "budget: {usd: 40, per: 1d}\n"
    )


def addresses(made: Furnished) -> dict[str, list[str]]:
    """Addresses of every GET route that a person or their browser opens, by the route's path."""
    one, two = made.runs
    flow = quote(made.workflow, safe="")
    kind = f"/near-misses/kind?workflow={flow}&kind=stopped&tool={quote(made.tool, safe='')}"
    steps = [a_span_id(100 + n) for n in range(1, 6)]
    tabs = ("summary", "spend", "drift", "near-misses", "versions", "tools", "policy")
    found = {
        "/": ["/", "/?range=7d"],
        "/alert-rules/new": ["/alert-rules/new", "/alert-rules/new?type=burn"],
        "/alert-rules/{rule_id}": ["/alert-rules/spend?days=30"],
        "/compare": [f"/compare?left={one}&right={two}"],
        "/erasures/{erasure_id}/certificate": [f"/erasures/{made.erasure}/certificate"],
        "/findings/{finding_id}": [f"/findings/{found}" for found in made.findings],
        "/icon/{name}": ["/icon/7.svg"],
        "/incidents/{incident_id}": [f"/incidents/{made.incident}"],
        "/incidents/{incident_id}/report.md": [f"/incidents/{made.incident}/report.md"],
        "/incidents/{incident_id}/writes.csv": [f"/incidents/{made.incident}/writes.csv"],
        "/near-misses": [f"/near-misses?kind={k}" for k in ("stopped", "violation", "malformed")],
        "/near-misses/kind": [kind],
        "/policies/{workflow:path}": [f"/policies/{flow}", "/policies/new%20one"],
        "/runs": [
            "/runs", "/runs?shape=any", "/runs?group=workflow", "/runs?group=session", "/runs?group=user",
            "/runs?workflow=nothing-has-this-name",
        ],
        "/runs/export": ["/runs/export?shape=any", "/runs/export?shape=any&format=json"],
        "/runs/facets": ["/runs/facets", "/runs/facets?shape=any"],
        "/runs/live": ["/runs/live?after=0.0.0.0"],
        "/runs/{run_id}": [f"/runs/{one}", f"/runs/{two}", *(f"/runs/{one}?span={step}&messages=all" for step in steps)],
        "/runs/{run_id}/compare": [f"/runs/{one}/compare"],
        "/runs/{run_id}/conversation": [f"/runs/{one}/conversation"],
        "/runs/{run_id}/detail/{span_id}": [f"/runs/{one}/detail/{step}" for step in steps],
        "/runs/{run_id}/erase": [f"/runs/{one}/erase"],
        "/runs/{run_id}/proof": [f"/runs/{one}/proof"],
        "/runs/{run_id}/replay": [f"/runs/{one}/replay?step={n}" for n in (1, 2, 3, 4)],
        "/runs/{run_id}/replay/step": [f"/runs/{one}/replay/step?step=2"],
        "/runs/{run_id}/share": [f"/runs/{one}/share"],
        "/runs/{run_id}/tree": [f"/runs/{one}/tree"],
        "/spend": [f"/spend?by={by}" for by in ("workflow", "version", "model", "user", "session")],
        "/static/{name:path}": ["/static/app.css"],
        "/t/{text:path}": [f"/t/{one}", f"/t/{'9' * 32}"],
        "/workflows/{workflow:path}": [f"/workflows/{flow}?tab={tab}" for tab in tabs],
    }  # fmt: skip
    for path in (
        "/-/patterns", "/about", "/access-log", "/alert-rules", "/arrivals", "/channels", "/connect", "/coverage",
        "/delivery", "/drift", "/erasures", "/favicon.ico", "/healthz", "/incidents", "/ingest-dot", "/join", "/keys", "/members",
        "/metrics", "/near-misses/week", "/near-misses/week.md", "/people", "/policies", "/prices", "/readyz",
        "/redaction", "/retention", "/sign-in", "/whatif", "/workflow-names", "/workflows",
    ):  # fmt: skip
        found[path] = [path]
    return found


FRAGMENTS = frozenset(
    {
        "/arrivals", "/ingest-dot", "/runs/facets", "/runs/live", "/runs/{run_id}/tree", "/runs/{run_id}/detail/{span_id}",
        "/runs/{run_id}/replay/step",
    }
)  # fmt: skip
"""Parts of pages, which htmx asks for."""
FILES = frozenset(
    {
        "/erasures/{erasure_id}/certificate", "/favicon.ico", "/healthz", "/icon/{name}",
        "/incidents/{incident_id}/report.md",
        "/incidents/{incident_id}/writes.csv", "/metrics", "/near-misses/week.md", "/readyz", "/runs/export",
        "/static/{name:path}",
    }
)  # fmt: skip


def html_pages(made: Furnished) -> list[str]:
    """Every address that a person reads as a page."""
    return [path for route, paths in addresses(made).items() if route not in FRAGMENTS | FILES for path in paths]


def get_routes(house: House) -> set[str]:
    """Paths of every GET route but the API's."""
    return {path for method, path in permissions_of(house.app) if method == "GET" and not path.startswith("/api/")}
