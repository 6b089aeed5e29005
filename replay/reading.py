"""Reads from the store what a recording is made of: steps, what models asked for, and evidence for the content."""

from __future__ import annotations

from replay.outline import Moment, asked_of, outline
from replay.recording import Recording, record, recorded
from runs.present import contents_of
from spans.content import SpanContent
from spans.ids import SpanId, TraceId
from spans.run import Run, Step
from store.api import Store, TraceEvidence


def read_outline(store: Store, run: Run) -> tuple[Moment, ...]:
    """The exchanges of a run without their content."""
    steps = store.read_steps(run.project, run.run_id)
    return outline(steps, asked_of(store.read_facts(run.project, traces_of(run, steps))))


def read_recording(store: Store, run: Run, *, content: bool = True) -> Recording:
    """The recording of a stored run; without content its exchanges say only that they happened."""
    steps = store.read_steps(run.project, run.run_id)
    facts = store.read_facts(run.project, traces_of(run, steps))
    if not content:
        return recorded(run, outline(steps, asked_of(facts)), {})
    return record(run, steps, read_evidence(store, run, steps), facts)


def read_evidence(store: Store, run: Run, steps: tuple[Step, ...]) -> TraceEvidence:
    """The evidence of every trace that a run's steps come from."""
    parts = [store.read_evidence(run.project, trace) for trace in traces_of(run, steps)]
    return TraceEvidence(
        tuple(span for part in parts for span in part.spans), tuple(log for part in parts for log in part.logs)
    )


def read_contents(store: Store, project: str, steps: tuple[Step, ...]) -> dict[SpanId, SpanContent]:
    """The content of a few steps, each read by its own key (and by its parent's, when that tells of it)."""
    found: dict[SpanId, SpanContent] = {}
    for step in steps:
        own = store.read_evidence(project, step.trace_id, step.span_id)
        spans, logs = own.spans, own.logs
        if "synthetic" in step.flags and step.parent_span_id is not None:
            parent = store.read_evidence(project, step.trace_id, step.parent_span_id)
            spans, logs = (*spans, *parent.spans), (*logs, *parent.logs)
        found.update(contents_of([step], spans, logs))
    return found


def traces_of(run: Run, steps: tuple[Step, ...]) -> tuple[TraceId, ...]:
    """The traces of a run, its own first."""
    return tuple(dict.fromkeys((TraceId(run.run_id), *(step.trace_id for step in steps))))
