"""The workflow hub: its tabs, its switch, and Define success."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from insights.audit import audit
from insights.economics import Economics, economics_of, merged, table_of
from insights.effects import guess_effect
from insights.policies import book_of
from insights.policy_drafts import with_success
from insights.policy_file import PolicyFileError, parse_policy
from insights.standing import COUNTED_SHAPES, standing_of
from spans.errors import RefusedError
from spans.finding import FindingKind, FindingState
from spans.kinds import OutcomeLabel
from spans.policy import Owner, Policy, SuccessRule
from spans.roles import Permission
from store.api import RunQuery
from store.ledger.findings import FindingQuery
from store.ledger.workflow_states import WorkMode
from web.callers import Admin, Caller, Reader, Reviewer
from web.desk import Desk
from web.pages.findings import by_advice, finding_row
from web.pages.success_form import SuccessForm, build_success, rule_of
from web.pages.workflow import (
    MODE_WORDS,
    TABS,
    EconomicsTable,
    ToolLine,
    WorkflowPage,
    budget_sentences,
    build_tabs,
    build_tiles,
    build_todos,
    economics_lines,
    kind_lines,
    objective_line,
    preview_words,
    set_elsewhere,
    tool_lines,
    version_table,
    workflow_href,
)
from web.places import Place
from web.routes.common import carried_attributes, desk_of, find_run, go, record
from web.routes.judging import MOST_NAME, put_state, redacted
from web.routes.near_misses import ranked_kinds
from web.routes.policies import managed_by, recent_runs, save

router = APIRouter()

MOST_FINDINGS = 20


@router.get("/workflows/{workflow:path}")
def workflow_hub(request: Request, caller: Reader, workflow: str, tab: str = "summary") -> Response:
    """One workflow: owner and switch first, then the tab."""
    desk = desk_of(request)
    name = workflow[:MOST_NAME]
    place = desk.judged_place(request, caller, name)
    shown = tab if tab in dict(TABS) and tab != "runs" else "summary"
    page = _build(desk, request, caller, place, name, shown)
    frame = desk.frame(request, caller, place, name or "no workflow named", active="workflows")
    return desk.page(request, "workflow.html", frame, page)


def _build(desk: Desk, request: Request, caller: Caller, place: Place, workflow: str, tab: str) -> WorkflowPage:
    services = desk.services
    now_ns = services.clock_ns()
    ledger, store = services.ledger, services.store
    policy = book_of(ledger.policies.current(place.project)).find(workflow)
    query = replace(desk.query(place), workflow=workflow, shape=COUNTED_SHAPES)
    standing = standing_of(store, query, policy, now_ns)
    ranked = ranked_kinds(desk, place, workflow=workflow)
    findings = ledger.findings.list(
        FindingQuery(
            place.project, workflow=workflow, environment=place.environment or None,
            states=(FindingState.OPEN.value,), limit=MOST_FINDINGS,
        )
    )  # fmt: skip
    judged = standing.figures.judged_share
    is_defined = bool(policy is not None and policy.success.is_defined()) or bool(judged)
    state = ledger.states.get(place.project, place.environment, workflow)
    where = set_elsewhere(place, state)
    names = _names(desk)
    counts = {kind: sum(r.group.count for r in ranked if r.group.kind == kind) for kind in ("stopped", "violation")}
    words = budget_sentences(standing.budget) if standing.budget is not None else ("", "")
    may_define = caller.may(Permission.ADMINISTER) and not managed_by(desk, place.project)
    return WorkflowPage(
        workflow=workflow,
        tabs=build_tabs(place, workflow, tab, {"near-misses": counts["stopped"] + counts["violation"]}),
        tab=tab,
        owner=policy.owner if policy is not None else Owner(),
        has_policy=policy is not None,
        state=state,
        mode_words=MODE_WORDS[state.mode],
        state_who=names.get(state.set_by, state.set_by),
        state_where=where[0],
        state_href=where[1],
        may_switch=caller.may(Permission.REVIEW),
        may_define=may_define,
        needs_definition=not is_defined,
        todos=build_todos(
            place,
            workflow,
            findings=findings,
            ranked=ranked,
            objectives=standing.objectives,
            budget=standing.budget,
            is_defined=is_defined,
            has_policy=policy is not None,
        ),
        calm=_calm(standing.figures, place),
        tiles=build_tiles(
            place, workflow, standing.figures, _before(desk, query, place), counts["violation"], counts["stopped"]
        ),
        objectives=tuple(objective_line(o) for o in standing.objectives),
        budget=standing.budget,
        budget_words=words[0],
        budget_small=words[1],
        tables=_tables(desk, request, place, query, tab),
        by_attribute=_attributes(desk, request, place, query, workflow) if tab == "versions" else (),
        kinds=kind_lines(place, ranked, ledger.reviews.newest(place.project)) if tab == "near-misses" else (),
        tools=_tools(desk, place, query, workflow, policy) if tab == "tools" else (),
        success=_success(desk, request, place, workflow, policy, may_save=may_define)
        if tab == "policy" or (tab == "summary" and not is_defined)
        else None,
        findings=findings,
        versions=tuple(
            finding_row(place, f) for f in by_advice([f for f in findings if f.kind is FindingKind.VERSION])
        ),
        runs_href=place.url("/runs", workflow=workflow, shape=",".join(COUNTED_SHAPES)),
        policy_href=place.url(f"/policies/{_quoted(workflow)}"),
        is_all_environments=not place.environment,
        api_path=f"{services.endpoints.public_url}/api/v1/workflows/{_quoted(workflow)}/state"
        + (f"?environment={_quoted(place.environment)}" if place.environment else ""),
        history=tuple(
            (s, MODE_WORDS[s.mode], names.get(s.set_by, s.set_by))
            for s in ledger.states.history(place.project, workflow, 10)
        ),
    )


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _before(desk: Desk, query: RunQuery, place: Place) -> Economics:
    earlier = place.range.previous()
    rows = desk.services.store.economics(replace(query, since_ns=earlier.since_ns, until_ns=earlier.until_ns))
    return economics_of(merged(rows))


def _calm(figures: Economics, place: Place) -> str:
    runs = figures.row.runs
    if not runs:
        return f"No runs in the {place.range.words()}."
    return f"{runs:,} runs in the {place.range.words()}; nothing needs you."


def _tables(
    desk: Desk, request: Request, place: Place, query: RunQuery, tab: str
) -> tuple[tuple[str, EconomicsTable], ...]:
    if tab not in {"versions", "spend"}:
        return ()
    store = desk.services.store
    wanted = [("Version", "version"), ("Model", "model")]
    asked = request.query_params.get("by", "")[:200]
    if asked.startswith("attr.") and len(asked) > 5:
        wanted.insert(0, (asked.removeprefix("attr."), asked))
    return tuple((title, _lines(place, query, by, table_of(store.economics(query, by)))) for title, by in wanted)


def _lines(place: Place, query: RunQuery, by: str, rows: tuple[Economics, ...]) -> EconomicsTable:
    workflow = query.workflow or ""
    if by == "version":
        return version_table(place, workflow, rows)
    return EconomicsTable(economics_lines(place, workflow, rows, by))


def _attributes(
    desk: Desk, request: Request, place: Place, query: RunQuery, workflow: str
) -> tuple[tuple[str, str, bool], ...]:
    """Promoted attributes that the last runs carry: each is a table of its own."""
    names = carried_attributes(desk, query)
    asked = request.query_params.get("by", "")
    return tuple(
        (name, workflow_href(place, workflow, tab="versions", by=f"attr.{name}"), asked == f"attr.{name}")
        for name in names
    )


def _tools(desk: Desk, place: Place, query: RunQuery, workflow: str, policy: Policy | None) -> tuple[ToolLine, ...]:
    store = desk.services.store
    offered, used = store.offered_tools(query), store.used_tools(query)
    named = [*policy.denied_tools, *policy.require_approval, *(policy.allowed_tools or ())] if policy else []
    names = {*(o.tool for o in offered), *(u.tool for u in used), *named}
    effects = {}
    for name in names:
        effect = (policy.tool_effects.get(name) if policy else None) or guess_effect(name)
        effects[name] = effect.value if effect is not None else "unknown"
    return tool_lines(place, workflow, offered, used, policy, effects)


def _success(
    desk: Desk, request: Request, place: Place, workflow: str, policy: Policy | None, *, may_save: bool
) -> SuccessForm:
    asked = request.query_params if request.query_params.get("preview") == "1" else None
    before = policy.success if policy is not None else SuccessRule()
    rule = before if asked is None else rule_of(asked, before)
    runs = recent_runs(desk, place.project, workflow)
    preview = ""
    if rule.is_defined() and runs:
        preview = preview_words(audit(replace(policy or Policy(workflow), success=rule), runs))
    tools = sorted({tool for a in runs for tool in a.run.tools})
    return build_success(before, asked, tools, preview=preview, may_save=may_save)


@router.post("/workflow/success")
def define_success(
    request: Request,
    caller: Admin,
    workflow: Annotated[str, Form()],
    status: Annotated[str, Form()] = "",
    no_denials: Annotated[str, Form()] = "",
    final_tool: Annotated[str, Form()] = "",
    score: Annotated[str, Form()] = "",
    floor: Annotated[str, Form()] = "",
    feedback: Annotated[str, Form()] = "",
) -> Response:
    """Save what success is as a version of the workflow's policy; stored runs are judged again.

    A workflow without a policy of its own gets that of all workflows with this one change, so nothing else stops applying.
    """
    desk = desk_of(request)
    place = desk.place(request, caller)
    form = {
        "status": status,
        "no_denials": no_denials,
        "final_tool": final_tool,
        "score": score,
        "floor": floor,
        "feedback": feedback,
    }
    current = desk.services.ledger.policies.current(place.project)
    before = book_of(current).find(workflow)
    rule = rule_of(form, before.success if before is not None else SuccessRule())
    if not rule.is_defined():
        raise RefusedError("Pick at least one thing that a successful run has.")
    written = with_success(current, workflow, rule)
    try:
        found = parse_policy(written)
    except PolicyFileError as error:
        raise RefusedError(f"The policy of this workflow cannot take it: {error}") from None
    if (found.workflow_id, found.success) != (workflow, rule):
        raise RefusedError("The policy is written in a form that only Configure > Policies can change; edit it there.")
    save(desk, caller, place.project, found, written, note="Define success", source="success")
    return go(request, workflow_href(place, workflow).removeprefix(place.root))


@router.post("/workflow/state")
def switch(
    request: Request,
    caller: Reviewer,
    workflow: Annotated[str, Form()],
    mode: Annotated[str, Form()],
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Set the switch that agents poll."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    try:
        wanted = WorkMode(mode)
    except ValueError:
        raise RefusedError(f"mode must be one of {', '.join(m.value for m in WorkMode)}.") from None
    put_state(desk, caller, place.project, place.environment, workflow, wanted, reason)
    return go(request, workflow_href(place, workflow).removeprefix(place.root))


@router.post("/runs/{run_id}/review")
def review_run(
    request: Request,
    caller: Reviewer,
    run_id: str,
    label: Annotated[str, Form()],
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Say on a run's page what it achieved."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    run = find_run(desk.services.store, place.project, run_id)
    try:
        said = OutcomeLabel(label)
    except ValueError:
        raise RefusedError(f"label must be one of {', '.join(m.value for m in OutcomeLabel)}.") from None
    clean = redacted(desk, place.project, reason)
    record(desk, caller, "review", run.run_id, place.project, {"outcome": said.value})
    desk.services.ledger.labels.add(place.project, run.run_id, said, source="review", author=caller.actor, reason=clean)
    desk.services.judge_again(place.project, [run.run_id])
    return go(request, place.url(f"/runs/{run.run_id}").removeprefix(place.root))


def _names(desk: Desk) -> dict[str, str]:
    ledger = desk.services.ledger
    names = {f"member:{m.member_id}": m.name for m in ledger.members.list()}
    return names | {f"key:{k.key_id}": f"key {k.name}" for k in ledger.keys.list()}
