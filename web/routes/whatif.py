"""What a candidate policy would have meant for stored runs: page and JSON."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from insights.policy_drafts import loosened
from insights.policy_file import parse_policy
from spans.errors import RefusedError
from spans.whatif import Change, WhatIf
from web.callers import Reader
from web.filters import parse_filters
from web.pages.whatif import build_whatif, sentence_of
from web.routes.api import answer
from web.routes.common import desk_of
from web.routes.judging import MOST_NAME

router = APIRouter()

MOST_POLICY = 60_000


@router.get("/whatif")
def whatif_page(request: Request, caller: Reader, workflow: str = "", loosen: str = "", rule: str = "") -> Response:
    """The form: what would this policy have meant? With `loosen` or `rule`, the answer for the policy without what stops them."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    frame = desk.frame(request, caller, place, "What if", active="policies")
    if not workflow or not (loosen or rule):
        return desk.page(request, "whatif.html", frame, build_whatif(place, ""))
    versions = desk.services.ledger.policies.current(place.project)
    draft = loosened(versions, workflow[:MOST_NAME], loosen[:MOST_NAME], rule[:MOST_NAME])
    try:
        parsed = parse_policy(draft.text)
    except RefusedError as error:
        return desk.page(request, "whatif.html", frame, build_whatif(place, draft.text, error=str(error)))
    found = desk.services.store.what_if(desk.query(place), parsed)
    return desk.page(request, "whatif.html", frame, build_whatif(place, draft.text, parsed, found, said=draft.words))


@router.post("/whatif")
def whatif_answer(request: Request, caller: Reader, policy: Annotated[str, Form()] = "") -> Response:
    """The answer, over the runs of the range."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    frame = desk.frame(request, caller, place, "What if", active="policies")
    text = policy[:MOST_POLICY]
    try:
        parsed = parse_policy(text)
    except RefusedError as error:
        return desk.page(request, "whatif.html", frame, build_whatif(place, text, error=str(error)), 400)
    found = desk.services.store.what_if(desk.query(place), parsed)
    return desk.page(request, "whatif.html", frame, build_whatif(place, text, parsed, found))


@router.post("/api/v1/whatif/policy")
async def whatif_json(request: Request, caller: Reader) -> Response:
    """The same as JSON: the body is the policy file, the address selects the runs as `/api/v1/runs` does."""
    desk = desk_of(request)
    place = desk.place(request, caller)
    body = (await request.body())[:MOST_POLICY]
    parsed = parse_policy(body.decode("utf-8", "replace"))
    query = parse_filters(request.query_params, desk.query(place))

    def told() -> WhatIf:
        return desk.services.store.what_if(desk.typed.clean(query), parsed)

    found = await run_in_threadpool(told)
    return answer({**whatif_told(found), "workflow_id": parsed.workflow_id, "policy_version": parsed.version})


def whatif_told(found: WhatIf) -> dict[str, object]:
    """An answer as JSON: amounts as decimal strings, examples by their fields."""
    return {
        "sentence": sentence_of(found),
        "runs": found.runs,
        "calls": found.calls,
        "cut": {
            "runs": found.cut_runs,
            "successful_runs": found.cut_successful,
            "value_usd": f"{found.cut_value_usd:f}",
        },
        "kinds": found.kinds,
        "groups": [
            {
                "change": g.change.value,
                "tool": g.tool,
                "rule": g.rule or None,
                "arguments_shape": g.shape or None,
                "calls": g.calls,
                **(
                    {"runs": g.runs, "successful_runs": g.successful_runs, "distinct_arguments": g.arguments}
                    if g.change is not Change.UNCHANGED  # those are only counted
                    else {"runs": None, "successful_runs": None, "distinct_arguments": None}
                ),
                "examples": [{"run_id": run_id, "span_id": span_id} for run_id, span_id in g.examples],
            }
            for g in found.groups
        ],
        "limits": [
            {
                "rule": g.rule,
                "runs": g.runs,
                "successful_runs": g.successful_runs,
                "saved_usd": f"{g.saved_usd:f}",
                "cannot_evaluate": g.cannot_evaluate,
                "examples": [
                    {
                        "run_id": s.run_id,
                        "span_id": s.span_id or None,
                        "call": s.call,
                        "after_s": round(s.after_ns / 1e9, 3),
                        "saved_usd": f"{s.saved_usd:f}",
                    }
                    for s in g.examples
                ],
            }
            for g in found.limits
        ],
    }
