"""Near misses: the list on three tabs, one kind opened, reviews, patterns, the weekly review."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import PlainTextResponse, Response

from insights.attempts import tool_calls
from insights.near_misses import BEFORE_NS, Ranked, rank
from spans.attempts import AttemptReason
from spans.errors import RefusedError
from spans.ids import RunId
from spans.kinds import ToolOutcome
from spans.roles import Permission
from spans.run import Step
from store.judged import AttemptQuery, AttemptRow
from store.ledger.reviews import Review
from web.callers import Caller, Reader, Reviewer
from web.conversation import Conversation, build_conversation
from web.conversation_parts import cut_until
from web.desk import Desk
from web.evidence import read_steps
from web.pages.near_misses import (
    WeekPage,
    build_kind,
    build_near_misses,
    build_week,
    loosened_href,
    review_of,
    week_markdown,
)
from web.places import Place, TimeRange
from web.routes.common import desk_of, go, record
from web.routes.judging import MOST_NAME, redacted
from web.waterfall import step_state

router = APIRouter()

LISTED = 50
STEPS_SHOWN = 400
"""Steps before the attempt whose content is read."""
WEEK_NS = 7 * 86_400 * 1_000_000_000


def ranked_kinds(desk: Desk, place: Place, *, workflow: str | None = None) -> tuple[Ranked, ...]:
    """Kinds of attempts of a place, new ones first, then by risk."""
    query = AttemptQuery(
        place.project,
        place.range.since_ns,
        place.range.until_ns,
        environment=place.environment or None,
        workflow=workflow,
    )
    groups = desk.services.store.attempt_groups(query, BEFORE_NS)
    return rank(groups, place.range.since_ns, place.range.length_ns)


def blind_of(desk: Desk, place: Place) -> tuple[str, ...]:
    """Workflows of a place that send no content."""
    query = desk.query(place)
    key = ("blind", place.project, place.environment, place.range.key or place.range.since_ns)
    found: tuple[str, ...] = desk.recent.get(key, lambda: desk.services.store.blind_workflows(query))
    return found


@router.get("/near-misses")
def near_misses(request: Request, caller: Reader, kind: str = "") -> Response:
    """Kinds of attempts."""
    desk = desk_of(request)
    place = desk.judged_place(request, caller)
    ledger = desk.services.ledger
    page = build_near_misses(
        place,
        ranked_kinds(desk, place),
        tab=kind,
        reviews=ledger.reviews.newest(place.project),
        blind=blind_of(desk, place),
        patterns=ledger.reviews.patterns(place.project),
        may_review=caller.may(Permission.REVIEW),
    )
    frame = desk.frame(request, caller, place, "Near misses", active="near-misses")
    return desk.page(request, "near_misses.html", frame, page)


@router.get("/near-misses/week")
def week(request: Request, caller: Reader) -> Response:
    """The weekly review."""
    desk = desk_of(request)
    place = _week_of(desk.judged_place(request, caller))
    frame = desk.frame(request, caller, place, "Weekly review", active="near-misses")
    return desk.page(request, "near_misses_week.html", frame, _week(desk, place))


@router.get("/near-misses/week.md")
def week_as_markdown(request: Request, caller: Reader) -> Response:
    """The weekly review to send around."""
    desk = desk_of(request)
    place = _week_of(desk.judged_place(request, caller))
    record(desk, caller, "export", "near-misses/week.md", place.project)
    text = week_markdown(_week(desk, place), desk.services.endpoints.public_url)
    return PlainTextResponse(text, media_type="text/markdown; charset=utf-8")


def _week_of(place: Place) -> Place:
    """The seven days that end where the range ends."""
    key = "7d" if place.range.key else ""
    return replace(place, range=TimeRange(place.range.until_ns - WEEK_NS, place.range.until_ns, key))


def _week(desk: Desk, place: Place) -> WeekPage:
    store = desk.services.store
    before = place.range.previous()
    query = AttemptQuery(place.project, before.since_ns, before.until_ns, environment=place.environment or None)
    runs = desk.query(place)
    earlier = replace(runs, since_ns=before.since_ns, until_ns=before.until_ns)
    return build_week(
        place,
        ranked_kinds(desk, place),
        store.attempt_groups(query, 0),
        runs=store.totals(runs).runs,
        runs_before=store.totals(earlier).runs,
        reviews=desk.services.ledger.reviews.newest(place.project),
        blind=blind_of(desk, place),
    )


@router.get("/near-misses/kind")
def kind(request: Request, caller: Reader) -> Response:
    """One kind: its attempts, the conversation up to one of them, what followed, the review.

    A kind lives in one environment: where none is chosen, the gravest is shown, and its attempts alone.
    """
    desk = desk_of(request)
    place = desk.place(request, caller)
    asked = request.query_params
    params = {
        name: asked.get(name, "")[:MOST_NAME] for name in ("workflow", "kind", "reason", "tool", "rule", "args", "env")
    }
    query = AttemptQuery(
        place.project,
        place.range.since_ns,
        place.range.until_ns,
        environment=place.environment or ("" if params["env"] == "-" else None),
        workflow=params["workflow"],
        kind=params["kind"],
        tool=params["tool"],
        rule="" if params["rule"] == "-" else params["rule"],
        reason=params["reason"],
        shape="" if params["args"] == "-" else params["args"],
    )
    store = desk.services.store
    groups = rank(store.attempt_groups(query, BEFORE_NS), place.range.since_ns, place.range.length_ns)
    ranked = groups[0] if groups else None
    if ranked is not None:
        query = replace(query, environment=ranked.group.environment)
        params["env"] = "" if ranked.group.environment else "-"
    rows = store.attempts(query, LISTED)
    wanted = asked.get("at", "")
    shown = next((r for r in rows if f"{r.run_id}.{r.span_id}" == wanted), rows[0] if rows else None)
    conversation, after = _around(desk, caller, place, shown) if shown else (None, ())
    key = ranked.key if ranked is not None else asked.get("key", "")[:16]
    reviews = desk.services.ledger.reviews.newest(place.project)
    reviewed = review_of(reviews, ranked) if ranked is not None else reviews.get(key)
    page = build_kind(
        replace(place, environment=query.environment or ""),
        ranked=ranked,
        params=params,
        key=key,
        rows=rows,
        shown=shown,
        conversation=conversation,
        after=after,
        reviewed=reviewed,
        reviewer=_name(desk, reviewed.author) if reviewed else "",
        suggestion="" if params["rule"] == "-" else params["rule"],
        may_review=caller.may(Permission.REVIEW),
        whatif_href=loosened_href(place, params),
    )
    frame = desk.frame(request, caller, place, page.title, active="near-misses")
    return desk.page(request, "near_miss.html", frame, page)


def _around(
    desk: Desk, caller: Caller, place: Place, row: AttemptRow
) -> tuple[Conversation | None, tuple[tuple[str, str, str, str], ...]]:
    """The conversation up to an attempt, and the calls that came after it."""
    store = desk.services.store
    steps = store.read_steps(place.project, RunId(row.run_id))
    at = next((s for s in steps if s.span_id == row.span_id), None)
    if at is None:
        return None, ()
    record(desk, caller, "content_read", row.run_id, place.project, {"part": "near miss"})
    told = tuple(s for s in steps if s.ordinal <= at.ordinal)[-STEPS_SHOWN:]
    contents = read_steps(store, place.project, told, RunId(row.run_id))
    whole = build_conversation(told, contents.by_span(told), most=None)
    newest = cut_until(whole.turns, len(whole.turns))
    conversation = replace(whole, turns=newest.turns, cut=newest.first)
    later = [c for c in tool_calls(steps) if c.ordinal > at.ordinal][:20]
    return conversation, tuple(_after(place, row, at, call) for call in later)


def _after(place: Place, row: AttemptRow, at: Step, call: Step) -> tuple[str, str, str, str]:
    same = call.tool_name == at.tool_name
    if same:
        words = "the same call again" if call.tool_arguments_hash == at.tool_arguments_hash else "with other arguments"
    else:
        words = ""
    outcome = (call.tool_outcome or ToolOutcome.OK).value.replace("_", " ")
    mark = step_state(call)[0]
    said = f"{words}, {outcome}" if words else outcome
    return mark, call.tool_name or call.name, said, place.url(f"/runs/{row.run_id}", span=call.span_id)


@router.post("/near-misses/review")
def review(
    request: Request,
    caller: Reviewer,
    key: Annotated[str, Form()],
    answer: Annotated[str, Form()],
    back: Annotated[str, Form()] = "/near-misses",
    note: Annotated[str, Form()] = "",
    workflow: Annotated[str, Form()] = "",
    tool: Annotated[str, Form()] = "",
    text: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Say what a kind of near miss is; "not a near miss" teaches a pattern and judges stored runs again.

    The pattern is about the kind's reason alone, and about words or a tool: without either it would hide everything.
    """
    desk = desk_of(request)
    place = desk.place(request, caller)
    try:
        said = Review(answer)
    except ValueError:
        raise RefusedError(f"A review is one of {', '.join(r.value for r in Review)}.") from None
    if len(key) != 16:
        raise RefusedError("That is not a kind of near miss that this page lists.")
    ledger, teaches = desk.services.ledger, said is Review.NOT_A_NEAR_MISS
    why = ""
    if teaches:
        why = reason or next((r.group.reason for r in ranked_kinds(desk, place) if r.key == key), "")
        if why == AttemptReason.POLICY_FILE:
            raise RefusedError("The policy file says so, and no pattern changes that: change the policy.")
        if why and why not in set(AttemptReason):
            raise RefusedError(f"A reason is one of {', '.join(AttemptReason)}.")
        if not (text.strip() or (tool.strip() and why)):
            raise RefusedError("Write the words that the error or the rule holds: without them it would hide too much.")
    # Redaction may be away for a moment: both texts before anything is written.
    clean_note = redacted(desk, place.project, note)
    clean = redacted(desk, place.project, text) if teaches else ""
    record(
        desk, caller, "review", f"near miss {key}", place.project, {"review": said.value, "workflow": workflow[:200]}
    )
    ledger.reviews.add(place.project, key, said, author=caller.actor, note=clean_note)
    if teaches:
        _teach(desk, caller, place.project, workflow, tool, clean, counts=False, reason=why)
        return go(request, "/near-misses")
    return go(request, back)


@router.post("/near-misses/teach")
def teach(
    request: Request,
    caller: Reviewer,
    text: Annotated[str, Form()] = "",
    tool: Annotated[str, Form()] = "",
    workflow: Annotated[str, Form()] = "",
    counts: Annotated[int, Form()] = 1,
) -> Response:
    """Teach a pattern."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    if not (text.strip() or (tool.strip() and not counts)):
        raise RefusedError("Write the words that the error or the rule holds.")
    clean = redacted(desk, place.project, text)
    record(desk, caller, "rule_change", "near-miss pattern", place.project, {"counts": str(bool(counts))})
    _teach(desk, caller, place.project, workflow, tool, clean, counts=bool(counts))
    return go(request, place.url("/near-misses").removeprefix(place.root))


@router.post("/near-misses/forget")
def forget(request: Request, caller: Reviewer, pattern: Annotated[int, Form()]) -> Response:
    """Forget a pattern."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    ledger = desk.services.ledger
    known = next((p for p in ledger.reviews.patterns(place.project) if p.pattern_id == pattern), None)
    record(desk, caller, "rule_change", "near-miss pattern forgotten", place.project)
    ledger.reviews.remove_pattern(place.project, pattern)
    if known is not None:
        desk.services.judge_workflow(place.project, known.workflow or "*")
    return go(request, place.url("/near-misses").removeprefix(place.root))


def _teach(
    desk: Desk,
    caller: Caller,
    project: str,
    workflow: str,
    tool: str,
    clean: str,
    *,
    counts: bool,
    reason: str = "",
) -> None:
    desk.services.ledger.reviews.add_pattern(
        project,
        workflow=workflow.strip()[:MOST_NAME],
        tool=tool.strip()[:MOST_NAME],
        text=clean,
        counts=counts,
        author=caller.actor,
        reason=reason,
    )
    desk.services.judge_workflow(project, workflow.strip() or "*")


def _name(desk: Desk, actor: str) -> str:
    ledger = desk.services.ledger
    names = {f"member:{m.member_id}": m.name for m in ledger.members.list()}
    names |= {f"key:{k.key_id}": f"key {k.name}" for k in ledger.keys.list()}
    return names.get(actor, actor)
