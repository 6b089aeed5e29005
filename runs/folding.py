"""Folds log records onto the spans they belong to; a call that only logs tell of gets a step of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from spans.facts import AnsweredCall, AskedCall, SpanFacts
from spans.ids import SpanId
from spans.kinds import SpanKind

CALLS = frozenset({"details", "choice", "message", "content", "call", "tool_result"})
"""Logs that by themselves prove that something happened."""
_TEXTS = (
    "provider", "framework", "request_model", "response_model", "response_id", "session_id", "user_id", "workflow",
    "workflow_version", "agent_id", "agent_name", "agent_version", "prompt_name", "prompt_version", "prompt_hash",
    "error_type", "error_message", "input_preview", "output_preview",
)  # fmt: skip


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
    synthetic = set()
    for span_id, group in waiting.items():
        calls = [log for log in group if log.fold in CALLS]
        if calls:
            found[span_id] = _stand_in(calls, group)
            synthetic.add(span_id)
    for span_id, messages in spoken.items():
        if span_id in found and not found[span_id].answered:
            answered = _newly_given(messages)
            if answered:
                found[span_id] = replace(found[span_id], answered=answered)
    return found, synthetic


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
        replace(call, name=asked[call.call_id].name, arguments_hash=asked[call.call_id].arguments_hash)
        if call.call_id in asked
        else call
        for call in tail
    )


def fold_one(span: SpanFacts, log: SpanFacts) -> SpanFacts:
    """Add what a log knows and the span does not; the span is believed where both speak."""
    changes: dict[str, object] = {}
    for field in _TEXTS:
        if not getattr(span, field) and getattr(log, field):
            changes[field] = getattr(log, field)
    if span.usage is None and log.usage is not None:
        changes["usage"] = log.usage
    if span.reported_cost is None and log.reported_cost is not None:
        changes["reported_cost"] = log.reported_cost
    if not span.finish_reasons and log.finish_reasons:
        changes["finish_reasons"] = log.finish_reasons
    if span.ttft_ns is None and log.ttft_ns is not None:
        changes["ttft_ns"] = log.ttft_ns
    if log.asked and log.fold == "choice":
        changes["asked"] = tuple(dict.fromkeys((*span.asked, *log.asked)))
    elif log.asked and log.fold != "message" and not span.asked:
        changes["asked"] = log.asked
    if not span.answered and log.answered and log.fold != "message":
        changes["answered"] = log.answered
    if log.has_input and not span.has_input:
        changes["has_input"] = True
    if log.has_output and not span.has_output:
        changes["has_output"] = True
    if (log.has_input or log.has_output) and span.content_state == "absent":
        changes["content_state"] = log.content_state
    if log.evaluations:
        changes["evaluations"] = tuple(dict.fromkeys((*span.evaluations, *log.evaluations)))
    if log.decisions:
        changes["decisions"] = tuple(dict.fromkeys((*span.decisions, *log.decisions)))
    if log.redactions:
        changes["redactions"] = span.redactions + log.redactions
    if log.withheld and not span.withheld:
        changes["withheld"] = True
    keys = tuple(dict.fromkeys((*span.shared_keys, *log.shared_keys)))
    if keys != span.shared_keys:
        changes["shared_keys"] = keys
    return replace(span, **changes) if changes else span  # type: ignore[arg-type]


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
    step = replace(first, asked=first_asked, answered=() if first.fold == "message" else first.answered, source="span", name=name, kind=kind, start_ns=start, end_ns=end, fold="", parent_span_id=None)
    for log in group:
        if log is not first:
            step = fold_one(step, log)
    return replace(step, kind_rule="logs only")


def _subject(calls: list[SpanFacts]) -> str:
    for log in calls:
        found = (log.tool.name if log.tool else "") or log.request_model or log.response_model
        if found:
            return found
    return ""
