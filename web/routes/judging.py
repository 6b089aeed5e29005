"""The API of what people and agents say and ask about workflows: outcomes, the switch, figures, near misses, policies."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import Response

from insights.budgets import BudgetState
from insights.economics import Economics, table_of
from insights.near_misses import BEFORE_NS, rank
from insights.policies import book_of
from insights.present import moment
from insights.standing import COUNTED_SHAPES, budget_of, standing_of
from spans.errors import NotFoundError, RefusedError
from spans.ids import RunId, parse_trace_id
from spans.kinds import OutcomeLabel
from spans.policy import Policy
from store.api import RunQuery
from store.judged import AttemptQuery
from store.ledger.labels import OutcomeSaid
from store.ledger.workflow_states import WorkflowState, WorkMode
from web.callers import Caller, Reader, Reviewer
from web.desk import Desk
from web.places import parse_range
from web.routes.api import answer
from web.routes.common import desk_of, find_run, record
from web.routes.findings import project_of

router = APIRouter(prefix="/api/v1")

MOST_REASON = 500
MOST_NAME = 400


@router.post("/runs/{run_id}/outcome")
def label_run(request: Request, caller: Reviewer, run_id: str, body: Annotated[dict[str, Any], Body()]) -> Response:
    """Say what a run achieved: `{"label": "success|failure|handed_off|unknown", "reason": "…"}`. Late is welcome.

    A run that has not arrived yet may be labelled too, by the id of its trace. `unknown` takes an earlier label back.
    """
    desk = desk_of(request)
    project = project_of(request, caller)
    label = _member(body.get("label"), OutcomeLabel, "label")
    reason = redacted(desk, project, str(body.get("reason") or ""))
    own = _own_id(desk, project, run_id)
    record(desk, caller, "review", own, project, {"outcome": label.value})
    said = desk.services.ledger.labels.add(project, own, label, source="api", author=caller.actor, reason=reason)
    desk.services.judge_again(project, [own])
    return answer(said_json(said), **when(desk))


@router.get("/runs/{run_id}/outcome")
def outcome_history(request: Request, caller: Reader, run_id: str) -> Response:
    """Everything said of a run's outcome, newest first."""
    project = project_of(request, caller)
    found = find_run(desk_of(request).services.store, project, run_id)
    history = desk_of(request).services.ledger.labels.history(project, found.run_id)
    own = {"label": found.outcome.label.value, "source": found.outcome.source}
    return answer({"outcome": own, "history": [said_json(said) for said in history]})


def when(desk: Desk) -> dict[str, str]:
    """What stands beside a change that is saved and cannot take effect yet."""
    return {"takes_effect": "when the main process is back"} if desk.services.waiting() else {}


def said_json(said: OutcomeSaid) -> dict[str, Any]:
    """One label."""
    return {
        "run_id": said.run_id,
        "label": said.label.value,
        "source": said.source,
        "by": said.author,
        "reason": said.reason,
        "at": moment(said.created_ns),
    }


def _own_id(desk: Desk, project: str, raw_id: str) -> RunId:
    """The run's id where it is stored, else the trace id as given."""
    try:
        return find_run(desk.services.store, project, raw_id).run_id
    except NotFoundError:
        return RunId(parse_trace_id(raw_id))


@router.get("/workflows/{workflow:path}/state")
def workflow_state(request: Request, caller: Reader, workflow: str) -> Response:
    """Whether the agents of a workflow should run, for them to poll. tracetape publishes it and enforces nothing.

    With `?environment=` the stricter of that environment's switch and the one for all; without it the strictest of every
    environment. `environment` in the answer is the one that the switch was set for, empty for all of them.
    """
    desk = desk_of(request)
    project = project_of(request, caller)
    environment = request.query_params.get("environment", "")[:MOST_NAME]
    state = desk.services.ledger.states.get(project, environment, workflow[:MOST_NAME])
    policy = policy_of(desk, project, workflow)
    query = RunQuery(project, workflow=workflow, environment=environment or None)
    budget = budget_of(desk.services.store, query, policy, desk.services.clock_ns())
    return answer(state_json(state, budget))


@router.post("/workflows/{workflow:path}/state")
def set_workflow_state(
    request: Request, caller: Reviewer, workflow: str, body: Annotated[dict[str, Any], Body()]
) -> Response:
    """Set the switch: `{"mode": "run|draft_only|stop", "reason": "…"}`; recorded in the access log."""
    desk = desk_of(request)
    project = project_of(request, caller)
    mode = _member(body.get("mode"), WorkMode, "mode")
    environment = str(body.get("environment") or request.query_params.get("environment", ""))[:MOST_NAME]
    state = put_state(desk, caller, project, environment, workflow, mode, str(body.get("reason") or ""))
    return answer(state_json(state, None))


def put_state(
    desk: Desk, caller: Caller, project: str, environment: str, workflow: str, mode: WorkMode, reason: str
) -> WorkflowState:
    """Set the switch of a workflow; the access log first."""
    clean = redacted(desk, project, reason)
    record(desk, caller, "rule_change", workflow, project, {"state": mode.value, "environment": environment or "all"})
    return desk.services.ledger.states.put(
        project, environment, workflow[:MOST_NAME], mode, reason=clean, set_by=caller.actor
    )


def state_json(state: WorkflowState, budget: BudgetState | None) -> dict[str, Any]:
    """The contract of the switch."""
    return {
        "workflow": state.workflow,
        "environment": state.environment,
        "mode": state.mode.value,
        "reason": state.reason,
        "since": moment(state.since_ns or None),
        "by": state.set_by,
        "budget": budget_json(budget),
    }


def budget_json(state: BudgetState | None) -> dict[str, Any] | None:
    """How a budget stands; None without one."""
    if state is None:
        return None
    return {
        "usd": f"{state.budget.usd:f}",
        "per_days": state.budget.per_days,
        "spent_usd": f"{state.spent_usd:f}",
        "share": round(state.share, 6),
        "mode": state.mode.value,
        "since": moment(state.period.since_ns),
        "until": moment(state.period.until_ns),
        "forecast_usd": f"{state.forecast_usd:.6f}",
        "exhausted_at": moment(state.exhausted_ns),
    }


@router.get("/workflows/{workflow:path}/economics")
def workflow_economics(request: Request, caller: Reader, workflow: str) -> Response:
    """Figures of a workflow in a range, by `by=version|model|attr.KEY` too; the same as on its page."""
    desk = desk_of(request)
    project = project_of(request, caller)
    span = parse_range(request.query_params, desk.services.clock_ns())
    query = RunQuery(
        project,
        since_ns=span.since_ns,
        until_ns=span.until_ns,
        workflow=workflow,
        environment=request.query_params.get("environment") or None,
        shape=COUNTED_SHAPES,
    )
    policy = policy_of(desk, project, workflow)
    standing = standing_of(desk.services.store, query, policy, desk.services.clock_ns())
    by = request.query_params.get("by", "version")[:200]
    rows = table_of(desk.services.store.economics(query, by))
    return answer(
        {
            "figures": figures_json(standing.figures),
            "budget": budget_json(standing.budget),
            "objectives": [
                {
                    "name": o.name,
                    "target": o.target,
                    "measured": o.measured,
                    "is_met": o.is_met,
                    "allowed": o.allowed,
                    "used": None if o.used == float("inf") else o.used,
                    "have": o.have,
                }
                for o in standing.objectives
            ],
            "by": by,
            "rows": [figures_json(row) for row in rows],
        }
    )


def figures_json(figures: Economics) -> dict[str, Any]:
    """One row of figures."""
    row, interval = figures.row, figures.interval
    return {
        "key": figures.key,
        "environment": figures.environment,
        "runs": row.runs,
        "jobs": row.jobs,
        "success": row.success,
        "failure": row.failure,
        "handed_off": row.handed_off,
        "cost_usd": None if row.cost_usd is None else f"{row.cost_usd:f}",
        "cost_per_success_usd": None if figures.cost_per_success is None else f"{figures.cost_per_success:.12f}",
        "cost_per_success_low_usd": None if interval is None else f"{interval.low:.12f}",
        "cost_per_success_high_usd": None if interval is None or interval.high is None else f"{interval.high:.12f}",
        "success_rate": figures.success_rate,
        "escalation_rate": figures.escalation_rate,
        "intervention_rate": figures.intervention_rate,
        "judged_share": figures.judged_share,
        "fault_rates": figures.fault_rates,
        "retries_per_success": figures.retries_per_success,
        "wasted_usd": f"{figures.wasted_usd:f}",
        "unpriced_calls": row.unpriced_calls,
        "p95_duration_ms": row.p95_duration_ns / 1e6,
    }


@router.get("/near-misses")
def near_misses(request: Request, caller: Reader) -> Response:
    """Kinds of attempts in a range, new ones first, then by risk. `kind` is stopped, violation or malformed."""
    desk = desk_of(request)
    params = request.query_params
    span = parse_range(params, desk.services.clock_ns())
    query = AttemptQuery(
        project_of(request, caller),
        span.since_ns,
        span.until_ns,
        environment=params.get("environment") or None,
        workflow=params.get("workflow"),
        kind=params.get("kind", "")[:20],
    )
    ranked = rank(desk.services.store.attempt_groups(query, BEFORE_NS), span.since_ns, span.length_ns)
    return answer(
        [
            {
                "key": r.key,
                "risk": round(r.risk, 3),
                "is_new": r.is_new,
                "is_doubled": r.is_doubled,
                "grade": r.grade.value,
                **{
                    name: getattr(r.group, name)
                    for name in (
                        *("environment", "workflow", "kind", "reason", "level", "tool", "rule", "shape", "harm"),
                        *("count", "runs", "before", "followed", "grades", "versions", "run_id", "span_id"),
                    )
                },
                "cost_usd": f"{r.group.cost_usd:f}",
                "first_at": moment(r.group.first_ns),
                "last_at": moment(r.group.last_ns),
            }
            for r in ranked
        ]
    )


@router.get("/policies")
def policies(request: Request, caller: Reader) -> Response:
    """The policies in force with their texts."""
    project = project_of(request, caller)
    return answer(
        [
            {
                "workflow": v.workflow,
                "number": v.number,
                "digest": v.digest,
                "source": v.source,
                "by": v.author,
                "at": moment(v.created_ns),
                "text": v.text,
            }
            for v in desk_of(request).services.ledger.policies.current(project)
        ]
    )


def policy_of(desk: Desk, project: str, workflow: str) -> Policy | None:
    """The policy that judges a workflow now."""
    return book_of(desk.services.ledger.policies.current(project)).find(workflow)


def _member(value: object, kind: Any, name: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise RefusedError(f"{name} must be one of {', '.join(m.value for m in kind)}.") from None


def redacted(desk: Desk, project: str, text: str) -> str:
    """What a person typed, as it may be stored."""
    typed = text.strip()[:MOST_REASON]
    return desk.services.redact_text(project, typed) if typed else ""
