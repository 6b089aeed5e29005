"""Verbs that need the store: the same function inside a running `serve` and on a folder nobody holds."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from spans.roles import Role
from tracetape.control import Verb
from tracetape.demo import DEMO_PROJECT
from tracetape.demo.fleet import generate
from tracetape.demo.send import send
from tracetape.house import House

_loading = threading.Lock()


def load_demo(house: House, endpoint: str) -> None:
    """Send the demo fleet through the real receiver; returns at once and never runs twice at a time."""
    if not _loading.acquire(blocking=False):
        return
    _, secret = house.ledger.keys.create(DEMO_PROJECT, Role.INGEST, "demo loader")

    def work() -> None:
        try:
            send(endpoint, secret, generate())
        finally:
            _loading.release()

    threading.Thread(target=work, name="demo", daemon=True).start()


def remove_demo(house: House, _arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Remove every run of the demo project and its keys."""
    removed = house.store.drop_project(DEMO_PROJECT)
    for key in house.ledger.keys.list():
        if key.project == DEMO_PROJECT and key.revoked_ns is None:
            house.ledger.keys.revoke(key.key_id)
    house.ledger.audit.append("command line", "retention_change", target="demo removed", project=DEMO_PROJECT)
    return {"runs": removed}


def delivery_check(house: House, _arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The delivery check as JSON."""
    from dataclasses import asdict

    return asdict(house.health())


VERBS: Mapping[str, Verb] = {"demo_remove": remove_demo, "health": delivery_check}
