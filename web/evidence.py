"""The content of a run's steps, each read once from its evidence: span, log records, or the span that tells of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from runs.content import content_of
from runs.present import tool_content
from spans.clean import CleanLog, CleanSpan
from spans.content import SpanContent
from spans.ids import SpanId, TraceId
from spans.kinds import SpanKind
from spans.run import Step
from store.api import Store, TraceEvidence


class StepContents:
    """Contents by step. Mapping evidence to content costs time, so it happens when a step is asked for."""

    def __init__(self, evidence: Iterable[TraceEvidence]) -> None:
        self._spans: dict[SpanId, CleanSpan] = {}
        self._logs: dict[SpanId, list[CleanLog]] = {}
        self._known: dict[SpanId, SpanContent] = {}
        for part in evidence:
            self._spans.update((s.span.span_id, s) for s in part.spans)
            for log in part.logs:
                self._logs.setdefault(log.log.span_id or SpanId(log.log_id[:16]), []).append(log)

    def span(self, step: Step) -> CleanSpan | None:
        """The step's own span; None for a step made from a log record or a message."""
        return self._spans.get(step.span_id)

    def logs(self, step: Step) -> Sequence[CleanLog]:
        """The step's own log records."""
        return self._logs.get(step.span_id, ())

    def of(self, step: Step) -> SpanContent:
        """The content of a step; empty when nothing is stored (any more)."""
        own = self._read(step.span_id)
        if is_told_by_parent(step) and step.span_id not in self._spans and step.parent_span_id is not None:
            return tool_content(self._read(step.parent_span_id), step)
        return own

    def by_span(self, steps: Iterable[Step]) -> Mapping[str, SpanContent]:
        """The contents of many steps."""
        return {s.span_id: self.of(s) for s in steps}

    def _read(self, span_id: SpanId) -> SpanContent:
        if span_id not in self._known:
            logs = self._logs.get(span_id, [])
            item: CleanSpan | CleanLog | None = self._spans.get(span_id) or (logs[0] if logs else None)
            self._known[span_id] = content_of(item, logs) if item is not None else SpanContent()
        return self._known[span_id]


def is_told_by_parent(step: Step) -> bool:
    """Whether a step has no evidence of its own: a tool call that only its model call's messages tell of."""
    return "synthetic" in step.flags and step.kind is SpanKind.TOOL


def read_step(store: Store, project: str, step: Step) -> StepContents:
    """Evidence of one step, and of its parent when that tells of it."""
    parts = [store.read_evidence(project, step.trace_id, step.span_id)]
    if is_told_by_parent(step) and step.parent_span_id is not None:
        parts.append(store.read_evidence(project, step.trace_id, step.parent_span_id))
    return StepContents(parts)


def read_steps(store: Store, project: str, steps: Sequence[Step], run_id: str) -> StepContents:
    """Evidence of every trace that the steps come from."""
    traces = dict.fromkeys(s.trace_id for s in steps) or {TraceId(run_id): None}
    return StepContents(store.read_evidence(project, trace) for trace in traces)


def read_some(store: Store, project: str, steps: Sequence[Step]) -> StepContents:
    """Evidence of these steps alone, and of the steps that tell of them: for a part of a large run."""
    wanted: dict[TraceId, set[SpanId]] = {}
    for step in steps:
        own = wanted.setdefault(step.trace_id, set())
        own.add(step.span_id)
        if is_told_by_parent(step) and step.parent_span_id is not None:
            own.add(step.parent_span_id)
    return StepContents(store.read_evidence_of(project, trace, spans) for trace, spans in wanted.items())
