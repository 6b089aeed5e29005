"""The certificate of an erasure: what it removed, where and when, and what had left before; nothing of anybody."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from store.ledger.erasures import Erasure

ELSEWHERE = ("sealed_originals", "quarantined_items", "arrived_later", "notes")
"""What an erasure removes beside rows: sealed files, items that came out of the spool afterwards, words in the ledger."""


def certificate(erasure: Erasure) -> dict[str, Any]:
    """An erasure as it is shown and kept: nothing of the person in it. Times are RFC 3339; null while not reached."""
    return {
        "erasure_id": erasure.erasure_id,
        "project": erasure.project,
        "subject": erasure.subject.value,
        "target": erasure.target,
        "traces": len(erasure.traces),
        "removed_rows": {name: count for name, count in erasure.removed.items() if name not in ELSEWHERE},
        "removed_elsewhere": {name: erasure.removed.get(name, 0) for name in ELSEWHERE},
        "left_before": [
            {**asdict(one), "at": _moment(one.at_ns), "detail": dict(one.detail)} for one in erasure.left_before
        ],
        "asked_by": erasure.by,
        "requested_at": _moment(erasure.requested_ns),
        "hidden_at": _moment(erasure.hidden_ns) if erasure.hidden_ns else None,
        "bytes_gone_at": _moment(erasure.finished_ns) if erasure.finished_ns else None,
    }


def _moment(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns / 1e9, UTC).isoformat(timespec="seconds")
