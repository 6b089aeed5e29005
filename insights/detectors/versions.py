"""Compares the newest version and the newest model of every workflow with what ran before, and says what to do with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from insights.canary import LEAST_NEW, METRICS, CanaryVerdict, Recommendation, judge_version
from insights.detectors.base import DAY_NS, HOUR_NS, Detector, Inputs
from insights.feature_words import change_in_words
from runs.measures import unit_of
from spans.finding import FeatureChange, Finding, FindingKind, Impact, Severity
from store.measures import Comparison, LabelField, VersionSpan

LOOK_BACK_NS = 28 * DAY_NS
BASELINE_NS = 7 * DAY_NS
FRESH_NS = 14 * DAY_NS
"""A version older than this is nobody's canary any more."""
MOST_RUNS = 2_000
SAME_CHANGE_NS = 6 * HOUR_NS
"""A model that came so near a version came with it."""
_RATES = frozenset(metric.name for metric in METRICS if metric.is_rate)
_ADVICE = {
    Recommendation.PROMOTE: "promote",
    Recommendation.HOLD: "hold",
    Recommendation.ROLL_BACK: "roll back",
}


def evaluate(inputs: Inputs) -> Iterable[Finding]:
    """One finding per workflow whose newest version is fresh and has one before it; the same of its newest model."""
    since_ns, now_ns = inputs.now_ns - LOOK_BACK_NS, inputs.now_ns
    measures = inputs.store.measures
    began: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for older, newer in version_pairs(measures.versions(inputs.project, since_ns, now_ns), now_ns):
        began[newer.workflow, newer.environment].append(newer.first_ns)
        where = replace(_since(newer, now_ns), current_version=newer.label, reference_version=older.label)
        yield _finding(inputs, older, newer, _judged(inputs, where))
    for older, newer in version_pairs(measures.labels(inputs.project, LabelField.MODEL, since_ns, now_ns), now_ns):
        # One change is told once; a model that a few runs fell back to is nobody's canary.
        is_told = any(abs(at - newer.first_ns) <= SAME_CHANGE_NS for at in began[newer.workflow, newer.environment])
        if is_told or newer.runs < LEAST_NEW:
            continue
        where = replace(_since(newer, now_ns), current_model=newer.label)
        yield _finding(inputs, older, newer, _judged(inputs, where), what="model ")


def _since(newer: VersionSpan, now_ns: int) -> Comparison:
    """Runs since a label appeared, and those of the week before."""
    return Comparison(
        newer.workflow, newer.environment, newer.first_ns, now_ns, newer.first_ns - BASELINE_NS, newer.first_ns
    )


def _judged(inputs: Inputs, where: Comparison) -> CanaryVerdict:
    new: dict[str, tuple[float, ...]] = {}
    old: dict[str, tuple[float, ...]] = {}
    for metric in METRICS:
        new[metric.name], old[metric.name] = inputs.store.measures.values(
            inputs.project, where, metric.name, is_rate=metric.is_rate, limit=MOST_RUNS
        )
    return judge_version(new, old)


def version_pairs(spans: Iterable[VersionSpan], now_ns: int) -> Iterable[tuple[VersionSpan, VersionSpan]]:
    """(before, newest) of every workflow whose newest version appeared lately and after another one."""
    grouped: Mapping[tuple[str, str], list[VersionSpan]] = defaultdict(list)
    for span in spans:
        grouped[span.workflow, span.environment].append(span)
    for versions in grouped.values():
        ordered = sorted(versions, key=lambda v: v.first_ns)
        if len(ordered) > 1 and now_ns - ordered[-1].first_ns <= FRESH_NS:
            yield ordered[-2], ordered[-1]


def _finding(inputs: Inputs, older: VersionSpan, newer: VersionSpan, verdict: CanaryVerdict, what: str = "") -> Finding:
    surest = sorted(verdict.metrics, key=lambda m: m.p)
    features = tuple(
        FeatureChange(
            m.metric, m.before, m.after, round(m.effect, 2), "share" if m.metric in _RATES else unit_of(m.metric)
        )
        for m in surest
    )
    moved = [(m, change_in_words(f)) for f, m in zip(features, surest, strict=True) if m.is_different]
    said = [
        f"{word}: {', '.join(some)}."
        for word, some in (
            ("Worse", [words for m, words in moved if m.effect > 0]),
            ("Better", [words for m, words in moved if m.effect <= 0]),
        )
        if some
    ]
    if verdict.recommendation is not Recommendation.ROLL_BACK:
        said.insert(0, verdict.reason)
    summary = (
        f"{newer.workflow} {what}{newer.label} against {older.label}: {_ADVICE[verdict.recommendation]}. "
        f"{' '.join(said)} {verdict.new_runs:,} runs of the new {what.strip() or 'version'}."
    )
    rolls_back = verdict.recommendation is Recommendation.ROLL_BACK
    return Finding(
        kind=FindingKind.VERSION,
        project=inputs.project,
        environment=newer.environment,
        workflow=newer.workflow,
        subject=f"{what}{newer.label}",
        severity=Severity.TICKET if rolls_back else Severity.INFO,
        detected_ns=inputs.now_ns,
        since_ns=newer.first_ns,
        summary=summary,
        features=features,
        impact=Impact(runs=newer.runs),
        detail={
            "recommendation": verdict.recommendation.value,
            "needed_runs": verdict.needed_runs,
            "old_version": older.label,
            "p": {m.metric: m.p for m in verdict.metrics},
        },
    )


VERSIONS = Detector(
    name="versions",
    kinds=(FindingKind.VERSION,),
    every_ns=HOUR_NS,
    evaluate=evaluate,
    overlap_ns=0,
    again_ns=FRESH_NS,
    quiet_ns=DAY_NS,
    marks_changes=True,
)
