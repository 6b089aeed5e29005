"""The JSON of the contract (design, section 10): one run, one span. Every field is always there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from runs.content import content_of
from spans.clean import CleanLog, CleanSpan
from spans.content import Document, Message, Part, SpanContent, ToolDefinition
from spans.facts import Decision, Evaluation, SpanFacts
from spans.ids import SpanId
from spans.kinds import SpanKind
from spans.run import Run, Step
from spans.usage import Cost, ReportedCost, Usage
from spans.why import words_of

Json = dict[str, Any]

_NS = 1_000_000_000


def run_json(run: Run) -> Json:
    """RunSummary of the contract."""
    return {
        "run_id": run.run_id,
        "project": run.project,
        "name": run.name,
        "service": run.service,
        "environment": run.environment,
        "mode": run.mode.value,
        "shape": run.shape.value,
        "workflow": run.workflow,
        "workflow_source": run.workflow_source,
        "workflow_version": run.workflow_version,
        "agents": list(run.agents),
        "continues": run.continues,
        "continued_by": run.continued_by,
        "tags": list(run.tags),
        "attributes": dict(run.attributes),
        "waiting_for": run.waiting_for or None,
        "session_id": run.session_id or None,
        "user_id": run.user_id or None,
        "started_at": rfc3339(run.started_ns),
        "duration_ms": milliseconds(run.duration_ns),
        "status": run.status.value,
        "outcome": {"label": run.outcome.label.value, "source": run.outcome.source or None},
        "cost_usd": money(run.cost_usd),
        "unpriced_calls": run.unpriced_calls,
        "usage": usage_json(run.usage),
        "span_count": run.span_count,
        "model_calls": run.model_calls,
        "tool_calls": run.tool_calls,
        "retrievals": run.retrievals,
        "denials": run.denials,
        "errors": run.errors,
        "interventions": run.interventions,
        "redaction_count": run.redactions,
        "entities": dict(run.entities),
        "entities_by_tool": dict(run.entities_by_tool),
        "models": list(run.models),
        "tools": list(run.tools),
        "dialects": list(run.dialects),
        "replayability": run.replayability.value,
        "replay_reasons": list(run.replay_reasons),
        "pinned": run.pinned,
        "complete": run.complete,
        "input_preview": run.input_preview,
        "output_preview": run.output_preview,
    }


def spans_json(
    steps: Iterable[Step], spans: Iterable[CleanSpan], logs: Iterable[CleanLog] = (), *, content: bool = True
) -> list[Json]:
    """Spans of the contract for steps of one trace, in the order of the steps.

    Args:
        steps: The steps to show.
        spans: Evidence of the trace; a step without evidence of its own is shown from the span that tells of it.
        logs: Log records of the trace.
        content: False leaves all text out.
    """
    by_id = {item.span.span_id: item for item in spans}
    contents = _Contents(by_id, _by_span(logs))
    found = []
    for step in steps:
        item = by_id.get(step.span_id)
        told = contents.of_step(step) if content else SpanContent()
        found.append(span_json(step, item, told))
    return found


def contents_of(
    steps: Iterable[Step], spans: Iterable[CleanSpan], logs: Iterable[CleanLog] = ()
) -> dict[SpanId, SpanContent]:
    """The content of each step, from its own evidence or from the span that tells of it."""
    contents = _Contents({item.span.span_id: item for item in spans}, _by_span(logs))
    return {step.span_id: contents.of_step(step) for step in steps}


def _by_span(logs: Iterable[CleanLog]) -> dict[SpanId, list[CleanLog]]:
    found: dict[SpanId, list[CleanLog]] = {}
    for log in logs:
        found.setdefault(log.log.span_id or SpanId(log.log_id[:16]), []).append(log)
    return found


class _Contents:
    """Contents read once each, since a synthetic step is told by another span's messages."""

    def __init__(self, spans: Mapping[SpanId, CleanSpan], logs: Mapping[SpanId, Sequence[CleanLog]]) -> None:
        self._spans = spans
        self._logs = logs
        self._known: dict[SpanId, SpanContent] = {}

    def of_step(self, step: Step) -> SpanContent:
        """Content of a step, whichever evidence holds it."""
        if "synthetic" in step.flags and step.kind is SpanKind.TOOL and step.parent_span_id is not None:
            return tool_content(self._of(step.parent_span_id), step)
        return self._of(step.span_id)

    def _of(self, span_id: SpanId) -> SpanContent:
        if span_id not in self._known:
            item: CleanSpan | CleanLog | None = self._spans.get(span_id)
            logs = self._logs.get(span_id, ())
            if item is None and logs:
                item = logs[0]
            self._known[span_id] = content_of(item, logs) if item is not None else SpanContent()
        return self._known[span_id]


def tool_content(carrier: SpanContent, step: Step) -> SpanContent:
    """Arguments and result of a tool call that only the messages of a model call tell of."""
    arguments: Any = None
    result: Any = None
    for message in carrier.input_messages:
        for part in message.parts:
            if part.type == "tool_call" and _is_call(part, step):
                arguments = part.arguments if part.arguments is not None else part.arguments_raw
            elif part.type == "tool_result" and _is_call(part, step):
                result = part.content
    return SpanContent(
        tool_arguments=arguments, tool_result=result, input=arguments, output=result, state=carrier.state
    )


def _is_call(part: Part, step: Step) -> bool:
    return part.id == step.tool_call_id if step.tool_call_id else part.name == step.tool_name


def span_json(step: Step, item: CleanSpan | None, content: SpanContent, facts: SpanFacts | None = None) -> Json:
    """Span of the contract.

    Args:
        step: The derived row.
        item: Its clean span; None for a synthetic step, which has no raw attributes.
        content: Its content, or an empty one to leave text out.
        facts: Its facts, for the agent's id and version; None leaves them empty.
    """
    is_tool = step.kind is SpanKind.TOOL
    return {
        "span_id": step.span_id,
        "trace_id": step.trace_id,
        "parent_span_id": step.parent_span_id,
        "ordinal": step.ordinal,
        "depth": step.depth,
        "kind": step.kind.value,
        "subkind": step.subkind or None,
        "name": step.name,
        "started_at": rfc3339(step.start_ns),
        "duration_ms": milliseconds(step.duration_ns),
        "status": step.status.value,
        "error": _error(step, content),
        "model": _model(step, content),
        "usage": {**usage_json(step.usage), "role": step.usage_role.value},
        "cost": cost_json(step.cost, step.reported_cost, unpriced=step.unpriced),
        "counted": step.counted,
        "duplicate_of": step.duplicate_of,
        "system": [part_json(part) for part in content.system],
        "input_messages": [message_json(message) for message in content.input_messages],
        "output_messages": [message_json(message) for message in content.output_messages],
        "tool_definitions": [_definition(tool) for tool in content.tool_definitions],
        "tool": _tool(step, content) if is_tool else None,
        "retrieval": {
            "query": content.retrieval_query or None,
            "documents": [_document(document) for document in content.documents],
        }
        if step.kind is SpanKind.RETRIEVAL or content.documents
        else None,
        "embedding": {"inputs": list(content.embedding_inputs)} if step.kind is SpanKind.EMBEDDING else None,
        "rerank": {
            "query": content.rerank_query or None,
            "input_documents": [_document(document) for document in content.rerank_input],
            "output_documents": [_document(document) for document in content.rerank_output],
        }
        if step.kind is SpanKind.RERANKER
        else None,
        "decisions": [decision_json(decision) for decision in step.decisions],
        "evaluations": [_evaluation(evaluation) for evaluation in step.evaluations],
        "finish_reasons": list(step.finish_reasons),
        "stream": {
            "is_stream": step.is_stream,
            "ttft_ms": None if step.ttft_ns is None else milliseconds(step.ttft_ns),
        },
        "prompt": {
            "name": step.prompt_name or None,
            "version": step.prompt_version or None,
            "hash": step.prompt_hash or None,
            **{key: value for key, value in content.prompt.items() if key not in {"name", "version", "hash"}},
        },
        "agent": {
            "id": (facts.agent_id or None) if facts else None,
            "name": step.agent_name or None,
            "version": (facts.agent_version or None) if facts else None,
        },
        "session_id": step.session_id or None,
        "user_id": step.user_id or None,
        "service": step.service,
        "input": content.input,
        "output": content.output,
        "content_state": step.content_state,
        "dialect": list(step.dialects),
        "attributes": dict(item.span.attributes) if item is not None else {},
        "redactions": [
            {"path": note.path, "entity": note.entity, "operator": note.operator, "why": words_of(note.why) or None}
            for note in item.notes
        ]
        if item is not None
        else [],
        "flags": list(step.flags),
    }


def _error(step: Step, content: SpanContent) -> Json | None:
    if not step.error_type and not step.error_message:
        return None
    return {
        "type": step.error_type or None,
        "message": step.error_message or None,
        "stack": content.error_stack or None,
    }


def _model(step: Step, content: SpanContent) -> Json | None:
    if not (step.request_model or step.response_model or step.kind in {SpanKind.MODEL, SpanKind.EMBEDDING}):
        return None
    return {
        "provider": step.provider or None,
        "request": step.request_model or None,
        "response": step.response_model or None,
        "response_id": step.response_id or None,
        "params": dict(content.params),
    }


def _tool(step: Step, content: SpanContent) -> Json:
    return {
        "name": step.tool_name or None,
        "call_id": step.tool_call_id or None,
        "type": content.tool_type or None,
        "description": content.tool_description or None,
        "arguments": content.tool_arguments,
        "arguments_hash": step.tool_arguments_hash or None,
        "result": content.tool_result,
        "outcome": step.tool_outcome.value if step.tool_outcome else None,
        "evidence": step.tool_evidence.value if step.tool_evidence else None,
    }


def usage_json(usage: Usage | None) -> Json:
    """Token counts; null is "not reported", never zero."""
    usage = usage or Usage()
    return {
        "input": usage.input,
        "output": usage.output,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write,
        "reasoning": usage.reasoning,
        "assumed": usage.assumed,
    }


def cost_json(cost: Cost | None, reported: ReportedCost | None, *, unpriced: bool) -> Json | None:
    """Cost of a step with "why this number"; None for a step that costs nothing of its own."""
    if cost is None and reported is None and not unpriced:
        return None
    return {
        "usd": money(cost.usd) if cost else None,
        "source": cost.source if cost else None,
        "explanation": {
            "price": cost.price if cost else None,
            "lines": [
                {
                    "class": line.token_class,
                    "tokens": line.tokens,
                    "usd_per_million": money(line.usd_per_million),
                    "usd": money(line.usd),
                }
                for line in (cost.lines if cost else ())
            ],
            "reported_usd": money(reported.usd) if reported else None,
            "reported_by": reported.source if reported else None,
            "unpriced": unpriced,
        },
    }


def message_json(message: Message) -> Json:
    """One message."""
    return {
        "role": message.role,
        "name": message.name or None,
        "parts": [part_json(part) for part in message.parts],
        "finish_reason": message.finish_reason or None,
        "index": message.index,
    }


_PART_FIELDS: Mapping[str, tuple[str, ...]] = {
    "tool_call": ("id", "name", "arguments", "arguments_raw", "server"),
    "tool_result": ("id", "name", "content", "is_error", "server"),
    "media": ("modality", "mime", "uri", "id", "name", "content"),
    "approval_request": ("id", "name", "arguments"),
    "approval_response": ("id", "content", "is_error"),
    "other": ("name", "raw"),
}


def part_json(part: Part) -> Json:
    """One part of a message: its type and what that type has."""
    fields = _PART_FIELDS.get(part.type, ("content",))
    found = {field: getattr(part, field) for field in fields}
    return {
        "type": part.type,
        **{key: value for key, value in found.items() if value not in ("", None, False) or key == "content"},
    }


def _definition(tool: ToolDefinition) -> Json:
    return {"name": tool.name, "description": tool.description or None, "parameters": tool.parameters}


def _document(document: Document) -> Json:
    return {
        "id": document.id or None,
        "content": document.content or None,
        "score": document.score,
        "distance": document.distance,
        "uri": document.uri or None,
        "metadata": document.metadata,
    }


def decision_json(decision: Decision) -> Json:
    """One decision."""
    return {
        "verdict": decision.verdict.value,
        "rule": decision.rule or None,
        "by": decision.by or None,
        "decider_id": decision.decider_id or None,
        "reason": decision.reason or None,
        "subject": decision.subject,
        "subject_ref": decision.subject_ref or None,
        "evidence": decision.evidence.value,
        "wait_ms": decision.wait_ms,
    }


def _evaluation(evaluation: Evaluation) -> Json:
    return {
        "name": evaluation.name,
        "score": evaluation.score,
        "label": evaluation.label or None,
        "explanation": evaluation.explanation or None,
        "annotator": evaluation.annotator or None,
        "target": evaluation.target,
    }


def money(amount: Decimal | None) -> str | None:
    """A decimal string without exponent, or None."""
    return None if amount is None else f"{amount:f}"


def milliseconds(duration_ns: int) -> float:
    """Nanoseconds as milliseconds with at most three decimals."""
    return round(duration_ns / 1e6, 3)


def rfc3339(time_ns: int) -> str | None:
    """RFC 3339 in UTC with nine decimals; None for "no time"."""
    if time_ns <= 0:
        return None
    seconds, rest = divmod(time_ns, _NS)
    try:
        moment = datetime.fromtimestamp(seconds, tz=UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
