"""Judged runs in ClickHouse: kinds of attempts, the moments behind cost per success, tools, repeated writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from spans.ids import RunId, SpanId
from spans.kinds import OutcomeLabel
from spans.run import Assembly, Step
from store.api import RunQuery
from store.clickhouse.engine import Engine, PoolName
from store.clickhouse.sql import column_list, statement
from store.columns import trimmed
from store.derived_rows import RUNS, STEPS
from store.filters import run_field, where
from store.judged import (
    MOST_GROUPS,
    MOST_PARTS,
    NOT_COUNTED,
    WROTE,
    AttemptGroup,
    AttemptQuery,
    AttemptRow,
    EconomicsRow,
    OfferedTool,
    UsedTool,
    WriteRow,
)
from store.text import clean_text

_SECOND_NS = 1_000_000_000
_DAY_NS = 86_400 * _SECOND_NS
_MOST_NS = 2**63 - 1
_RUNS_PER_READ = 200
_ENDS_PER_READ = 1_000
_MOST_PARTS_READ = {"most": 20_000}
"""Runs of a range that went on in another one, the dearest first: what is read has to end somewhere."""
_JSON_FIELDS = ("kind", "tool", "rule", "reason", "shape")


class Judged:
    """The judged side of one engine. Safe to call from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def attempt_groups(self, query: AttemptQuery, before_ns: int) -> tuple[AttemptGroup, ...]:
        """See `store.api.Store.attempt_groups`."""
        wanted, params = _wanted(query)
        before = max(0, query.since_ns - before_ns)
        params |= {"before_ns": before, "since_day": since_day(before), "most": MOST_GROUPS}
        rows = self._select(statement("attempt_groups", wanted=wanted), params)
        return tuple(_group(row) for row in rows)

    def attempts(self, query: AttemptQuery, limit: int) -> tuple[AttemptRow, ...]:
        """See `store.api.Store.attempts`."""
        wanted, params = _wanted(query)
        rows = self._select(
            statement("attempt_rows", wanted=wanted), {**params, "most": limit, "since_day": since_day(query.since_ns)}
        )
        return tuple(_row(row) for row in rows)

    def economics(self, query: RunQuery, by: str) -> tuple[EconomicsRow, ...]:
        """See `store.api.Store.economics`."""
        words = {"where": where(query).clause}
        params: dict[str, object] = dict(where(query).params)
        if by:
            field = run_field(by)
            words["field"] = field.sql
            params |= field.params
        else:
            words["field"] = "['']"
        params["since_day"] = since_day(query.since_ns)
        rows = self._select(statement("economics", **words), params)
        if by.startswith("attr."):
            rows = [row for row in rows if row["value"]]
        if sum(row["runs"] - row["jobs"] for row in rows):
            self._add_parts(
                rows, query.project, self._select(statement("job_parts", **words), params | _MOST_PARTS_READ)
            )
        return tuple(_economics(row) for row in rows)

    def _add_parts(self, rows: Sequence[dict[str, Any]], project: str, parts: Sequence[Mapping[str, Any]]) -> None:
        """Add what the earlier parts of failed jobs cost to what the last ones did."""
        by_key = {(row["value"], row["environment"]): row for row in rows}
        failed = self._failed(project, {part["next"] for part in parts})
        for part in parts:
            row = by_key.get((part["value"], part["environment"]))
            if row is not None and part["next"] in failed:
                row["failed_usd_sum"] = Decimal(row["failed_usd_sum"]) + part["usd"]

    def _failed(self, project: str, run_ids: Iterable[str]) -> frozenset[str]:
        """Those of the runs whose job failed in the end, however many runs later."""
        ends = {run_id: run_id for run_id in run_ids}
        failed: set[str] = set()
        seen: dict[str, str] = {}
        for _ in range(MOST_PARTS):
            asked = sorted(set(ends.values()) - set(seen))
            for start in range(0, len(asked), _ENDS_PER_READ):
                chunk = asked[start : start + _ENDS_PER_READ]
                seen.update(dict.fromkeys(chunk, ""))
                for row in self._select(statement("job_ends"), {"project": clean_text(project), "run_ids": chunk}):
                    seen[row["run_id"]] = row["next"]
                    if not row["next"] and row["outcome"] == OutcomeLabel.FAILURE:
                        failed.add(row["run_id"])
            moved = {run_id: seen[end] or end for run_id, end in ends.items()}
            if moved == ends:
                break
            ends = moved
        return frozenset(run_id for run_id, end in ends.items() if end in failed)

    def offered_tools(self, query: RunQuery) -> tuple[OfferedTool, ...]:
        """See `store.api.Store.offered_tools`."""
        shown = where(query)
        rows = self._select(
            statement("offered_tools", where=shown.clause), {**shown.params, "since_day": since_day(query.since_ns)}
        )
        return tuple(OfferedTool(r["tool"], r["schema"], r["runs"], r["first_ns"], r["last_ns"]) for r in rows)

    def used_tools(self, query: RunQuery) -> tuple[UsedTool, ...]:
        """See `store.api.Store.used_tools`."""
        shown = where(query)
        params = {**shown.params, "not_counted": list(NOT_COUNTED)}
        rows = self._select(statement("used_tools", where=shown.clause), params)
        return tuple(UsedTool(r["tool"], _counts(r["outcomes"]), r["runs"], r["good_runs"], r["last_ns"]) for r in rows)

    def repeated_writes(self, project: str, since_ns: int, until_ns: int) -> tuple[WriteRow, ...]:
        """See `store.api.Store.repeated_writes`."""
        since = min(max(since_ns, 0), _MOST_NS)
        params = {
            "project": clean_text(project),
            "since_ns": since,
            "until_ns": min(max(until_ns, 0), _MOST_NS),
            "since_day": since_day(since),
            "wrote": list(WROTE),
        }
        return tuple(
            WriteRow(
                run_id=RunId(r["run_id"]),
                span_id=SpanId(r["span_id"]),
                environment=r["environment"],
                workflow=r["workflow"],
                tool=r["tool_name"],
                repeat_hash=r["tool_repeat_hash"],
                idempotency=r["tool_idempotency"],
                call_id=r["tool_call_id"],
                at_ns=r["start_ns"],
                outcome=r["tool_outcome"],
            )
            for r in self._select(statement("repeated_writes"), params, pool="job")
        )

    def blind_workflows(self, query: RunQuery) -> tuple[str, ...]:
        """See `store.api.Store.blind_workflows`."""
        shown = where(query)
        params = {**shown.params, "since_day": since_day(query.since_ns)}
        return tuple(r["workflow"] for r in self._select(statement("blind_workflows", where=shown.clause), params))

    def run_ids(self, query: RunQuery, limit: int) -> tuple[RunId, ...]:
        """See `store.api.Store.run_ids`."""
        shown = where(query)
        params = {**shown.params, "most": limit}
        return tuple(
            RunId(r["run_id"]) for r in self._select(statement("run_ids", where=shown.clause), params, pool="job")
        )

    def read_assemblies(self, project: str, run_ids: Sequence[RunId]) -> tuple[Assembly, ...]:
        """See `store.api.Store.read_assemblies`."""
        found: dict[str, Assembly] = {}
        for start in range(0, len(run_ids), _RUNS_PER_READ):
            params = {"project": project, "run_ids": list(run_ids[start : start + _RUNS_PER_READ])}
            runs = [
                RUNS.item(row)
                for row in self._select(statement("runs_by_id", columns=column_list(RUNS.stored)), params)
            ]
            steps: defaultdict[tuple[str, int], list[Step]] = defaultdict(list)
            for row in self._select(statement("steps_by_id", columns=column_list(STEPS.stored)), params):
                steps[row["run_id"], row["version"]].append(STEPS.item(row))
            found.update({run.run_id: Assembly(run, tuple(steps[run.run_id, run.version])) for run in runs})
        return tuple(found[run_id] for run_id in dict.fromkeys(run_ids) if run_id in found)

    def _select(self, sql: str, params: Mapping[str, object], pool: PoolName = "page") -> list[dict[str, Any]]:
        return self._engine.select(sql, params, pool=pool)


def since_day(since_ns: int | None) -> date:
    """The oldest partition that can hold a run of this start: a run is received no earlier than a day before it starts."""
    return datetime.fromtimestamp(min(max(0, (since_ns or 0) - _DAY_NS), _MOST_NS) // _SECOND_NS, UTC).date()


def _wanted(query: AttemptQuery) -> tuple[str, dict[str, object]]:
    """Further conditions and every parameter; only our own words are in the clause."""
    clauses = ["1"]
    params: dict[str, object] = {
        "project": clean_text(query.project),
        "since_ns": min(max(query.since_ns, 0), _MOST_NS),
        "until_ns": min(max(query.until_ns, 0), _MOST_NS),
    }
    for name in ("environment", "workflow"):
        value = getattr(query, name)
        if value is not None:
            clauses.append(f"{name} = {{{name}:String}}")
            params[name] = clean_text(value)
    for name in _JSON_FIELDS:
        value = getattr(query, name)
        if value is not None and not (name == "kind" and value == ""):
            clauses.append(f"JSONExtractString(attempt, '{name}') = {{{name}:String}}")
            params[name] = clean_text(value)
    return " AND ".join(clauses), params


def _counts(found: Any) -> dict[str, int]:
    return {str(key): int(value) for key, value in sorted(dict(found).items()) if value}


def _group(row: Mapping[str, Any]) -> AttemptGroup:
    return AttemptGroup(
        environment=row["environment"],
        workflow=row["workflow"],
        kind=row["attempt_kind"],
        reason=row["attempt_reason"],
        level=row["attempt_level"],
        tool=row["attempt_tool"],
        rule=row["attempt_rule"],
        shape=row["attempt_shape"],
        harm=row["newest_harm"],
        count=row["attempts_inside"],
        runs=row["runs_inside"],
        before=row["attempts_before"],
        followed=_counts(row["followed_by"]),
        grades=_counts(row["by_grade"]),
        versions=tuple(row["versions"]),
        cost_usd=trimmed(Decimal(row["runs_cost_usd"])),
        first_ns=row["first_at_ns"],
        last_ns=row["last_at_ns"],
        run_id=RunId(row["newest_run"]),
        span_id=SpanId(row["newest_span"]),
    )


def _row(row: Mapping[str, Any]) -> AttemptRow:
    said = msgspec.json.decode(row["attempt"])
    named = ("span_id", "kind", "reason", "grade", "level", "tool", "rule", "by", "shape", "followed")
    return AttemptRow(
        run_id=RunId(row["run_id"]),
        environment=row["environment"],
        workflow=row["workflow"],
        version=row["workflow_version"],
        at_ns=row["at_ns"],
        outcome=row["outcome"],
        cost_usd=None if row["cost_usd"] is None else trimmed(row["cost_usd"]),
        **{name: said.get(name, "") for name in named},
    )


def _economics(row: Mapping[str, Any]) -> EconomicsRow:
    return EconomicsRow(
        key=row["value"],
        environment=row["environment"],
        runs=row["runs"],
        jobs=row["jobs"],
        success=row["successes"],
        failure=row["failures"],
        handed_off=row["handed_offs"],
        errors=row["error_runs"],
        intervened=row["intervened_runs"],
        interventions=row["interventions_sum"],
        cost_usd=None if row["cost_usd_sum"] is None else trimmed(row["cost_usd_sum"]),
        failed_usd=trimmed(Decimal(row["failed_usd_sum"])),
        unpriced_calls=row["unpriced_calls_sum"],
        cost_squares=row["cost_squares"],
        cost_of_success=row["cost_of_success"],
        tool_outcomes=_counts(row["outcomes"]),
        p95_duration_ns=row["p95_duration_ns"],
        last_started_ns=row["newest_ns"],
    )
