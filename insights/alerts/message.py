"""The words of a message: what fires or ended, the number against what was expected, the times, one link."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from insights.alerts.machine import Notice

VERSION = 1
_MOST_LINES = 20
_MARKS = {
    Notice.FIRING: "firing",
    Notice.ESCALATED: "now urgent",
    Notice.STILL_FIRING: "still firing",
    Notice.RESOLVED: "resolved",
    Notice.NO_DATA: "no data",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One alert's statement. `time_ns` is Unix nanoseconds."""

    fingerprint: str
    rule_id: str
    notice: Notice
    severity: str
    sentence: str
    time_ns: int


@dataclass(frozen=True, slots=True)
class Letter:
    """What goes to one channel at once, about one workflow."""

    delivery_id: str
    """The same for every attempt, so that a receiver can drop a repeat."""
    project: str
    workflow: str
    environment: str
    incident_id: str
    public_url: str
    timezone: str
    parts: tuple[Part, ...]

    @property
    def link(self) -> str:
        """The incident under the address people use."""
        own = "" if self.project == "default" else f"?project={self.project}"
        return f"{self.public_url}/incidents/{self.incident_id}{own}" if self.incident_id else self.public_url

    @property
    def is_good_news(self) -> bool:
        """Whether everything in it is over."""
        return all(part.notice is Notice.RESOLVED for part in self.parts)


def title(letter: Letter) -> str:
    """One line, at most 120 characters."""
    worst = next((p for p in letter.parts if p.notice is not Notice.RESOLVED), letter.parts[-1])
    more = f" (+{len(letter.parts) - 1} more)" if len(letter.parts) > 1 else ""
    line = f"[{_MARKS[worst.notice]}] {plain(worst.sentence) or letter.workflow}"
    return line[: 120 - len(more)] + more


def body(letter: Letter) -> str:
    """The whole message as plain text."""
    lines = []
    for part in letter.parts[:_MOST_LINES]:
        urgency = ", page" if part.severity == "page" and part.notice is not Notice.RESOLVED else ""
        lines += [
            f"{_MARKS[part.notice]}{urgency}: {plain(part.sentence)}",
            f"  {both_zones(part.time_ns, letter.timezone)}",
        ]
    if len(letter.parts) > _MOST_LINES:
        lines.append(f"and {len(letter.parts) - _MOST_LINES} more")
    where = f"{letter.workflow}, {letter.environment}" if letter.environment else letter.workflow
    return "\n".join([*lines, "", f"{plain(where)}: {letter.link}"])


def payload(letter: Letter) -> bytes:
    """The body of a webhook: JSON, keys sorted, so that its signature covers one spelling."""
    said: dict[str, Any] = {
        "version": VERSION,
        "delivery_id": letter.delivery_id,
        "project": letter.project,
        "workflow": letter.workflow,
        "environment": letter.environment,
        "incident_id": letter.incident_id,
        "url": letter.link,
        "title": title(letter),
        "alerts": [
            {
                "fingerprint": part.fingerprint,
                "rule": part.rule_id,
                "state": part.notice.value,
                "severity": part.severity,
                "sentence": plain(part.sentence),
                "time": _utc(part.time_ns).isoformat().replace("+00:00", "Z"),
            }
            for part in letter.parts
        ],
    }
    return json.dumps(said, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")


def plain(text: str) -> str:
    """One line without control or bidirectional characters: names in it come from agents."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def both_zones(time_ns: int, timezone: str) -> str:
    """The moment in UTC and, where it differs, in the workflow's own zone."""
    moment = _utc(time_ns)
    own = moment.astimezone(ZoneInfo(timezone)) if timezone and timezone != "UTC" else None
    utc = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    return f"{utc} ({own:%H:%M} {timezone})" if own else utc


def _utc(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC)


def merged(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The last word about each alert, in the order of time: what fired and ended meanwhile is told as ended."""
    last = {part.fingerprint: part for part in sorted(parts, key=lambda p: p.time_ns)}
    return tuple(sorted(last.values(), key=lambda p: p.time_ns))
