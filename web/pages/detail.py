"""The detail of one step: what was asked and answered, what it cost and why, what was decided, hidden and sent raw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from runs.dialects import DIALECTS
from spans.clean import CleanLog, CleanSpan, Redaction, RedactionNote
from spans.content import Document, Message, Part, SpanContent, ToolDefinition
from spans.facts import Decision, Evaluation
from spans.kinds import Evidence, SpanKind, UsageRole
from spans.run import Step
from spans.usage import CostLine, ReportedCost, Usage
from spans.values import Value
from spans.why import words_of
from web.format import NBSP, duration, money, tokens
from web.json_tree import Node, json_tree
from web.links import OutLink
from web.places import Place
from web.waterfall import FLAG_WORDS, KIND_NAMES, step_name, step_state


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of the fact table; `mono` for ids and names of programs."""

    label: str
    value: str
    exact: str = ""
    mono: bool = False


@dataclass(frozen=True, slots=True)
class NoteGroup:
    """Redactions of one kind for one reason, with the places where they happened."""

    entity: str
    operator: str
    number: int
    paths: tuple[str, ...]
    why: str
    """What gave the values away, in words; empty in evidence of earlier versions."""


@dataclass(frozen=True, slots=True)
class RedactedWith:
    """What an item of a step was cleaned with."""

    item: str
    """The span itself, or a log record."""
    mode: str
    rules: str
    """Fingerprint of the rules and detectors."""
    key_id: str


@dataclass(frozen=True, slots=True)
class Raw:
    """A part of the evidence as a tree."""

    label: str
    tree: Node
    number: int


@dataclass(frozen=True, slots=True)
class CostNote:
    """Why a number is what it is."""

    total: Decimal | None
    lines: tuple[CostLine, ...]
    price: str
    sentence: str
    reported: ReportedCost | None


@dataclass(frozen=True, slots=True)
class Linked:
    """A span that this one names as its cause or company (OpenTelemetry span link); it may be of another trace."""

    trace_id: str
    span_id: str
    href: str
    """Opens its run, or says why it cannot."""
    attributes: Node | None


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything the panel shows."""

    span_id: str
    kind: str
    kind_word: str
    title: str
    name: str
    glyph: str
    word: str
    close_href: str
    here_href: str
    json_href: str
    start_ns: int
    facts: tuple[Fact, ...]
    error_type: str
    error_message: str
    error_stack: str
    decisions: tuple[Decision, ...]
    evaluations: tuple[Evaluation, ...]
    system: tuple[Part, ...]
    asked: tuple[Message, ...]
    earlier: int
    """Messages of the history that are folded away."""
    answered: tuple[Message, ...]
    arguments: Node | None
    result: Node | None
    result_text: str
    query: str
    documents: tuple[Document, ...]
    inputs: tuple[str, ...]
    tools: tuple[ToolDefinition, ...]
    params: Node | None
    generic_input: Node | None
    generic_input_text: str
    generic_output: Node | None
    generic_output_text: str
    cost: CostNote | None
    notes: tuple[NoteGroup, ...]
    redaction: str
    redacted_with: tuple[RedactedWith, ...]
    raws: tuple[Raw, ...]
    marks: tuple[str, ...]
    content_state: str
    parse_errors: tuple[str, ...]
    has_content: bool
    links: tuple[OutLink, ...]
    """To other tools."""
    linked: tuple[Linked, ...]
    more_linked: int
    """Links beyond those; all of them stand among what was received."""


_LAST_MESSAGES = 4
MAX_LINKED = 50
MAX_PATHS = 20


def build_detail(
    place: Place,
    path: str,
    step: Step,
    span: CleanSpan | None,
    logs: Sequence[CleanLog],
    content: SpanContent,
    *,
    all_messages: bool = False,
    links: tuple[OutLink, ...] = (),
) -> Detail:
    """Build the panel of one step. `span` is None for steps made from log records, or when evidence has expired."""
    glyph, word = step_state(step)
    asked = content.input_messages
    earlier = 0 if all_messages else max(0, len(asked) - _LAST_MESSAGES)
    generic = step.kind not in {SpanKind.MODEL, SpanKind.TOOL} or not (asked or content.output_messages)
    shows_io = generic and step.kind is not SpanKind.TOOL
    clean: tuple[CleanSpan | CleanLog, ...] = (*((span,) if span else ()), *logs)
    return Detail(
        span_id=step.span_id,
        kind=KIND_NAMES[step.kind],
        kind_word=step.subkind if step.kind is SpanKind.OTHER and step.subkind else step.kind.value,
        title=step_name(step),
        name=step.name,
        glyph=glyph,
        word=word,
        close_href=place.url(path),
        here_href=place.url(path, span=step.span_id),
        json_href=place.bare(f"/api/v1/runs/{step.run_id}/spans/{step.span_id}", project=place.project),
        start_ns=step.start_ns,
        facts=_facts(step, span),
        error_type=step.error_type,
        error_message="" if any(d.reason == step.error_message for d in step.decisions) else step.error_message,
        error_stack=content.error_stack,
        decisions=step.decisions,
        evaluations=step.evaluations,
        system=content.system,
        asked=asked[earlier:],
        earlier=earlier,
        answered=content.output_messages,
        arguments=_tree(content.tool_arguments, unfold=True),
        result=None if isinstance(content.tool_result, str) else _tree(content.tool_result, unfold=True),
        result_text=content.tool_result if isinstance(content.tool_result, str) else "",
        query=content.retrieval_query or content.rerank_query,
        documents=content.documents or content.rerank_output,
        inputs=content.embedding_inputs,
        tools=content.tool_definitions,
        params=_tree(dict(content.params)) if content.params else None,
        generic_input=_tree(content.input) if shows_io and not isinstance(content.input, str) else None,
        generic_input_text=content.input if shows_io and isinstance(content.input, str) else "",
        generic_output=_tree(content.output) if shows_io and not isinstance(content.output, str) else None,
        generic_output_text=content.output if shows_io and isinstance(content.output, str) else "",
        cost=_cost(step),
        notes=group_notes([n for c in clean for n in c.notes]),
        redaction=redaction_of(clean),
        redacted_with=_redacted_with(clean),
        raws=_raws(span, logs),
        marks=tuple(FLAG_WORDS[f] for f in step.flags if f in FLAG_WORDS),
        content_state=step.content_state,
        parse_errors=content.parse_errors,
        has_content=bool(
            content.system or asked or content.output_messages or content.tool_arguments is not None
            or content.tool_result is not None or content.documents or content.retrieval_query
            or content.input is not None or content.output is not None or content.embedding_inputs
        ),
        links=links,
        linked=_linked(place, span),
        more_linked=max(0, len(span.span.links) - MAX_LINKED) if span else 0,
    )  # fmt: skip


def _linked(place: Place, span: CleanSpan | None) -> tuple[Linked, ...]:
    return tuple(
        Linked(
            one.trace_id,
            one.span_id,
            place.bare(f"/t/{one.trace_id}", span=one.span_id, project=place.project),
            json_tree(dict(one.attributes)) if one.attributes else None,
        )
        for one in (span.span.links[:MAX_LINKED] if span else ())
    )


def _tree(value: Value, *, unfold: bool = False) -> Node | None:
    return None if value is None else json_tree(value, unfold=unfold)


def _facts(step: Step, span: CleanSpan | None) -> tuple[Fact, ...]:
    facts = [
        Fact("Duration", duration(step.duration_ns), f"{step.duration_ns:,} ns"),
        *_model_facts(step),
        Fact("Call id", step.tool_call_id, mono=True),
        Fact("Agent", step.agent_name),
        Fact("Service", step.service),
        Fact("Session", step.session_id, mono=True),
        Fact("User", step.user_id, mono=True),
        Fact("Prompt", " ".join(x for x in (step.prompt_name, step.prompt_version) if x) or step.prompt_hash),
        Fact("Finish", ", ".join(step.finish_reasons)),
        Fact("Instrumentation", instrumentation(step, span)),
        Fact("Span", step.span_id, mono=True),
        Fact("Trace", step.trace_id, mono=True),
    ]
    return tuple(f for f in facts if f.value)


def _model_facts(step: Step) -> list[Fact]:
    models = step.request_model
    if step.response_model and step.response_model != step.request_model:
        models = f"{step.request_model} → {step.response_model}" if step.request_model else step.response_model
    facts = [Fact("Model", models, mono=True), Fact("Provider", step.provider)]
    if step.usage:
        facts.append(Fact("Tokens", usage_words(step.usage), f"{step.usage.total():,} in all"))
        if step.usage_role is UsageRole.ROLLUP:
            facts.append(Fact("Counted", "no: a sum of the steps inside"))
        elif step.usage_role is UsageRole.DUPLICATE:
            facts.append(Fact("Counted", "no: another step reports the same call"))
    if step.ttft_ns is not None:
        facts.append(Fact("First token", duration(step.ttft_ns)))
    return facts


def usage_words(usage: Usage) -> str:
    """`639 in (512 cached) → 57 out (20 reasoning)`."""
    inner = [f"{tokens(n)}{NBSP}{w}" for n, w in ((usage.cache_read, "cached"), (usage.cache_write, "written")) if n]
    came = f"{tokens(usage.input)}{NBSP}in" + (f" ({', '.join(inner)})" if inner else "")
    went = f"{tokens(usage.output)}{NBSP}out"
    if usage.reasoning:
        went += f" ({tokens(usage.reasoning)}{NBSP}reasoning)"
    return f"{came} → {went}"


DIALECT_NAMES = {d.id: d.title for d in DIALECTS}


def instrumentation(step: Step, span: CleanSpan | None) -> str:
    """The instrumentation by its full name, and the library that wrote the span."""
    names = ", ".join(DIALECT_NAMES.get(d, d) for d in step.dialects)
    scope = span.span.scope if span else None
    library = f"{scope.name} {scope.version}".strip() if scope else ""
    return f"{names} · {library}" if names and library else names or library


def _cost(step: Step) -> CostNote | None:
    if step.usage is None and step.cost is None and step.reported_cost is None:
        return None
    if step.usage_role is UsageRole.ROLLUP:
        return CostNote(None, (), "", "Counted in the steps inside, not here.", step.reported_cost)
    if step.usage_role is UsageRole.DUPLICATE:
        return CostNote(None, (), "", "Counted in another step that reports the same call.", step.reported_cost)
    if step.cost is None:
        model = step.response_model or step.request_model or "this model"
        sentence = f"No price is known for {model}, so it is not in any sum." if step.unpriced else "Nothing to price."
        return CostNote(None, (), "", sentence, step.reported_cost)
    source = "as reported by the sender" if step.cost.source == "reported" else "computed from public prices"
    return CostNote(
        step.cost.usd, step.cost.lines, step.cost.price, f"{money(step.cost.usd)}, {source}.", step.reported_cost
    )


def group_notes(notes: Sequence[RedactionNote]) -> tuple[NoteGroup, ...]:
    """Notes by entity, operator and reason, most frequent first; paths without repetition."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for note in notes:
        groups.setdefault((note.entity, note.operator, note.why), []).append(note.path)
    ranked = sorted(groups.items(), key=lambda group: -len(group[1]))
    return tuple(
        NoteGroup(entity, operator, len(paths), tuple(dict.fromkeys(paths))[:MAX_PATHS], words_of(why))
        for (entity, operator, why), paths in ranked
    )


def _redacted_with(clean: Sequence[CleanSpan | CleanLog]) -> tuple[RedactedWith, ...]:
    """What the items of a step were cleaned with, equal ones once."""
    return tuple(
        dict.fromkeys(
            RedactedWith(
                "span" if isinstance(one, CleanSpan) else "log record", one.redaction.value, one.fingerprint, one.key_id
            )
            for one in clean
        )
    )


def redaction_of(clean: Sequence[CleanSpan | CleanLog]) -> str:
    """How evidence went through redaction, the worst of it: `withheld`, `off`, `rules`, `full`, or `none` without any."""
    modes = {c.redaction for c in clean}
    if Redaction.WITHHELD in modes:
        return "withheld"
    if Redaction.OFF in modes:
        return "off"
    if Redaction.RULES in modes:
        return "rules"
    return "full" if modes else "none"


def _raws(span: CleanSpan | None, logs: Sequence[CleanLog]) -> tuple[Raw, ...]:
    raws: list[Raw] = []
    if span is not None:
        inner = span.span
        raws.append(_raw("Attributes", dict(inner.attributes)))
        events: list[Value] = [
            {"name": e.name, "time_ns": e.time_ns, "attributes": dict(e.attributes)} for e in inner.events
        ]
        raws.append(_raw("Events", events))
        if len(inner.links) > MAX_LINKED:
            every: list[Value] = [
                {"trace_id": k.trace_id, "span_id": k.span_id, "attributes": dict(k.attributes)} for k in inner.links
            ]
            raws.append(_raw("Links", every))
        raws.append(_raw("Resource", dict(inner.resource.attributes)))
        raws.append(_raw("Scope", {"name": inner.scope.name, "version": inner.scope.version, **inner.scope.attributes}))
    if logs:
        raws.append(_raw("Log records", [_log(c) for c in logs]))
    return tuple(r for r in raws if r.number)


def _log(clean: CleanLog) -> Value:
    log = clean.log
    return {"event_name": log.event_name, "time_ns": log.time_ns, "body": log.body, "attributes": dict(log.attributes)}


def _raw(label: str, value: Value) -> Raw:
    number = len(value) if isinstance(value, dict | list) else 1
    tree = json_tree(value)
    return Raw(label, Node(tree.key, tree.kind, tree.text, tree.children, tree.size, open=True), number)


EVIDENCE_WORDS = {
    Evidence.EXPLICIT: "said by the sender",
    Evidence.DERIVED: "derived from the trace's structure",
    Evidence.GUESS: "read out of text",
}
"""How surely a decision is known."""
