"""Prometheus metrics: for readers, and for this machine without a key."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from spans.errors import NotFoundError
from spans.roles import Permission
from web.callers import Anyone, Guard
from web.routes.common import desk_of

router = APIRouter()
_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_PROXIED = ("forwarded", "x-forwarded-for", "x-real-ip")


@router.get("/metrics")
def metrics(request: Request, _: Anyone) -> Response:
    """All metrics as text; a proxy on this machine does not make its visitors local.

    Raises:
        SignInNeededError: asked from elsewhere without a key.
        NotFoundError: this process measures nothing.
    """
    local = request.client is not None and request.client.host in _LOOPBACK
    if not local or any(name in request.headers for name in _PROXIED):
        Guard(Permission.READ)(request)
    measured = desk_of(request).services.metrics
    if measured is None:
        raise NotFoundError("This process has no metrics.")
    return PlainTextResponse(measured(), headers={"content-type": "text/plain; version=0.0.4; charset=utf-8"})
