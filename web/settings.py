"""What an operator decides about the web: its public address, where it listens, which host names it answers to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ANY = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - recognised here, never bound here


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Settings of the web room; every field has a safe default."""

    public_url: str = ""
    """The address people use, with the sub-path if a proxy adds one; empty means the address we listen on."""
    host: str = "127.0.0.1"
    allowed_hosts: tuple[str, ...] = ()
    """Further host names that reach us, such as the name a proxy forwards."""
    session_days: int = 30

    @property
    def root_path(self) -> str:
        """The sub-path of the public address without its last slash, such as `/tracetape`; mostly empty."""
        return urlsplit(self.public_url).path.rstrip("/")

    @property
    def is_secure(self) -> bool:
        """Whether people come over TLS, so that the session cookie may say so."""
        return urlsplit(self.public_url).scheme == "https"

    def answers_to(self, host: str) -> bool:
        """Whether a Host header names us. Other names are refused, which ends DNS rebinding.

        Bound to every interface, any literal address is accepted: only a *name* can be rebound.
        """
        name = host_name(host)
        if name is None:
            return False
        known = {*_LOOPBACK, *(h.lower() for h in self.allowed_hosts), self.host.lower()} - _ANY
        public = urlsplit(self.public_url).hostname
        if name in known or (public and name == public.lower()):
            return True
        return self.host in _ANY and _is_address(name)


def host_name(host: str) -> str | None:
    """The lower-case name of a Host header without its port; None when it is not one."""
    if not host or any(c in host for c in "/\\@?# \t,%"):
        return None
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    name = parts.hostname
    if "]" in host and host.rpartition("]")[2][:1] not in {"", ":"}:  # urlsplit drops what follows the bracket
        return None
    return name.lower().removesuffix(".") if name and name.isascii() else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
