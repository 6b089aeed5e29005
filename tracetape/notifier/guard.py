"""Watches every connection this process makes, whichever library makes it, and refuses addresses inside the network."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any

from insights.alerts.targets import Network, is_blocked

_WATCHED = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})


class BlockedTargetError(ConnectionError):
    """The address lies inside a network that nothing is sent to; the operator can allow it."""


def install(allowed: Sequence[Network], local: Callable[[], str] = lambda: "") -> None:
    """Guard this process from here on; there is no way back. `local` names the one local socket that may be reached.

    An audit hook sees the address that is really connected to, after every redirect and every answer of a name server,
    so that a name which resolves differently the second time wins nothing.
    """

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _WATCHED:
            if arguments[0].family == socket.AF_UNIX and arguments[1] == local():
                return
            _check(arguments[0], arguments[1], allowed)

    sys.addaudithook(watch)


def _check(connecting: socket.socket, address: object, allowed: Sequence[Network]) -> None:
    if connecting.family not in _INTERNET:
        raise BlockedTargetError("Messages leave through the internet only, not through a local socket.")
    host = address[0] if isinstance(address, tuple) and address else None
    if not isinstance(host, str) or is_blocked(host, allowed):
        raise BlockedTargetError(
            "The channel's address lies inside a private network. "
            "If that is meant, allow it with TRACETAPE_ALERT_NETWORKS, such as 10.0.0.0/8."
        )
