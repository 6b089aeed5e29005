"""Findings as JSON: the list of the contract, one finding with its history, and what people decide about it."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import Response

from insights.present import finding_json
from spans.errors import NotFoundError, RefusedError
from spans.finding import FindingKind, FindingState
from store.ledger.findings import FindingQuery
from web.callers import Caller, Reader
from web.places import DEFAULT_PROJECT, parse_time
from web.routes.api import answer
from web.routes.common import desk_of

router = APIRouter(prefix="/api/v1")

LIMIT = 1_000
MOST = 10_000


@router.get("/findings")
def findings(request: Request, caller: Reader) -> Response:
    """Findings that match, the latest detected first. `since` and `until` are about the moment of detection."""
    params = request.query_params
    now = desk_of(request).services.clock_ns()
    query = FindingQuery(
        project=project_of(request, caller),
        kinds=_chosen(params, "kind", tuple(kind.value for kind in FindingKind)),
        states=_chosen(params, "state", tuple(state.value for state in FindingState)),
        workflow=params.get("workflow"),
        environment=params.get("environment"),
        since_ns=parse_time(params["since"], now, "since") if params.get("since") else None,
        until_ns=parse_time(params["until"], now, "until") if params.get("until") else None,
        limit=_limit(params.get("limit", "")),
    )
    if query.since_ns is not None and query.until_ns is not None and query.since_ns >= query.until_ns:
        raise RefusedError("The time range ends before it starts; check since and until.")
    return answer([finding_json(found) for found in desk_of(request).services.ledger.findings.list(query)])


@router.get("/findings/{finding_id}")
def finding(request: Request, caller: Reader, finding_id: str) -> Response:
    """One finding with its history."""
    project = project_of(request, caller)
    found = desk_of(request).services.ledger.findings.get(project, finding_id)
    if found is None:
        raise NotFoundError(f"There is no finding {finding_id[:40]!r} in project {project!r}.")
    return answer(finding_json(found))


def project_of(request: Request, caller: Caller) -> str:
    """The project that is asked about, as far as the caller may see it."""
    home = caller.project or DEFAULT_PROJECT
    return caller.project_or(request.query_params.get("project", "")[:200], home)


def _chosen(params: Mapping[str, str], name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Comma-separated members of a closed set."""
    chosen = tuple(part.strip() for part in params.get(name, "").split(",") if part.strip())
    unknown = [value for value in chosen if value not in known]
    if unknown:
        raise RefusedError(f"{name} is {unknown[0][:40]!r}; it can be {', '.join(known)}.")
    return chosen


def _limit(text: str) -> int:
    if not text:
        return LIMIT
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:6]) <= MOST:
        raise RefusedError(f"limit is a number from 1 to {MOST:,}.")
    return int(text[:6])
