"""The door in front of every route: host names, foreign origins, a nonce per answer and the headers that go with it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.errors import ForeignRequestError
from web.settings import WebSettings, host_name

logger = logging.getLogger(__name__)

PROBES = frozenset({"/healthz", "/readyz"})
"""Asked by machines that call us by whatever address they know; they tell nothing but "up"."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
NO_STORE = "no-store"


def content_policy(nonce: str) -> str:
    """The Content-Security-Policy of every page: nothing but our own nonced files, our own host and data images."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce}'",
            f"style-src 'nonce-{nonce}'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )


_FIXED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # not no-referrer: that makes browsers send "Origin: null" with our own forms; other sites still get nothing
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Door:
    """ASGI middleware: refuses before any route is looked at, catches what broke, signs every answer."""

    def __init__(self, app: ASGIApp, settings: WebSettings, on_error: Callable[[Request, Exception], Response]) -> None:
        self._app = app
        self._settings = settings
        self._on_error = on_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge one request and see its answer off."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # links carry the sub-path, whether the proxy leaves it in the path or takes it off
        scope["root_path"] = scope.get("root_path") or self._settings.root_path
        nonce = secrets.token_urlsafe(18)
        scope.setdefault("state", {})["nonce"] = nonce
        started = False

        async def send_signed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._sign(MutableHeaders(scope=message), nonce)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await self._answer(scope, receive, send_signed, refusal)
            return
        try:
            await self._app(scope, receive, send_signed)
        except Exception as error:
            logger.exception("a request broke", extra={"method": scope["method"]})
            if started:
                raise
            await self._answer(scope, receive, send_signed, error)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
        response = await run_in_threadpool(self._on_error, Request(scope), error)
        await response(scope, receive, send)

    def _sign(self, headers: MutableHeaders, nonce: str) -> None:
        for name, value in _FIXED.items():
            headers[name] = value
        headers["content-security-policy"] = content_policy(nonce)
        headers.setdefault("cache-control", NO_STORE)
        if self._settings.is_secure:
            headers["strict-transport-security"] = "max-age=31536000"

    def _refusal(self, scope: Scope) -> ForeignRequestError | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._settings.answers_to(hosts[0]):
            if scope["method"] in SAFE_METHODS and scope["path"].removeprefix(self._settings.root_path) in PROBES:
                return None
            return ForeignRequestError(
                "This server does not answer to that host name. Open it by the address it printed, "
                "or start it with --public-url."
            )
        if scope["method"] in SAFE_METHODS:
            return None
        return self._foreign(headers, hosts[0])

    def _foreign(self, headers: Headers, host: str) -> ForeignRequestError | None:
        """Why an unsafe request is refused: it must come from our own pages, or from a program with a key."""
        refused = ForeignRequestError("This came from another site, so nothing was changed. Go back and try again.")
        site = headers.get("sec-fetch-site")
        if site is not None:  # the browser's own word, which no page can forge
            return None if site == "same-origin" else refused
        origin = headers.get("origin")
        if origin is not None:
            return None if self._is_ours(origin, host) else refused
        by_program = headers.get("authorization", "").lower().startswith("bearer ")
        return None if by_program else refused

    def _is_ours(self, origin: str, host: str) -> bool:
        try:
            parts = urlsplit(origin)
            public = urlsplit(self._settings.public_url)
            same_host = parts.netloc.lower() == host.lower()
            same_public = bool(public.netloc) and (parts.scheme, parts.netloc) == (public.scheme, public.netloc)
        except ValueError:
            return False
        return parts.scheme in {"http", "https"} and host_name(parts.netloc) is not None and (same_host or same_public)
