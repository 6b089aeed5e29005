"""Which network addresses a message may go to: numeric addresses are judged, never names."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from spans.errors import RefusedError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
_SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")
"""Deprecated in 2004, and still routed in some networks."""
_COMPATIBLE = ipaddress.IPv6Network("::/96")
LOCAL_SCHEMES = frozenset({"syslog", "dbus", "kde", "glib", "qt", "gnome", "macosx", "windows", "file", "unix"})
"""Ways to notify the machine tracetape runs on; nobody is there to read it."""


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks such as `10.0.0.0/8` or single addresses.

    Raises:
        ValueError: one of them is not a network.
    """
    return tuple(ipaddress.ip_network(text.strip(), strict=False) for text in texts if text.strip())


def is_blocked(text: str, allowed: Sequence[Network] = ()) -> bool:
    """Whether nothing may be sent to this numeric address; what is not a numeric address is blocked.

    Blocked are all addresses that are not globally reachable (loopback, private, link-local with cloud metadata,
    carrier NAT, documentation, multicast, reserved), also when an IPv6 address only wraps them (mapped, compatible,
    6to4, Teredo, NAT64), unless the operator allows their network.
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return True
    meant = _meant(address)
    if any(a.version == n.version and a in n for a in {address, meant} for n in allowed):
        return False
    return any(
        not a.is_global or a.is_multicast or a.is_reserved or a.is_unspecified or a in _SITE_LOCAL
        for a in {address, meant}
    )


def is_numeric(text: str) -> bool:
    """Whether a host is an address and not a name."""
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _meant(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one, where there is one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or address in _LOCAL_NAT64 or address in _COMPATIBLE:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def webhook_host(address: str) -> tuple[str, int]:
    """Host and port of a webhook's address.

    Raises:
        RefusedError: it is not an http or https address that a message can be sent to.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise RefusedError(
            "The address of the webhook cannot be read; write it like https://example.com/hook."
        ) from None
    if parts.scheme not in {"http", "https"} or not host:
        raise RefusedError(
            "A webhook's address begins with https:// or http://; write it like https://example.com/hook."
        )
    if parts.username or parts.password or "\\" in address or any(c.isspace() or not c.isprintable() for c in address):
        raise RefusedError("A webhook's address holds no user, password, backslash or space.")
    return host, port or (443 if parts.scheme == "https" else 80)


def apprise_scheme(address: str) -> str:
    """The scheme of an apprise address, small letters.

    Raises:
        RefusedError: it has none, or it would notify the machine tracetape runs on.
    """
    scheme, separator, _ = address.partition("://")
    scheme = scheme.lower()
    if not separator or not scheme.isalnum():
        raise RefusedError("An apprise address begins with a scheme, such as slack:// or mailto://.")
    if scheme in LOCAL_SCHEMES:
        raise RefusedError(
            f"{scheme}:// would notify the machine tracetape runs on; use a service that reaches people."
        )
    return scheme
