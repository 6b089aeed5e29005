"""Looks at every rule when its moment comes, keeps what moved and queues what is to be told, in one transaction."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from insights.alerts.inputs import Trouble
from insights.alerts.machine import AlertState, Notice, Standing
from insights.alerts.rule import FROM_FINDINGS, Rule, RuleType, Severity
from insights.alerts.rule_file import parse_rule
from insights.alerts.steps import Known, Step, Subject, take_step
from spans.errors import BusyError, HouseError
from store.api import RunQuery, Store
from store.ledger import Ledger
from store.ledger.alert_rules import KeptSilence
from store.ledger.alerts import Alert, AlertMove, AlertReading
from store.ledger.workflow_states import WorkMode
from tracetape.alerting.answers import BudgetOf, LiveAnswers, filtered, no_budget
from tracetape.alerting.pinning import pin_runs
from tracetape.demo import DEMO_PROJECT
from tracetape.notifier.sender import EVALUATED

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
FAILED_PAUSE_S = 600.0
OWNER = "owner"
SECOND_NS = 1_000_000_000
ON_EVERY_LOOK = FROM_FINDINGS | {RuleType.HEALTH}
"""Kinds that need no window: they are looked at whenever there is time."""
_RESTING_S = 10.0
LATE_LOOKS = 3
"""So many looks see every window of a rule, as far as windows of that age are not part of newer ones."""


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """How a rule's last look went."""

    looked_ns: int
    took_s: float
    error: str = ""


class AlertDriver:
    """Owns the evaluating thread. Two drivers at once are safe: the ledger takes each move once.

    `stop` works before `start`, and twice.
    """

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        budget_of: BudgetOf = no_budget,
        owners_of: Callable[[str, str], Sequence[str]] = lambda _project, _workflow: (),
        troubles: Callable[[], Sequence[Trouble]] = tuple,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._clock_ns = clock_ns
        self._budget_of = budget_of
        self._owners_of = owners_of
        self._troubles = troubles
        self._status: dict[tuple[str, str], RuleStatus] = {}
        self._paused_until: dict[tuple[str, str], float] = {}
        self._ticked: dict[tuple[str, str], int] = {}
        self._parsed: dict[tuple[str, str, int], Rule] = {}
        self._changed_ns: dict[tuple[str, str], int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="alerts", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float = 3.0) -> None:
        """End after the rule in hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def status(self, project: str) -> Mapping[str, RuleStatus]:
        """How the rules of a project are doing, by id."""
        return {rule: status for (own, rule), status in self._status.items() if own == project}

    def look(self) -> int:
        """Look at every rule whose moment has come; returns how many were looked at."""
        looked = 0
        for project in self._ledger.alert_rules.projects():
            looked += self._look_at_project(project)
        return looked

    def rules(self, project: str) -> tuple[Rule, ...]:
        """The project's rules; one that cannot be read any more is left out and reported in its status."""
        found = []
        for kept in self._ledger.alert_rules.list(project):
            key = (project, kept.rule_id, kept.version)
            self._changed_ns[project, kept.rule_id] = kept.changed_ns
            if key not in self._parsed:
                try:
                    self._parsed[key] = parse_rule(kept.body, file=kept.rule_id)
                except HouseError as error:
                    self._status[project, kept.rule_id] = RuleStatus(0, 0.0, str(error))
                    continue
            found.append(self._parsed[key])
        return tuple(found)

    def _loop(self) -> None:
        pause = LOOK_EVERY_S
        while not self._stop.wait(pause):
            try:
                pause = LOOK_EVERY_S if self.look() else min(_RESTING_S, pause + 1)
            except BusyError as error:
                logger.warning("the store is busy; looking at alert rules again in a moment", extra={"why": str(error)})
            except Exception:
                logger.exception("looking at alert rules failed; trying again in a moment")

    def _look_at_project(self, project: str) -> int:
        rules = [rule for rule in self.rules(project) if rule.enabled]
        if not rules:
            return 0
        now_ns = self._clock_ns()
        due = [rule for rule in rules if self._is_due(project, rule, now_ns)]
        answers = LiveAnswers(project, self._store, self._ledger, budget_of=self._budget_of, troubles=self._troubles)
        for rule in due:
            if self._stop.is_set():
                return 0
            self._guarded(project, rule, answers, now_ns)
        if any(rule.type not in ON_EVERY_LOOK for rule in due) or not due:
            self._beat(now_ns)
        return len(due)

    def _beat(self, now_ns: int) -> None:
        last = int(str(self._ledger.settings.get(EVALUATED, 0)))
        if now_ns - last >= 60 * SECOND_NS:
            self._ledger.settings.put(EVALUATED, now_ns)

    def _is_due(self, project: str, rule: Rule, now_ns: int) -> bool:
        key = (project, rule.rule_id)
        if time.monotonic() < self._paused_until.get(key, 0.0):
            return False
        return rule.type in ON_EVERY_LOOK or tick_of(rule, now_ns) > self._reached(project, rule)

    def _reached(self, project: str, rule: Rule) -> int:
        key = (project, rule.rule_id)
        if key not in self._ticked:
            self._ticked[key] = int(str(self._ledger.settings.get(_mark(project, rule), 0)))
        return self._ticked[key]

    def _guarded(self, project: str, rule: Rule, answers: LiveAnswers, now_ns: int) -> None:
        key, started = (project, rule.rule_id), time.monotonic()
        at_ns = now_ns if rule.type in ON_EVERY_LOOK else tick_of(rule, now_ns)
        try:
            self._step(project, rule, answers, at_ns, now_ns)
        except BusyError:
            raise
        except Exception as error:
            # One rule never stalls the others; its own next look is put off.
            logger.exception("an alert rule failed; it is looked at again later", extra={"rule": rule.rule_id})
            self._paused_until[key] = time.monotonic() + FAILED_PAUSE_S
            self._status[key] = RuleStatus(at_ns, time.monotonic() - started, f"failed: {type(error).__name__}")
            return
        self._status[key] = RuleStatus(at_ns, time.monotonic() - started)
        if rule.type not in ON_EVERY_LOOK:
            self._ledger.settings.put(_mark(project, rule), at_ns)
            self._ticked[key] = at_ns

    def _step(self, project: str, rule: Rule, answers: LiveAnswers, at_ns: int, now_ns: int) -> None:
        for earlier_ns in self._late(project, rule, at_ns):
            self._look_once(project, rule, answers, earlier_ns, now_ns, late=True)
        self._look_once(project, rule, answers, at_ns, now_ns)

    def _late(self, project: str, rule: Rule, at_ns: int) -> Sequence[int]:
        """Moments that were looked at before whose windows no later look covers: spans may have arrived late for them."""
        if rule.type not in {RuleType.THRESHOLD, RuleType.PER_RUN} or rule.fire_after > 1:
            return ()
        windows = min(LATE_LOOKS, -(-LATE_LOOKS * rule.every_s // rule.window_s) - 1)
        moments = [at_ns - n * rule.every_s * SECOND_NS for n in range(windows, 0, -1)]
        since_ns = self._changed_ns.get((project, rule.rule_id), at_ns)
        return [moment for moment in moments if since_ns <= moment <= self._reached(project, rule)]

    def _look_once(
        self, project: str, rule: Rule, answers: LiveAnswers, at_ns: int, now_ns: int, *, late: bool = False
    ) -> None:
        stored = {alert.fingerprint: alert for alert in self._ledger.alerts.load(project, rule.rule_id)}
        known = {fingerprint: known_of(alert) for fingerprint, alert in stored.items()}
        silences = self._ledger.alert_rules.silences(project)
        moves = [
            self._move(project, rule, step, stored.get(step.fingerprint), silences, answers, at_ns)
            for step in take_step(project, rule, answers, at_ns, known)
            if step.changes_anything() and (not late or _is_missed(step, at_ns))
        ]
        # First: a crash in between leaves an agent held rather than an alert that held nobody.
        for move in moves:
            self._hold(project, rule, move)
        self._ledger.alerts.commit(moves, now_ns)
        for move in moves:
            if move.notice in {Notice.FIRING, Notice.ESCALATED} and project != DEMO_PROJECT:
                pin_runs(self._ledger, project, move.alert.reading.run_ids, move.alert.reading.sentence)

    def _hold(self, project: str, rule: Rule, move: AlertMove) -> None:
        """Turn the workflow's switch where the rule says so; never back, and not while the alert is silenced."""
        alert = move.alert
        fires = move.notice in {Notice.FIRING, Notice.ESCALATED}
        if not rule.switch or not fires or move.silenced or not alert.workflow:
            return
        wanted, order = WorkMode(rule.switch), list(WorkMode)
        known = self._ledger.states.position(project, alert.environment, alert.workflow)
        if order.index(wanted) > order.index(known.mode):
            by, told = f"rule:{rule.rule_id}", {"state": wanted.value, "environment": alert.environment or "all"}
            self._ledger.audit.append(by, "rule_change", target=alert.workflow, project=project, detail=told)
            self._ledger.states.put(
                project,
                alert.environment,
                alert.workflow,
                wanted,
                reason=alert.reading.sentence[:300],
                set_by=by,
            )

    def _move(
        self,
        project: str,
        rule: Rule,
        step: Step,
        before: Alert | None,
        silences: Sequence[KeptSilence],
        answers: LiveAnswers,
        at_ns: int,
    ) -> AlertMove:
        standing, notice = step.move.standing, step.move.notice
        reading = before.reading if before else AlertReading()
        if notice in {Notice.FIRING, Notice.ESCALATED, Notice.STILL_FIRING, Notice.NO_DATA}:
            reading = self._reading(project, rule, step, answers, at_ns)
        by = before.acknowledged_by if before and standing.acknowledged else ""
        alert = Alert(
            fingerprint=step.fingerprint,
            project=project,
            rule_id=rule.rule_id,
            workflow=step.subject.workflow,
            environment=step.subject.environment,
            group=step.subject.group,
            state=standing.state.value,
            severity=standing.severity.value,
            since_ns=standing.since_ns,
            bad_looks=standing.bad_looks,
            good_looks=standing.good_looks,
            notified_ns=standing.notified_ns,
            acknowledged_by=by,
            reading=reading,
            incident_id=before.incident_id if before else "",
        )
        return AlertMove(
            alert,
            seen_version=before.version if before else 0,
            before=step.before.state.value,
            notice=notice.value if notice else "",
            channels=self._channels(project, rule, step.subject.workflow, standing.severity) if notice else (),
            silenced=_silenced(project, rule, step.subject.workflow, silences, self._clock_ns()),
        )

    def _reading(self, project: str, rule: Rule, step: Step, answers: LiveAnswers, at_ns: int) -> AlertReading:
        reading = step.reading
        run_ids, began_ns = reading.run_ids, reading.began_ns
        if not run_ids and rule.type in {RuleType.THRESHOLD, RuleType.BURN, RuleType.PER_RUN}:
            run_ids, began_ns = self._examples(project, rule, step.subject, answers, at_ns)
        return AlertReading(reading.sentence, reading.value, reading.limit, run_ids, reading.finding_id, began_ns)

    def _examples(
        self, project: str, rule: Rule, subject: Subject, answers: LiveAnswers, at_ns: int
    ) -> tuple[tuple[str, ...], int]:
        """The first bad runs, and when the first of them began."""
        since_ns = at_ns - (3_600 if rule.type is RuleType.BURN else rule.window_s) * SECOND_NS
        if rule.type is RuleType.PER_RUN:
            row = answers.rows(rule, since_ns, at_ns).get((subject.workflow, subject.environment))
            ids = row.examples if row else ()
            first = self._store.read_run(project, ids[0]) if ids else None  # type: ignore[arg-type]
            return ids, first.started_ns if first else 0
        query = filtered(
            rule,
            RunQuery(
                project,
                since_ns=since_ns,
                until_ns=at_ns,
                workflow=subject.workflow,
                environment=subject.environment,
                limit=200,
            ),
        )
        query = replace(query, **_SUSPECTS.get(rule.metric, {}))  # type: ignore[arg-type]
        runs = self._store.find_runs(query).rows
        worst = sorted(runs, key=lambda run: (run.cost_usd or 0, run.duration_ns), reverse=True)[:5]
        ordered = sorted(worst, key=lambda run: run.started_ns)
        return tuple(run.run_id for run in ordered), ordered[0].started_ns if ordered else 0

    def _channels(self, project: str, rule: Rule, workflow: str, severity: Severity) -> tuple[str, ...]:
        named = [name for to in rule.to for name in (self._owners_of(project, workflow) if to == OWNER else (to,))]
        known = {channel.name: channel for channel in self._ledger.channels.list(project)}
        loud = severity is Severity.PAGE
        return tuple(
            dict.fromkeys(n for n in named if n not in known or loud or known[n].min_severity != Severity.PAGE.value)
        )


_SUSPECTS: Mapping[str, Mapping[str, object]] = {
    "error_rate": {"status": "error"},
    "failure_rate": {"outcome": "failure"},
    "success_rate": {"outcome": "failure"},
    "escalation_rate": {"outcome": "handed_off"},
    "denial_rate": {"denied": True},
    "denials": {"denied": True},
}
"""Which runs of a window are to blame for a metric; for the others the dearest."""


def _is_missed(step: Step, at_ns: int) -> bool:
    """Whether a look back sees what the look then could not: one that has fired and calmed down since never fires again."""
    return step.move.notice is Notice.FIRING and step.before.state is AlertState.OK and step.before.since_ns <= at_ns


def tick_of(rule: Rule, now_ns: int) -> int:
    """The newest moment at which the rule looks: a multiple of `every_s`."""
    step = rule.every_s * SECOND_NS
    return now_ns // step * step


def known_of(alert: Alert) -> Known:
    """An alert of the ledger as the state machine knows it."""
    standing = Standing(
        AlertState(alert.state),
        Severity(alert.severity),
        alert.since_ns,
        alert.bad_looks,
        alert.good_looks,
        alert.notified_ns,
        bool(alert.acknowledged_by),
    )
    return Known(Subject(alert.workflow, alert.environment, alert.group), standing)


def _silenced(project: str, rule: Rule, workflow: str, silences: Sequence[KeptSilence], now_ns: int) -> str:
    if project == DEMO_PROJECT:
        return "the demo sends nothing"
    return next((f"silenced: {s.reason}" for s in silences if s.covers(rule.rule_id, workflow, now_ns)), "")


def _mark(project: str, rule: Rule) -> str:
    return f"alerts.tick.{project}.{rule.rule_id}"
