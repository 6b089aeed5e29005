"""What detectors found: rows for lists, one finding opened, and the pages Spend and Drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote

from insights.detectors.drift import PINNED, learning
from insights.detectors.spend import words_of_field
from insights.feature_words import value_in_words, words_of
from spans.change import Accepted, Mark
from spans.finding import FeatureChange, Finding, FindingEvent, FindingKind, FindingState
from store.hours import HourRow
from store.measures import Activity, SpendPart
from web.change_marks import mark_charts, marker
from web.charts import Chart, Marker
from web.charts_findings import Histogram, change_chart, change_rows
from web.filters import ATTRIBUTE
from web.format import NONE, change, percent, plural
from web.limits import limit_href
from web.pages.references import Pins, ReferenceLine, build_pins
from web.places import Place

OPEN = (FindingState.OPEN, FindingState.SILENCED)
SPEND_TABS = (
    ("workflow", "Workflow"),
    ("version", "Version"),
    ("model", "Model"),
    ("user", "User pseudonym"),
    ("session", "Session"),
    ("token_class", "Token class"),
)
TOKEN_CLASSES = (
    ("input", "input_tokens"),
    ("of it from the cache", "cache_read_tokens"),
    ("of it into the cache", "cache_write_tokens"),
    ("output", "output_tokens"),
    ("of it reasoning", "reasoning_tokens"),
)
_WORDS = {
    FindingKind.SPEND_SPIKE: "Spend spike",
    FindingKind.DRIFT: "Changed behaviour",
    FindingKind.VERSION: "Version compared",
    FindingKind.LOOP: "Loop",
    FindingKind.DUPLICATE_WRITE: "Write done twice",
    FindingKind.VIOLATION: "Policy violated",
    FindingKind.NEAR_MISS: "Near miss",
    FindingKind.MALFORMED: "Malformed calls",
    FindingKind.EXPOSURE: "Exposed text",
    FindingKind.BUDGET: "Budget",
    FindingKind.OBJECTIVE: "Service level",
}
GLYPHS = {FindingKind.SPEND_SPIKE: "error", FindingKind.VIOLATION: "denied", FindingKind.DUPLICATE_WRITE: "error"}
_EXAMPLES = (("since", "typical since"), ("extreme", "most extreme"), ("before", "typical before"))
_SIZES = ("SD", "Distance in standard deviations of a run; positive is worse")
_TO_DO = {
    FindingKind.SPEND_SPIKE: "Open the dearest runs below. If it goes on, set the workflow's switch to drafts only.",
    FindingKind.DRIFT: "Compare a run of before with one of since. If the change is meant, press Expected: it is the reference from then on.",
    FindingKind.VERSION: "",
    FindingKind.LOOP: "Open a run and read what the tool answered before the agent asked again; a limit in the policy tells of the next one.",
    FindingKind.DUPLICATE_WRITE: "If the second one was not meant, undo it. An idempotency key on the call makes a repeat safe, and known as such.",
    FindingKind.VIOLATION: "tracetape blocks nothing: put the rule in front of the tool, or loosen it in the policy if the agent was right.",
    FindingKind.NEAR_MISS: "Review the kind: is the rule right, does the agent need the call, or is the prompt wrong?",
    FindingKind.MALFORMED: "Look at the arguments of an example: often the tool's schema changed, or the prompt describes it wrongly.",
    FindingKind.EXPOSURE: "It was hidden before it was stored here, but the agent and its model saw it: replace a secret, and keep the tool from handing it out.",
    FindingKind.BUDGET: "Set the workflow's switch to drafts only, or raise the budget in its policy.",
    FindingKind.OBJECTIVE: "Open the runs that missed it; the tab Versions says whether a version made the difference.",
}
_ADVICE = {
    "roll_back": "Go back to {old}. If the difference is meant, press Expected.",
    "promote": "Nothing is worse than in {old}: give it all of the traffic.",
    "hold": "Leave its share of the traffic as it is; about {needed} more runs decide.",
}
_ADVICE_GLYPHS = {"roll_back": "error", "promote": "ok", "hold": "learning"}
"""Of a comparison of versions, in the order in which somebody has to act."""


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding in a list."""

    finding_id: str
    kind: str
    workflow: str
    words: str
    small: str
    counted: str
    """Runs, users, writes and money that it touched."""
    glyph: str
    href: str
    runs_href: str
    detected_ns: int
    since_ns: int
    state: str
    severity: str


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """One thing that moved, as words."""

    name: str
    before: str
    after: str
    change: str
    z: str


@dataclass(frozen=True, slots=True)
class CallLine:
    """One of the calls that a finding speaks of."""

    at_ns: int
    short: str
    href: str


@dataclass(frozen=True, slots=True)
class FindingPage:
    """One finding, opened."""

    row: FindingRow
    features: tuple[FeatureRow, ...]
    unchanged: tuple[str, ...]
    reach: tuple[tuple[str, str], ...]
    explained: tuple[tuple[str, str, str], ...]
    causes: tuple[str, ...]
    examples: tuple[tuple[str, str, str], ...]
    """(what kind of example, short id, address)."""
    chart: Chart | None
    bins: tuple[tuple[str, str, str], ...]
    """The chart's table: value from, share of runs before, after."""
    changes: tuple[Marker, ...]
    history: tuple[FindingEvent, ...]
    can_decide: bool
    limit_href: str
    """The form that makes a limit of it; empty for who may not save one."""
    references: tuple[ReferenceLine, ...] = ()
    """What a drift was compared with, and what the other reference says."""
    advice: str = ""
    """What its owner can do about it."""
    workflow_href: str = ""
    calls: tuple[CallLine, ...] = ()
    """The calls that were one write too many."""
    compare_href: str = ""
    """A run of before beside one of since, or the two runs of a repeated write."""
    size_words: tuple[str, str] = ("z", "Distance in standard errors")
    """Head and hint of the column that says how sure a change is."""
    moved_title: str = "What moved"
    """Head of the table of features; what did not move is in it where versions are compared."""
    standing: str = ""
    """Under the title: environment, state when it is not open, the pinned reference, and what it touched."""


@dataclass(frozen=True, slots=True)
class SpendLine:
    """One value of the dimension that spend is split by."""

    value: str
    href: str
    usd: Decimal
    share: str
    runs: int
    usd_per_run: Decimal
    change: str
    moved: str
    """The change in percent, however large: what the column is sorted by."""


@dataclass(frozen=True, slots=True)
class SpendPage:
    """Spend: what spiked, where the money went, what explains it."""

    range_words: str
    workflow: str
    findings: tuple[FindingRow, ...]
    past: tuple[FindingRow, ...]
    chart: Chart
    tabs: tuple[Mapping[str, object], ...]
    heading: str
    lines: tuple[SpendLine, ...]
    tokens: tuple[tuple[str, int], ...]
    unpriced: int
    can_decide: bool


@dataclass(frozen=True, slots=True)
class LearningRow:
    """A workflow about which nothing can be said yet."""

    workflow: str
    environment: str
    words: str


@dataclass(frozen=True, slots=True)
class DriftPage:
    """Drift: which workflows behave differently, since when, and what was changed around then."""

    range_words: str
    workflow: str
    findings: tuple[FindingRow, ...]
    past: tuple[FindingRow, ...]
    versions: tuple[FindingRow, ...]
    """New versions and models against those before, with what to do about them."""
    past_versions: tuple[FindingRow, ...]
    watched: int
    learning: tuple[LearningRow, ...]
    marks: tuple[Marker, ...]
    pins: Pins
    can_decide: bool


def glyph_of(finding: Finding) -> str:
    """The mark of a finding; a comparison of versions has that of its advice."""
    if finding.kind is FindingKind.VERSION:
        return _ADVICE_GLYPHS.get(str(finding.detail.get("recommendation")), "waiting")
    return GLYPHS.get(finding.kind, "waiting")


def by_advice(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Comparisons of versions: what must go back first, what still waits last, the newest of equals first."""
    order = list(_ADVICE_GLYPHS)

    def place_of(finding: Finding) -> int:
        advice = str(finding.detail.get("recommendation"))
        return order.index(advice) if advice in order else len(order)

    return tuple(sorted(findings, key=lambda f: (place_of(f), -f.since_ns)))


def finding_row(place: Place, finding: Finding) -> FindingRow:
    """A finding as a row."""
    reach = finding.impact
    counted = ", ".join(
        words
        for words in (
            plural(reach.runs, "run") if reach.runs else "",
            plural(reach.users, "user") if reach.users else "",
            plural(reach.writes, "write") if reach.writes else "",
            f"${reach.usd:,.2f}" if reach.usd is not None else "",
        )
        if words
    )
    # in a list, production goes without saying
    environment = "" if finding.environment == "production" else finding.environment
    return FindingRow(
        finding_id=finding.finding_id,
        kind=_WORDS[finding.kind],
        workflow=finding.workflow,
        words=finding.summary,
        small=" · ".join(
            words for words in (", ".join((_WORDS[finding.kind], *_standing(finding, environment))), counted) if words
        ),
        counted=counted,
        glyph=glyph_of(finding),
        href=place.url(f"/findings/{finding.finding_id}"),
        runs_href=place.within(finding.since_ns, max(finding.last_seen_ns, finding.since_ns + 1)).url(
            "/runs", workflow=finding.workflow
        ),
        detected_ns=finding.detected_ns,
        since_ns=finding.since_ns,
        state=finding.state.value,
        severity=finding.severity.value,
    )


def _standing(finding: Finding, environment: str) -> tuple[str, ...]:
    """Where it was found, how it stands when it is not open, and that it is about the pinned reference."""
    is_pinned = finding.kind is FindingKind.DRIFT and finding.subject == PINNED
    said = (
        environment,
        "" if finding.state is FindingState.OPEN else finding.state.value,
        "against the pinned reference" if is_pinned else "",
    )
    return tuple(words for words in said if words)


def rows_of(place: Place, findings: Sequence[Finding]) -> tuple[tuple[FindingRow, ...], tuple[FindingRow, ...]]:
    """Rows of what stands, and of what is past."""
    standing = tuple(finding_row(place, f) for f in findings if f.state in OPEN)
    past = tuple(finding_row(place, f) for f in findings if f.state not in OPEN)
    return standing, past


def feature_row(feature: FeatureChange) -> FeatureRow:
    """A feature that moved, in words."""

    def shown(value: float | None) -> str:
        return NONE if value is None else value_in_words(value, feature.unit)

    change = ""
    if feature.before and feature.after is not None and feature.unit != "share":
        change = f"{100 * (feature.after / feature.before - 1):+.0f} %"
    elif feature.unit == "share" and feature.before is not None and feature.after is not None:
        change = f"{100 * (feature.after - feature.before):+.1f} points"
    z = f"{feature.z:+.1f}" if feature.z else ""
    return FeatureRow(words_of(feature.name), shown(feature.before), shown(feature.after), change, z)


def build_finding(
    place: Place,
    finding: Finding,
    histogram: Histogram | None,
    marks: Sequence[Mark],
    *,
    can_decide: bool,
    can_limit: bool = False,
    references: tuple[ReferenceLine, ...] = (),
    band: Chart | None = None,
) -> FindingPage:
    """One finding with everything that is known about it."""
    detail, reach = finding.detail, finding.impact
    top = charted(finding)
    is_repeat = finding.kind is FindingKind.DUPLICATE_WRITE
    is_version = finding.kind is FindingKind.VERSION
    row = finding_row(place, finding)
    known = (
        ("Runs", reach.runs),
        ("Users", reach.users),
        ("Writes", reach.writes),
        ("Money", None if reach.usd is None else f"${reach.usd:,.2f}"),
        ("Tools", ", ".join(reach.tools[:8]) or None),
    )
    return FindingPage(
        row=row,
        features=() if is_repeat else tuple(feature_row(feature) for feature in finding.features),
        unchanged=_texts(detail.get("unchanged")),
        reach=tuple((name, f"{value:,}" if isinstance(value, int) else value) for name, value in known if value),
        explained=_explained(detail.get("explained_by")),
        causes=_texts(detail.get("causes")),
        examples=_examples(place, finding),
        chart=change_chart(top.name, top.unit, histogram) if top is not None and histogram is not None else band,
        bins=change_rows(top.unit, histogram) if top is not None and histogram is not None else (),
        changes=tuple(marker(mark) for mark in marks),
        history=finding.history,
        can_decide=can_decide and finding.state is not FindingState.CLOSED,
        limit_href=limit_href(place, finding) if can_limit else "",
        references=references,
        advice=advice_of(finding),
        workflow_href=place.url(f"/workflows/{quote(finding.workflow, safe='')}") if finding.workflow else "",
        calls=_calls(place, finding) if is_repeat else (),
        compare_href=_compare_href(place, finding),
        size_words=_SIZES if is_version else ("z", "Distance in standard errors"),
        moved_title="What was compared" if is_version else "What moved",
        standing=" · ".join(
            words for words in (", ".join(_standing(finding, finding.environment)), row.counted) if words
        ),
    )


def charted(finding: Finding) -> FeatureChange | None:
    """The surest number that moved: what a histogram of before and after is drawn of."""
    return next((f for f in finding.features if f.before is not None and f.unit != "share"), None)


def advice_of(finding: Finding) -> str:
    """What its owner can do about it, in a sentence or two."""
    if finding.kind is FindingKind.VERSION:
        return _ADVICE.get(str(finding.detail.get("recommendation")), "").format(
            old=finding.detail.get("old_version"), needed=finding.detail.get("needed_runs")
        )
    return _TO_DO[finding.kind]


def _calls(place: Place, finding: Finding) -> tuple[CallLine, ...]:
    calls = finding.detail.get("calls")
    rows = [row for row in calls if isinstance(row, Mapping)] if isinstance(calls, (list, tuple)) else []
    return tuple(
        CallLine(
            int(str(row.get("at_ns") or 0)),
            str(row.get("run_id"))[:8],
            place.url(f"/runs/{row.get('run_id')}", span=str(row.get("span_id") or "")),
        )
        for row in rows
    )


def _compare_href(place: Place, finding: Finding) -> str:
    left: object = ""
    right: object = ""
    if finding.kind is FindingKind.DRIFT:
        groups = finding.detail.get("examples")
        if isinstance(groups, Mapping) and groups.get("before") and groups.get("since"):
            left, right = _texts(groups.get("before"))[0], _texts(groups.get("since"))[0]
    elif finding.kind is FindingKind.DUPLICATE_WRITE and len(finding.run_ids) > 1:
        right, left = finding.run_ids[:2]
    return place.url("/compare", left=str(left), right=str(right)) if left and right else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else ()


def _explained(value: object) -> tuple[tuple[str, str, str], ...]:
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(
        (words_of_field(str(row.get("field"))), str(row.get("value")), percent(float(row.get("share") or 0)))
        for row in value
        if isinstance(row, Mapping)
    )


def _examples(place: Place, finding: Finding) -> tuple[tuple[str, str, str], ...]:
    groups = finding.detail.get("examples")
    named = [
        (words, run_id)
        for key, words in _EXAMPLES
        for run_id in (_texts(groups.get(key)) if isinstance(groups, Mapping) else ())
    ]
    found = named or [("", run_id) for run_id in finding.run_ids]
    return tuple((words, run_id[:8], place.url(f"/runs/{run_id}")) for words, run_id in found)


def build_spend(
    place: Place,
    findings: Sequence[Finding],
    chart: Chart,
    marks: Sequence[Mark],
    parts: Sequence[SpendPart],
    total: HourRow,
    *,
    by: str,
    workflow: str,
    can_decide: bool,
    attributes: Sequence[str] = (),
) -> SpendPage:
    """The page Spend, over all workflows or one."""
    standing, past = rows_of(place, findings)
    spent = sum(part.usd for part in parts)
    asked = by.removeprefix(ATTRIBUTE) if by.startswith(ATTRIBUTE) else ""
    names = sorted({*attributes, asked} - {""})
    tabs = (*SPEND_TABS, *((f"{ATTRIBUTE}{name}", name) for name in names))
    return SpendPage(
        range_words=place.range.words(),
        workflow=workflow,
        findings=standing,
        past=past,
        chart=mark_charts((chart,), marks, place.environment)[0],
        tabs=tuple(
            {"label": label, "href": place.url("/spend", by=key, workflow=workflow), "active": key == by}
            for key, label in tabs
        ),
        heading=dict(tabs)[by],
        lines=tuple(
            SpendLine(
                value=(part.value.replace("_", " ") if by == "token_class" else part.value) or "not told",
                href=_runs_of(place, workflow, by, part.value),
                usd=Decimal(str(part.usd)),
                share=percent(part.usd / spent) if spent else "",
                runs=part.runs,
                usd_per_run=Decimal(str(part.usd / part.runs)),
                change=change(part.usd, part.before_usd) if part.before_usd else "new",
                moved=f"{100 * (part.usd / part.before_usd - 1):+.0f} %" if part.before_usd else "",
            )
            for part in parts
            if part.runs and (part.value or part.usd or by != "token_class")  # what costs nothing is of no class
        ),
        tokens=tuple((name, int(getattr(total, field))) for name, field in TOKEN_CLASSES),
        unpriced=total.unpriced_calls,
        can_decide=can_decide,
    )


def _runs_of(place: Place, workflow: str, by: str, value: str) -> str:
    """The runs behind a line; those that paid for a token class are nearly all of them, the dearest first."""
    if not value:
        return ""
    if by == "token_class":
        return place.url("/runs", workflow=workflow, order="cost")
    return place.url("/runs", **{"workflow": workflow, by: value})


def build_drift(
    place: Place,
    findings: Sequence[Finding],
    activity: Sequence[Activity],
    marks: Sequence[Mark],
    *,
    now_ns: int,
    workflow: str,
    accepted: Mapping[tuple[str, str], Accepted],
    can_decide: bool,
) -> DriftPage:
    """The page Drift, over all workflows or one."""
    compared = by_advice([f for f in findings if f.kind is FindingKind.VERSION])
    standing, past = rows_of(place, [f for f in findings if f.kind is not FindingKind.VERSION])
    versions, past_versions = rows_of(place, compared)
    waiting = [(a, learning(a, now_ns)) for a in activity]
    return DriftPage(
        range_words=place.range.words(),
        workflow=workflow,
        findings=standing,
        past=past,
        versions=versions,
        past_versions=past_versions,
        watched=sum(not words for _, words in waiting),
        learning=tuple(LearningRow(a.workflow, a.environment, words) for a, words in waiting if words),
        marks=tuple(marker(mark) for mark in reversed(marks)),
        pins=build_pins(activity, accepted, now_ns),
        can_decide=can_decide,
    )
