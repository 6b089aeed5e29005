"""Says how much of a run can be played back, why not more, and which setting would change that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import structs

from spans.ids import SpanId
from spans.kinds import Replayability, RunStatus, SpanKind, ToolOutcome, Verdict
from spans.run import Run, Step


class ReplayReason(StrEnum):
    """Why a run is not completely replayable; a closed set."""

    NO_CONTENT = "no_content"
    TRUNCATED = "truncated"
    TOOL_RESULT_MISSING = "tool_result_missing"
    TOOL_NOT_CLAIMED = "tool_not_claimed"
    SYSTEM_PROMPT_MISSING = "system_prompt_missing"
    TOOL_SCHEMAS_MISSING = "tool_schemas_missing"
    EMBEDDING_VECTOR_MISSING = "embedding_vector_missing"
    BINARY_PART_MISSING = "binary_part_missing"
    REDACTED_WITHOUT_KEY = "redacted_without_key"
    LATE_SPANS = "late_spans"
    UNORDERED_SIBLINGS = "unordered_siblings"
    PROVIDER_STATE = "provider_state"
    HUMAN_INPUT_MISSING = "human_input_missing"


REMEDIES: Mapping[ReplayReason, str] = {
    ReplayReason.NO_CONTENT: "Content is off at the sender, or part of it is left out: turn on message capture in its "
    "instrumentation.",
    ReplayReason.TRUNCATED: "The sender cuts long values: raise or unset OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT "
    "(and OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT).",
    ReplayReason.TOOL_RESULT_MISSING: "A tool call has no recorded result: instrument the tool, or turn on its content.",
    ReplayReason.TOOL_NOT_CLAIMED: "A tool call has no span of its own: instrument the code that runs it.",
    ReplayReason.SYSTEM_PROMPT_MISSING: "The agent has a system prompt that was not sent with its model call: turn on system "
    "instructions at the sender.",
    ReplayReason.TOOL_SCHEMAS_MISSING: "A model called a tool whose definition was not sent with the call: turn on tool "
    "definitions at the sender.",
    ReplayReason.EMBEDDING_VECTOR_MISSING: "Embedding vectors are not kept; an embedding cannot be answered from the tape.",
    ReplayReason.BINARY_PART_MISSING: "An image, sound or file stands outside the telemetry and was not sent along.",
    ReplayReason.REDACTED_WITHOUT_KEY: "Redaction could not finish, so the text was withheld.",
    ReplayReason.LATE_SPANS: "Spans may still arrive, or their parents never did: let the sender flush before it exits.",
    ReplayReason.UNORDERED_SIBLINGS: "Two steps started at the same moment; their order cannot be told.",
    ReplayReason.PROVIDER_STATE: "A model call goes on from history that was not sent with it (its provider holds it, or the "
    "instrumentation left it out): send whole messages.",
    ReplayReason.HUMAN_INPUT_MISSING: "A person's answer is missing: the run waits, or the answer was not recorded.",
}
"""What a person can do about each reason."""

_EXCHANGES = frozenset({SpanKind.MODEL, SpanKind.TOOL, SpanKind.RETRIEVAL, SpanKind.EMBEDDING, SpanKind.RERANKER})
"""Steps that ask something outside the program and get an answer: what a tape has to hold."""

_STOPPED = frozenset({ToolOutcome.DENIED, ToolOutcome.APPROVAL_PENDING, ToolOutcome.NOT_EXECUTED})
_NOT_KEPT = frozenset({"withheld", "external"})
_FLAG_REASONS = {
    reason.value: reason
    for reason in (
        ReplayReason.SYSTEM_PROMPT_MISSING,
        ReplayReason.TOOL_SCHEMAS_MISSING,
        ReplayReason.BINARY_PART_MISSING,
        ReplayReason.PROVIDER_STATE,
        ReplayReason.UNORDERED_SIBLINGS,
        ReplayReason.TRUNCATED,
    )
} | {
    "withheld": ReplayReason.REDACTED_WITHOUT_KEY,
    "late": ReplayReason.LATE_SPANS,
    "orphan": ReplayReason.LATE_SPANS,
    "unfinished": ReplayReason.LATE_SPANS,
    "answer_incomplete": ReplayReason.NO_CONTENT,
}
"""Step flags that say by themselves what is missing."""
_LENT = frozenset({"system_prompt_missing", "tool_schemas_missing", "provider_state", "answer_incomplete"})
"""What another whole report of the same call may hold."""


def replayability(run: Run, steps: Iterable[Step]) -> tuple[Replayability, tuple[str, ...]]:
    """How much of a run can be played back, with the reasons in the order of `ReplayReason`.

    COMPLETE is promised only when every counted model, tool, retrieval, embedding and reranker step has what was asked
    and what was answered, and the run has ended. A run without any recorded exchange is METADATA_ONLY.
    """
    every = tuple(steps)
    retold: dict[SpanId, list[Step]] = {}
    for step in every:
        if step.duplicate_of is not None:
            retold.setdefault(step.duplicate_of, []).append(step)
    exchanges = [_whole(s, retold.get(s.span_id, ())) for s in every if s.counted and s.kind in _EXCHANGES]
    found: set[ReplayReason] = {reason for s in exchanges for reason in _step_reasons(s)}
    if run.status is RunStatus.RUNNING or not run.complete:
        found.add(ReplayReason.LATE_SPANS)
    if run.waiting_for:
        found.add(ReplayReason.HUMAN_INPUT_MISSING)
    if not any(_holds_something(s) for s in exchanges):
        found.add(ReplayReason.NO_CONTENT)
        level = Replayability.METADATA_ONLY
    else:
        level = Replayability.PARTIAL if found else Replayability.COMPLETE
    return level, tuple(reason.value for reason in ReplayReason if reason in found)


def _whole(step: Step, others: Sequence[Step]) -> Step:
    """A counted step with what other reports of the same call tell of it: layers share the work of recording."""
    if not others:
        return step
    whole = [other for other in others if other.has_input and other.has_output]
    step = structs.replace(
        step, flags=tuple(f for f in step.flags if f not in _LENT or all(f in o.flags for o in whole))
    )
    if step.has_input and step.has_output:
        return step
    richest = max((step, *others), key=lambda s: (s.has_input and s.has_output, s.has_input or s.has_output))
    return structs.replace(
        step,
        has_input=step.has_input or any(other.has_input for other in others),
        has_output=step.has_output or any(other.has_output for other in others),
        content_state=step.content_state if _holds_something(step) else richest.content_state,
    )


def _holds_something(step: Step) -> bool:
    return (step.has_input or step.has_output) and step.content_state not in _NOT_KEPT


def _step_reasons(step: Step) -> Iterable[ReplayReason]:
    yield from (_FLAG_REASONS[flag] for flag in step.flags if flag in _FLAG_REASONS)
    match step.content_state:
        case "truncated":
            yield ReplayReason.TRUNCATED
        case "withheld":
            yield ReplayReason.REDACTED_WITHOUT_KEY
        case "external":
            yield ReplayReason.BINARY_PART_MISSING
    yield from _KIND_REASONS.get(step.kind, _plain_exchange)(step)


def _plain_exchange(step: Step) -> Iterable[ReplayReason]:
    if not step.has_input or not (step.has_output or _failed(step)):
        yield ReplayReason.NO_CONTENT


def _tool(step: Step) -> Iterable[ReplayReason]:
    if step.tool_outcome is ToolOutcome.APPROVAL_PENDING:
        yield ReplayReason.HUMAN_INPUT_MISSING
    if "synthetic" in step.flags:
        yield ReplayReason.TOOL_NOT_CLAIMED
    if not step.has_input:
        yield ReplayReason.NO_CONTENT
    if not step.has_output and not _failed(step) and not _stopped(step):
        yield ReplayReason.TOOL_RESULT_MISSING


def _embedding(step: Step) -> Iterable[ReplayReason]:
    """Vectors are never kept, so an embedding that succeeded cannot be answered from the tape."""
    if not step.has_input:
        yield ReplayReason.NO_CONTENT
    if not _failed(step):
        yield ReplayReason.EMBEDDING_VECTOR_MISSING


_KIND_REASONS: Mapping[SpanKind, Callable[[Step], Iterable[ReplayReason]]] = {
    SpanKind.TOOL: _tool,
    SpanKind.EMBEDDING: _embedding,
}


def _failed(step: Step) -> bool:
    """A recorded error is an answer: it can be given again."""
    return step.status is RunStatus.ERROR and bool(step.error_type or step.error_message)


def _stopped(step: Step) -> bool:
    """A call that a control stopped needs no result; its refusal is known from the decision."""
    return step.tool_outcome in _STOPPED or any(d.verdict is Verdict.DENY for d in step.decisions)
