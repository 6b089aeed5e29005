"""Configure ▸ Policies: list, read, check, save; every change is recorded first and judges stored runs again."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from insights.audit import PolicyAudit, PolicyChange, audit, change
from insights.policies import EVERY
from insights.policy_drafts import LIMITS, Draft, limited, with_approval
from insights.policy_file import PolicyFileError, parse_policy
from insights.policy_text import list_value, new_text, with_entry
from insights.standing import COUNTED_SHAPES
from spans.errors import RefusedError
from spans.policy import Policy
from spans.roles import Permission
from spans.run import Assembly
from store.api import RunQuery
from web.callers import Admin, Caller, Reader
from web.desk import Desk
from web.pages.policies import build_policies, build_policy, policy_href
from web.places import Place
from web.routes.common import desk_of, go, record
from web.routes.judging import MOST_NAME, redacted

router = APIRouter()

AUDITED_RUNS = 500
MANAGED = "policies_managed."
MOST_LIMIT = 1e9


@router.get("/policies")
def policies(request: Request, caller: Reader) -> Response:
    """Every policy, and every workflow without one."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    page = build_policies(
        place,
        desk.services.ledger.policies.current(place.project),
        desk.services.store.fleet(replace(desk.query(place), shape=COUNTED_SHAPES)),
        managed_by(desk, place.project),
    )
    frame = desk.frame(request, caller, place, "Policies", active="policies")
    return desk.page(request, "policies.html", frame, page)


@router.get("/policies/{workflow:path}")
def policy(request: Request, caller: Reader, workflow: str, version: int = 0, *, saved: bool = False) -> Response:
    """One policy: text, audit of stored runs, versions."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    versions = desk.services.ledger.policies.versions(place.project, workflow)
    draft = _draft(request, desk, place.project, workflow)
    if draft is not None and caller.may(Permission.ADMINISTER):
        return _page(desk, request, caller, place, workflow, draft.text, checked=True, said=draft.words)
    text = versions[0].text if versions else new_text(workflow)
    return _page(desk, request, caller, place, workflow, text, shown=version, saved=saved)


def _draft(request: Request, desk: Desk, project: str, workflow: str) -> Draft | None:
    """The draft that the address asks for: `?max_tool_calls=12` or `?approve=issue_refund`; None without one."""
    asked, versions = request.query_params, desk.services.ledger.policies.current(project)
    if asked.get("approve"):
        return with_approval(versions, workflow, asked["approve"][:MOST_NAME])
    for name in LIMITS:
        if name in asked:
            try:
                value = float(asked[name])
            except ValueError:
                value = 0.0
            if not 0 < value < MOST_LIMIT:
                raise RefusedError(f"{name} is a number above 0, such as {name}=12.")
            return limited(versions, workflow, name, value)
    return None


@router.post("/policy/save")
def save_policy(
    request: Request,
    caller: Admin,
    workflow: Annotated[str, Form()],
    text: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
    after: Annotated[int, Form()] = 0,
    do: Annotated[str, Form()] = "save",
) -> Response:
    """Save a version, or only check a draft against stored runs, or draft its allow-list."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    written = text.replace("\r\n", "\n")
    if do == "draft":
        written = _with_allow_list(desk, place.project, workflow, written)
    try:
        found = _parsed(workflow, written)
    except PolicyFileError as error:
        return _page(desk, request, caller, place, workflow, written, error=str(error), checked=True)
    if do != "save":
        return _page(desk, request, caller, place, workflow, written, checked=True)
    save(desk, caller, place.project, found, written, note=note, after=after)
    return go(request, policy_href(place, workflow, saved="true").removeprefix(place.root))


def save(
    desk: Desk,
    caller: Caller,
    project: str,
    found: Policy,
    text: str,
    *,
    note: str = "",
    after: int | None = None,
    source: str = "ui",
) -> None:
    """Save a version of a policy and judge stored runs again.

    Raises:
        RefusedError: the project's policies are applied from files, or somebody saved another version meanwhile.
    """
    managed = managed_by(desk, project)
    if managed:
        raise RefusedError(f"The policies of this project are applied from {managed}; change them there.")
    workflow = found.workflow_id
    clean = redacted(desk, project, note)
    record(desk, caller, "policy_change", workflow, project, {"digest": found.version})
    desk.services.ledger.policies.save(
        project, workflow, found.version, text, author=caller.actor, source=source, note=clean, after=after
    )
    desk.services.judge_workflow(project, workflow)


def managed_by(desk: Desk, project: str) -> str:
    """The folder that a project's policies are applied from; empty when they are edited on the page."""
    return str(desk.services.ledger.settings.get(MANAGED + project, "") or "")


def _parsed(workflow: str, text: str) -> Policy:
    found = parse_policy(text)
    if found.workflow_id != workflow:
        raise PolicyFileError(
            f"policy.yaml: workflow_id is {found.workflow_id[:60]!r}, but this is the policy of {workflow[:60]!r}."
        )
    return found


def _with_allow_list(desk: Desk, project: str, workflow: str, text: str) -> str:
    """The text with an allow-list of the tools that were used; those of the other lists are left out."""
    query = RunQuery(project, workflow=None if workflow == EVERY else workflow)
    used = [tool.tool for tool in desk.services.store.used_tools(query)]
    try:
        known = parse_policy(text)
        others = {*known.denied_tools, *known.require_approval}
    except PolicyFileError:
        others = set()
    names = sorted(tool for tool in used if tool not in others)
    return with_entry(text or new_text(workflow), "allowed_tools", list_value(names))


def recent_runs(desk: Desk, project: str, workflow: str, limit: int = AUDITED_RUNS) -> tuple[Assembly, ...]:
    """The last runs of a workflow (or of all, for `*`) with their steps."""
    store = desk.services.store
    query = RunQuery(project, workflow=None if workflow == EVERY else workflow, shape=COUNTED_SHAPES)
    return store.read_assemblies(project, store.run_ids(query, limit))


def _page(
    desk: Desk,
    request: Request,
    caller: Caller,
    place: Place,
    workflow: str,
    text: str,
    *,
    error: str = "",
    checked: bool = False,
    shown: int = 0,
    saved: bool = False,
    said: str = "",
) -> Response:
    ledger = desk.services.ledger
    versions = ledger.policies.versions(place.project, workflow[:MOST_NAME])
    audited, changed = (
        (None, None) if error else _audits(desk, place, workflow, text, versions[0].text if versions else "")
    )
    page = build_policy(
        place,
        workflow,
        text=text,
        versions=versions,
        names=_names(desk),
        error=error,
        checked=checked,
        may_edit=caller.may(Permission.ADMINISTER),
        managed=managed_by(desk, place.project),
        audited=audited,
        changed=changed if checked else None,
        shown=shown,
        saved=saved,
        said=said,
    )
    title = "Policy for all" if workflow == EVERY else f"Policy of {workflow}"
    frame = desk.frame(request, caller, place, title, active="policies")
    return desk.page(request, "policy.html", frame, page, 400 if error else 200)


def _audits(
    desk: Desk, place: Place, workflow: str, text: str, in_force: str
) -> tuple[PolicyAudit | None, PolicyChange | None]:
    if not text.strip():
        return None, None
    runs = recent_runs(desk, place.project, workflow)
    if not runs:
        return None, None
    try:
        after = audit(parse_policy(text), runs)
    except PolicyFileError:
        return None, None
    try:
        before = audit(parse_policy(in_force), runs) if in_force.strip() else audit(Policy(workflow), runs)
    except PolicyFileError:
        before = audit(Policy(workflow), runs)
    return after, change(before, after)


def _names(desk: Desk) -> dict[str, str]:
    ledger = desk.services.ledger
    names = {f"member:{m.member_id}": m.name for m in ledger.members.list()}
    return names | {f"key:{k.key_id}": f"key {k.name}" for k in ledger.keys.list()}
