"""One clean span or log → its facts: all that it tells alone, light columns only, pure and versioned."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runs.arguments import notes_of
from runs.calls import answered_calls, arguments_of, asked_calls, hash_of, inner_call
from runs.decisions import failure_of
from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.eras import CALL_PREFIX, beside_keys
from runs.failures import Failure, failure_on
from runs.gaps import MOST_OFFERED, PROVIDER_STATE, is_continued
from runs.kinds import Guess
from runs.measures import light_values
from runs.modelnames import bare_model
from runs.parts import text_in
from runs.providers import provider_and_framework
from runs.reading import content_on, content_preview, dialects_of, draft_of, names_of
from runs.recent import remembered
from runs.solver import solve
from runs.values import is_broken_json, text_of
from runs.view import View
from spans.canonical import stable_json
from spans.clean import CleanLog, CleanSpan, Redaction
from spans.content import Message, Part, SpanContent
from spans.facts import ArgumentNote, Decision, SpanFacts, ToolFacts
from spans.ids import SpanId, TraceId
from spans.kinds import Evidence, SpanKind, ToolOutcome, Verdict
from spans.usage import Usage
from spans.values import Value

RULES_VERSION = 9
"""Raised whenever the same evidence may give other facts; `renormalise` recomputes older ones."""

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PLACEHOLDER_ID = re.compile(r"^(?:chatcmpl-?|resp_?|msg_?|0+|none|null|unknown|n/a)$", re.IGNORECASE)
_MIN_ID_CHARS = 8
_MAX_KEYS = 64
_MODEL_KINDS = frozenset({SpanKind.MODEL, SpanKind.EMBEDDING, SpanKind.RERANKER})


def facts_of(item: CleanSpan | CleanLog) -> SpanFacts:
    """Facts of one clean span or log record. Reads no clock and nothing but the item."""
    view = View(item)
    dialects = dialects_of(view)
    draft = draft_of(view, dialects)
    guess = draft.best_guess()
    content = content_on(view, dialects, guess.kind)
    failure = failure_on(view)
    return _span_facts(item, view, dialects, draft, guess, content, failure)


def _span_facts(
    item: CleanSpan | CleanLog,
    view: View,
    dialects: Sequence[Dialect],
    draft: Draft,
    guess: Guess,
    content: SpanContent,
    failure: Failure,
) -> SpanFacts:
    kind = guess.kind
    provider, framework = provider_and_framework(draft.text("provider"))
    session_id = draft.text("session_id") or text_of(view.resource.get("session.id"))
    trace_id, span_id, parent_id = _ids(item, session_id)
    error_type, error_message = _error(draft, failure)
    tool = _tool(kind, draft, content, failure, error_type, error_message, is_error=view.is_error)
    offered = content.tool_definitions
    asked = asked_calls(content.input_messages if draft.fold == "message" else content.output_messages, offered)
    answered = (
        *answered_calls(content.input_messages, offered),
        *answered_calls(draft.executed_inside, offered, everything=True),
    )
    response_id = draft.text("response_id")
    usage = _usage(draft, content)
    return SpanFacts(
        version=RULES_VERSION,
        project=item.origin.project,
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_id,
        source="log" if view.is_log else "span",
        name=_name(view),
        start_ns=max(0, view.start_ns - draft.lasted_ns) if view.is_log else view.start_ns,
        end_ns=view.end_ns,
        status=_status(item),
        kind=kind,
        kind_rule=guess.rule,
        subkind=guess.subkind or ("handoff" if tool is not None and is_handoff(tool.name) else ""),
        dialects=names_of(dialects),
        scope=view.scope,
        service=_service(view),
        service_version=text_of(view.resource.get("service.version")),
        environment=_environment(view),
        mode=view.text("tracetape.mode") or text_of(view.resource.get("tracetape.mode")),
        error_type=error_type,
        error_message=error_message,
        interrupted=failure.interrupted or draft.interrupted,
        provider=provider,
        framework=framework,
        request_model=_model(draft.text("request_model")),
        response_model=_model(draft.text("response_model")),
        response_id=response_id,
        usage=usage,
        usage_hint=draft.usage_hint,
        reported_cost=draft.cost,
        session_id=session_id,
        user_id=draft.text("user_id") or text_of(view.resource.get("user.id")),
        workflow=draft.text("workflow"),
        workflow_version=draft.text("workflow_version"),
        agent_id=draft.text("agent_id"),
        agent_name=draft.text("agent_name"),
        agent_version=draft.text("agent_version"),
        prompt_name=draft.text("prompt_name") or text_of(content.prompt.get("name")),
        prompt_version=draft.text("prompt_version") or text_of(content.prompt.get("version")),
        prompt_hash=draft.text("prompt_hash") or _prompt_hash(kind, content),
        tool=tool,
        asked=asked,
        argument_notes=_argument_notes(kind, draft, content),
        tool_schemas={d.name: _schema_digest(d.parameters) for d in offered[:128] if d.name},
        tools_offered=tuple(sorted({definition.name for definition in content.tool_definitions}))[:MOST_OFFERED],
        decisions=(*draft.decisions, *_approvals(content, failure, draft)),
        evaluations=tuple(draft.evaluations),
        finish_reasons=_finish(draft, content.output_messages),
        is_stream=draft.is_stream or draft.ttft_ns is not None,
        ttft_ns=draft.ttft_ns,
        documents=_documents(content, view) if kind is SpanKind.RETRIEVAL else None,
        retrieval_score=_mean_score(content) if kind is SpanKind.RETRIEVAL else None,
        has_input=bool(content.input_messages) or content.input is not None or content.tool_arguments is not None,
        has_output=bool(content.output_messages) or content.output is not None or content.tool_result is not None,
        content_state=content.state,
        input_preview=content_preview(
            _last_text(content.input_messages, "user", content.input, content.tool_arguments)
        ),
        output_preview=content_preview(
            _last_text(content.output_messages, "assistant", content.output, content.tool_result)
        ),
        tags=tuple(draft.tags[:32]),
        promoted=dict(list(draft.promoted.items())[:20]),
        shared_keys=_shared_keys(
            (
                *([f"response:{response_id}"] if is_telling_id(response_id) else []),
                *draft.call_keys,
                *(_beside(view, draft, usage, parent_id) if kind is SpanKind.MODEL else ()),
            ),
            (
                *([tool.call_id] if tool is not None else []),
                *(call.call_id for call in asked),
                *(call.call_id for call in answered),
            ),
        ),
        redactions=len(item.notes),
        entities=dict(sorted(Counter(note.entity for note in item.notes).items())) if item.notes else {},
        withheld=item.redaction is Redaction.WITHHELD,
        flags=_flags(item, kind, draft, content),
        has_system=bool(content.system),
        attribute_count=len(view.attributes),
        content_hash=item.log_id if isinstance(item, CleanLog) else _digest(item),
        received_day=item.origin.received_day,
        received_ns=item.origin.received_ns,
        noise=draft.noise,
        answered=answered,
        calls=(0 if draft.is_replay else 1) + sum(1 for message in draft.executed_inside if _asks(message)),
        links=tuple(f"{link.trace_id}:{link.span_id}" for link in item.span.links[:16])
        if isinstance(item, CleanSpan)
        else (),
        span_kind=item.span.kind if isinstance(item, CleanSpan) else 0,
        fold=draft.fold or ("event" if view.is_log else ""),
    )


_HANDOFF = re.compile(r"^(?:handoff(?:$|[_ ]to[_ ])|transfer_to_)", re.IGNORECASE)


def is_handoff(tool_name: str) -> bool:
    """Whether a "tool" only passes the conversation to another agent."""
    return _HANDOFF.match(tool_name) is not None


def _ids(item: CleanSpan | CleanLog, session_id: str) -> tuple[TraceId, SpanId, SpanId | None]:
    """Ids of a span or log; a log without any belongs to the trace of its session, else to one of its own.

    Coding agents tell of a whole session in logs alone. Made from project and session, the trace's id is the same
    whichever record comes first.
    """
    if isinstance(item, CleanSpan):
        return item.span.trace_id, item.span.span_id, item.span.parent_span_id
    trace_id = item.log.trace_id or (
        session_trace(item.origin.project, session_id) if session_id else TraceId(item.log_id)
    )
    return trace_id, item.log.span_id or SpanId(item.log_id[:16]), None


def session_trace(project: str, session_id: str) -> TraceId:
    """The trace of a session that only logs without trace ids tell of."""
    return TraceId(hashlib.sha256(f"session\0{project}\0{session_id}".encode("utf-8", "replace")).hexdigest()[:32])


_MOST_NAME = 200


def _name(view: View) -> str:
    """The span's name; Logfire names spans after their template, `Function: {name}`, and keeps beside it what it says."""
    said = view.text("logfire.msg") if "{" in view.name else ""
    return said[:_MOST_NAME] or view.name


def _status(item: CleanSpan | CleanLog) -> str:
    if isinstance(item, CleanLog):
        return "unset"
    return item.span.status_code.name.lower()


_UNSET_SERVICE = re.compile(r"^(?:unknown_service.*|langsmith)?$")
"""Names that SDKs give when nobody chose one; LangSmith's exporter calls every sender after itself."""


def _service(view: View) -> str:
    """`service.name`; where nobody set it, the project that the instrumentation sends to."""
    service = text_of(view.resource.get("service.name"))
    if not _UNSET_SERVICE.match(service):
        return service
    project = text_of(view.resource.get("openinference.project.name")) or view.text("langsmith.trace.session_name")
    return project if project and project != "default" else service


def _environment(view: View) -> str:
    for source in (view.attributes, view.resource):
        for key in ("deployment.environment.name", "deployment.environment", "langfuse.environment"):
            found = text_of(source.get(key))
            if found:
                return found
    return ""


def _model(raw: str) -> str:
    return _ANSI.sub("", raw).strip()


def _usage(draft: Draft, content: SpanContent) -> Usage | None:
    """Nothing but zeros on a call that answered means that nothing was counted (section 4.7.3)."""
    usage = solve(draft.usage) if draft.usage is not None else None
    if usage is not None and not usage.input and not usage.output:
        answered = bool(content.output_messages) or bool(draft.finish_reasons) or content.output is not None
        if answered:
            return None
    return usage


def _error(draft: Draft, failure: Failure) -> tuple[str, str]:
    if failure.interrupted:
        return "", ""
    said = draft.text("error_message")[:300]
    return failure.type or draft.text("error_type"), failure.message or said


def _tool(
    kind: SpanKind,
    draft: Draft,
    content: SpanContent,
    failure: Failure,
    error_type: str,
    error_message: str,
    *,
    is_error: bool,
) -> ToolFacts | None:
    if kind is not SpanKind.TOOL:
        return None
    arguments, result = content.tool_arguments, content.tool_result
    inner_name, inner_arguments = inner_call(arguments)
    name = draft.text("tool_name")
    outcome, evidence = _outcome(draft, failure, error_type, error_message, content, is_error=is_error)
    return ToolFacts(
        name=name,
        call_id=draft.text("tool_call_id"),
        arguments_hash=hash_of(arguments) if arguments is not None else "",
        has_arguments=arguments is not None,
        has_result=result is not None,
        result_empty=result in ("", [], {}),
        outcome=outcome,
        evidence=evidence,
        inner_name=inner_name if inner_name != name else "",
        inner_hash=hash_of(inner_arguments) if inner_arguments is not None else "",
        values=light_values(inner_arguments if inner_arguments is not None else arguments),
    )


def _argument_notes(kind: SpanKind, draft: Draft, content: SpanContent) -> dict[str, ArgumentNote]:
    """Notes on the arguments of this tool call, or of the calls that this answer asks for."""
    given: list[Value] = []
    if kind is SpanKind.TOOL and content.tool_arguments is not None:
        inner = inner_call(content.tool_arguments)[1]
        given = [content.tool_arguments, *([inner] if inner is not None else [])]
    said = content.input_messages if draft.fold == "message" else content.output_messages
    given += [arguments_of(p) for m in said for p in m.parts if p.type == "tool_call" and p.name and not p.server]
    return notes_of(given) if given else {}


def _schema_digest(parameters: Value) -> str:
    return hashlib.sha256(stable_json(parameters)).hexdigest()[:12]


def _documents(content: SpanContent, view: View) -> int | None:
    """How many documents came back: an emitter's own count first, then those that are listed."""
    told = view.attributes.get("retrieval.documents.count")
    if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < 1_000_000:
        return told
    return len(content.documents) or None


def _mean_score(content: SpanContent) -> float | None:
    scores = [d.score for d in content.documents if d.score is not None and math.isfinite(d.score)]
    return math.fsum(scores) / len(scores) if scores else None


def _outcome(
    draft: Draft, failure: Failure, error_type: str, error_message: str, content: SpanContent, *, is_error: bool
) -> tuple[ToolOutcome | None, Evidence]:
    arguments, result = content.tool_arguments, content.tool_result
    verdicts = {decision.verdict for decision in draft.decisions}
    if Verdict.DENY in verdicts:
        return ToolOutcome.DENIED, Evidence.EXPLICIT
    if failure.interrupted:
        return ToolOutcome.APPROVAL_PENDING if failure.asks_approval else ToolOutcome.NOT_EXECUTED, Evidence.DERIVED
    if Verdict.REQUIRE_APPROVAL in verdicts and Verdict.ALLOW not in verdicts:
        return ToolOutcome.APPROVAL_PENDING, Evidence.EXPLICIT
    text = error_message or result_text(result)
    failed = failure.has_exception or draft.tool_failed is True or is_error or bool(error_type)
    outcome, evidence = failure_of(error_type, text, failed=failed)
    if outcome is ToolOutcome.ERROR and error_message:
        told, how = failure_of("", result_text(result), failed=True)
        if told is not ToolOutcome.ERROR:
            outcome, evidence = told, how
    if outcome is ToolOutcome.ERROR and is_broken_json(arguments):
        return ToolOutcome.INVALID_ARGUMENTS, Evidence.DERIVED
    return outcome, evidence


def result_text(result: Value) -> str:
    """The start of a result as text, for judging and previews."""
    if isinstance(result, str):
        return result[:1000]
    if isinstance(result, Mapping):
        failed = result.get("error") is True or result.get("is_error") is True or result.get("isError") is True
        for key in ("error", "message", "content", "text", "output", "result"):
            inner = result.get(key)
            if isinstance(inner, str) and inner:
                return f"error: {inner}"[:1000] if key == "error" or failed else inner[:1000]
    if isinstance(result, Sequence) and result and isinstance(result[0], (str, Mapping)):
        return result_text(result[0])
    return ""


def _asks(message: Message) -> bool:
    return any(part.type == "tool_call" for part in message.parts)


def _approvals(content: SpanContent, failure: Failure, draft: Draft) -> Iterable[Decision]:
    """Approvals asked for and given inside messages, and interrupts that ask."""
    if failure.asks_approval and not draft.decisions:
        yield Decision(Verdict.REQUIRE_APPROVAL, by="human", subject="agent_step", evidence=Evidence.DERIVED)
    for message in content.output_messages:
        for part in message.parts:
            if part.type == "approval_request":
                yield Decision(Verdict.REQUIRE_APPROVAL, rule=part.name, by="human", subject_ref=part.id)
    for message in content.input_messages[-4:]:
        for part in message.parts:
            if part.type == "approval_response" and part.is_error is not None:
                yield Decision(
                    Verdict.DENY if part.is_error else Verdict.ALLOW,
                    by="human",
                    subject_ref=part.id,
                    reason=text_of(part.content)[:300],
                )


def _finish(draft: Draft, outputs: Sequence[Message]) -> tuple[str, ...]:
    return draft.finish_reasons or tuple(dict.fromkeys(m.finish_reason for m in outputs if m.finish_reason))


def _last_text(messages: Sequence[Message], role: str, *values: Value) -> str:
    """What was said last; a model that only asked for tools is shown by what it asked, not by its raw answer."""
    asked = ""
    for message in reversed(messages):
        if message.role == role:
            text = text_in(message.parts)
            if text:
                return text
            asked = asked or ", ".join(_asked(part) for part in message.parts if part.type == "tool_call")
    if asked and not any(isinstance(value, str) and value for value in values):
        return asked
    for value in values:
        if isinstance(value, str) and value:
            return value
        if value not in (None, "", [], {}):
            return _PREVIEW.encode(value)[:1000]
    return ""


def _asked(part: Part) -> str:
    arguments = _PREVIEW.encode(part.arguments)[:200] if part.arguments not in (None, "", {}) else ""
    return f"{part.name or 'a tool'}({arguments})"


_PREVIEW = json.JSONEncoder(ensure_ascii=False, default=str)


def _shared_keys(names: Iterable[str], call_ids: Iterable[str]) -> tuple[str, ...]:
    """Keys by which other traces may speak of the same call. Short and constant ids tie nothing together."""
    calls = (f"{CALL_PREFIX}{call_id}" for call_id in call_ids if len(call_id) > _MIN_ID_CHARS)
    return tuple(dict.fromkeys((*names, *calls)))[:_MAX_KEYS]


def _beside(view: View, draft: Draft, usage: Usage | None, parent_id: SpanId | None) -> tuple[str, ...]:
    """Keys of a streamed call told twice: half by a framework without an id, wholly by an SDK that lost its parent."""
    if usage is None or not usage.output:
        return ()
    is_half = not draft.text("response_id") and not usage.input
    is_alone = parent_id is None and draft.is_stream and bool(draft.text("response_id"))
    if not is_half and not is_alone:
        return ()
    service = text_of(view.resource.get("service.name"))
    model = bare_model(_model(draft.text("request_model") or draft.text("response_model")))
    return beside_keys(service, model, usage.output, view.start_ns, is_inner=is_alone)


def is_telling_id(response_id: str) -> bool:
    """Whether a response id is long enough and no known placeholder."""
    return len(response_id) >= _MIN_ID_CHARS and not _PLACEHOLDER_ID.match(response_id)


def _flags(item: CleanSpan | CleanLog, kind: SpanKind, draft: Draft, content: SpanContent) -> tuple[str, ...]:
    flags = list(draft.flags)
    if draft.is_replay:
        flags.append("replay")
    if content.parse_errors:
        flags.append("parse_error")
    if isinstance(item, CleanSpan):
        span = item.span
        flags.extend(span.marks)
        if not span.end_ns:
            flags.append("unfinished")
        elif span.end_ns < span.start_ns:
            flags.append("backwards")
        if span.dropped_attributes or span.dropped_events:
            flags.append("dropped")
    if not isinstance(item, CleanLog) or draft.fold == "details":  # other logs hold one message each
        flags.extend([PROVIDER_STATE] if is_continued(kind, content) else [])
    return tuple(dict.fromkeys(flags))


_VOLATILE = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
    r"|\b\d{1,2}:\d{2}(?::\d{2})?\b"
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|\d{6,}|x-anthropic-billing-header[^\n]*"
)


def _prompt_hash(kind: SpanKind, content: SpanContent) -> str:
    """`h1:` and 16 hex digits over system text without dates, ids and long numbers, and the tools' names and schemas."""
    if kind is not SpanKind.MODEL or not (content.system or content.tool_definitions):
        return ""
    system = [_steady(part.content) for part in content.system if isinstance(part.content, str)]
    tools = [[tool.name, tool.parameters] for tool in content.tool_definitions]
    return "h1:" + hashlib.sha256(stable_json([system, tools])).hexdigest()[:16]


@remembered
def _steady(system: str) -> str:
    return _VOLATILE.sub("", system)


def _digest(item: CleanSpan) -> str:
    """SHA-256 over the whole clean span in one fixed text form; it only has to be equal for equal spans."""
    span = item.span
    parts: list[Any] = [
        span.name,
        span.parent_span_id,
        span.kind,
        span.start_ns,
        span.end_ns,
        span.attributes,
        [[event.name, event.time_ns, event.attributes] for event in span.events],
        [[link.trace_id, link.span_id, link.attributes] for link in span.links],
        int(span.status_code),
        span.status_message,
        span.resource.attributes,
        span.scope.name,
    ]
    return hashlib.sha256(stable_json(parts)).hexdigest()[:32]
