"""The first screen: how to send, what is arriving right now, and what is left to set up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spans.health import Arrival, IngestStatus
from spans.kinds import OutcomeLabel, Replayability, RunShape
from spans.run import Run
from web.format import NBSP
from web.pages.detail import DIALECT_NAMES
from web.pages.run_row import RunRow, build_row
from web.places import DEMO_PROJECT, Place
from web.services import Endpoints
from web.snippets import CONTENT_SWITCHES, Snippet, build_snippets


@dataclass(frozen=True, slots=True)
class ArrivalLine:
    """One line of what arrives: a tone (`ok`, `bad`, `wait`), a sentence, and when."""

    tone: str
    words: str
    advice: str
    time_ns: int


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist."""

    done: bool
    words: str
    advice: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The live part of the first screen."""

    waiting: bool
    headline: str
    lines: tuple[ArrivalLine, ...]
    rows: tuple[RunRow, ...]
    checks: tuple[Check, ...]
    poll: str
    runs_href: str
    overview_href: str


@dataclass(frozen=True, slots=True)
class FirstPage:
    """The screen of a project without runs, and Settings ▸ Connect later on."""

    endpoints: Endpoints
    snippets: tuple[Snippet, ...]
    arrivals: Arrivals
    can_test: bool
    can_demo: bool
    keys_href: str
    with_key: bool
    demo_href: str
    is_connect: bool


def build_arrivals(
    place: Place, status: IngestStatus, recent: Sequence[Run], *, members: int, invited: int, is_connect: bool = False
) -> Arrivals:
    """What arrives, as sentences, and the checklist that follows from it."""
    lines = [*_run_lines(recent), *(_line(a) for a in status.arrivals[:6])]
    if not status.receiver_ready and not lines:
        lines = [ArrivalLine("wait", "The receiver is still starting.", "", 0)]
    return Arrivals(
        waiting=not recent,
        headline=_headline(place, recent),
        lines=tuple(lines[:8]),
        rows=tuple(build_row(run, place) for run in recent[:5]),
        checks=_checks(place, recent, members=members, invited=invited),
        poll=place.url("/arrivals", connect=1 if is_connect else None),
        runs_href=place.url("/runs", shape="any"),
        overview_href=place.url("/"),
    )


def _headline(place: Place, recent: Sequence[Run]) -> str:
    if recent:
        return "Your first run is here."
    return "The demo is on its way…" if place.project == DEMO_PROJECT else "Waiting for your first span…"


def _line(arrival: Arrival) -> ArrivalLine:
    many = f" ({arrival.count:,}{NBSP}times)" if arrival.count > 1 else ""
    way = "OTLP/gRPC" if arrival.transport == "grpc" else "OTLP/HTTP"
    if not arrival.accepted:
        advice = (
            "Send Authorization: Bearer … with an ingest key." if arrival.code in {"401", "UNAUTHENTICATED"} else ""
        )
        return ArrivalLine(
            "bad", f"refused: {arrival.code}, {arrival.reason or 'see the log'}{many}, {way}", advice, arrival.time_ns
        )
    if arrival.signal == "metrics":
        return ArrivalLine(
            "wait",
            f"metrics only, {way}{many}",
            "Metrics are acknowledged, not kept. Turn the trace exporter on.",
            arrival.time_ns,
        )
    noun = {"spans": "span", "traces": "span", "logs": "log record"}.get(arrival.signal, arrival.signal)
    words = f"{arrival.items:,} {noun}{'' if arrival.items == 1 else 's'}{many}, {way}"
    return ArrivalLine(
        "ok", words + (f", {arrival.user_agent[:60]}" if arrival.user_agent else ""), "", arrival.time_ns
    )


def _run_lines(recent: Sequence[Run]) -> list[ArrivalLine]:
    """What the runs themselves say about how they were sent; one line per instrumentation."""
    lines: list[ArrivalLine] = []
    agents = [r for r in recent if r.shape in {RunShape.AGENT, RunShape.SINGLE_CALL}]
    if recent and not agents:
        spans = sum(r.span_count for r in recent)
        lines.append(
            ArrivalLine(
                "wait",
                f"{spans:,} spans, none from an agent",
                "They are kept. Add an instrumentation of your agent framework to see model and tool calls.",
                recent[0].last_received_ns,
            )
        )
    told: set[str] = set()
    for run in agents:
        for dialect in run.dialects[:2]:
            off = run.replayability is Replayability.METADATA_ONLY and bool(run.model_calls)
            mark = f"{dialect}{off}"
            if mark in told:
                continue
            told.add(mark)
            name = f"{run.service} via {DIALECT_NAMES.get(dialect, dialect)}"
            if off:
                advice = f"Set {CONTENT_SWITCHES.get(dialect, 'content capture on')} to record messages."
                lines.append(ArrivalLine("wait", f"{name}; content off", advice, run.last_received_ns))
            else:
                lines.append(ArrivalLine("ok", name, "", run.last_received_ns))
    return lines


def _checks(place: Place, recent: Sequence[Run], *, members: int, invited: int) -> tuple[Check, ...]:
    named = any(r.workflow and r.workflow_source not in {"", "service", "root_span", "span"} for r in recent)
    content = any(r.replayability is not Replayability.METADATA_ONLY for r in recent)
    defined = any(r.outcome.label is not OutcomeLabel.UNKNOWN for r in recent)
    return (
        Check(bool(recent), "First run", "Send one with a snippet, or press Send a test run."),
        Check(named, "Workflow named", "Name the agent (gen_ai.agent.name), or set the attribute workflow.name."),
        Check(content, "Content on", "Without messages a run can be counted, but not read or replayed."),
        Check(
            defined,
            "Success defined",
            "Send an evaluation with the run; success rules on a page come in a later release.",
        ),
        Check(False, "Alert with a tested channel", "Alert rules and channels come in a later release."),
        Check(members + invited > 1, "Teammate invited", "Settings, Members.", place.url("/members")),
    )


def build_first(
    place: Place,
    endpoints: Endpoints,
    arrivals: Arrivals,
    *,
    can_test: bool,
    can_demo: bool,
    with_key: bool,
    is_connect: bool,
) -> FirstPage:
    """Build the page around the live part."""
    return FirstPage(
        endpoints=endpoints,
        snippets=build_snippets(endpoints, with_key=with_key),
        arrivals=arrivals,
        can_test=can_test,
        can_demo=can_demo,
        keys_href=place.url("/keys"),
        with_key=with_key,
        demo_href=place.bare("/", project="demo"),
        is_connect=is_connect,
    )
