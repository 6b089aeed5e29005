"""Data & privacy ▸ Erasure: a person or run goes for good. What is typed reaches a worker and nothing else."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, Response

from spans.errors import BusyError, NotFoundError, RefusedError
from spans.ids import parse_trace_id
from spans.pseudonym import is_token, parse_pseudonym, with_age
from store.ledger.certificates import certificate
from store.ledger.erasures import Subject
from web.callers import Admin, Caller
from web.desk import Desk
from web.pages.erasures import ANYTHING, ERASABLE, WORD, build_erase, build_erasures
from web.pages.privacy import MAX_VALUES
from web.routes.common import actor_names, desk_of, find_run, record
from web.routes.common import go as go_to
from web.services import ErasureDesk

router = APIRouter()

MAX_VALUE = 300
MOST_REASON = 400
MOST_TARGETS = 200
SHOWN = 200
_AWAY = "Nothing was looked for or erased: {why} Nothing of what you typed was kept, so type it again in a moment."


@router.get("/erasures")
def erasures(request: Request, caller: Admin) -> Response:
    """The form, and what was erased."""
    return _list(request, caller)


@router.post("/erasures/preview")
def preview(
    request: Request,
    caller: Admin,
    values: Annotated[str, Form()] = "",
    entity: Annotated[str, Form()] = "PERSON",
) -> Response:
    """What would go with the person these values stand for; pseudonyms go on from here, the values do not.

    Raises:
        RefusedError: an entity by which nobody can be erased, or too many values.
    """
    desk = desk_of(request)
    project = desk.place(request, caller).project
    if entity not in ERASABLE:
        raise RefusedError("Choose what it is: a name, an e-mail address, …")
    typed = [line.strip()[:MAX_VALUE] for line in values.splitlines() if line.strip()]
    if len(typed) > MAX_VALUES:
        raise RefusedError(f"At most {MAX_VALUES} spellings of one person can be looked for at once.")
    if not typed:
        return _list(request, caller, entity, "Type at least one spelling, then look again.", 400)
    record(desk, caller, "search", "a person to erase", project, {"values": str(len(typed))})
    try:
        tokens: dict[str, bool] = {}
        for value in typed:
            for token, earlier in _tokens(desk, project, entity, value):
                tokens.setdefault(token, earlier)
        if not tokens:
            return _list(request, caller, entity, _stored_as_sent(entity), 422)
        old = frozenset(token for token, earlier in tokens.items() if earlier)
        return _preview(request, caller, Subject.PERSON, tuple(tokens), earlier=old)
    except BusyError as error:
        return _list(request, caller, entity, _AWAY.format(why=error), 503)


@router.get("/runs/{run_id}/erase")
def preview_run(request: Request, caller: Admin, run_id: str) -> Response:
    """What would go with a run."""
    desk = desk_of(request)
    run = find_run(desk.services.store, desk.place(request, caller).project, run_id)
    try:
        return _preview(request, caller, Subject.RUN, (run.run_id,))
    except BusyError as error:
        return _list(request, caller, problem=_AWAY.format(why=error), status=503)


@router.post("/erasures")
def erase(
    request: Request,
    caller: Admin,
    subject: Annotated[Subject, Form()],
    target: Annotated[list[str], Form()],
    word: Annotated[str, Form()] = "",
    override: Annotated[str, Form()] = "",
) -> Response:
    """Erase what the preview showed.

    Raises:
        RefusedError: a target that is not the pseudonym of one person, or not a run.
        NotFoundError: the run is not there any more.
    """
    desk = desk_of(request)
    if len(target) > MOST_TARGETS:
        raise RefusedError("That is more than one person; erase them one after the other.")
    targets = tuple(parse_pseudonym(one) if subject is Subject.PERSON else str(parse_trace_id(one)) for one in target)
    if word.strip().lower() != WORD:
        return _preview(request, caller, subject, targets, f"Nothing was erased. Type {WORD} below to confirm.", 400)
    project = desk.place(request, caller).project
    try:
        why = desk.services.redact_text(project, override[:MOST_REASON].strip()) if override.strip() else ""
        _desk(desk).erase(project, subject.value, targets, caller.actor, why)
    except BusyError as error:
        return _list(request, caller, problem=_AWAY.format(why=error), status=503)
    except RefusedError as error:
        return _preview(request, caller, subject, targets, f"Nothing was erased. {error}", 400)
    return go_to(request, "/erasures")


@router.get("/erasures/{erasure_id}/certificate")
def certificate_file(request: Request, caller: Admin, erasure_id: str) -> Response:
    """What one erasure removed and when, as a file; it holds nothing of anybody.

    Raises:
        NotFoundError: no such erasure, or one of another project than the caller's.
    """
    found = desk_of(request).services.ledger.erasures.find(erasure_id)
    if caller.project not in {None, found.project}:
        raise NotFoundError(f"No erasure has the id {erasure_id[:40]!r}.")
    headers = {"Content-Disposition": f'attachment; filename="erasure-{found.erasure_id}.json"'}
    return JSONResponse(certificate(found), headers=headers)


def _desk(desk: Desk) -> ErasureDesk:
    if desk.services.erasures is None:
        raise NotFoundError("Nothing can be erased here; another server keeps the data.")
    return desk.services.erasures


def _tokens(desk: Desk, project: str, entity: str, value: str) -> list[tuple[str, bool]]:
    """The pseudonyms of a value, each with whether a retired key made it; none when it is stored as it was sent."""
    if is_token(value):
        return [(parse_pseudonym(value), False)]
    found = [(entity, value)] if entity != ANYTHING else _read(desk, project, value)
    tokens: list[tuple[str, bool]] = []
    for kind, text in found:
        tokens += with_age(desk.services.pseudonyms(project, kind, text))
    return tokens


def _read(desk: Desk, project: str, value: str) -> list[tuple[str, str]]:
    """What redaction finds in a value: entity and text of each that one person can be erased by."""
    told = json.loads(desk.services.explain_text(project, value))
    return [
        (one["entity"], value[int(one["start"]) : int(one["end"])])
        for one in told["reasons"]
        if one["token"] and one["entity"] in ERASABLE
    ]


def _stored_as_sent(entity: str) -> str:
    if entity != ANYTHING:
        return "No pseudonym could be made of it. Check the spelling and what it is."
    return (
        "Redaction finds nothing personal in it, so it has no pseudonym: it is stored as it was sent. Look for it under Runs, "
        "by user or text, and erase each run from its page; or name here what it is."
    )


def _preview(
    request: Request,
    caller: Caller,
    subject: Subject,
    targets: tuple[str, ...],
    problem: str = "",
    status: int = 200,
    *,
    earlier: frozenset[str] = frozenset(),
) -> Response:
    desk = desk_of(request)
    place = desk.place(request, caller)
    outlook = _desk(desk).preview(place.project, subject.value, targets)
    page = build_erase(place, subject, targets, outlook, earlier=earlier, problem=problem)
    title = "Erase a person" if subject is Subject.PERSON else f"Erase run {targets[0][:8]}…"
    frame = desk.frame(request, caller, place, title, active="privacy")
    return desk.page(request, "erase.html", frame, page, status)


def _list(request: Request, caller: Caller, chosen: str = "PERSON", problem: str = "", status: int = 200) -> Response:
    desk = desk_of(request)
    place = desk.place(request, caller)
    known = desk.services.ledger.erasures.list(caller.project)[:SHOWN]
    erasing = desk.services.erasures
    waiting = erasing.waiting() if erasing and any(one.finished_ns is None for one in known) else {}
    names = actor_names(desk)
    page = build_erasures(
        place, known, waiting, names=names, may_erase=erasing is not None, chosen=chosen, problem=problem
    )
    frame = desk.frame(request, caller, place, "Erasure", active="privacy")
    answer = desk.page(request, "erasures.html", frame, page, status)
    if status == 503:
        answer.headers["Retry-After"] = "2"
    return answer
