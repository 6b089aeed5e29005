"""Answers rules' questions from store and ledger: rules that look at the same window share one statement."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from operator import attrgetter

from insights.alerts.backtest import KNOWN_NS, History, Series
from insights.alerts.evaluators.burn import SHORTEST_S
from insights.alerts.evaluators.findings import EVENTS
from insights.alerts.inputs import Key, Told, Trouble
from insights.alerts.metrics import NANO, Sums
from insights.alerts.rule import ANY, Rule, RuleType, WhenSilent
from spans.finding import Finding, FindingEventKind, FindingKind, FindingState
from spans.kinds import RunMode
from store.api import RunQuery, Store
from store.hours import HourField, HourQuery, HourRow
from store.ledger import Ledger
from store.ledger.findings import REOPENED, FindingQuery
from store.sums import TOOL_COUNTS, RunBound, RunSums

KINDS: Mapping[RuleType, tuple[FindingKind, ...]] = {
    RuleType.SPIKE: (FindingKind.SPEND_SPIKE,),
    RuleType.DRIFT: (FindingKind.DRIFT,),
    RuleType.VERSION: (FindingKind.VERSION,),
    RuleType.NEAR_MISS: (FindingKind.NEAR_MISS,),
    RuleType.VIOLATION: (FindingKind.VIOLATION,),
    RuleType.DUPLICATE_WRITE: (FindingKind.DUPLICATE_WRITE,),
    RuleType.EXPOSURE: (FindingKind.EXPOSURE,),
}
_DECIDED = frozenset({FindingEventKind.EXPECTED, FindingEventKind.SILENCED})
BudgetOf = Callable[[str, str], tuple[float, int] | None]
"""(project, workflow) → US dollars and days of the workflow's policy."""

OF_WHOLE_JOBS = frozenset({"wasted_usd", "wasted_share"})
"""Metrics that count every part of a job by how it ended."""
HOUR_NS = 3_600 * NANO
LONG_NS = 6 * HOUR_NS
"""Windows longer than this are read from hourly roll-ups."""
_in_order = attrgetter(*(f.name for f in fields(Sums)))


def no_budget(_project: str, _workflow: str) -> None:
    """For a house without policies."""
    return


class LiveAnswers:
    """`insights.alerts.inputs.Inputs` of one project for one look; it remembers what it asked."""

    def __init__(
        self,
        project: str,
        store: Store,
        ledger: Ledger,
        *,
        budget_of: BudgetOf = no_budget,
        troubles: Callable[[], Sequence[Trouble]] = tuple,
    ) -> None:
        self._project = project
        self._store = store
        self._ledger = ledger
        self._budget_of = budget_of
        self._troubles = troubles
        self._asked: dict[object, Mapping[Key, RunSums]] = {}
        self._hours: dict[tuple[int, int], Mapping[Key, Sums]] = {}
        self._spent: dict[object, Mapping[Key, int]] = {}
        self._told: dict[RuleType, tuple[Told, ...]] = {}

    def sums(self, rule: Rule, since_ns: int, until_ns: int) -> Mapping[Key, Sums]:
        """Sums of a window."""
        if _fits_hours(rule, since_ns, until_ns):
            found = self._through_hours(rule, since_ns, until_ns)
        else:
            found = {key: plain_sums(row) for key, row in self.rows(rule, since_ns, until_ns).items()}
        if rule.metric in OF_WHOLE_JOBS:
            wasted = self._wasted(rule, since_ns, until_ns)
            found = {key: replace(sums, failed_nano_usd=wasted.get(key, 0)) for key, sums in found.items()}
        return {key: sums for key, sums in found.items() if rule.covers(*key) and sums.runs}

    def _wasted(self, rule: Rule, since_ns: int, until_ns: int) -> Mapping[Key, int]:
        """Spend on failed jobs in every part of them, as pages tell it: sums of single runs know their last part only."""
        key = ("wasted", since_ns, until_ns, tuple(sorted(rule.where.items())))
        if key not in self._spent:
            query = filtered(rule, RunQuery(self._project, since_ns=since_ns, until_ns=until_ns))
            rows = self._store.economics(query, "workflow")
            self._spent[key] = {(row.key, row.environment): int(row.failed_usd * NANO) for row in rows}
        return self._spent[key]

    def _through_hours(self, rule: Rule, since_ns: int, until_ns: int) -> Mapping[Key, Sums]:
        """Whole hours from the roll-ups, what is left at both ends from runs: the same sums, without reading every run."""
        first, last = -(-since_ns // HOUR_NS) * HOUR_NS, until_ns // HOUR_NS * HOUR_NS
        if (first, last) not in self._hours:
            self._hours[first, last] = _hourly(self._store, self._project, first, last)
        found = dict(self._hours[first, last])
        for start, end in ((since_ns, first), (last, until_ns)):
            for key, row in self.rows(rule, start, end).items() if start < end else ():
                found[key] = found.get(key, Sums()) + plain_sums(row)
        return found

    def rows(self, rule: Rule, since_ns: int, until_ns: int) -> Mapping[Key, RunSums]:
        """The same, with examples of what is beyond a bound."""
        key = (since_ns, until_ns, tuple(sorted(rule.where.items())), rule.any_of)
        if key not in self._asked:
            query = filtered(rule, RunQuery(self._project, since_ns=since_ns, until_ns=until_ns))
            rows = self._store.run_sums(query, until_ns - since_ns, bounds_of(rule))
            self._asked[key] = {(row.workflow, row.environment): row for row in rows}
        return self._asked[key]

    def known(self, rule: Rule, until_ns: int) -> frozenset[Key]:
        """Workflows with a run in the 30 days before."""
        anything = replace(rule, where={}, any_of=(), metric="")
        return frozenset(self.sums(anything, until_ns - KNOWN_NS, until_ns))

    def findings(self, rule: Rule, until_ns: int) -> Sequence[Told]:
        """Findings that are open, or ended in the last two days (their alerts have to calm down)."""
        if rule.type not in self._told:
            kinds = tuple(kind.value for kind in KINDS[rule.type])
            found = self._ledger.findings.list(FindingQuery(self._project, kinds=kinds, until_ns=until_ns + 1))
            self._told[rule.type] = tuple(told_of(rule.type, finding) for finding in found)
        return self._told[rule.type]

    def budget(self, workflow: str) -> tuple[float, int] | None:
        """The budget of a workflow's policy."""
        return self._budget_of(self._project, workflow)

    def troubles(self) -> Sequence[Trouble]:
        """What is wrong with tracetape itself."""
        return self._troubles()


def _fits_hours(rule: Rule, since_ns: int, until_ns: int) -> bool:
    """Whether roll-ups can answer: no filter, no bound on single runs, and long enough to be worth it."""
    return not rule.where and not rule.any_of and rule.metric != "max_duration_s" and until_ns - since_ns > LONG_NS


def _hourly(store: Store, project: str, since_ns: int, until_ns: int) -> Mapping[Key, Sums]:
    by = (HourField.ENVIRONMENT, HourField.WORKFLOW, HourField.MODE)
    found: dict[Key, Sums] = {}
    for row in store.hours(HourQuery(project, since_ns, until_ns), by):
        key = (row.workflow, row.environment)
        found[key] = found.get(key, Sums()) + _sums_of_hour(row)
    return found


def _sums_of_hour(row: HourRow) -> Sums:
    if row.mode == RunMode.SHADOW.value:
        return Sums(shadow=row.runs)
    return Sums(
        runs=row.runs,
        success=row.success,
        failure=row.failure,
        handed_off=row.handed_off,
        error_runs=row.error_runs,
        denied_runs=row.denied_runs,
        denials=row.denials,
        jobs=row.jobs,
        intervened=row.intervened_runs,
        tool_results=sum(row.tool_outcomes.values()),
        **{name: row.tool_outcomes.get(outcome.value, 0) for name, outcome in TOOL_COUNTS.items()},
        failed_nano_usd=int(row.failed_usd * NANO),
        tool_calls=row.tool_calls,
        model_calls=row.model_calls,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        unpriced_calls=row.unpriced_calls,
        cost_nano_usd=int((row.cost_usd or 0) * NANO),
        ended=row.ended_runs,
        duration_ns=row.duration_ns,
    )


def filtered(rule: Rule, query: RunQuery) -> RunQuery:
    """The query with the rule's own filters; the workflow stays open so that rules share one statement."""
    known: dict[str, str] = {name: value for name, value in rule.where.items() if name in RunQuery.__dataclass_fields__}
    return replace(query, **known)  # type: ignore[arg-type]


def bounds_of(rule: Rule) -> tuple[RunBound, ...]:
    """The rule's conditions on one run, as the store takes them."""
    return tuple(RunBound(c.metric, c.comparison.value, c.value) for c in rule.any_of)


def plain_sums(row: RunSums) -> Sums:
    """A row of the store as the evaluators know it."""
    return Sums(*_in_order(row))


def told_of(kind: RuleType, finding: Finding) -> Told:
    """A finding, as far as a rule needs it."""
    z = max((abs(feature.z) for feature in finding.features), default=0.0)
    limit = finding.detail.get("limit")
    score: float | None = z or None
    if kind is RuleType.SPIKE:
        # A detector that looks through several windows says each window's own limit.
        score = z / float(limit) if z and isinstance(limit, (int, float)) and limit > 0 else None
    impact = finding.impact.usd
    last_ns = finding.last_seen_ns
    if kind in EVENTS:
        # A detector looks back for days and states a thing each time; what counts is when it happened, was found or
        # came back.
        moments = (finding.detail.get(name) for name in ("last_ns", REOPENED))
        last_ns = max(finding.detected_ns, *(moment if isinstance(moment, int) else 0 for moment in moments))
    return Told(
        finding_id=finding.finding_id,
        type=kind,
        workflow=finding.workflow,
        environment=finding.environment,
        detected_ns=finding.detected_ns,
        last_seen_ns=last_ns,
        since_ns=finding.since_ns,
        is_open=finding.state is FindingState.OPEN,
        sentence=finding.summary,
        score=score,
        impact_usd=float(impact) if impact is not None else None,
        group=finding.fingerprint,
        run_ids=tuple(finding.run_ids[:5]),
    )


def history_of(
    project: str, rule: Rule, store: Store, ledger: Ledger, since_ns: int, until_ns: int, budget_of: BudgetOf
) -> History:
    """Everything a back-test of a rule needs, fetched with one statement."""
    if rule.type in KINDS:
        kinds = tuple(kind.value for kind in KINDS[rule.type])
        found = ledger.findings.list(FindingQuery(project, kinds=kinds, until_ns=until_ns + 1))
        return History({}, tuple(replace(told_of(rule.type, f), ended_ns=_ended_ns(ledger, f)) for f in found))
    # Ends of windows lie on multiples of `every`, their beginnings on multiples of their own lengths.
    width_s = math.gcd(rule.every_s, SHORTEST_S) if rule.type is RuleType.BURN else rule.every_s
    step_ns = width_s * NANO
    first = (since_ns - _looks_back_ns(rule)) // step_ns * step_ns
    own = None if rule.workflow == ANY else rule.workflow
    query = filtered(rule, RunQuery(project, since_ns=max(0, first), until_ns=until_ns, workflow=own))
    query = replace(query, environment=rule.environment or None)
    series = {}
    for s in store.run_series(query, step_ns, bounds_of(rule)):
        ran = s.sums["runs"] > 0
        if ran.any():
            sums = {name: values[ran] for name, values in s.sums.items()}
            series[s.workflow, s.environment] = Series(s.starts_ns[ran], sums)
    budgets = {w: budget for w, _ in series if (budget := budget_of(project, w)) is not None}
    return History(series, budgets=budgets)


def _ended_ns(ledger: Ledger, finding: Finding) -> int | None:
    if finding.state in {FindingState.EXPECTED, FindingState.SILENCED}:
        whole = ledger.findings.get(finding.project, finding.finding_id)
        return max((e.at_ns for e in whole.history if e.kind in _DECIDED), default=None) if whole else None
    return finding.closed_ns


def _looks_back_ns(rule: Rule) -> int:
    """How far before the first look a back-test has to read.

    A rule that keeps its state where nothing runs only speaks of workflows that ran within its window. The others have to
    know who ran in the last 30 days.
    """
    if rule.type in {RuleType.THRESHOLD, RuleType.PER_RUN} and rule.when_silent is WhenSilent.KEEP:
        return rule.window_s * NANO
    return KNOWN_NS
