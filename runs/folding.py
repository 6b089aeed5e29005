"""Folds log records onto the spans they belong to; a call that only logs tell of gets a step of its own."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from msgspec import structs

from runs.gaps import PROVIDER_STATE
from spans.facts import AnsweredCall, AskedCall, SpanFacts, ToolFacts
from spans.ids import SpanId
from spans.kinds import SpanKind, Verdict

CALLS = frozenset({"details", "choice", "message", "content", "call", "tool_result"})
"""Logs that by themselves prove that something happened."""
LOGS_ONLY = "logs only"
"""The kind rule of a step that no span was sent for."""
_OF_A_CALL = frozenset({"tool_result", "decision"})
"""Logs about one tool call, which they name by its id."""
_TEXTS = (
    "provider", "framework", "request_model", "response_model", "response_id", "session_id", "user_id", "workflow",
    "workflow_version", "agent_id", "agent_name", "agent_version", "prompt_name", "prompt_version", "prompt_hash",
    "error_type", "error_message", "input_preview", "output_preview",
)  # fmt: skip

_WHOLES = (
    "usage",
    "reported_cost",
    "finish_reasons",
    "has_input",
    "has_output",
    "has_system",
    "tools_offered",
    "withheld",
)


def fold(spans: Mapping[SpanId, SpanFacts], logs: Iterable[SpanFacts]) -> tuple[dict[SpanId, SpanFacts], set[SpanId]]:
    """Facts with their logs folded in, and the ids of steps that no span was sent for.

    Args:
        spans: Winning facts of spans.
        logs: Facts of logs in a fixed order; which of both came first plays no part.
    """
    found = dict(spans)
    waiting: dict[SpanId, list[SpanFacts]] = {}
    spoken: dict[SpanId, list[SpanFacts]] = {}
    for log in logs:
        if log.fold == "message":
            spoken.setdefault(log.span_id, []).append(log)
        if log.span_id in found:
            found[log.span_id] = fold_one(found[log.span_id], log)
        else:
            waiting.setdefault(log.span_id, []).append(log)
    _fold_known_calls(found, waiting)
    synthetic = set()
    for span_id, group in waiting.items():
        calls = [log for log in group if log.fold in CALLS]
        if calls:
            found[span_id] = _stand_in(calls, group)
            synthetic.add(span_id)
    _attach_decisions(found, waiting)
    if not spans:
        synthetic |= _tell_session(found, waiting)
    for span_id, messages in spoken.items():
        if span_id in found and not found[span_id].answered:
            answered = _newly_given(messages)
            if answered:
                found[span_id] = structs.replace(found[span_id], answered=answered)
    return found, synthetic


def _fold_known_calls(found: dict[SpanId, SpanFacts], waiting: dict[SpanId, list[SpanFacts]]) -> None:
    """A log whose own span was never sent belongs to the step of the call that it names: the call happened once."""
    by_call: dict[str, list[SpanFacts]] = {}
    for facts in found.values():
        if facts.tool is not None and facts.tool.call_id:
            by_call.setdefault(facts.tool.call_id, []).append(facts)
    for span_id in list(waiting):
        rest = []
        for log in waiting[span_id]:
            same = by_call.get(_call_named(log), ())
            if not same:
                rest.append(log)
                continue
            target = min(same, key=lambda facts: _distance(facts, log)).span_id
            # its texts are read with its own span id, so the step has nothing of them to open
            told = structs.replace(log, has_input=False, has_output=False, content_state="absent")
            found[target] = fold_one(found[target], told)
        if rest:
            waiting[span_id] = rest
        else:
            del waiting[span_id]


def _call_named(log: SpanFacts) -> str:
    if log.fold not in _OF_A_CALL:
        return ""
    own = log.tool.call_id if log.tool is not None else ""
    return own or next((decision.subject_ref for decision in log.decisions if decision.subject_ref), "")


def _distance(facts: SpanFacts, log: SpanFacts) -> tuple[int, int, SpanId]:
    """How far a log lies from a step: some senders hand out the same call ids again. The outermost goes first."""
    end_ns = facts.end_ns or facts.start_ns
    return max(0, facts.start_ns - log.end_ns, log.start_ns - end_ns), facts.start_ns - end_ns, facts.span_id


def _attach_decisions(found: dict[SpanId, SpanFacts], waiting: Mapping[SpanId, list[SpanFacts]]) -> None:
    """A decision that stands alone in a log belongs to the call whose id it names."""
    by_call = {facts.tool.call_id: span_id for span_id, facts in found.items() if facts.tool and facts.tool.call_id}
    for span_id, group in waiting.items():
        for log in group:
            for decision in log.decisions if log.fold == "decision" else ():
                target = by_call.get(decision.subject_ref)
                if target is not None and target != span_id:
                    found[target] = fold_one(found[target], log)


def _tell_session(found: dict[SpanId, SpanFacts], waiting: Mapping[SpanId, list[SpanFacts]]) -> set[SpanId]:
    """Where logs are all there is, what people said and what was refused become steps too, each in its own name."""
    by_call = {facts.tool.call_id for facts in found.values() if facts.tool and facts.tool.call_id}
    made = set()
    for span_id, group in waiting.items():
        told = next((log for log in group if log.fold == "said" or _refuses(log, by_call)), None)
        if span_id not in found and told is not None:
            found[span_id] = structs.replace(told, source="span", fold="", kind_rule=LOGS_ONLY)
            made.add(span_id)
    return made


def _refuses(log: SpanFacts, by_call: Container[str]) -> bool:
    is_denial = any(decision.verdict is Verdict.DENY for decision in log.decisions)
    return log.fold == "decision" and is_denial and log.tool is not None and log.tool.call_id not in by_call


def _newly_given(messages: list[SpanFacts]) -> tuple[AnsweredCall, ...]:
    """Tool results after the last answer of the model, with names from the calls before them.

    One record per message tells only of itself, so what is history and what is new shows here, over all of them.
    """
    asked = {call.call_id: call for log in messages for call in log.asked if call.call_id}
    tail: list[AnsweredCall] = []
    for log in messages:
        if log.answered:
            tail.extend(log.answered)
        elif tail and log.name != "gen_ai.system.message":
            tail.clear()
    return tuple(
        structs.replace(call, name=asked[call.call_id].name, arguments_hash=asked[call.call_id].arguments_hash)
        if call.call_id in asked
        else call
        for call in tail
    )


def fold_one(span: SpanFacts, log: SpanFacts) -> SpanFacts:
    """Add what a log knows and the span does not; the span is believed where both speak."""
    changes: dict[str, object] = {
        field: getattr(log, field) for field in (*_TEXTS, *_WHOLES) if not getattr(span, field) and getattr(log, field)
    }
    if span.ttft_ns is None and log.ttft_ns is not None:
        changes["ttft_ns"] = log.ttft_ns
    changes.update(_folded_calls(span, log))
    if span.tool is not None and log.tool is not None and log.fold == "tool_result":
        changes["tool"] = _folded_tool(span.tool, log.tool)
    if (log.has_input or log.has_output) and span.content_state == "absent":
        changes["content_state"] = log.content_state
    if PROVIDER_STATE in log.flags and not span.has_input:
        changes["flags"] = tuple(dict.fromkeys((*span.flags, PROVIDER_STATE)))
    for field in ("evaluations", "decisions", "shared_keys"):
        added = tuple(dict.fromkeys((*getattr(span, field), *getattr(log, field))))
        if added != getattr(span, field):
            changes[field] = added
    if log.redactions:
        changes["redactions"] = span.redactions + log.redactions
    return structs.replace(span, **changes) if changes else span


def _folded_calls(span: SpanFacts, log: SpanFacts) -> dict[str, object]:
    """Tool calls asked for and answered; single messages of a history are judged together later."""
    if log.fold == "message":
        return {}
    if log.fold == "choice":
        return {"asked": tuple(dict.fromkeys((*span.asked, *log.asked)))} if log.asked else {}
    found: dict[str, object] = {}
    if log.asked and not span.asked:
        found["asked"] = log.asked
    if log.answered and not span.answered:
        found["answered"] = log.answered
    return found


def _folded_tool(tool: ToolFacts, told: ToolFacts) -> ToolFacts:
    """What the record of a result knows of the call and its span does not."""
    names = ("name", "call_id", "arguments_hash", "has_arguments", "inner_name", "inner_hash", "values")
    changes = {field: getattr(told, field) for field in names if not getattr(tool, field) and getattr(told, field)}
    if not tool.has_result and told.has_result:
        changes |= {"has_result": True, "result_empty": told.result_empty}
    if tool.outcome is None and told.outcome is not None:
        changes |= {"outcome": told.outcome, "evidence": told.evidence}
    return structs.replace(tool, **changes) if changes else tool


def _stand_in(calls: list[SpanFacts], group: list[SpanFacts]) -> SpanFacts:
    """The step of a call whose span has not come, or never will."""
    start = min(log.start_ns for log in group)
    end = max(log.end_ns for log in group)
    first = calls[0]
    kind = next((log.kind for log in calls if log.kind is not SpanKind.OTHER), SpanKind.MODEL)
    name = " ".join(part for part in ("chat" if kind is SpanKind.MODEL else kind.value, _subject(calls)) if part)
    if first.fold == "message":
        first_asked: tuple[AskedCall, ...] = ()
    else:
        first_asked = first.asked
    step = structs.replace(
        first,
        asked=first_asked,
        answered=() if first.fold == "message" else first.answered,
        source="span",
        name=name,
        kind=kind,
        start_ns=start,
        end_ns=end,
        fold="",
        parent_span_id=None,
    )
    for log in group:
        if log is not first:
            step = fold_one(step, log)
    return structs.replace(step, kind_rule=LOGS_ONLY)


def _subject(calls: list[SpanFacts]) -> str:
    for log in calls:
        found = (log.tool.name if log.tool else "") or log.request_model or log.response_model
        if found:
            return found
    return ""
