"""Spend, Drift and one finding opened; what people decide about findings; marks of change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from insights.detectors.drift import LOOK_BACK_NS
from insights.detectors.spend import LOOK_BACK_NS as SPEND_BACK_NS
from insights.detectors.spend import hours_of
from insights.present import moment
from insights.spend import SpendDetector
from spans.change import Accepted, Mark, MarkKind
from spans.errors import NotFoundError, RefusedError
from spans.finding import Finding, FindingKind, FindingState
from spans.roles import Permission
from store.hours import HourField, HourQuery, HourRow
from store.ledger.findings import FindingQuery
from store.measures import Comparison, SpendField
from web.callers import Reader, Reviewer
from web.charts import Chart
from web.charts_findings import BandPoint, Histogram, band_chart, histogram
from web.desk import Desk
from web.filters import ATTRIBUTE
from web.pages.findings import SPEND_TABS, build_drift, build_finding, build_spend, charted
from web.pages.references import ReferenceLine, reference_lines
from web.places import Place, parse_time
from web.routes.api import answer
from web.routes.common import carried_attributes, desk_of, go, record
from web.routes.findings import project_of

router = APIRouter()

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
MOST_FINDINGS = 100
MOST_LABEL = 200
STANDING = (FindingState.OPEN, FindingState.EXPECTED, FindingState.SILENCED)
_FAR_NS = 2**62


@router.get("/spend")
def spend(request: Request, caller: Reader) -> Response:
    """Where the money went and what cost more than it should, over all workflows or one."""
    desk = desk_of(request)
    workflow = request.query_params.get("workflow", "")[:400]
    place = desk.judged_place(request, caller, workflow)
    by = request.query_params.get("by", "workflow")[:200]
    attribute = by.removeprefix(ATTRIBUTE) if by.startswith(ATTRIBUTE) else ""
    if not attribute and by not in dict(SPEND_TABS):
        raise RefusedError(f"by is {by[:40]!r}; it can be {', '.join(dict(SPEND_TABS))} or attr.KEY.")
    since, until = place.range.since_ns, place.range.until_ns
    hours = HourQuery(place.project, since, until, place.environment or None, workflow or None)
    total = desk.services.store.hours(hours, ())
    where = Comparison(workflow, place.environment, since, until, since - (until - since), since)
    spikes = _findings(desk, place, FindingKind.SPEND_SPIKE, workflow)
    page = build_spend(
        place,
        spikes,
        _band(desk, place, workflow or None, place.environment or None, spikes),
        desk.services.ledger.marks.list(place.project, since, until, workflow or None),
        desk.services.store.measures.spend_parts(
            place.project, where, SpendField.WORKFLOW if attribute else SpendField(by), attribute
        ),
        total[0] if total else HourRow(),
        by=by,
        workflow=workflow,
        attributes=carried_attributes(desk, replace(desk.query(place), workflow=workflow or None)),
        can_decide=caller.may(Permission.REVIEW),
    )
    frame = desk.frame(request, caller, place, "Spend", active="spend")
    return desk.page(request, "spend.html", frame, page)


@router.get("/drift")
def drift(request: Request, caller: Reader) -> Response:
    """Workflows that behave differently, over all of them or one."""
    desk = desk_of(request)
    workflow = request.query_params.get("workflow", "")[:400]
    place = desk.judged_place(request, caller, workflow)
    now = desk.services.clock_ns()
    activity = desk.services.store.measures.activity(place.project, now - LOOK_BACK_NS, now)
    page = build_drift(
        place,
        _findings(desk, place, FindingKind.DRIFT, workflow) + _findings(desk, place, FindingKind.VERSION, workflow),
        [a for a in activity if workflow in ("", a.workflow) and place.environment in ("", a.environment)],
        desk.services.ledger.marks.list(place.project, place.range.since_ns, place.range.until_ns, workflow or None),
        now_ns=now,
        workflow=workflow,
        accepted=desk.services.ledger.accepted.of(place.project),
        can_decide=caller.may(Permission.REVIEW),
    )
    frame = desk.frame(request, caller, place, "Drift", active="drift")
    return desk.page(request, "drift.html", frame, page)


@router.get("/findings/{finding_id}")
def finding(request: Request, caller: Reader, finding_id: str) -> Response:
    """One finding, opened."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    found = _found(desk, place.project, finding_id)
    near = desk.services.ledger.marks.list(
        place.project, found.since_ns - DAY_NS, found.since_ns + DAY_NS, found.workflow
    )
    page = build_finding(
        place,
        found,
        _change(desk, found),
        near,
        can_decide=caller.may(Permission.REVIEW),
        can_limit=caller.may(Permission.ADMINISTER),
        references=_references(desk, place, found) if found.kind is FindingKind.DRIFT else (),
        band=_spike_band(desk, place, found) if found.kind is FindingKind.SPEND_SPIKE else None,
    )
    active = {FindingKind.SPEND_SPIKE: "spend", FindingKind.DRIFT: "drift", FindingKind.VERSION: "drift"}
    frame = desk.frame(request, caller, place, page.row.kind, active=active.get(found.kind, "near-misses"))
    return desk.page(request, "finding.html", frame, page)


@router.post("/findings/{finding_id}/expected")
def expected(request: Request, caller: Reviewer, finding_id: str) -> RedirectResponse:
    """This is how it should be: nothing more is said about it, and it is the pinned reference from where it began."""
    desk = desk_of(request)
    project = project_of(request, caller)
    found = _found(desk, project, finding_id)
    record(desk, caller, "rule_change", finding_id, project, {"did": "finding expected"})
    if found.kind is FindingKind.DRIFT:
        desk.services.ledger.accepted.put(
            project,
            found.workflow,
            found.environment,
            Accepted(found.since_ns, is_pinned=True, by=caller.name or caller.actor),
        )
    desk.services.ledger.findings.expect(project, finding_id, caller.name or caller.actor)
    return go(request, _back(found, project))


@router.post("/findings/{finding_id}/silence")
def silence(request: Request, caller: Reviewer, finding_id: str) -> RedirectResponse:
    """Hear nothing of it for a day; it is recorded all the same."""
    desk = desk_of(request)
    project = project_of(request, caller)
    found = _found(desk, project, finding_id)
    record(desk, caller, "rule_change", finding_id, project, {"did": "finding silenced for 24 h"})
    until = desk.services.clock_ns() + DAY_NS
    desk.services.ledger.findings.silence(project, finding_id, until, caller.name or caller.actor)
    return go(request, _back(found, project))


@router.post("/drift/pin")
def pin(
    request: Request,
    caller: Reviewer,
    which: Annotated[str, Form()],
    since: Annotated[str, Form()] = "",
    until: Annotated[str, Form()] = "",
) -> RedirectResponse:
    """Compare a workflow with a period from now on, besides its last two weeks; without times, with these alone again."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    workflow, _, environment = which.replace("\r\n", "\n").partition("\n")
    now = desk.services.clock_ns()
    by = caller.name or caller.actor
    did = "reference unpinned"
    accepted = Accepted(0, by=by)
    if since or until:
        accepted = Accepted(parse_time(since, now, "From"), parse_time(until, now, "Until"), is_pinned=True, by=by)
        if not accepted.since_ns < (accepted.until_ns or 0) <= now:
            raise RefusedError("From has to lie before Until, and Until not in the future.")
        did = "reference pinned"
    record(desk, caller, "rule_change", f"drift of {workflow[:200]}", place.project, {"did": did})
    desk.services.ledger.accepted.put(place.project, workflow[:400], environment[:400], accepted)
    return go(request, place.url("/drift", workflow=workflow[:400]).removeprefix(place.root))


@router.post("/api/v1/changes")
async def add_change(request: Request, caller: Reviewer) -> Response:
    """Mark a change: `{"label", "workflow"?, "environment"?, "at"?}`; a deployment script calls this."""
    desk = desk_of(request)
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise RefusedError('Send JSON such as {"label": "v42 deployed", "workflow": "refund-agent"}.') from None
    if not isinstance(body, dict) or not isinstance(body.get("label"), str) or not body["label"].strip():
        raise RefusedError("label is missing: what changed, in a few words.")
    fields = {name: body.get(name, "") for name in ("label", "workflow", "environment", "at")}
    if not all(isinstance(value, str) for value in fields.values()):
        raise RefusedError("label, workflow, environment and at are texts.")
    now, project = desk.services.clock_ns(), project_of(request, caller)
    mark = Mark(
        project=project,
        environment=fields["environment"][:400],
        workflow=fields["workflow"][:400],
        at_ns=parse_time(fields["at"], now, "at") if fields["at"] else now,
        kind=MarkKind.DEPLOYMENT,
        label=desk.services.redact_text(project, fields["label"].strip()[:MOST_LABEL]),
        by=caller.name or caller.actor,
    )
    record(desk, caller, "rule_change", f"changes of {mark.workflow or 'all'}", project, {"did": "change marked"})
    (kept,) = desk.services.ledger.marks.add([mark])
    return answer(_mark_json(kept))


@router.get("/api/v1/changes")
def changes(request: Request, caller: Reader) -> Response:
    """Marks of change, oldest first: told by people, or seen in the runs."""
    desk, params = desk_of(request), request.query_params
    now = desk.services.clock_ns()
    found = desk.services.ledger.marks.list(
        project_of(request, caller),
        parse_time(params["since"], now, "since") if params.get("since") else None,
        parse_time(params["until"], now, "until") if params.get("until") else None,
        params.get("workflow"),
    )
    return answer([_mark_json(mark) for mark in found])


def _mark_json(mark: Mark) -> dict[str, str | None]:
    return {
        "mark_id": mark.mark_id,
        "at": moment(mark.at_ns),
        "kind": mark.kind.value,
        "label": mark.label,
        "workflow": mark.workflow,
        "environment": mark.environment,
        "by": mark.by,
    }


def _found(desk: Desk, project: str, finding_id: str) -> Finding:
    found = desk.services.ledger.findings.get(project, finding_id)
    if found is None:
        raise NotFoundError(f"There is no finding {finding_id[:40]!r} in project {project!r}.")
    return found


def _back(found: Finding, project: str) -> str:
    return f"/findings/{found.finding_id}?project={project}"


def _findings(desk: Desk, place: Place, kind: FindingKind, workflow: str) -> tuple[Finding, ...]:
    """Findings of the place whose time overlaps its range: the latest, and whatever still stands."""
    found = desk.services.ledger.findings.list(
        FindingQuery(
            place.project,
            kinds=(kind.value,),
            workflow=workflow or None,
            environment=place.environment or None,
            until_ns=place.range.until_ns,
            limit=MOST_FINDINGS,
        )
    )
    return tuple(f for f in found if (f.closed_ns or _FAR_NS) >= place.range.since_ns)


def _references(desk: Desk, place: Place, found: Finding) -> tuple[ReferenceLine, ...]:
    """What a drift was compared with, and what comparing with the other reference says."""
    siblings = desk.services.ledger.findings.list(
        FindingQuery(
            place.project,
            kinds=(FindingKind.DRIFT.value,),
            workflow=found.workflow,
            environment=found.environment,
            states=tuple(state.value for state in STANDING),
            limit=MOST_FINDINGS,
        )
    )
    accepted = desk.services.ledger.accepted.of(place.project).get((found.workflow, found.environment))
    return reference_lines(place, found, siblings, accepted)


def _band(desk: Desk, place: Place, workflow: str | None, environment: str | None, spikes: Sequence[Finding]) -> Chart:
    """Spend per hour of the range, with the band that the hours before it lead one to expect.

    None is all workflows, or all environments; an empty name is that of the runs that tell none.
    """
    since, until = place.range.since_ns, place.range.until_ns
    query = HourQuery(place.project, since - SPEND_BACK_NS, until, environment, workflow)
    rows = hours_of(desk.services.store.hours(query, (HourField.HOUR,)), until)
    spent = next(iter(rows.values()), {})
    points = []
    if spent:
        detector = SpendDetector()
        for hour in range(min(spent), (until - 1) // HOUR_NS + 1):
            usd, runs = spent.get(hour, (0.0, 0))
            if hour * HOUR_NS < since:
                detector.feed(hour, usd, runs)
                continue
            window = detector.add(hour, usd, runs).windows[0]
            points.append(BandPoint(hour * HOUR_NS, usd, window.expected, window.limit))
    windows = [
        (from_ns, until_ns)
        for spike in spikes
        if isinstance(from_ns := spike.detail.get("from_ns"), int)
        and isinstance(until_ns := spike.detail.get("until_ns"), int)
    ]
    return band_chart(points[-24 * 45 :], workflow or "", windows)


def _spike_band(desk: Desk, place: Place, found: Finding) -> Chart:
    """The spike within the days around it, in its own workflow and environment."""
    around = place.within(found.since_ns - 3 * DAY_NS, min(found.since_ns + DAY_NS, desk.services.clock_ns()))
    return _band(desk, around, found.workflow, found.environment, (found,))


def _change(desk: Desk, found: Finding) -> Histogram | None:
    """The surest feature of a drift before and after, when it is a number and its runs are still there."""
    names = ("current_since_ns", "current_until_ns", "reference_since_ns", "reference_until_ns")
    times = [time for name in names if isinstance(time := found.detail.get(name), int)]
    if found.kind is not FindingKind.DRIFT or not found.features or len(times) != len(names):
        return None
    top = charted(found)
    if top is None:
        return None
    where = Comparison(found.workflow, found.environment, times[0], times[1], times[2], times[3])
    after, before = desk.services.store.measures.values(found.project, where, top.name, is_rate=False, limit=2_000)
    return histogram(before, after)
