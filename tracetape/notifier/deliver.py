"""Delivers one letter: through our signed webhook, or through apprise to everything else."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from insights.alerts.message import Letter, body, payload, title
from insights.alerts.targets import apprise_scheme, webhook_host
from spans.errors import HouseError, RefusedError
from tracetape import __version__

TIMEOUT_S = 10.0
SIGNATURE = "X-Tracetape-Signature"
DELIVERY = "X-Tracetape-Delivery"


class UndeliveredError(HouseError):
    """It did not arrive; the sentence holds neither address nor secret. Trying again may help."""


def deliver(kind: str, address: str, secret: str, letter: Letter) -> None:
    """Send it and wait for the other side's word.

    Raises:
        UndeliveredError: it did not arrive.
        RefusedError: the address can never work.
    """
    if kind == "webhook":
        _post(address, secret, letter)
    elif kind == "apprise":
        _notify(address, letter)
    else:
        raise RefusedError(f"No channel is of the kind {kind[:20]!r}.")


def signature(secret: str, moment_s: int, content: bytes) -> str:
    """What proves that a webhook comes from here: HMAC-SHA-256 over `<unix seconds>.<body>`, as `t=…,v1=…`."""
    digest = hmac.new(secret.encode(), f"{moment_s}.".encode() + content, hashlib.sha256).hexdigest()
    return f"t={moment_s},v1={digest}"


def _post(address: str, secret: str, letter: Letter) -> None:
    webhook_host(address)
    content = payload(letter)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"tracetape/{__version__}",
        DELIVERY: letter.delivery_id,
        SIGNATURE: signature(secret, int(time.time()), content),
    }
    answer = _calling(
        lambda: _session().post(
            address, data=content, headers=headers, timeout=TIMEOUT_S, allow_redirects=False, stream=True
        )
    )
    answer.close()
    if not 200 <= answer.status_code < 300:
        moved = " It redirects; write the final address." if 300 <= answer.status_code < 400 else ""
        raise UndeliveredError(f"The webhook answered {answer.status_code}.{moved}")


def ping(address: str) -> None:
    """Tell a watchdog that evaluation goes on.

    Raises:
        UndeliveredError: it could not be reached.
    """
    webhook_host(address)
    _calling(lambda: _session().get(address, timeout=TIMEOUT_S, allow_redirects=False, stream=True)).close()


def _session() -> Any:
    """A session without proxies and .netrc of the environment: the guard has to see the real address."""
    import requests

    session = requests.Session()
    session.trust_env = False
    return session


def _calling(call: Callable[[], Any]) -> Any:
    import requests

    try:
        return call()
    except requests.RequestException as error:
        blocked = "lies inside a private network" in str(error)
        why = (
            "its address lies inside a private network (TRACETAPE_ALERT_NETWORKS allows one)"
            if blocked
            else type(error).__name__
        )
        raise UndeliveredError(f"The webhook could not be reached: {why}.") from None


def _notify(address: str, letter: Letter) -> None:
    scheme = apprise_scheme(address)
    import apprise

    if scheme in {"pagerduty", "pagerdutys"} and letter.incident_id:
        # One incident there per incident here: good news resolves it.
        address += ("&" if "?" in address else "?") + urlencode({"action": "map", "dedup": letter.incident_id})
    sender = apprise.Apprise()
    if not sender.add(address):
        raise RefusedError(f"apprise cannot read this {scheme}:// address; see its page about {scheme}.")
    kind = apprise.NotifyType.SUCCESS if letter.is_good_news else apprise.NotifyType.FAILURE
    if not sender.notify(
        title=title(letter), body=body(letter), notify_type=kind, body_format=apprise.NotifyFormat.TEXT
    ):
        raise UndeliveredError(f"The {scheme}:// channel did not take the message.")
