"""The web application, put together: routes with their permissions, the door in front of them, error pages."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from spans.errors import HouseError, RefusedError
from web.assets import load_assets
from web.callers import permissions_of
from web.desk import Desk
from web.routes import (
    alert_rules,
    api,
    compare,
    erasures,
    findings,
    incidents,
    ingest,
    insights,
    judging,
    keeping,
    metrics,
    near_misses,
    overrides,
    pages,
    policies,
    privacy,
    remarks,
    replay,
    run,
    settings,
    share,
    sign_in,
    static,
    whatif,
    workflows,
)
from web.security import Door
from web.services import Services
from web.settings import WebSettings

logger = logging.getLogger(__name__)

ROUTERS = (
    static.router,
    sign_in.router,
    api.router,
    findings.router,
    insights.router,
    pages.router,
    run.router,
    replay.router,
    compare.router,
    share.router,
    whatif.router,
    settings.router,
    judging.router,
    policies.router,
    near_misses.router,
    workflows.router,
    ingest.router,
    incidents.router,
    alert_rules.router,
    overrides.router,
    remarks.router,
    privacy.router,
    metrics.router,
    keeping.router,
    erasures.router,
)
MAX_BODY = 1024 * 1024
"""Bytes of a form; nothing large is ever posted to the web port."""


def create_app(services: Services, settings: WebSettings) -> FastAPI:
    """Build the application. It reads no environment and keeps no globals: two of them can live in one process.

    Raises:
        SettingsError: a route declares no permission, or several.
    """
    assets = load_assets()
    if "vendor/htmx.min.js" not in assets:
        logger.warning("web/static/vendor is empty: pages work, but do not update themselves; install with pip")
    desk = Desk(services, settings, assets)

    @asynccontextmanager
    async def checked(app: FastAPI) -> AsyncIterator[None]:
        permissions_of(app)
        yield

    app = FastAPI(
        title="tracetape",
        version=services.version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=checked,
        max_body_size=MAX_BODY,
    )
    app.state.services = services
    app.state.desk = desk
    for router in ROUTERS:
        app.include_router(router)
    desk.pages = {path: permission for (method, path), permission in permissions_of(app).items() if method == "GET"}
    for kind in (HouseError, HTTPException):
        app.add_exception_handler(kind, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(Door, settings=settings, on_error=desk.error)
    return app


def _on_error(request: Request, error: Exception) -> Response:
    desk: Desk = request.app.state.desk
    return desk.error(request, error)


def _on_invalid(request: Request, error: Exception) -> Response:
    names = "a field"
    if isinstance(error, RequestValidationError):
        names = ", ".join(sorted({str(e["loc"][-1]) for e in error.errors()})) or names
    return _on_error(request, RefusedError(f"{names}: missing, or not what this address takes."))
