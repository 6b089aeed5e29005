"""What drift compares with: the trailing weeks of every workflow, and a period that somebody pinned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from insights.detectors.drift import PINNED, REFERENCE_NS, TRAILING
from spans.change import Accepted
from spans.finding import Finding
from store.measures import DAY_NS, Activity
from web.format import plural, rfc3339
from web.places import Place

WEEK_NS = 7 * DAY_NS


@dataclass(frozen=True, slots=True)
class ReferenceLine:
    """One reference of a drift, and what comparing with it said."""

    name: str
    since_ns: int
    until_ns: int
    says: str
    href: str = ""
    """The finding that says so, when it is another one."""


@dataclass(frozen=True, slots=True)
class Pin:
    """The reference of one workflow that somebody chose."""

    workflow: str
    environment: str
    since_ns: int
    until_ns: int
    is_pinned: bool
    """False: only nothing before it counts any more."""
    by: str


@dataclass(frozen=True, slots=True)
class Pins:
    """All chosen references of a place, and what the form offers."""

    rows: tuple[Pin, ...]
    workflows: tuple[tuple[str, str], ...]
    """(workflow and environment as the form posts them, as it shows them)."""
    since: str
    until: str


def build_pins(activity: Sequence[Activity], accepted: Mapping[tuple[str, str], Accepted], now_ns: int) -> Pins:
    """The references of workflows that ran lately; the form begins with the last seven days."""
    seen = [(a.workflow, a.environment) for a in activity]
    return Pins(
        rows=tuple(
            Pin(*key, one.since_ns, end_of(one), one.is_pinned, one.by)
            for key in seen
            if (one := accepted.get(key)) is not None
        ),
        workflows=tuple((f"{w}\n{e}", f"{w} ({e})" if e else w) for w, e in seen),
        since=rfc3339((now_ns - WEEK_NS) // DAY_NS * DAY_NS)[:10],
        until=rfc3339(now_ns // DAY_NS * DAY_NS)[:10],
    )


def end_of(accepted: Accepted) -> int:
    """Where a pinned period ends: its first seven days when nobody said."""
    return accepted.until_ns or accepted.since_ns + WEEK_NS


def reference_lines(
    place: Place, finding: Finding, siblings: Sequence[Finding], accepted: Accepted | None
) -> tuple[ReferenceLine, ...]:
    """Both references of a drift: the one it was found against, and what the other says."""
    detail, lines = finding.detail, []
    times = [t for n in ("reference_since_ns", "reference_until_ns") if isinstance(t := detail.get(n), int)]
    if len(times) != len(("since", "until")):
        return ()
    runs = detail.get("reference_runs")
    own = f"changed against {plural(runs, 'run')}" if isinstance(runs, int) else "changed"
    lines.append(ReferenceLine(_NAMES.get(finding.subject, finding.subject), times[0], times[1], own))
    other = TRAILING if finding.subject == PINNED else PINNED
    twin = next((f for f in siblings if f.subject == other), None)
    if other == PINNED and (accepted is None or not accepted.is_pinned):
        lines.append(
            ReferenceLine(_NAMES[PINNED], 0, 0, "none is pinned", place.url("/drift", workflow=finding.workflow))
        )
        return tuple(lines)
    since, until = (
        (accepted.since_ns, end_of(accepted))
        if other == PINNED and accepted is not None
        else (finding.detected_ns - REFERENCE_NS, finding.detected_ns)
    )
    says = "changed against it too" if twin is not None else "no sure change against it"
    href = place.url(f"/findings/{twin.finding_id}") if twin is not None else ""
    return (*lines, ReferenceLine(_NAMES[other], since, until, says, href))


_NAMES = {TRAILING: "The two weeks before", PINNED: "Pinned"}
