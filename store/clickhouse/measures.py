"""The measure reader on ClickHouse: the tests run where the rows are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

from spans.ids import RunId
from store.clickhouse.engine import Engine
from store.clickhouse.judged import since_day
from store.clickhouse.sql import statement
from store.columns import trimmed
from store.measures import (
    DAY_NS,
    JUDGED,
    LEAST_USUAL,
    LONGEST_RUN_NS,
    SCHEMA_DIGITS,
    SUCCESS,
    TIMES_THE_USUAL,
    USUAL_NS,
    Activity,
    Comparison,
    Example,
    FeatureTest,
    Flagged,
    LabelField,
    Point,
    Reach,
    SpendField,
    SpendPart,
    Spent,
    ToolRow,
    VersionSpan,
)
from store.rank_tests import Compared, dispersion, rate_z
from store.text import clean_text

_PER_QUERY = 40
"""Comparisons of one statement: bounds its memory and the length of its address."""
_ANY_VERSION = "\0"
_MIDDLE = {False: "quantileExactInclusive(0.5)(assumeNotNull(measured))", True: "avg(assumeNotNull(measured))"}

_SPEND_FIELDS = {
    SpendField.WORKFLOW: "workflow",
    SpendField.VERSION: "workflow_version",
    SpendField.USER: "user_id",
    SpendField.SESSION: "session_id",
}
_ATTRIBUTE = "attributes[{attribute:String}]"
_LABEL_FIELDS = {
    LabelField.VERSION: ("[workflow_version]", "holds"),
    LabelField.MODEL: ("models", "holds"),
    LabelField.PROMPT: ("prompts", "holds"),
    LabelField.TOOLS: (
        "tool_schemas",
        f"arrayMap((t, s) -> trimRight(concat(t, ' ', left(s, {SCHEMA_DIGITS}))), mapKeys(holds), mapValues(holds))",
    ),
}
"""What runs hold, and the labels in it."""


class ClickHouseMeasures:
    """Implements `store.measures.MeasureReader`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def activity(self, project: str, since_ns: int, at_ns: int) -> tuple[Activity, ...]:
        """Workflows that ran in [since, at)."""
        params = {
            "project": project,
            "since_ns": max(since_ns, 0),
            "at_ns": at_ns,
            "day_ns": max(at_ns - DAY_NS, 0),
            "three_day_ns": max(at_ns - 3 * DAY_NS, 0),
        }
        return tuple(Activity(**row) for row in self._select("measure_activity", params))

    def compare(self, project: str, comparisons: Sequence[Comparison]) -> tuple[FeatureTest, ...]:
        """Both tests over every feature of every comparison; the two statements of a batch run side by side."""
        found: list[FeatureTest] = []
        groups = statement("measure_groups")
        with ThreadPoolExecutor(max_workers=2, thread_name_prefix="compare") as pool:
            for start in range(0, len(comparisons), _PER_QUERY):
                params = _bound(project, comparisons[start : start + _PER_QUERY], start)
                numbers = pool.submit(self._select, "measure_numbers", params, groups=groups)
                rates = pool.submit(self._select, "measure_rates", params, groups=groups)
                found += [*map(_number, numbers.result()), *map(_rate, rates.result())]
        return tuple(found)

    def series(
        self, project: str, where: Comparison, feature: str, *, is_rate: bool, bucket_ns: int
    ) -> tuple[Point, ...]:
        """The feature over both windows, by bucket."""
        params = {**_bound(project, [where], 0), "feature": feature, "bucket_ns": bucket_ns}
        rows = self._select(
            "measure_series", params, groups=statement("measure_groups"), value=_value(is_rate), middle=_MIDDLE[is_rate]
        )
        return tuple(Point(row["bucket"] * bucket_ns, row["runs"], row["middle"]) for row in rows)

    def examples(
        self,
        project: str,
        where: Comparison,
        feature: str,
        *,
        is_rate: bool,
        current: bool,
        near: float | None,
        limit: int,
    ) -> tuple[Example, ...]:
        """Runs of one group nearest to a value, or the largest."""
        params = {
            **_bound(project, [where], 0),
            "feature": feature,
            "current": current,
            "near": near or 0.0,
            "by_size": near is None,
            "limit": limit,
        }
        rows = self._select("measure_examples", params, groups=statement("measure_groups"), value=_value(is_rate))
        return tuple(Example(RunId(row["run_id"]), row["measured"]) for row in rows)

    def reach(self, project: str, workflow: str, environment: str, since_ns: int, until_ns: int) -> Reach:
        """What the workflow's runs of a period touched."""
        params = {
            "project": project,
            "workflow": workflow,
            "environment": environment,
            "since_ns": max(since_ns, 0),
            "until_ns": until_ns,
        }
        row = self._select("measure_reach", params)[0]
        usd = None if row["usd"] is None else trimmed(row["usd"])
        return Reach(row["run_count"], row["users"], usd, dict(row["calls"]))

    def values(
        self, project: str, where: Comparison, feature: str, *, is_rate: bool, limit: int
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Values of the feature in both groups."""
        params = {**_bound(project, [where], 0), "feature": feature, "limit": limit}
        rows = self._select(
            "measure_values", params, groups=statement("measure_groups"), value=_value(is_rate, feature)
        )
        found = {bool(row["is_current"]): tuple(row["several"]) for row in rows}
        return found.get(True, ()), found.get(False, ())

    def spent(
        self, project: str, workflow: str, environment: str | None, since_ns: Sequence[int], until_ns: int
    ) -> tuple[Spent, ...]:
        """Spend since each of some moments, in one statement."""
        moments = [max(since, 0) for since in since_ns]
        params = {
            "project": project,
            "workflow": clean_text(workflow),
            "environment": [] if environment is None else [clean_text(environment)],
            "since": list(dict.fromkeys(moments)),
            "since_day": since_day(min(moments, default=until_ns)),
            "until_ns": until_ns,
        }
        rows = {row["since"]: row for row in self._select("measure_spent", params)}
        return tuple(
            Spent(trimmed(rows[n]["usd"] or Decimal(0)), rows[n]["runs"]) if n in rows else Spent() for n in moments
        )

    def spend_parts(
        self, project: str, where: Comparison, field: SpendField, attribute: str = ""
    ) -> tuple[SpendPart, ...]:
        """Spend of both windows by one field or attribute."""
        params = {
            "attribute": attribute,
            "project": project,
            "workflow": where.workflow,
            "environment": where.environment,
            "current_since": max(where.current_since_ns, 0),
            "current_until": where.current_until_ns,
            "reference_since": max(where.reference_since_ns, 0),
            "reference_until": where.reference_until_ns,
        }
        if field is SpendField.MODEL and not attribute:
            since = since_day(min(where.current_since_ns, where.reference_since_ns))
            rows = self._select("measure_spend_models", {**params, "since_day": since})
            return tuple(SpendPart(**row) for row in rows)
        if field is SpendField.TOKEN_CLASS and not attribute:
            return tuple(SpendPart(**row) for row in self._select("measure_spend_classes", params))
        words = _ATTRIBUTE if attribute else _SPEND_FIELDS[field]
        return tuple(SpendPart(**row) for row in self._select("measure_spend", params, field=words))

    def tool_rows(self, project: str, comparisons: Sequence[Comparison], limit: int) -> tuple[tuple[ToolRow, ...], ...]:
        """The tools of every comparison's runs."""
        found: list[list[ToolRow]] = [[] for _ in comparisons]
        for start in range(0, len(comparisons), _PER_QUERY):
            params = {**_bound(project, comparisons[start : start + _PER_QUERY], start), "limit": limit}
            for row in self._select("measure_tools", params, groups=statement("measure_groups")):
                found[row["i"]].append(ToolRow(row["side"] == -1, row["stratum"], tuple(row["tool_sequence"])))
        return tuple(map(tuple, found))

    def looped(self, project: str, since_ns: int, until_ns: int, limit: int) -> tuple[Flagged, ...]:
        """Runs with a loop in them."""
        params = {
            "project": project,
            "since_ns": max(since_ns, 0),
            "until_ns": until_ns,
            "usual_ns": max(since_ns - USUAL_NS, 0),
            "oldest_ns": max(since_ns - LONGEST_RUN_NS, 0),
            "least": LEAST_USUAL,
            "times": TIMES_THE_USUAL,
            "limit": limit,
        }
        return tuple(
            Flagged(
                row["workflow"],
                row["environment"],
                RunId(row["run_id"]),
                row["started_ns"],
                tuple(row["tool_sequence"]),
                bool(row["is_row"]),
                row["calls"],
                row["usual_calls"] if row["seen_runs"] >= LEAST_USUAL else 0.0,
            )
            for row in self._select("measure_looped", params)
        )

    def versions(self, project: str, since_ns: int, at_ns: int) -> tuple[VersionSpan, ...]:
        """Workflow versions that ran."""
        return self.labels(project, LabelField.VERSION, since_ns, at_ns)

    def labels(self, project: str, field: LabelField, since_ns: int, at_ns: int) -> tuple[VersionSpan, ...]:
        """Labels of a kind that ran."""
        params = {"project": project, "since_ns": max(since_ns, 0), "at_ns": at_ns}
        held, labels = _LABEL_FIELDS[field]
        rows = self._select("measure_labels", params, held=held, labels=labels)
        return tuple(VersionSpan(**row) for row in rows)

    def _select(self, name: str, params: Mapping[str, object], **words: str) -> list[dict[str, Any]]:
        return self._engine.select(statement(name, **words), params, pool="job", what="Comparing runs")


def _value(is_rate: bool, feature: str = "") -> str:
    """A run's value of the feature, NULL where it was not measured."""
    if feature == SUCCESS:
        return f"if(is_last_part AND outcome IN {JUDGED}, toFloat64(outcome = '{SUCCESS}'), NULL)"
    if is_rate:
        return "toFloat64(has(measure_flags, {feature:String}))"
    place = "indexOf(measure_names, {feature:String})"
    return f"if({place} = 0, NULL, measure_values[{place}])"


def _bound(project: str, some: Sequence[Comparison], first: int) -> dict[str, object]:
    since = min(min(c.current_since_ns, c.reference_since_ns) for c in some)
    return {
        "project": project,
        "since_ns": max(since, 0),
        "until_ns": max(max(c.current_until_ns, c.reference_until_ns) for c in some),
        "number": list(range(first, first + len(some))),
        "workflow": [c.workflow for c in some],
        "environment": [c.environment for c in some],
        "current_since": [max(c.current_since_ns, 0) for c in some],
        "current_until": [c.current_until_ns for c in some],
        "reference_since": [max(c.reference_since_ns, 0) for c in some],
        "reference_until": [c.reference_until_ns for c in some],
        "current_version": [_version(c.current_version) for c in some],
        "reference_version": [_version(c.reference_version) for c in some],
        "current_model": [clean_text(c.current_model) for c in some],
        "keep": [c.keep_permille for c in some],
        "utc_offset": [c.utc_offset_s for c in some],
    }


def _version(version: str | None) -> str:
    return _ANY_VERSION if version is None else clean_text(version)


def _number(row: Mapping[str, Any]) -> FeatureTest:
    compared = Compared(
        row["z"],
        row["shift"],
        row["before_median"],
        row["after_median"],
        row["current_runs"],
        row["reference_runs"],
        dispersion(e / v**0.5 for e, v in _days(row) if v > 0),
    )
    return FeatureTest(row["i"], row["f"], is_rate=False, compared=compared)


def _rate(row: Mapping[str, Any]) -> FeatureTest:
    before, after = row["reference_yes"] / row["reference_runs"], row["current_yes"] / row["current_runs"]
    compared = Compared(
        rate_z(row["excess_current"], row["variance_current"]),
        after - before,
        before,
        after,
        row["current_runs"],
        row["reference_runs"],
        dispersion(rate_z(e, v) for e, v in _days(row) if v > 0),
    )
    return FeatureTest(row["i"], row["f"], is_rate=True, compared=compared)


def _days(row: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    """Excess and variance of every reference day."""
    excesses, variances = (dict(zip(*row[name], strict=True)) for name in ("excesses", "variances"))
    return ((excesses.get(day, 0.0), variance) for day, variance in variances.items() if day >= 0)
