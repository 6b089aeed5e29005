"""Incidents: the list, and the one page a notification opens, built for a tired person with a phone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from insights.effects import harm_of
from spans.attempts import Harm
from spans.content import SpanContent
from spans.kinds import SpanKind, ToolOutcome
from spans.policy import Owner, Policy
from spans.run import Assembly, Run, Step
from spans.values import Value
from store.ledger.alerts import Alert, Flip
from store.ledger.incidents import Incident, IncidentNote
from store.ledger.workflow_states import WorkflowState
from web.format import count, duration
from web.pages.run_row import RunRow, build_row
from web.places import SECOND_NS, Place
from web.text import quoted

RECENT_NS = 600 * SECOND_NS
MOST_WRITES = 200
MOST_SHOWN = 6
"""Writes on the page itself, with their arguments; the others stand in the CSV."""
_DID_NOT_RUN = frozenset({ToolOutcome.DENIED, ToolOutcome.APPROVAL_PENDING, ToolOutcome.NOT_EXECUTED})


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """One line of the list."""

    incident: Incident
    href: str
    glyph: str
    state: str
    detection: str


@dataclass(frozen=True, slots=True)
class IncidentsPage:
    """Every incident, firing ones first."""

    firing: tuple[IncidentLine, ...]
    past: tuple[IncidentLine, ...]
    rules: int


@dataclass(frozen=True, slots=True)
class Write:
    """One call that changed something."""

    time_ns: int
    tool: str
    effect: str
    """What it could do at worst: money, mail, delete or write."""
    call_id: str
    outcome: str
    step: Step
    href: str
    arguments: str = ""
    """Compact JSON, redacted; empty while it was not read, or when nothing is stored (any more)."""
    result: str = ""


@dataclass(frozen=True, slots=True)
class StateChange:
    """One line of the timeline, of an alert or of a person."""

    time_ns: int
    glyph: str
    words: str
    small: str = ""


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """One incident."""

    incident: Incident
    line: IncidentLine
    still: str
    still_glyph: str
    owner: Owner
    alerts: tuple[Alert, ...]
    runs: int
    bad_run: RunRow | None
    bad_replay_href: str
    good_run: RunRow | None
    compare_href: str
    writes: tuple[Write, ...]
    more_writes: bool
    reach: str
    changes: tuple[StateChange, ...]
    """Marked changes and versions that first ran shortly before it began."""
    timeline: tuple[StateChange, ...]
    runs_href: str
    workflow_href: str
    told: WorkflowState
    """What agents that ask are told, and for which environment it was set."""
    mode: str
    """What holds where the incident is: run, draft_only or stop."""
    may_act: bool


def build_incidents(place: Place, incidents: Sequence[Incident], rules: int) -> IncidentsPage:
    """Build the list."""
    lines = tuple(incident_line(place, incident) for incident in incidents)
    return IncidentsPage(
        firing=tuple(line for line in lines if line.incident.is_firing and line.incident.is_open),
        past=tuple(line for line in lines if not (line.incident.is_firing and line.incident.is_open)),
        rules=rules,
    )


def incident_line(place: Place, incident: Incident) -> IncidentLine:
    """One incident as a line: its glyph says by its shape where it stands."""
    if not incident.is_open:
        glyph, state = "ok", "closed"
    elif not incident.is_firing:
        glyph, state = "ok", "over"
    elif incident.acknowledged_ns:
        glyph, state = "waiting", "acknowledged"
    else:
        glyph, state = "error" if incident.severity == "page" else "waiting", "firing"
    detection = duration(incident.detection_ns) if incident.detection_ns else ""
    return IncidentLine(incident, place.url(f"/incidents/{incident.incident_id}"), glyph, state, detection)


def build_incident(
    place: Place,
    incident: Incident,
    *,
    alerts: Sequence[Alert],
    flips: Sequence[Flip],
    notes: Sequence[IncidentNote],
    names: dict[str, str],
    policy: Policy | None,
    affected: Sequence[Assembly],
    contents: Callable[[Sequence[Step]], Mapping[str, SpanContent]],
    runs: int,
    recent: int,
    bad: Run | None,
    good: Run | None,
    changes: Sequence[StateChange],
    told: WorkflowState,
    mode: str,
    may_act: bool,
    now_ns: int,
) -> IncidentPage:
    """Build the page; `recent` is the runs of the workflow in the last ten minutes."""
    until = incident.ended_ns or now_ns
    since = max(0, incident.began_ns - 60 * SECOND_NS)
    writes = writes_of(place, affected, policy)
    shown = with_content(writes[:MOST_SHOWN], contents([w.step for w in writes[:MOST_SHOWN]]))
    bad_row = build_row(bad, place) if bad else None
    own = {"workflow": incident.workflow, "environment": incident.environment, "shape": "any"}
    return IncidentPage(
        incident=incident,
        line=incident_line(place, incident),
        still=_still(incident, recent, now_ns),
        still_glyph="error" if incident.is_firing else "success",
        owner=policy.owner if policy else Owner(),
        alerts=tuple(alerts),
        runs=runs,
        bad_run=bad_row,
        bad_replay_href=place.url(f"/runs/{bad.run_id}", tab="replay") if bad else "",
        good_run=build_row(good, place) if good else None,
        compare_href=place.url("/compare", left=good.run_id, right=bad.run_id) if good and bad else "",
        writes=(*shown, *writes[MOST_SHOWN:MOST_WRITES]),
        more_writes=len(writes) > MOST_WRITES,
        reach=reach_of(policy, affected),
        changes=tuple(changes),
        timeline=_timeline(incident, flips, notes, names),
        runs_href=place.within(since, until + 60 * SECOND_NS).url("/runs", **own),
        workflow_href=place.url(f"/workflows/{incident.workflow}") if incident.workflow else "",
        told=told,
        mode=mode,
        may_act=may_act,
    )


def _still(incident: Incident, recent: int, now_ns: int) -> str:
    if not incident.is_firing:
        return f"No, it ended after {duration(incident.ended_ns - incident.began_ns)}."
    if not recent:
        return f"Nothing ran in the last 10 minutes; it has fired for {duration(max(0, now_ns - incident.opened_ns))}."
    runs = f"{count(recent)} run{'' if recent == 1 else 's'} in the last 10 minutes"
    return f"Yes, for {duration(max(0, now_ns - incident.began_ns))}; {runs}."


def writes_of(place: Place, affected: Sequence[Assembly], policy: Policy | None) -> tuple[Write, ...]:
    """Every call that ran and changed something, oldest first."""
    found = []
    for assembly in affected:
        for step in assembly.steps:
            harm = harm_of(step.tool_name, policy) if _ran(step) else Harm.READ
            if harm is not Harm.READ:
                found.append(
                    Write(
                        step.start_ns,
                        step.tool_name,
                        harm.value,
                        step.tool_call_id,
                        step.tool_outcome.value if step.tool_outcome else "",
                        step,
                        place.url(f"/runs/{assembly.run.run_id}", span=step.span_id),
                    )
                )
    return tuple(sorted(found, key=lambda write: write.time_ns))


def with_content(writes: Sequence[Write], contents: Mapping[str, SpanContent]) -> tuple[Write, ...]:
    """The same writes with what was asked and answered."""
    return tuple(
        replace(w, arguments=_compact(c.tool_arguments), result=_compact(c.tool_result))
        for w in writes
        for c in (contents.get(w.step.span_id) or SpanContent(),)
    )


def _compact(value: Value) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _ran(step: Step) -> bool:
    return step.kind is SpanKind.TOOL and step.counted and step.tool_outcome not in _DID_NOT_RUN


def reach_of(policy: Policy | None, affected: Sequence[Assembly]) -> str:
    """How much more can still happen before a limit would stop a run."""
    if policy is None or policy.limits.max_tool_calls is None:
        return "No limit is set, so nothing tells how many more calls a run may make."
    limit = policy.limits.max_tool_calls
    running = [a.run for a in affected if a.run.status.value == "running"]
    left = sum(max(0, limit - run.tool_calls) for run in running)
    if not running:
        return f"No run is open now; the next one may make {limit} tool calls before it passes its limit."
    runs = "1 run is" if len(running) == 1 else f"{len(running)} runs are"
    return f"{runs} open and may make {left} more tool calls before the limit of {limit} is passed."


_GLYPHS = {"firing": "error", "ok": "success", "pending": "waiting", "no_data": "incomplete"}
_ADDRESS = re.compile(r":(?=//)|(?<=www)\.", re.IGNORECASE)
"""What a reader of Markdown turns into a link by itself."""
_WORDS = {
    "firing": "fires",
    "escalated": "became urgent",
    "still_firing": "still fires",
    "resolved": "ended",
    "no_data": "has no data",
}


def _timeline(
    incident: Incident, flips: Sequence[Flip], notes: Sequence[IncidentNote], names: dict[str, str]
) -> tuple[StateChange, ...]:
    """Everything that happened, newest first."""

    def who(actor: str) -> str:
        return names.get(actor, actor)

    lines = [
        StateChange(
            flip.time_ns,
            _GLYPHS.get(flip.after, "ok"),
            f"{flip.rule_id} {_WORDS.get(flip.notice, flip.after)}",
            f"{flip.reading.sentence} (not sent: {flip.silenced})" if flip.silenced else flip.reading.sentence,
        )
        for flip in flips
    ]
    lines += [StateChange(note.time_ns, "ok", note.text, who(note.made_by)) for note in notes]
    if incident.acknowledged_ns:
        lines.append(
            StateChange(incident.acknowledged_ns, "waiting", f"{who(incident.acknowledged_by)} acknowledged it")
        )
    if incident.closed_ns:
        lines.append(StateChange(incident.closed_ns, "ok", f"{who(incident.closed_by)} closed it"))
    lines.append(StateChange(incident.began_ns, "incomplete", "It began, as far as the data says"))
    return tuple(sorted(lines, key=lambda line: line.time_ns, reverse=True))


def incident_markdown(page: IncidentPage, url: str) -> str:
    """The incident as Markdown, for a report."""
    incident = page.incident
    lines = [
        f"# {_flat(incident.sentence)}",
        "",
        f"- workflow: {_flat(incident.workflow)} ({_flat(incident.environment) or 'no environment'})",
        f"- began {_utc(incident.began_ns)}, found {_utc(incident.opened_ns)} (after {page.line.detection or '0 s'})",
        f"- ended {_utc(incident.ended_ns) if incident.ended_ns else 'not yet'}",
        f"- runs since it began: {page.runs}",
        f"- first bad run: {incident.first_bad_run or 'unknown'}",
        f"- {url}",
        "",
        "## Timeline",
        "",
        *(
            f"- {_utc(line.time_ns)} {_flat(line.words)}{f' ({_flat(line.small)})' if line.small else ''}"
            for line in reversed(page.timeline)
        ),
        "",
        f"## Executed writes ({len(page.writes)}{'+' if page.more_writes else ''})",
        "",
        *(
            f"- {_utc(w.time_ns)} {quoted(w.tool)} {_flat(w.call_id)} {w.outcome} {_flat(w.arguments[:400])}".rstrip()
            for w in page.writes
        ),
    ]
    return "\n".join(lines) + "\n"


def _flat(text: str) -> str:
    """One line in which nothing is Markdown and no address becomes a link: names come from agents."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    plain = "".join(f"\\{c}" if c in "\\`*_[]<>#|!&~" else c for c in line)
    return _ADDRESS.sub(r"\\\g<0>", plain)


def _utc(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // SECOND_NS, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
