"""Settings ▸ Ingest: the delivery check, quarantine with its two decisions, refusals."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from spans.errors import NotFoundError
from spans.health import QuarantinedRecord
from spans.roles import Permission
from web.callers import Admin, Caller, Reader
from web.desk import Desk
from web.pages.ingest import build_ingest
from web.routes.common import desk_of, go, record
from web.services import QuarantineDesk

router = APIRouter()


@router.get("/delivery")
def delivery(request: Request, caller: Reader, drop: str = "") -> Response:
    """What every accepted item became. `drop` names a record about whose end the page asks once more."""
    desk = desk_of(request)
    page = build_ingest(
        desk.services.health(),
        desk.ingest(),
        _seen_by(desk, caller),
        may_decide=caller.may(Permission.ADMINISTER),
        asked=drop,
        forward=desk.services.forward(),
    )
    frame = desk.frame(request, caller, desk.place(request, caller), "Ingest", active="settings")
    return desk.page(request, "delivery.html", frame, page)


@router.post("/delivery/redrive")
def redrive(request: Request, caller: Admin, name: Annotated[str, Form()]) -> Response:
    """Try a record in quarantine again."""
    quarantine, kept = _chosen(request, caller, name)
    record(desk_of(request), caller, "retention_change", kept.name, kept.project, {"quarantine": "redriven"})
    quarantine.redrive(kept.name)
    return go(request, "/delivery")


@router.post("/delivery/drop")
def drop(request: Request, caller: Admin, name: Annotated[str, Form()]) -> Response:
    """Destroy a record in quarantine for good."""
    quarantine, kept = _chosen(request, caller, name)
    record(desk_of(request), caller, "retention_change", kept.name, kept.project, {"quarantine": "dropped"})
    quarantine.drop(kept.name)
    return go(request, "/delivery")


def _seen_by(desk: Desk, caller: Caller) -> tuple[QuarantinedRecord, ...]:
    """A key sees what belongs to its project; what belongs to nobody known is for members."""
    quarantine = desk.services.quarantine
    found = quarantine.list() if quarantine else ()
    return tuple(kept for kept in found if caller.project in {None, kept.project})


def _chosen(request: Request, caller: Caller, name: str) -> tuple[QuarantineDesk, QuarantinedRecord]:
    desk = desk_of(request)
    for kept in _seen_by(desk, caller):
        if kept.name == name and desk.services.quarantine is not None:
            return desk.services.quarantine, kept
    raise NotFoundError("This record is not in quarantine any more; perhaps somebody else has decided already.")
