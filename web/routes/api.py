"""The JSON contract (design, section 10): runs, spans, health. Built from the same rows as the pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from replay.reading import read_recording
from replay.recording import recording_json
from runs.present import run_json, spans_json
from spans.errors import NotFoundError, RefusedError
from spans.health import ForwardStatus, SignalCount
from spans.ids import parse_span_id
from spans.run import Step
from store.api import RunQuery, TraceEvidence
from web.callers import Caller, Reader
from web.desk import Desk
from web.filters import parse_filters
from web.places import DEFAULT_PROJECT, parse_time
from web.routes.common import desk_of, find_run, record

router = APIRouter(prefix="/api/v1")

INLINE_SPANS = 2_000
INLINE_BYTES = 16 * 1024 * 1024
_BATCH = 200
"""Spans turned into JSON before the size is looked at again."""


def answer(data: object, **more: object) -> Response:
    """The one envelope."""
    return Response(msgspec.json.encode({"data": data, **more}), media_type="application/json")


def _project(request: Request, caller: Caller) -> str:
    home = caller.project or DEFAULT_PROJECT
    return caller.project_or(request.query_params.get("project", "")[:200], home)


@router.get("/runs")
def runs(request: Request, caller: Reader) -> Response:
    """Runs that match the filters, newest first."""
    desk = desk_of(request)
    params = request.query_params
    now = desk.services.clock_ns()
    project = _project(request, caller)
    query = RunQuery(
        project=project,
        since_ns=parse_time(params["since"], now, "since") if params.get("since") else None,
        until_ns=parse_time(params["until"], now, "until") if params.get("until") else None,
    )
    if query.since_ns is not None and query.until_ns is not None and query.since_ns >= query.until_ns:
        raise RefusedError("The time range ends before it starts; check since and until.")
    query = desk.typed.clean(parse_filters(params, query))
    if query.text:
        record(desk, caller, "search", project=project, detail={"text": query.text})
    found = desk.services.store.find_runs(query)
    return answer([run_json(run) for run in found.rows], next_cursor=found.next_cursor)


@router.get("/runs/{run_id}")
def run(request: Request, caller: Reader, run_id: str) -> Response:
    """One run with its spans, as many as fit; `spans_next_cursor` continues."""
    desk = desk_of(request)
    project = _project(request, caller)
    found = find_run(desk.services.store, project, run_id)
    content = _wants_content(request)
    start = _span_offset(request)
    steps = desk.services.store.read_steps(project, found.run_id)
    if content:
        record(desk, caller, "content_read", found.run_id, project, {"part": "json"})
    spans, following = _inline(_spans(desk, project, steps[start:], content=content), start, len(steps))
    return answer({**run_json(found), "spans": spans, "spans_next_cursor": following})


def _wants_content(request: Request) -> bool:
    asked = request.query_params.get("content", "full")
    if asked not in {"none", "full"}:
        raise RefusedError("content must be full or none.")
    return asked == "full"


def _span_offset(request: Request) -> int:
    text = request.query_params.get("spans_cursor", "")
    if not text:
        return 0
    number = text.removeprefix("s")
    if not text.startswith("s") or not (number.isascii() and number.isdecimal()) or len(number) > 9:
        raise RefusedError("spans_cursor is not one that an earlier answer gave.")
    return int(number)


def _inline(spans: Iterator[dict[str, Any]], start: int, total: int) -> tuple[list[msgspec.Raw], str | None]:
    """Spans until one of the two limits, at least one; and the cursor of what is left."""
    kept: list[msgspec.Raw] = []
    size = 0
    for span in spans:
        raw = msgspec.json.encode(span)
        if kept and (size + len(raw) > INLINE_BYTES or len(kept) >= INLINE_SPANS):
            break
        kept.append(msgspec.Raw(raw))
        size += len(raw)
    following = start + len(kept)
    return kept, f"s{following}" if kept and following < total else None


def _spans(desk: Desk, project: str, steps: Sequence[Step], *, content: bool) -> Iterator[dict[str, Any]]:
    """Spans in stored order; evidence is read only when content is wanted."""
    evidence: dict[str, TraceEvidence] = {}
    if content:
        for trace_id in dict.fromkeys(s.trace_id for s in steps):
            evidence[trace_id] = desk.services.store.read_evidence(project, trace_id)
    nothing = TraceEvidence((), ())
    for first in range(0, len(steps), _BATCH):
        batch = steps[first : first + _BATCH]
        for step_group in _by_trace(batch):
            part = evidence.get(step_group[0].trace_id, nothing)
            yield from spans_json(step_group, part.spans, part.logs, content=content)


def _by_trace(steps: Sequence[Step]) -> Iterator[list[Step]]:
    group: list[Step] = []
    for step in steps:
        if group and group[-1].trace_id != step.trace_id:
            yield group
            group = []
        group.append(step)
    if group:
        yield group


@router.get("/runs/{run_id}/spans/{span_id}")
def span(request: Request, caller: Reader, run_id: str, span_id: str) -> Response:
    """One span.

    Raises:
        NotFoundError: the run has no such span.
    """
    desk = desk_of(request)
    project = _project(request, caller)
    found = find_run(desk.services.store, project, run_id)
    try:
        wanted = parse_span_id(span_id)
    except RefusedError:
        raise NotFoundError("That is not a span id: 16 hex digits.") from None
    content = _wants_content(request)
    steps = [s for s in desk.services.store.read_steps(project, found.run_id) if s.span_id == wanted]
    if not steps:
        raise NotFoundError(f"No span {wanted} in this run.")
    if content:
        record(desk, caller, "content_read", found.run_id, project, {"part": "json", "span": wanted})
    return answer(next(_one_span(desk, project, steps[0], content=content)))


@router.get("/runs/{run_id}/recording")
def run_recording(request: Request, caller: Reader, run_id: str) -> Response:
    """The ordered exchanges of a run; with `content=none` without what was said."""
    desk = desk_of(request)
    project = _project(request, caller)
    found = find_run(desk.services.store, project, run_id)
    content = _wants_content(request)
    if content:
        record(desk, caller, "content_read", found.run_id, project, {"part": "recording"})
    return answer(recording_json(read_recording(desk.services.store, found, content=content)))


def _one_span(desk: Desk, project: str, step: Step, *, content: bool) -> Iterator[dict[str, Any]]:
    if not content:
        yield from spans_json([step], (), (), content=False)
        return
    own = desk.services.store.read_evidence(project, step.trace_id, step.span_id)
    parent = TraceEvidence((), ())
    if "synthetic" in step.flags and step.parent_span_id is not None:
        parent = desk.services.store.read_evidence(project, step.trace_id, step.parent_span_id)
    yield from spans_json([step], (*own.spans, *parent.spans), (*own.logs, *parent.logs))


@router.get("/health")
def health(request: Request, _: Reader) -> Response:
    """The delivery check of both signals."""
    services = desk_of(request).services
    found, forward = services.health(), services.forward()
    # beside `data`, whose every member is a signal
    more = {"forward": forward_json(forward, services.clock_ns())} if forward else {}
    return answer({"spans": signal_json(found.spans), "logs": signal_json(found.logs)}, **more)


def forward_json(status: ForwardStatus, now_ns: int) -> Mapping[str, object]:
    """How far forwarding has come."""
    logs = {"logs": forward_json(status.logs, now_ns)} if status.logs else {}
    return {**asdict(status), **logs, "lag_s": round(status.lag_s(now_ns), 3)}


_STORED_AS = ("rows", "duplicate", "folded", "discarded", "withheld", "erased")


def signal_json(count: SignalCount) -> Mapping[str, object]:
    """One signal of the contract; every way of being stored is always there."""
    return {
        "received": count.received,
        "acked": count.acked,
        "refused": count.refused,
        "pending": count.pending,
        "stored": count.stored,
        "quarantined": count.quarantined,
        "dropped_by_person": count.dropped_by_person,
        "expired": count.expired,
        "stored_as": {**dict.fromkeys(_STORED_AS, 0), **count.stored_as},
    }
