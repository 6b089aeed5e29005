"""Alert rules and channels: what people configure, tried on history before it is saved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from insights.alerts.rule import ANY, Rule, RuleType, Severity
from insights.alerts.rule_file import fields_of, parse_rule, rule_yaml
from insights.alerts.targets import apprise_scheme, webhook_host
from insights.yaml_place import YamlFileError
from spans.errors import NotFoundError, RefusedError
from spans.roles import Permission
from store.api import RunQuery
from web.callers import Admin, Caller, Reader, Reviewer
from web.desk import Desk
from web.pages.alert_rules import STARTERS, build_alert_rule, build_alert_rules, example_rule
from web.pages.channels import KINDS, build_channels
from web.pages.rule_form import Posted, RuleForm, build_form, text_of, values_of
from web.places import DEMO_PROJECT, SECOND_NS, Place
from web.routes.common import actor_names, desk_of, go, record

router = APIRouter()

HISTORY_NS = 30 * 86_400 * SECOND_NS
BACKTEST_DAYS = (7, 14, 30)
MOST_WORKFLOWS = 200
MOST_FIELD = 400
LONGEST_SILENCE_S = 90 * 86_400
SOURCE = "alerts.source"
"""Setting that says where a project's rules come from: `file` once a file was applied."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_ENV = re.compile(r"env:[A-Z][A-Z0-9_]{0,63}")


@router.get("/alert-rules")
def alert_rules(request: Request, caller: Reader) -> Response:
    """What fires now, the rules, the latest state changes."""
    return _list(request, caller)


def _list(request: Request, caller: Caller, *, error: str = "", kept: Mapping[str, str] | None = None) -> Response:
    desk = desk_of(request)
    place = desk.place(request, caller)
    ledger, now_ns = desk.services.ledger, desk.services.clock_ns()
    rules, errors = [], dict(desk.services.rule_errors(place.project))
    for version in ledger.alert_rules.list(place.project):
        try:
            rules.append((parse_rule(version.body, file=version.rule_id), version.changed_by, version.changed_ns))
        except YamlFileError as problem:
            errors[version.rule_id] = str(problem)
    workflows = desk.services.store.values(
        RunQuery(place.project, since_ns=now_ns - HISTORY_NS), "workflow", MOST_WORKFLOWS
    )
    page = build_alert_rules(
        place,
        rules,
        alerts=ledger.alerts.load(place.project),
        flips=ledger.alerts.flips(place.project, since_ns=now_ns - HISTORY_NS, limit=5_000),
        silences=ledger.alert_rules.silences(place.project),
        channels=ledger.channels.list(place.project),
        workflows=[name for name, _ in workflows if name],
        errors=errors,
        may_change=caller.may(Permission.ADMINISTER),
        locked=_locked(desk, place.project),
        now_ns=now_ns,
        error=error,
        kept=kept,
    )
    frame = desk.frame(request, caller, place, "Alert rules", active="alert-rules")
    return desk.page(request, "alert_rules.html", frame, page, 400 if error else 200)


@router.post("/alert-rules/quick")
def quick(
    request: Request,
    caller: Admin,
    workflow: Annotated[str, Form()] = ANY,
    usd: Annotated[str, Form()] = "",
    per: Annotated[str, Form()] = "1d",
    differs: Annotated[str, Form()] = "",
    to: Annotated[str, Form()] = "",
) -> Response:
    """Tell me when this workflow spends more than that, or behaves differently: two rules from one short form."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    _refuse_locked(desk, place.project)
    kept = {"workflow": workflow, "usd": usd, "per": per, "differs": differs, "to": to}
    try:
        rules = _quick_rules(workflow, usd.strip().lstrip("$"), per, to, differs=bool(differs))
    except RefusedError as problem:
        return _list(request, caller, error=str(problem), kept=kept)
    for rule in rules:
        record(desk, caller, "rule_change", rule.rule_id, place.project, {"did": "save"})
        desk.services.ledger.alert_rules.put(place.project, rule.rule_id, rule_yaml(rule), caller.actor)
    return go(request, place.url("/alert-rules"))


def _quick_rules(workflow: str, usd: str, per: str, to: str, *, differs: bool) -> tuple[Rule, ...]:
    channels = (to,) if to else ()
    slug = "any" if workflow == ANY else re.sub(r"[^a-z0-9]+", "-", workflow.lower()).strip("-")[:40] or "workflow"
    found = []
    if usd:
        try:
            amount = float(usd)
        except ValueError:
            amount = -1.0
        if not 0 < amount < 1e9:
            raise RefusedError(f"{usd[:40]!r} is not an amount of dollars; write it like 50.")
        if per not in {"1h", "1d"}:
            raise RefusedError("The amount is per hour or per day.")
        window_s = 3_600 if per == "1h" else 86_400
        found.append(
            Rule(
                f"spend-{slug}",
                RuleType.THRESHOLD,
                workflow=workflow,
                metric="cost_usd",
                above=amount,
                window_s=window_s,
                severity=Severity.PAGE,
                to=channels,
            )
        )
    if differs:
        found.append(Rule(f"drift-{slug}", RuleType.DRIFT, workflow=workflow, to=channels))
    if not found:
        raise RefusedError("Say an amount of dollars, or that it should be told when it behaves differently.")
    return tuple(found)


@router.post("/alert-rules/starters")
def starters(request: Request, caller: Admin, to: Annotated[str, Form()] = "") -> Response:
    """Add the rules every team wants, for the kinds it has none of yet."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    _refuse_locked(desk, place.project)
    ledger = desk.services.ledger
    known = {version.rule_id for version in ledger.alert_rules.list(place.project)}
    channels = ledger.channels.list(place.project)
    chosen = to or (channels[0].name if channels else "")
    for text in STARTERS:
        rule = parse_rule(text)
        if rule.rule_id not in known:
            body = rule_yaml(_with_channels(rule, (chosen,) if chosen else ()))
            record(desk, caller, "rule_change", rule.rule_id, place.project, {"did": "save"})
            ledger.alert_rules.put(place.project, rule.rule_id, body, caller.actor)
    return go(request, place.url("/alert-rules"))


def _with_channels(rule: Rule, to: tuple[str, ...]) -> Rule:
    return replace(rule, to=to)


@router.get("/alert-rules/new")
def new_rule(
    request: Request, caller: Admin, kind: Annotated[RuleType, Query(alias="type")] = RuleType.THRESHOLD
) -> Response:
    """The form of a kind, with an example in it, or with what the address says (as *Make it a limit* does)."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    channels = [channel.name for channel in desk.services.ledger.channels.list(place.project)]
    asked = request.query_params
    if asked.get("id"):
        filled = {name: tuple(t[:MOST_FIELD] for t in asked.getlist(name)) for name in fields_of(kind) if name in asked}
        filled = {"to": tuple(channels[:1]), "enabled": ("on",), **filled}
        return _editor(request, caller, "", text_of(kind, filled), posted=(kind, filled), is_new=True, try_it=True)
    return _editor(request, caller, "", rule_yaml(example_rule(kind, channels)), is_new=True)


@router.get("/alert-rules/{rule_id}")
def one_rule(request: Request, caller: Reader, rule_id: str, days: int = 14) -> Response:
    """One rule with what it would have done."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    found = {version.rule_id: version for version in desk.services.ledger.alert_rules.list(place.project)}
    if rule_id not in found:
        raise NotFoundError(f"There is no alert rule {rule_id[:64]!r} in project {place.project!r}.")
    return _editor(request, caller, rule_id, found[rule_id].body, days=days, try_it=True)


def _editor(
    request: Request,
    caller: Caller,
    rule_id: str,
    body: str,
    *,
    posted: tuple[RuleType, Posted] | None = None,
    is_new: bool = False,
    error: str = "",
    days: int = 14,
    try_it: bool = False,
) -> Response:
    desk = desk_of(request)
    place = desk.place(request, caller)
    services = desk.services
    rule: Rule | None = None
    try:
        rule = parse_rule(body)
    except YamlFileError as problem:
        error = error or str(problem)
    days = days if days in BACKTEST_DAYS else 14
    episodes = None
    if try_it and rule is not None and services.backtest is not None:
        episodes = services.backtest(place.project, rule, days)
    names = actor_names(desk)
    versions = services.ledger.alert_rules.versions(place.project, rule_id) if rule_id else ()
    shown = (rule.type, values_of(rule)) if rule else posted
    page = build_alert_rule(
        place,
        rule_id=rule_id,
        body=body,
        rule=rule,
        form=_form(desk, place, *shown) if shown else None,
        error=error,
        episodes=episodes,
        days=days,
        versions=[(v.version, v.changed_ns, names.get(v.changed_by, v.changed_by)) for v in versions],
        is_new=is_new,
        may_change=caller.may(Permission.ADMINISTER),
        locked=_locked(desk, place.project),
        now_ns=services.clock_ns(),
    )
    title = "New alert rule" if is_new else rule_id
    frame = desk.frame(request, caller, place, title, active="alert-rules")
    return desk.page(request, "alert_rule.html", frame, page, 400 if error else 200)


def _form(desk: Desk, place: Place, kind: RuleType, values: Posted) -> RuleForm:
    services = desk.services
    known = services.store.values(
        RunQuery(place.project, since_ns=services.clock_ns() - HISTORY_NS), "workflow", MOST_WORKFLOWS
    )
    channels = [channel.name for channel in services.ledger.channels.list(place.project)]
    return build_form(kind, values, channels=channels, workflows=[name for name, _ in known if name])


async def _posted(request: Request) -> Posted:
    form = await request.form()
    return {name: tuple(str(value) for value in form.getlist(name)) for name in form}


@router.post("/alert-rules/save")
def save_rule(
    request: Request,
    caller: Admin,
    fields: Annotated[Posted, Depends(_posted)],
    body: Annotated[str, Form()] = "",
    kind: Annotated[RuleType | None, Form(alias="type")] = None,
    rule_id: Annotated[str, Form()] = "",
    did: Annotated[str, Form()] = "save",
    days: Annotated[int, Form()] = 14,
) -> Response:
    """Try a rule on history, or save it; nothing is saved that cannot be read.

    It comes as the file's text (`body`) or as the fields of a form (with its `type`).
    """
    desk = desk_of(request)
    place = desk.place(request, caller)
    posted = None if kind is None else (kind, {"enabled": ("off",), **fields})
    text = text_of(*posted) if posted else body.replace("\r\n", "\n")
    if did == "try":
        return _editor(request, caller, rule_id, text, posted=posted, is_new=not rule_id, days=days, try_it=True)
    _refuse_locked(desk, place.project)
    try:
        rule = parse_rule(text)
        _check_channels(desk, place.project, rule)
    except RefusedError as problem:
        return _editor(request, caller, rule_id, text, posted=posted, is_new=not rule_id, error=str(problem))
    record(desk, caller, "rule_change", rule.rule_id, place.project, {"did": "save"})
    ledger = desk.services.ledger
    if rule_id and rule_id != rule.rule_id:
        ledger.alert_rules.remove(place.project, rule_id, caller.actor)
    ledger.alert_rules.put(place.project, rule.rule_id, text, caller.actor)
    return go(request, place.url("/alert-rules"))


def _check_channels(desk: Desk, project: str, rule: Rule) -> None:
    known = {channel.name for channel in desk.services.ledger.channels.list(project)}
    missing = [name for name in rule.to if name not in known and name != "owner"]
    if missing:
        raise RefusedError(
            f"There is no channel {missing[0]!r}. Make it on the Channels page first; owner means the policy's own."
        )


@router.post("/alert-rules/remove")
def remove_rule(request: Request, caller: Admin, rule_id: Annotated[str, Form()]) -> Response:
    """End a rule; its history stays."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    _refuse_locked(desk, place.project)
    record(desk, caller, "rule_change", rule_id, place.project, {"did": "remove"})
    desk.services.ledger.alert_rules.remove(place.project, rule_id, caller.actor)
    return go(request, place.url("/alert-rules"))


@router.post("/alert-rules/silence")
def silence(
    request: Request,
    caller: Reviewer,
    reason: Annotated[str, Form()] = "",
    hours: Annotated[int, Form()] = 24,
    rule_id: Annotated[str, Form()] = ANY,
    workflow: Annotated[str, Form()] = ANY,
) -> Response:
    """Send nothing for a while; it has a reason and an end."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    if not reason.strip():
        raise RefusedError("A silence has a reason, so that somebody knows later why nothing came.")
    if not 0 < hours * 3_600 <= LONGEST_SILENCE_S:
        raise RefusedError("A silence lasts at least an hour and at most 90 days.")
    services = desk.services
    said = services.redact_text(place.project, " ".join(reason.split())[:200])
    record(desk, caller, "rule_change", rule_id, place.project, {"did": "silence", "workflow": workflow})
    until = services.clock_ns() + hours * 3_600 * SECOND_NS
    services.ledger.alert_rules.silence(place.project, rule_id, workflow, until, said, caller.actor)
    return go(request, place.url("/alert-rules"))


@router.post("/alert-rules/end-silence")
def end_silence(request: Request, caller: Reviewer, silence_id: Annotated[str, Form()]) -> Response:
    """Let it be heard again."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    record(desk, caller, "rule_change", silence_id, place.project, {"did": "end silence"})
    desk.services.ledger.alert_rules.end_silence(place.project, silence_id)
    return go(request, place.url("/alert-rules"))


@router.get("/channels")
def channels(request: Request, caller: Admin) -> Response:
    """Where messages go."""
    return _channels(request, caller)


def _channels(request: Request, caller: Caller, *, secret: str = "", secret_of: str = "", error: str = "") -> Response:
    desk = desk_of(request)
    place = desk.place(request, caller)
    ledger = desk.services.ledger
    page = build_channels(
        ledger.channels.list(place.project),
        ledger.outbox.list(place.project),
        secret=secret,
        secret_of=secret_of,
        error=error,
        is_demo=place.project == DEMO_PROJECT,
    )
    return desk.page(
        request,
        "channels.html",
        desk.frame(request, caller, place, "Channels", active="settings"),
        page,
        400 if error else 200,
    )


@router.post("/channels/save")
def save_channel(
    request: Request,
    caller: Admin,
    name: Annotated[str, Form()],
    kind: Annotated[str, Form()],
    address: Annotated[str, Form()],
    min_severity: Annotated[str, Form()] = Severity.TICKET.value,
) -> Response:
    """Make or re-aim a channel, and send it a test message."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    name, address = name.strip().lower(), address.strip()
    try:
        _check_channel(desk, name, kind, address)
    except RefusedError as problem:
        return _channels(request, caller, error=str(problem))
    loud = Severity.PAGE if min_severity == Severity.PAGE.value else Severity.TICKET
    record(desk, caller, "rule_change", f"channel {name}", place.project, {"did": "save", "kind": kind})
    ledger = desk.services.ledger
    secret = ledger.channels.put(place.project, name, kind, address, loud.value)
    _send_test(desk, place, name)
    return _channels(request, caller, secret=secret, secret_of=name if secret else "")


def _check_channel(desk: Desk, name: str, kind: str, address: str) -> None:
    if not _NAME.fullmatch(name) or name == "owner":
        raise RefusedError("A channel's name is small letters, digits, dots and dashes, such as payments-oncall.")
    if kind not in {key for key, _ in KINDS}:
        raise RefusedError(f"A channel is one of {', '.join(key for key, _ in KINDS)}.")
    if _ENV.fullmatch(address):
        return
    if address.startswith(("env:", "file:")):
        if address.startswith("file:/"):
            return
        raise RefusedError("Write env:NAME_OF_A_VARIABLE or file:/path/to/a/file.")
    if kind == "webhook":
        host, port = webhook_host(address)
        desk.services.check_target(host, port)
    else:
        apprise_scheme(address)


@router.post("/channels/test")
def test_channel(request: Request, caller: Admin, name: Annotated[str, Form()]) -> Response:
    """Send a test message."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    record(desk, caller, "rule_change", f"channel {name}", place.project, {"did": "test"})
    _send_test(desk, place, name)
    return go(request, place.url("/channels"))


def _send_test(desk: Desk, place: Place, name: str) -> None:
    if place.project != DEMO_PROJECT:
        desk.services.ledger.outbox.put_test(
            place.project, name, "This is a test message from tracetape. The channel works."
        )


@router.post("/channels/remove")
def remove_channel(request: Request, caller: Admin, name: Annotated[str, Form()]) -> Response:
    """Forget a channel and its secret."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    record(desk, caller, "rule_change", f"channel {name}", place.project, {"did": "remove"})
    desk.services.ledger.channels.remove(place.project, name)
    return go(request, place.url("/channels"))


@router.post("/channels/again")
def send_again(request: Request, caller: Admin, message_id: Annotated[int, Form()]) -> Response:
    """Send a dead letter once more."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    record(desk, caller, "rule_change", f"message {message_id}", place.project, {"did": "send again"})
    found = desk.services.ledger.outbox.get(message_id)
    if found is None or found.project != place.project:
        raise NotFoundError(f"There is no message {message_id} in project {place.project!r}.")
    desk.services.ledger.outbox.again(message_id)
    return go(request, place.url("/channels"))


def _locked(desk: Desk, project: str) -> str:
    source = str(desk.services.ledger.settings.get(f"{SOURCE}.{project}", ""))
    return "These rules come from a file (tracetape alerts apply); change them there." if source == "file" else ""


def _refuse_locked(desk: Desk, project: str) -> None:
    if locked := _locked(desk, project):
        raise RefusedError(locked)
