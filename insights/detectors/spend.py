"""States spend spikes: a level-aware z over 1, 3 and 24 hours, with what explains most of the excess."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from insights.detectors.base import DAY_NS, HOUR_NS, MINUTE_NS, Detector, Inputs
from insights.feature_words import change_in_words, value_in_words
from insights.spend import SpendDetector, SpendReading, WindowReading
from runs.measures import unit_of
from spans.finding import FeatureChange, Finding, FindingKind, Impact, Severity
from spans.values import Value
from store.api import RunQuery
from store.hours import HourField, HourQuery, HourRow
from store.measures import Comparison, SpendField, SpendPart

LOOK_BACK_NS = 38 * DAY_NS
"""Three weeks of baselines for two weeks of deviations, and some."""
BEFORE_NS = 7 * DAY_NS
"""What the spike is split against."""
PAGE_USD = 5.0
"""A spike worth less than this is a ticket, never a page."""
MOST_ATTRIBUTES = 5
ATTRIBUTE = "attr."
"""What begins the name of a promoted attribute, as in an address."""
_LOOKED_AT = 50
EXPLAINS = 0.3
"""A value explains a spike when it makes up this share of the excess beyond the share that it always has."""

Hours = Mapping[tuple[str, str], Mapping[int, tuple[float, int]]]
"""(workflow, environment) → hour → (spend in USD, runs)."""

_CAUSES = {
    "repeated_reads": "repeats of identical reads",
    "retry": "retries",
    "loop": "loops",
    "input_tokens": "a growing context",
    "output_tokens": "longer answers",
    "cache_share": "lost cache hits",
    "model_calls": "more model calls per run",
    "tool_calls": "more tool calls per run",
}
"""What makes a run dearer, in words."""
_FALLS = frozenset({"cache_share"})
"""Features that make a run dearer by falling."""


@dataclass(frozen=True, slots=True)
class Spike:
    """One workflow's spend above what such hours usually cost."""

    workflow: str
    environment: str
    reading: SpendReading
    window: WindowReading
    """The window that is furthest beyond its limit."""

    @property
    def since_ns(self) -> int:
        """Start of the window."""
        return (self.reading.hour + 1 - self.window.hours) * HOUR_NS

    @property
    def until_ns(self) -> int:
        """End of the hour at hand."""
        return (self.reading.hour + 1) * HOUR_NS


def evaluate(inputs: Inputs) -> Iterable[Finding]:
    """Read every workflow's hours up to now; state what rises above its band since the last look.

    The hour at hand counts as far as it went. Of history it is left out: its sum holds what came after the moment.
    """
    until_ns = inputs.now_ns // HOUR_NS * HOUR_NS if inputs.is_past else inputs.now_ns
    query = HourQuery(inputs.project, inputs.now_ns - LOOK_BACK_NS, until_ns)
    by = (HourField.WORKFLOW, HourField.ENVIRONMENT, HourField.HOUR)
    hours = hours_of(inputs.store.hours(query, by), until_ns)
    for (workflow, environment), spent in hours.items():
        spike = worst(workflow, environment, spikes(spent, inputs.since_ns, until_ns))
        if spike is not None:
            yield _finding(inputs, spike)


def hours_of(rows: Iterable[HourRow], now_ns: int) -> Hours:
    """Roll-ups as series; an hour that began after the moment is not known yet."""
    found: defaultdict[tuple[str, str], dict[int, tuple[float, int]]] = defaultdict(dict)
    for row in rows:
        if row.hour_ns < now_ns:
            spent = float(row.cost_usd) if row.cost_usd is not None else 0.0
            found[row.workflow, row.environment][row.hour_ns // HOUR_NS] = (max(0.0, spent), row.runs)
    return found


def spikes(spent: Mapping[int, tuple[float, int]], since_ns: int, now_ns: int) -> Iterator[SpendReading]:
    """Readings that fire, of hours that began since then."""
    detector = SpendDetector()
    last = (now_ns - 1) // HOUR_NS
    for hour in range(min(spent), last + 1):
        if (hour + 1) * HOUR_NS <= since_ns:
            detector.feed(hour, *spent.get(hour, (0.0, 0)))
            continue
        reading = detector.add(hour, *spent.get(hour, (0.0, 0)))
        if reading.fires:
            yield reading


def worst(workflow: str, environment: str, readings: Iterable[SpendReading]) -> Spike | None:
    """The reading furthest beyond its limit, and its window."""
    best = max(readings, key=lambda r: r.score, default=None)
    if best is None:
        return None
    window = max((w for w in best.windows if w.fires), key=lambda w: w.z or 0.0)
    return Spike(workflow, environment, best, window)


def _finding(inputs: Inputs, spike: Spike) -> Finding:
    window = spike.window
    where = Comparison(
        spike.workflow,
        spike.environment,
        spike.since_ns,
        min(spike.until_ns, inputs.now_ns),
        spike.since_ns - BEFORE_NS,
        spike.since_ns,
    )
    measures = inputs.store.measures
    parts: dict[str, Sequence[SpendPart]] = {
        field.value: measures.spend_parts(inputs.project, where, field)
        for field in (SpendField.VERSION, SpendField.MODEL, SpendField.USER, SpendField.SESSION, SpendField.TOKEN_CLASS)
    }
    for name in _attributes(inputs, where):
        parts[f"{ATTRIBUTE}{name}"] = measures.spend_parts(inputs.project, where, SpendField.WORKFLOW, name)
    runs, before_runs = (
        sum(n) for n in zip(*((p.runs, p.before_runs) for p in parts[SpendField.VERSION.value]), strict=True)
    )
    usd, before_usd = (
        sum(n) for n in zip(*((p.usd, p.before_usd) for p in parts[SpendField.VERSION.value]), strict=True)
    )
    hours_before = BEFORE_NS / HOUR_NS
    features = (
        FeatureChange("spend_usd", window.expected, window.spend, round(window.z or 0.0, 2), "usd"),
        FeatureChange("runs", before_runs / hours_before * window.hours, float(runs), 0.0, "calls"),
        FeatureChange(
            "cost_usd", before_usd / before_runs if before_runs else None, usd / runs if runs else None, 0.0, "usd"
        ),
    )
    costly = measures.examples(inputs.project, where, "cost_usd", is_rate=False, current=True, near=None, limit=5)
    explained = explain(parts, window.excess, window.hours / hours_before)
    causes = _causes(inputs, where)
    top = sum(example.value for example in costly) / window.excess if window.excess > 0 else 0.0
    detail: dict[str, Value] = {
        "window_h": window.hours,
        "from_ns": spike.since_ns,
        "until_ns": where.current_until_ns,
        "expected_usd": window.expected,
        "spend_usd": window.spend,
        "explained_by": [{"field": f, "value": v, "share": round(s, 3)} for f, v, s in explained],
        "causes": [change_in_words(cause) for cause in causes],
        "top_runs_share": round(min(1.0, top), 3),
    }
    reach = measures.reach(inputs.project, spike.workflow, spike.environment, spike.since_ns, where.current_until_ns)
    return Finding(
        kind=FindingKind.SPEND_SPIKE,
        project=inputs.project,
        environment=spike.environment,
        workflow=spike.workflow,
        subject="",
        severity=Severity.PAGE if window.excess >= PAGE_USD and window.hours < 24 else Severity.TICKET,
        detected_ns=inputs.now_ns,
        since_ns=spike.since_ns,
        summary=_sentence(spike, features, explained, causes, top),
        features=features,
        impact=Impact(
            reach.runs, reach.users, tuple(sorted(reach.tool_calls)), None, Decimal(str(round(window.excess, 6)))
        ),
        run_ids=tuple(example.run_id for example in costly),
        detail=detail,
    )


def words_of_field(field: str) -> str:
    """`tenant` for the attribute `attr.tenant`, `token class` for `token_class`."""
    return field.removeprefix(ATTRIBUTE) if field.startswith(ATTRIBUTE) else field.replace("_", " ")


def _attributes(inputs: Inputs, where: Comparison) -> tuple[str, ...]:
    """Promoted attributes, such as tenant and plan, that the newest runs of the spike carry."""
    query = RunQuery(
        inputs.project,
        since_ns=where.current_since_ns,
        until_ns=where.current_until_ns,
        workflow=where.workflow or None,
        environment=where.environment or None,
        limit=_LOOKED_AT,
    )
    seen = Counter(name for run in inputs.store.find_runs(query).rows for name in run.attributes)
    return tuple(name for name, _ in sorted(seen.items(), key=lambda one: (-one[1], one[0]))[:MOST_ATTRIBUTES])


def explain(
    parts: Mapping[str, Sequence[SpendPart]], excess: float, share_of_before: float
) -> tuple[tuple[str, str, float], ...]:
    """(field, value, share of the excess) of the value of each field that explains most of it, the largest first."""
    found = []
    for field, rows in parts.items():
        best = max(rows, key=lambda p: p.usd - p.before_usd * share_of_before, default=None)
        if best is None or not best.value or excess <= 0:
            continue
        share = (best.usd - best.before_usd * share_of_before) / excess
        before = sum(part.before_usd for part in rows)
        usual = best.before_usd / before if before > 0 else 0.0
        if len(rows) > 1 and share >= usual + EXPLAINS * (1 - usual):
            found.append((field, best.value, min(1.0, share)))
    return tuple(sorted(found, key=lambda f: -f[2]))


def _causes(inputs: Inputs, where: Comparison) -> tuple[FeatureChange, ...]:
    """What made single runs dearer, the surest first."""
    found = []
    for test in inputs.store.measures.compare(inputs.project, [where]):
        compared = test.compared
        rises = (compared.effect < 0) if test.feature in _FALLS else (compared.effect > 0)
        if test.feature in _CAUSES and rises and abs(compared.z) / compared.dispersion**0.5 >= 3:
            unit = "share" if test.is_rate or test.feature in _FALLS else unit_of(test.feature)
            found.append(FeatureChange(test.feature, compared.before, compared.after, round(compared.z, 2), unit))
    return tuple(sorted(found, key=lambda f: -abs(f.z)))


def _sentence(
    spike: Spike,
    features: Sequence[FeatureChange],
    explained: Sequence[tuple[str, str, float]],
    causes: Sequence[FeatureChange],
    top: float,
) -> str:
    window, (_, runs, cost) = spike.window, features
    at = datetime.fromtimestamp(spike.since_ns // 1_000_000_000, UTC)
    length = "1 hour" if window.hours == 1 else f"{window.hours} hours"
    expected = value_in_words(window.expected or 0.0, "usd")
    first = (
        f"{spike.workflow} spent {value_in_words(window.spend, 'usd')} in {length} from {at:%a %d %b %H:%M} UTC, "
        f"{expected} was expected: runs {_times(runs)}, cost per run {_times(cost)}"
    )
    said = [first]
    if explained:
        field, value, share = explained[0]
        shown = value.replace("_", " ") if field == SpendField.TOKEN_CLASS else value
        said.append(f"{100 * share:.0f} % of the excess is {words_of_field(field)} {shown[:60]}")
    if top >= EXPLAINS:
        said.append(f"the five dearest runs make up {100 * min(1.0, top):.0f} % of it")
    if causes:
        said.append(", ".join(_CAUSES[cause.name] for cause in causes[:3]))
    return "; ".join(said) + "."


def _times(change: FeatureChange) -> str:
    if not change.before or change.after is None:
        return "new"
    moved = round(100 * (change.after / change.before - 1))
    return f"{moved:+d} %" if moved else "as before"


SPEND = Detector(
    name="spend",
    kinds=(FindingKind.SPEND_SPIKE,),
    every_ns=5 * MINUTE_NS,
    evaluate=evaluate,
    overlap_ns=3 * HOUR_NS,
    again_ns=12 * HOUR_NS,
    quiet_ns=12 * HOUR_NS,
)
