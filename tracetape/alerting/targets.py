"""Looks at a webhook's address when it is saved, so that a refusal comes at once; the guard looks again at each connection."""

from __future__ import annotations

import socket
from collections.abc import Callable

from insights.alerts.targets import is_blocked, parse_networks
from spans.errors import RefusedError


def target_check(networks: str) -> Callable[[str, int], None]:
    """A check of (host, port) that knows the networks the operator allows."""
    allowed = parse_networks(networks.split(","))

    def check(host: str, port: int) -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise RefusedError("The name in this address cannot be resolved; check its spelling.") from None
        if any(is_blocked(str(address[0]), allowed) for *_, address in found):
            raise RefusedError(
                "This address lies inside a private network. If that is meant, start tracetape with "
                "TRACETAPE_ALERT_NETWORKS, such as 10.0.0.0/8."
            )

    return check
