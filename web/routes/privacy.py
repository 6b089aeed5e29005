"""Data & privacy: Redaction with its dry run, and People. What is typed here is neither kept, nor logged, nor in an address."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from spans.errors import NotFoundError, RefusedError
from spans.pseudonym import with_age
from spans.roles import Permission
from spans.run import Run
from store.api import RunQuery
from store.privacy import HiddenQuery
from web.callers import Admin, Caller, Reader, Reviewer
from web.desk import Desk
from web.pages.privacy import (
    ENTITY_WORDS,
    MAX_VALUES,
    DryRun,
    Searched,
    build_dry_run,
    build_people,
    build_redaction,
    period_of,
)
from web.routes.common import desk_of, go, record

router = APIRouter()

MAX_DRY_RUN = 20_000
"""Characters of a text that is only tried."""
MAX_VALUE = 300
RUNS_PER_TOKEN = 25


@router.get("/redaction")
def redaction(request: Request, caller: Reader) -> Response:
    """What was hidden in the range."""
    return _redaction(request, caller)


@router.post("/redaction/try")
def dry_run(request: Request, caller: Reader, text: Annotated[str, Form()] = "") -> Response:
    """What would be hidden in a text and why; nothing of it is stored or logged.

    Raises:
        RefusedError: the text is too long for a page.
    """
    if len(text) > MAX_DRY_RUN:
        raise RefusedError(f"At most {MAX_DRY_RUN:,} characters can be tried here; `tracetape redact` takes more.")
    desk = desk_of(request)
    typed = text.replace("\r\n", "\n")
    told = json.loads(desk.services.explain_text(desk.place(request, caller).project, typed)) if typed else None
    tried = build_dry_run(typed, told["text"], told["reasons"], failed=told["failed"]) if told else None
    return _redaction(request, caller, tried)


@router.post("/redaction/retry")
def retry(request: Request, caller: Admin) -> Response:
    """Try the sealed originals of withheld texts again, with today's rules and detectors."""
    desk = desk_of(request)
    if desk.services.retry_withheld is None:
        raise NotFoundError("Nothing can be tried again here.")
    record(desk, caller, "rule_change", "withheld texts", detail={"redaction": "tried again"})
    desk.services.retry_withheld()
    return go(request, "/redaction")


def _redaction(request: Request, caller: Caller, tried: DryRun | None = None) -> Response:
    desk = desk_of(request)
    place = desk.place(request, caller)
    width_ns = period_of(place)
    query = HiddenQuery(place.project, place.range.since_ns, place.range.until_ns, width_ns)
    page = build_redaction(
        place,
        desk.services.store.hidden(query),
        desk.services.redaction(),
        width_ns=width_ns,
        marks=desk.services.ledger.marks.list(place.project, place.range.since_ns, place.range.until_ns),
        dry_run=tried,
        may_retry=caller.may(Permission.ADMINISTER) and desk.services.retry_withheld is not None,
    )
    frame = desk.frame(request, caller, place, "Redaction", active="privacy")
    return desk.page(request, "redaction.html", frame, page)


@router.get("/people")
def people(request: Request, caller: Reviewer) -> Response:
    """The form: whose runs?"""
    desk = desk_of(request)
    place = desk.place(request, caller)
    page = build_people(place, (), chosen="PERSON", asked=False)
    return desk.page(request, "people.html", desk.frame(request, caller, place, "People", active="privacy"), page)


@router.post("/people")
def find_people(
    request: Request, caller: Reviewer, values: Annotated[str, Form()] = "", entity: Annotated[str, Form()] = "PERSON"
) -> Response:
    """The runs in which the pseudonyms of these values stand. The values themselves go no further than a worker.

    Raises:
        RefusedError: an entity without pseudonyms, or too many values.
    """
    desk = desk_of(request)
    place = desk.place(request, caller)
    if entity not in ENTITY_WORDS:
        raise RefusedError("Choose what it is: a name, an e-mail address, …")
    typed = [line.strip()[:MAX_VALUE] for line in values.splitlines() if line.strip()]
    if len(typed) > MAX_VALUES:
        raise RefusedError(f"At most {MAX_VALUES} spellings can be looked for at once.")
    record(desk, caller, "search", "a person's runs", place.project, {"values": str(len(typed))})
    tokens: dict[str, bool] = {}
    for value in typed:
        for token, earlier in with_age(desk.services.pseudonyms(place.project, entity, value)):
            tokens.setdefault(token, earlier)
    found = [
        Searched(token, entity, *_runs(desk, desk.query(place), token), earlier=earlier)
        for token, earlier in tokens.items()
    ]
    may_erase = caller.may(Permission.ADMINISTER) and desk.services.erasures is not None
    page = build_people(place, found, chosen=entity, asked=bool(typed), may_erase=may_erase)
    return desk.page(request, "people.html", desk.frame(request, caller, place, "People", active="privacy"), page)


def _runs(desk: Desk, query: RunQuery, token: str) -> tuple[Sequence[Run], bool]:
    found = desk.services.store.find_runs(replace(query, text=token, limit=RUNS_PER_TOKEN))
    return found.rows, found.next_cursor is not None
