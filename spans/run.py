"""Derived words: a step (one row of a run's tree) and a run (what one trace shows of one execution)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from msgspec import Struct, field

from spans.attempts import Attempt
from spans.facts import Decision, Evaluation
from spans.ids import RunId, SpanId, TraceId
from spans.kinds import (
    Evidence,
    OutcomeLabel,
    Replayability,
    RunMode,
    RunShape,
    RunStatus,
    SpanKind,
    ToolOutcome,
    UsageRole,
)
from spans.usage import Cost, ReportedCost, Usage


class Outcome(Struct, frozen=True):
    """What a run achieved and who says so."""

    label: OutcomeLabel = OutcomeLabel.UNKNOWN
    source: str = ""


class Step(Struct, frozen=True):
    """One row of a run's tree, in stored order (`ordinal`), with everything but its content."""

    run_id: RunId
    trace_id: TraceId
    span_id: SpanId
    parent_span_id: SpanId | None
    ordinal: int
    depth: int
    kind: SpanKind
    subkind: str
    name: str
    start_ns: int
    duration_ns: int
    status: RunStatus
    error_type: str = ""
    error_message: str = ""
    provider: str = ""
    request_model: str = ""
    response_model: str = ""
    response_id: str = ""
    usage: Usage | None = None
    usage_role: UsageRole = UsageRole.NONE
    duplicate_of: SpanId | None = None
    cost: Cost | None = None
    reported_cost: ReportedCost | None = None
    unpriced: bool = False
    """A counted call whose model has no known price."""
    tool_name: str = ""
    tool_call_id: str = ""
    tool_arguments_hash: str = ""
    tool_outcome: ToolOutcome | None = None
    tool_evidence: Evidence | None = None
    counted: bool = True
    """False for a second report of a call that is counted elsewhere."""
    decisions: tuple[Decision, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    finish_reasons: tuple[str, ...] = ()
    ttft_ns: int | None = None
    is_stream: bool = False
    session_id: str = ""
    user_id: str = ""
    agent_name: str = ""
    service: str = ""
    dialects: tuple[str, ...] = ()
    prompt_name: str = ""
    prompt_version: str = ""
    prompt_hash: str = ""
    documents: int | None = None
    retrieval_score: float | None = None
    """Mean score of the retrieved documents."""
    argument_values: Mapping[str, float | str] = field(default_factory=dict)
    """Numbers and short words of a tool call's arguments, for detectors."""
    result_preview: str = ""
    """The start of what a tool call answered, for patterns that people teach; not stored with the step."""
    redactions: int = 0
    entities: Mapping[str, int] = field(default_factory=dict)
    """Hidden values by entity, of this step alone."""
    has_input: bool = False
    has_output: bool = False
    content_state: str = "absent"
    flags: tuple[str, ...] = ()
    """orphan, unfinished, late, conflict, cycle, synthetic, noise, withheld, …"""
    tool_arguments_shape: str = ""
    """Names with kinds of the call's arguments: `amount number, order_id text`."""
    tool_repeat_hash: str = ""
    """Hash of the arguments without their idempotency key; empty when they are not known."""
    tool_idempotency: str = ""
    """Digest of the call's idempotency key; empty when it has none."""


class Run(Struct, frozen=True):
    """What one trace shows of one execution: the row behind every list."""

    run_id: RunId
    project: str
    first_received_day: date
    """Sticky: the partition of every derived row of this run."""
    last_received_ns: int
    version: int
    """Grows with the evidence; the highest version of a run is the run."""
    digest: str
    """Digest of the facts it was assembled from."""
    name: str
    service: str
    environment: str
    mode: RunMode
    shape: RunShape
    workflow: str
    workflow_source: str
    workflow_version: str
    agents: tuple[str, ...]
    session_id: str
    user_id: str
    started_ns: int
    duration_ns: int
    status: RunStatus
    outcome: Outcome = field(default_factory=Outcome)
    cost_usd: Decimal | None = None
    unpriced_calls: int = 0
    usage: Usage = field(default_factory=Usage)
    span_count: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    retrievals: int = 0
    denials: int = 0
    errors: int = 0
    interventions: int = 0
    redactions: int = 0
    entities: Mapping[str, int] = field(default_factory=dict)
    """Hidden values by entity."""
    entities_by_tool: Mapping[str, int] = field(default_factory=dict)
    """Hidden values by tool and entity, as `lookup_customer PERSON`."""
    models: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    dialects: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    continues: RunId | None = None
    continued_by: RunId | None = None
    waiting_for: str = ""
    replayability: Replayability = Replayability.METADATA_ONLY
    replay_reasons: tuple[str, ...] = ()
    pinned: bool = False
    complete: bool = True
    input_preview: str = ""
    output_preview: str = ""
    content_expired_ns: int = 0
    """When retention removed its messages and arguments; 0 while they are kept."""
    tool_schemas: Mapping[str, str] = field(default_factory=dict)
    """Every tool that was offered, with a digest of its parameters' schema (the last one seen)."""
    prompts: tuple[str, ...] = ()
    """Hashes of the prompts that its model calls were given, each once."""
    attempts: tuple[Attempt, ...] = ()
    """What a control stopped, what the policy forbids, what was malformed."""
    tool_outcomes: Mapping[str, int] = field(default_factory=dict)
    """Tool calls by what became of them, those that never ran included."""


class Measures(Struct, frozen=True):
    """What detectors compare between runs. Names come partly from outside (tools, arguments, scores)."""

    numbers: Mapping[str, float] = field(default_factory=dict)
    """Finite numbers by name; a name that is missing was not measured."""
    flags: tuple[str, ...] = ()
    """Yes/no features that are yes."""
    tools: tuple[str, ...] = ()
    """Tools in the order they were called."""


class Assembly(Struct, frozen=True):
    """A run, its steps and its measures, replaced in the store as a whole."""

    run: Run
    steps: tuple[Step, ...]
    measures: Measures = field(default_factory=Measures)
