"""Findings as the JSON of the contract (design, section 10): pages, the API and messages say the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from spans.finding import Finding, FindingEvent

SECOND_NS = 1_000_000_000


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding; `history` is empty in lists."""
    return {
        "finding_id": finding.finding_id,
        "kind": finding.kind.value,
        "project": finding.project,
        "environment": finding.environment,
        "workflow": finding.workflow,
        "subject": finding.subject,
        "severity": finding.severity.value,
        "state": finding.state.value,
        "detected_at": moment(finding.detected_ns),
        "since": moment(finding.since_ns),
        "last_seen_at": moment(finding.last_seen_ns),
        "closed_at": moment(finding.closed_ns),
        "silenced_until": moment(finding.silenced_until_ns),
        "features": [
            {"name": f.name, "before": f.before, "after": f.after, "z": f.z, "unit": f.unit} for f in finding.features
        ],
        "summary": finding.summary,
        "impact": {
            "runs": finding.impact.runs,
            "users": finding.impact.users,
            "tools": list(finding.impact.tools),
            "writes": finding.impact.writes,
            "usd": None if finding.impact.usd is None else f"{finding.impact.usd:f}",
        },
        "run_ids": list(finding.run_ids),
        "detail": finding.detail,
        "history": [_event(event) for event in finding.history],
    }


def _event(event: FindingEvent) -> Mapping[str, str | None]:
    return {"at": moment(event.at_ns), "event": event.kind.value, "by": event.by, "note": event.note}


def moment(time_ns: int | None) -> str | None:
    """RFC 3339 in UTC with nanoseconds; None for no moment."""
    if time_ns is None:
        return None
    seconds, rest = divmod(time_ns, SECOND_NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
