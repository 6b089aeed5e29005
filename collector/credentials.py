"""Who sends: finds the key in the headers and its project in a small snapshot of the ledger's keys."""

from __future__ import annotations

import base64
import binascii
import contextlib
import ipaddress
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Protocol
from urllib.parse import unquote

from collector.answers import RefusalError, Trouble
from spans.roles import Permission, Role, allows
from store.ledger.secrets import KEY_PREFIX

logger = logging.getLogger(__name__)

DEFAULT_PROJECT = "default"
REFRESH_S = 2.0
"""A revoked key stops working within this time."""
STALE_S = 5.0
"""Without a fresh snapshot for this long, nobody is believed any more."""
RETRY_S = 0.25
"""A key that was just created is looked for again, but not more often than this."""
READ_WITHIN_S = 1.0
"""Nobody waits longer for the ledger: it may hang as well as be down, and an answer is due within seconds."""
HEADER_MAX_CHARS = 4096


class KeyEntry(Protocol):
    """What the receiver has to know of a key."""

    @property
    def project(self) -> str:
        """The project everything sent with it belongs to."""

    @property
    def role(self) -> Role:
        """What it may do."""


class KeySource(Protocol):
    """Reads every working key with its digest; raises when it cannot."""

    def snapshot(self) -> Sequence[tuple[str, KeyEntry]]:
        """Digest and entry of every key that works now."""


class Gate:
    """Turns headers into a project. Safe to call from several threads."""

    def __init__(self, source: KeySource, digest_of: Callable[[str], str], *, keyless: bool) -> None:
        self._source = source
        self._digest_of = digest_of
        self._keyless = keyless
        self._lock = threading.Lock()
        self._keys: Mapping[str, KeyEntry] = {}
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="keys")
        self._reading: Future[None] | None = None
        self._asked = float("-inf")
        self._tried = float("-inf")
        self._read = float("-inf")

    def project_of(self, headers: Mapping[str, str], peer: str) -> str:
        """The project of a request.

        Args:
            headers: lower-case names of headers or gRPC metadata.
            peer: address of the sender.

        Raises:
            RefusalError: no key, a wrong one, one that may not send, or the keys cannot be read now.
        """
        secrets = _secrets(headers)
        if self._keyless and is_loopback(peer) and not any(secret.startswith(KEY_PREFIX) for secret in secrets):
            # What is there belongs to somebody else: programs that sent to another product keep its headers.
            return DEFAULT_PROJECT
        if not secrets:
            raise RefusalError(
                Trouble.NO_KEY,
                "No key was sent. Create one with `tracetape keys create --role ingest --name NAME` and send it as "
                "`Authorization: Bearer KEY`.",
            )
        digests = [self._digest_of(secret) for secret in secrets]
        entry = self._find(digests)
        if entry is None:
            raise RefusalError(
                Trouble.NO_KEY,
                "This key is not known here, or was revoked. Create one with `tracetape keys create --role ingest "
                "--name NAME`.",
            )
        if not allows(entry.role, Permission.SEND):
            raise RefusalError(
                Trouble.NOT_ALLOWED,
                f"A key with the role {entry.role.value} may not send. Create one with `tracetape keys create "
                "--role ingest --name NAME`.",
            )
        return entry.project

    def refresh(self) -> None:
        """Read the keys again. Never raises: an unreadable ledger shows when a key is asked for."""
        self._wait(self._ask())

    def _find(self, digests: Sequence[str]) -> KeyEntry | None:
        """The entry of a key.

        Raises:
            RefusalError: the keys could not be read for a while.
        """
        now = time.monotonic()
        entry = self._look_up(digests)
        if now - self._read > STALE_S or (entry is None and now - self._tried >= RETRY_S):
            self._wait(self._ask())
            entry = self._look_up(digests)
        elif now - self._tried >= REFRESH_S:
            self._ask()
        if now - self._read > STALE_S:
            raise RefusalError(Trouble.BUSY, "Keys cannot be checked at the moment; send again in a second.")
        return entry

    def _look_up(self, digests: Sequence[str]) -> KeyEntry | None:
        keys = self._keys
        return next((keys[d] for d in digests if d in keys), None)

    def _ask(self) -> Future[None]:
        """The reading of the keys that is under way, or a new one. Only its own thread waits for the ledger."""
        with self._lock:
            if self._reading is None or self._reading.done():
                self._asked = time.monotonic()
                self._reading = self._reader.submit(self._refresh)
            return self._reading

    def _wait(self, reading: Future[None]) -> None:
        left = self._asked + READ_WITHIN_S - time.monotonic()
        with contextlib.suppress(FutureTimeoutError):
            reading.result(max(0.0, left))

    def _refresh(self) -> None:
        started = time.monotonic()
        try:
            self._keys = dict(self._source.snapshot())
            self._read = started
        except Exception as error:  # noqa: BLE001 whatever is wrong with the ledger, the answer is "come back"
            logger.warning("the keys cannot be read", extra={"reason": str(error)})
        finally:
            self._tried = started


def is_loopback(peer: str) -> bool:
    """Whether an address is this machine."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _secrets(headers: Mapping[str, str]) -> list[str]:
    """Everything in the headers that may be a key, likeliest first.

    Values set through OTEL_EXPORTER_OTLP_HEADERS are percent-encoded, and some exporters do not decode them.
    """
    found: list[str] = []
    plain = headers.get("x-api-key", "")[:HEADER_MAX_CHARS].strip()
    if plain:
        found.append(unquote(plain))
    value = unquote(headers.get("authorization", "")[:HEADER_MAX_CHARS]).strip()
    scheme, _, rest = value.partition(" ")
    rest = rest.strip()
    if scheme.lower() == "basic" and rest:
        found += _basic(rest)
    elif scheme.lower() == "bearer" and rest:
        found.append(rest)
    elif value:
        found.append(rest or value)  # "Authorization: KEY", or a scheme of another vendor
    return found


def _basic(rest: str) -> list[str]:
    try:
        user, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return [rest]
    return [secret for secret in (password, user) if secret] or [rest]
