"""Facts: what one clean span or log tells all alone. Light, pure, versioned; the input of assembly."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from msgspec import Struct, field

from spans.ids import SpanId, TraceId
from spans.kinds import Evidence, SpanKind, ToolOutcome, Verdict
from spans.usage import ReportedCost, Usage


class Decision(Struct, frozen=True):
    """What a control, a guardrail or a person decided about one subject (dialects reference, section 8.1)."""

    verdict: Verdict
    rule: str = ""
    by: str = ""
    """policy, model, human, config, hook, sandbox or provider."""
    reason: str = ""
    subject: str = "tool_call"
    subject_ref: str = ""
    evidence: Evidence = Evidence.EXPLICIT
    wait_ms: int | None = None
    decider_id: str = ""
    """Who it was, as kept after redaction: a pseudonym of the approver, or the id of a service."""


class Evaluation(Struct, frozen=True):
    """A score somebody gave (dialects reference, section 4.23)."""

    name: str
    score: float | None = None
    label: str = ""
    explanation: str = ""
    annotator: str = ""
    target: str = "span"
    """span, trace or session."""


class ToolFacts(Struct, frozen=True):
    """A tool call as its own span tells it. `arguments_hash` is computed after redaction (canonical JSON)."""

    name: str = ""
    call_id: str = ""
    arguments_hash: str = ""
    has_arguments: bool = False
    has_result: bool = False
    result_empty: bool = False
    outcome: ToolOutcome | None = None
    """What the emitter or its text said, if anything; assembly decides."""
    evidence: Evidence = Evidence.DERIVED
    inner_name: str = ""
    """The tool named inside the arguments, when the span is a dispatcher such as `call_tool(name, arguments)`."""
    inner_hash: str = ""
    """Hash of the arguments inside a dispatcher's arguments."""
    values: Mapping[str, float | str] = field(default_factory=dict)
    """Numbers and short words of the arguments (of the inner call's, for a dispatcher), for detectors."""


class ArgumentNote(Struct, frozen=True):
    """What a call's arguments look like without their values, after redaction."""

    shape: str = ""
    """Names with kinds: `amount number, order_id text`."""
    repeat_hash: str = ""
    """Hash of the arguments without their idempotency key; empty when they have none."""
    idempotency: str = ""
    """Digest of the idempotency key; empty when there is none."""


class AskedCall(Struct, frozen=True):
    """A tool call that a model's answer asked for."""

    call_id: str
    name: str
    arguments_hash: str
    fits: bool | None = None
    """Whether the arguments are JSON and satisfy the schema of the offered tool; None when there is no schema."""


class AnsweredCall(Struct, frozen=True):
    """A tool result that a model call was newly given: proof of an execution that may have no span of its own."""

    call_id: str
    name: str = ""
    arguments_hash: str = ""
    outcome: ToolOutcome | None = None
    evidence: Evidence = Evidence.GUESS
    result_empty: bool = False
    error_message: str = ""
    """At most 300 characters, redacted."""


class SpanFacts(Struct, frozen=True):
    """All that one span (or one log record) tells alone. No text longer than a preview stands here."""

    version: int
    """Version of the rules that made it."""
    project: str
    trace_id: TraceId
    span_id: SpanId
    """For a log: the span it belongs to, or an id derived from `log_id` when it names none."""
    parent_span_id: SpanId | None
    source: str
    """`span` or `log`."""
    name: str
    start_ns: int
    end_ns: int
    status: str
    """unset, ok or error, as sent."""
    kind: SpanKind
    kind_rule: str = ""
    subkind: str = ""
    dialects: tuple[str, ...] = ()
    scope: str = ""
    service: str = ""
    service_version: str = ""
    environment: str = ""
    mode: str = ""
    error_type: str = ""
    error_message: str = ""
    """At most 300 characters, redacted."""
    interrupted: bool = False
    """Control flow (an interrupt, a cancellation), not an error."""
    provider: str = ""
    framework: str = ""
    request_model: str = ""
    response_model: str = ""
    response_id: str = ""
    usage: Usage | None = None
    usage_hint: str = ""
    """`rollup` when this emitter is known to repeat its children's usage here."""
    reported_cost: ReportedCost | None = None
    session_id: str = ""
    user_id: str = ""
    workflow: str = ""
    """An explicit workflow name, if any attribute gives one."""
    workflow_version: str = ""
    agent_id: str = ""
    agent_name: str = ""
    agent_version: str = ""
    prompt_name: str = ""
    prompt_version: str = ""
    prompt_hash: str = ""
    tool: ToolFacts | None = None
    asked: tuple[AskedCall, ...] = ()
    tools_offered: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    finish_reasons: tuple[str, ...] = ()
    is_stream: bool = False
    ttft_ns: int | None = None
    documents: int | None = None
    retrieval_score: float | None = None
    """Mean score of the retrieved documents."""
    has_input: bool = False
    has_output: bool = False
    content_state: str = "absent"
    """full, truncated, withheld, external or absent."""
    input_preview: str = ""
    output_preview: str = ""
    tags: tuple[str, ...] = ()
    promoted: Mapping[str, str] = field(default_factory=dict)
    """Attributes a person may filter by; at most 20 in a run."""
    shared_keys: tuple[str, ...] = ()
    """Keys that other traces may share, such as `response:chatcmpl-9aZ` or `call:SESSION:call_1`."""
    redactions: int = 0
    entities: Mapping[str, int] = field(default_factory=dict)
    """Hidden values by entity; a feature for drift and for rules about exposure."""
    withheld: bool = False
    flags: tuple[str, ...] = ()
    attribute_count: int = 0
    content_hash: str = ""
    """Breaks ties between two copies of one span; 32 hex digits of SHA-256 over the canonical evidence."""
    received_day: date = date(1970, 1, 1)
    received_ns: int = 0
    noise: bool = False
    """Plumbing of the emitter that is folded away by default."""
    answered: tuple[AnsweredCall, ...] = ()
    """Tool results that end this call's input messages, the ones no earlier call has seen."""
    calls: int = 1
    """Model calls that this one span stands for; more than one when an SDK loops by itself and reports once."""
    links: tuple[str, ...] = ()
    """Linked spans as `trace:span`, at most 16."""
    span_kind: int = 0
    """OTLP span kind: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer."""
    fold: str = ""
    """For a log: what it adds to its span (`content`, `choice`, `details`, `evaluation`, `call`, …)."""
    argument_notes: Mapping[str, ArgumentNote] = field(default_factory=dict)
    """By arguments hash, of every call that this item tells of."""
    tool_schemas: Mapping[str, str] = field(default_factory=dict)
    """Tools that were offered, each with a digest of its parameters' schema."""
    has_system: bool = False
    """Whether it states system instructions."""
