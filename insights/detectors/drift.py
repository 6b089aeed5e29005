"""States drift: one finding per workflow and reference, with what moved, since when, and what did not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from insights.dating import BUCKET_NS, date_change
from insights.detectors.base import DAY_NS, HOUR_NS, Detector, Inputs
from insights.drift import LEAST_RUNS, Change, DriftLevel, judge
from insights.effects import guess_effect
from insights.feature_words import GROUPS, change_in_words, group_of
from insights.sequence import sequence_change
from runs.measures import unit_of
from spans.change import Mark
from spans.finding import FeatureChange, Finding, FindingKind, Impact, Severity
from spans.ids import RunId
from spans.policy import ToolEffect
from spans.values import Value
from store.measures import MOST_SAMPLED, Activity, Comparison, FeatureTest

LOOK_BACK_NS = 28 * DAY_NS
REFERENCE_NS = 14 * DAY_NS
"""How far a trailing reference reaches back from the current window."""
WINDOWS_NS = (DAY_NS, 3 * DAY_NS)
NAMED = 5
"""Features that a finding names."""
MOST_SEQUENCES = 600
"""Runs of each group whose order of tools is compared."""
CALM_Z = 2.5
"""A group of features without any |z| above this is said to be unchanged."""
TRAILING = "trailing"
PINNED = "pinned"


@dataclass(frozen=True, slots=True)
class _Look:
    """One comparison to make: of which workflow, against which reference."""

    activity: Activity
    reference: str
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class _Judged:
    """One feature of one look, judged."""

    look: _Look
    feature: str
    is_rate: bool
    change: Change
    stand_in: str = ""
    """The feature that dates it and picks its examples; empty: the feature itself."""

    @property
    def shown_by(self) -> tuple[str, bool]:
        """Feature and whether it is yes/no, for dating and examples."""
        return (self.stand_in, True) if self.stand_in else (self.feature, self.is_rate)


def evaluate(inputs: Inputs) -> Iterable[Finding]:
    """Compare the last day and the last three days of every workflow with its references."""
    measures = inputs.store.measures
    active = measures.activity(inputs.project, inputs.now_ns - LOOK_BACK_NS, inputs.now_ns)
    looks = [look for activity in active for look in _looks(inputs, activity)]
    tests = measures.compare(inputs.project, [look.comparison for look in looks])
    sequences = _sequences(inputs, looks)
    for key, judged in _by_subject(looks, tests).items():
        moved = _moved([*judged, *sequences.get(key, ())])
        if moved and moved[0].change.level is DriftLevel.ALERT:
            yield _finding(inputs, judged, moved)


def window_starts(activity: Activity, now_ns: int) -> tuple[int, ...]:
    """Where current windows begin: a day ago, stretched back to 30 runs, and three days ago; none with too few runs."""
    if activity.three_day_runs < LEAST_RUNS:
        return ()
    day = now_ns - DAY_NS if activity.day_runs >= LEAST_RUNS else activity.thirtieth_ns
    three = now_ns - 3 * DAY_NS
    return (day, three) if day - three > 6 * HOUR_NS else (day,)


def _looks(inputs: Inputs, activity: Activity) -> Iterator[_Look]:
    accepted = inputs.accepted.get((activity.workflow, activity.environment))
    seen_ns = max(REFERENCE_NS, inputs.now_ns - activity.first_ns)
    expected = max(1, activity.runs * REFERENCE_NS // seen_ns)
    keep = min(1_000, max(1, 1_000 * MOST_SAMPLED // expected))
    for start in window_starts(activity, inputs.now_ns):

        def compared(since_ns: int, until_ns: int, start: int = start) -> Comparison:
            return Comparison(
                activity.workflow,
                activity.environment,
                start,
                inputs.now_ns,
                since_ns,
                until_ns,
                keep_permille=keep,
                utc_offset_s=inputs.utc_offset_s(activity.workflow),
            )

        oldest = max(start - REFERENCE_NS, accepted.since_ns if accepted is not None else 0)
        if oldest < start:
            yield _Look(activity, TRAILING, compared(oldest, start))
        if accepted is not None and accepted.is_pinned:
            until_ns = min(accepted.until_ns or accepted.since_ns + 7 * DAY_NS, start)
            if accepted.since_ns < until_ns:
                yield _Look(activity, PINNED, compared(accepted.since_ns, until_ns))


def _by_subject(looks: Sequence[_Look], tests: Iterable[FeatureTest]) -> dict[tuple[str, str, str], list[_Judged]]:
    found: dict[tuple[str, str, str], list[_Judged]] = {}
    for test in tests:
        change = judge(test.compared, is_rate=test.is_rate)
        if change is None:
            continue
        look = looks[test.comparison]
        key = (look.activity.workflow, look.activity.environment, look.reference)
        found.setdefault(key, []).append(_Judged(look, test.feature, test.is_rate, change))
    return found


def _sequences(inputs: Inputs, looks: Sequence[_Look]) -> dict[tuple[str, str, str], list[_Judged]]:
    """The order of tools, over the longest window of every workflow against its trailing reference."""
    longest = {(k.activity.workflow, k.activity.environment, k.reference): k for k in looks if k.reference == TRAILING}
    found: dict[tuple[str, str, str], list[_Judged]] = {}
    comparisons = [look.comparison for look in longest.values()]
    rows_of_all = inputs.store.measures.tool_rows(inputs.project, comparisons, MOST_SEQUENCES)
    for (key, look), rows in zip(longest.items(), rows_of_all, strict=True):
        test = sequence_change(rows)
        if test is None:
            continue
        _, before, after = test.moved[0]
        counts = [sum(row.is_current is side for row in rows) for side in (True, False)]
        change = Change(test.z, after - before, before, after, counts[0], counts[1], 1.0, above_floor=True)
        single = next((moved for moved, _, _ in test.moved if " > " not in moved), "")
        found[key] = [_Judged(look, "tools", is_rate=True, change=change, stand_in=f"tools_{single}" if single else "")]
    return found


def _moved(judged: Iterable[_Judged]) -> list[_Judged]:
    """Features that moved surely or nearly so, each once (the window that shows it best), the surest first.

    Only a sure one makes a finding; what nearly moved is named beside it.
    """
    best: dict[str, _Judged] = {}
    for one in judged:
        if one.change.level is not DriftLevel.NONE:
            known = best.get(one.feature)
            if known is None or abs(one.change.z) > abs(known.change.z):
                best[one.feature] = one
    return sorted(best.values(), key=lambda j: -abs(j.change.z))


def _finding(inputs: Inputs, judged: Sequence[_Judged], moved: Sequence[_Judged]) -> Finding:
    top = moved[0]
    activity, comparison = top.look.activity, top.look.comparison
    bare = Finding(
        kind=FindingKind.DRIFT,
        project=inputs.project,
        environment=activity.environment,
        workflow=activity.workflow,
        subject=top.look.reference,
        severity=Severity.TICKET,
        detected_ns=inputs.now_ns,
        since_ns=0,
        summary="",
    )
    known = inputs.known.get(bare.fingerprint)
    since_ns = known.since_ns if known is not None else _dated(inputs, top)
    near = inputs.change_near(activity.workflow, activity.environment, since_ns)
    if near is not None and known is None and abs(near.at_ns - since_ns) <= 2 * BUCKET_NS:
        since_ns = near.at_ns
    features = tuple(_feature(one) for one in moved[:NAMED])
    impact = _impact(inputs, activity, since_ns)
    calm = _unchanged([*judged, *moved])
    examples = _examples(inputs, top) if known is None else known.detail.get("examples")
    detail: dict[str, Value] = {
        "reference": top.look.reference,
        "current_since_ns": comparison.current_since_ns,
        "current_until_ns": comparison.current_until_ns,
        "reference_since_ns": comparison.reference_since_ns,
        "reference_until_ns": comparison.reference_until_ns,
        "current_runs": top.change.current_runs,
        "reference_runs": top.change.reference_runs,
        "unchanged": list(calm),
        "rates": [one.feature for one in moved[:NAMED] if one.is_rate],
        "detection_ns": (known.detected_ns if known is not None else inputs.now_ns) - since_ns,
        "moved": len(moved),
        "examples": examples,
    }
    if near is not None:
        detail["change"] = {"at_ns": near.at_ns, "what": near.sentence}
    return replace(
        bare,
        since_ns=since_ns,
        summary=_sentence(activity, since_ns, detail["detection_ns"], impact, features, calm, near),
        features=features,
        impact=impact,
        run_ids=known.run_ids if known is not None else _ids_of(examples),
        detail=detail,
    )


def _feature(one: _Judged) -> FeatureChange:
    if one.feature == "tools":
        return FeatureChange(one.feature, None, None, round(one.change.z, 2))
    unit = "share" if one.is_rate else unit_of(one.feature)
    return FeatureChange(one.feature, one.change.before, one.change.after, round(one.change.z, 2), unit)


def _dated(inputs: Inputs, top: _Judged) -> int:
    """When the surest feature moved; the start of the current window when that cannot be said."""
    comparison = top.look.comparison
    feature, is_rate = top.shown_by
    points = inputs.store.measures.series(inputs.project, comparison, feature, is_rate=is_rate, bucket_ns=BUCKET_NS)
    dated = date_change(points, comparison.reference_until_ns)
    return comparison.current_since_ns if dated is None else dated


def _impact(inputs: Inputs, activity: Activity, since_ns: int) -> Impact:
    reach = inputs.store.measures.reach(
        inputs.project, activity.workflow, activity.environment, since_ns, inputs.now_ns
    )
    writes = {
        t: n for t, n in reach.tool_calls.items() if guess_effect(t) in {ToolEffect.WRITE, ToolEffect.IRREVERSIBLE}
    }
    return Impact(reach.runs, reach.users, tuple(sorted(reach.tool_calls)), sum(writes.values()), reach.usd)


def _unchanged(judged: Iterable[_Judged]) -> tuple[str, ...]:
    """Groups of features that were looked at and stayed."""
    largest: dict[str, float] = {}
    for one in judged:
        group = group_of(one.feature)
        if group:
            largest[group] = max(largest.get(group, 0.0), abs(one.change.z))
    return tuple(name for name, _ in GROUPS if name in largest and largest[name] < CALM_Z)


def _examples(inputs: Inputs, top: _Judged) -> dict[str, Value]:
    """Three typical runs since, the three most extreme, three typical ones before; none in two places."""
    read, change = inputs.store.measures.examples, top.change
    feature, is_rate = top.shown_by

    def of(*, current: bool, near: float | None) -> list[RunId]:
        found = read(
            inputs.project,
            top.look.comparison,
            feature,
            is_rate=is_rate,
            current=current,
            near=near,
            limit=3,
        )
        return [example.run_id for example in found]

    typical_after = 1.0 if is_rate and change.effect > 0 else 0.0 if is_rate else change.after
    typical_before = 1.0 - typical_after if is_rate else change.before
    since = of(current=True, near=typical_after)
    # A yes/no feature has no extremes.
    extreme = [] if is_rate else of(current=True, near=None if change.effect > 0 else -1e18)
    before = of(current=False, near=typical_before)
    return {"since": since, "extreme": [run_id for run_id in extreme if run_id not in since], "before": before}


def _ids_of(examples: Value) -> tuple[RunId, ...]:
    groups = examples.values() if isinstance(examples, Mapping) else ()
    return tuple(RunId(str(run_id)) for ids in groups if isinstance(ids, Sequence) for run_id in ids)


def _sentence(
    activity: Activity,
    since_ns: int,
    after_ns: object,
    impact: Impact,
    features: Sequence[FeatureChange],
    calm: Sequence[str],
    near: Mark | None,
) -> str:
    hours = max(1, round(int(str(after_ns)) / HOUR_NS))
    spent = f", ${impact.usd:,.2f}" if impact.usd is not None else ""
    moved = ", ".join(change_in_words(feature) for feature in features[:3])
    stayed = f"; {_listed(calm)} unchanged" if calm else ""
    cause = f"; {near.sentence} at {_clock(near.at_ns)}" if near is not None else ""
    return (
        f"{activity.workflow} changed on {_clock(since_ns)} UTC (found after {hours} h, {impact.runs} runs{spent}): "
        f"{moved}{stayed}{cause}."
    )


def _clock(at_ns: int) -> str:
    return f"{datetime.fromtimestamp(at_ns // 1_000_000_000, UTC):%a %d %b %H:%M}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def learning(activity: Activity, now_ns: int) -> str:
    """Why there is no verdict yet; empty when there is one."""
    if activity.three_day_runs < LEAST_RUNS:
        return f"Learning: {activity.three_day_runs} of {LEAST_RUNS} runs in the last three days."
    days = (now_ns - activity.first_ns) / DAY_NS
    return f"Learning: day {max(1, int(days) + 1)} of 7." if days < 7 else ""


DRIFT = Detector(
    name="drift",
    kinds=(FindingKind.DRIFT,),
    every_ns=6 * HOUR_NS,
    evaluate=evaluate,
    again_ns=24 * HOUR_NS,
    quiet_ns=24 * HOUR_NS,
    marks_changes=True,
)

__all__ = ["DRIFT", "PINNED", "TRAILING", "learning", "window_starts"]
