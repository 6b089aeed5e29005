"""Static files and probes: public, and chosen from a fixed list, never from the disk by name."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from spans.errors import NotFoundError
from web.callers import Anyone
from web.routes.common import desk_of

router = APIRouter()

_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_AN_HOUR = "public, max-age=3600"


@router.get("/static/{name:path}")
def static(request: Request, _: Anyone, name: str, v: str = "") -> Response:
    """One of our files, compressed when the browser takes it; cached for ever under its digest.

    Raises:
        NotFoundError: not one of our files.
    """
    asset = desk_of(request).assets.get(name)
    if asset is None:
        raise NotFoundError("No such file.")
    headers = {"cache-control": _FOR_EVER if v == asset.digest else _FOR_AN_HOUR, "vary": "accept-encoding"}
    if asset.compressed and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.compressed, media_type=asset.media_type, headers={**headers, "content-encoding": "gzip"})
    return Response(asset.body, media_type=asset.media_type, headers=headers)


@router.get("/favicon.ico")
def favicon(request: Request, _: Anyone) -> Response:
    """The icon for browsers that ask here."""
    asset = desk_of(request).assets["icon.svg"]
    return Response(asset.body, media_type=asset.media_type, headers={"cache-control": _FOR_AN_HOUR})


@router.get("/icon/{name}")
def counting_icon(request: Request, _: Anyone, name: str) -> Response:
    """The icon with a number on it: how many incidents fire. The number is all it holds, so nobody learns anything.

    Raises:
        NotFoundError: not a number from 1 to 99.
    """
    text = name.removesuffix(".svg")
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:3]) <= 99 or len(text) > 2:
        raise NotFoundError("No such icon.")
    asset = desk_of(request).assets["icon.svg"]
    drawing = asset.body.decode().rpartition("</svg>")[0]
    body = f"{drawing}{_badge(int(text))}</svg>"
    return Response(body, media_type=asset.media_type, headers={"cache-control": _FOR_AN_HOUR})


def _badge(number: int) -> str:
    return (
        '<circle cx="17" cy="17" r="7" fill="#b3261e"/>'
        '<text x="17" y="20.5" text-anchor="middle" font-family="sans-serif" font-weight="700" font-size="10"'
        f' fill="#fff">{number}</text>'
    )


@router.get("/healthz")
def healthz(_: Anyone) -> Response:
    """Whether this process answers."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
def readyz(request: Request, _: Anyone) -> Response:
    """Whether telemetry can be received and redacted, and pages served; 503 until then."""
    status = desk_of(request).ingest()
    ready = status.receiver_ready and status.workers_ready > 0
    return JSONResponse({"status": "ready" if ready else "starting"}, 200 if ready else 503)
