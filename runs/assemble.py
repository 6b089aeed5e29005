"""A set of facts of one trace → its steps and its run. Pure: any order, duplication or lateness gives the same result."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from runs.counting import assign_roles
from runs.eras import of_our_time
from runs.folding import LOGS_ONLY, fold
from runs.gaps import mark_gaps
from runs.naming import root_agent, stripped, workflow_name
from runs.node import MODEL_KINDS, Node
from runs.pricing import PriceBook
from runs.shape import is_complete, run_status, shape_of, status_of
from runs.tools import assign_tools, is_delegation
from runs.tree import build_tree
from runs.winners import winners
from spans.facts import ArgumentNote, SpanFacts
from spans.ids import RunId
from spans.kinds import RunMode, RunStatus, SpanKind, ToolOutcome, UsageRole, Verdict
from spans.naming import NamingRules
from spans.run import Assembly, Run, Step
from spans.usage import Cost, Usage


def assemble(
    facts: Iterable[SpanFacts],
    *,
    book: PriceBook,
    neighbours: Iterable[SpanFacts] = (),
    naming: NamingRules | None = None,
) -> Assembly:
    """Assemble one run.

    Args:
        facts: Facts of ONE trace of one project: every stored copy, in any order, at least one.
        book: Prices.
        neighbours: Facts of other traces that carry a shared key of this one; their own facts, never their steps.
        naming: Mapping rules of the project.

    Raises:
        ValueError: no facts at all.
    """
    given = list(facts)
    if not given:
        raise ValueError("A run is assembled from at least one span or log.")
    evidence = winners(given)
    folded, synthetic = fold(evidence.spans, evidence.logs)
    everything = list(folded.values()) or list(evidence.logs)
    nodes = build_tree(_node(one, is_synthetic=one.span_id in synthetic) for one in everything)
    for node in nodes:
        if node.span_id in evidence.conflicts:
            node.mark("conflict")
    _refine_kinds(nodes)
    beside = of_our_time(everything, _by_key(neighbours, own=given[0]))
    assign_roles(nodes, beside)
    for made in assign_tools(nodes, beside):
        nodes.append(made)
    nodes = _reordered(nodes)
    _inherit_agents(nodes)
    mark_gaps(nodes)
    started_ns = min((node.facts.start_ns for node in nodes if node.facts.start_ns), default=0)
    _price(nodes, book, started_ns)
    run_id = RunId(given[0].trace_id)
    notes = _notes(everything, beside)
    steps = tuple(_step(run_id, node, notes) for node in nodes)
    run = _run(run_id, given, nodes, steps, naming or NamingRules(), beside)
    return Assembly(run, steps)


def _node(facts: SpanFacts, *, is_synthetic: bool) -> Node:
    node = Node(facts=facts, kind=facts.kind, flags=list(facts.flags))
    if is_synthetic:
        node.mark("synthetic")
    if facts.noise:
        node.mark("noise")
    if facts.withheld:
        node.mark("withheld")
    return node


def _by_key(neighbours: Iterable[SpanFacts], own: SpanFacts) -> dict[str, list[SpanFacts]]:
    found: dict[str, list[SpanFacts]] = {}
    for facts in neighbours:
        if facts.trace_id != own.trace_id and facts.project == own.project:
            for key in facts.shared_keys:
                found.setdefault(key, []).append(facts)
    for listed in found.values():
        listed.sort(key=lambda facts: (facts.start_ns, facts.trace_id, facts.span_id, facts.content_hash))
    return found


def _refine_kinds(nodes: Sequence[Node]) -> None:
    """Rules that need the neighbourhood: a plain span without anything of AI below is just a span (section 5.2)."""
    has_ai: set[str] = set()
    for node in reversed(nodes):
        plain = node.kind is SpanKind.WORKFLOW and node.facts.subkind in {"span", "default"}
        if plain and node.span_id not in has_ai:
            node.kind = SpanKind.OTHER
        if node.parent is not None and (node.span_id in has_ai or node.kind is not SpanKind.OTHER):
            has_ai.add(node.parent.span_id)


def _reordered(nodes: list[Node]) -> list[Node]:
    """Stored order again after steps were added: a made step stands right before the call that was given its result."""
    made: dict[str, list[Node]] = {}
    for node in nodes:
        if node.facts.kind_rule.startswith("tool result") and node.parent is not None:
            made.setdefault(node.parent.span_id, []).append(node)
    if not made:
        return nodes
    found: list[Node] = []
    for node in nodes:
        if node.facts.kind_rule.startswith("tool result"):
            continue
        found.append(node)
        found.extend(sorted(made.get(node.span_id, ()), key=lambda one: (one.call_id, one.span_id)))
    for ordinal, node in enumerate(found):
        node.ordinal = ordinal
    return found


def _inherit_agents(nodes: Sequence[Node]) -> None:
    """The agent of a step is the nearest at or above it that has a name (section 4.19)."""
    for node in nodes:
        if not node.agent_name and node.parent is not None:
            node.agent_name = node.parent.agent_name


def _price(nodes: Sequence[Node], book: PriceBook, started_ns: int) -> None:
    """Price what counts, at the prices of the run's start; a reported cost stands in where no price is known."""
    for node in nodes:
        facts = node.facts
        usage = facts.usage
        if node.role is not UsageRole.OWN or usage is None:
            continue
        node.cost = book.price(
            usage,
            provider=facts.provider,
            models=(facts.response_model, facts.request_model),
            at_ns=started_ns,
        )
        if node.cost is None and facts.reported_cost is not None:
            node.cost = Cost(facts.reported_cost.usd, "reported", facts.reported_cost.source)
        node.unpriced = node.cost is None


_NO_NOTE = ArgumentNote()
_MOST_TOOLS = 200
_MOST_ENTITIES = 200
_MOST_PROMPTS = 20


def _notes(facts: Iterable[SpanFacts], beside: Mapping[str, Iterable[SpanFacts]]) -> dict[str, ArgumentNote]:
    """What is known of arguments by their hash; a call may have been asked for in another trace."""
    found: dict[str, ArgumentNote] = {}
    for near in beside.values():
        for one in near:
            found.update(one.argument_notes)
    for one in facts:
        found.update(one.argument_notes)
    return found


def _schemas(in_time: Iterable[Node]) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in in_time:
        found.update(node.facts.tool_schemas)
    return dict(sorted(found.items())[:_MOST_TOOLS])


def _entities(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Sums by name, the names in order, at most 200 of them."""
    found: Counter[str] = Counter()
    for name, count in counts:
        found[name] += count
    return dict(sorted(found.items())[:_MOST_ENTITIES])


def _step(run_id: RunId, node: Node, notes: Mapping[str, ArgumentNote]) -> Step:
    facts = node.facts
    status = status_of(node)
    is_tool = node.kind is SpanKind.TOOL
    note = notes.get(node.arguments_hash, _NO_NOTE) if is_tool else _NO_NOTE
    return Step(
        run_id=run_id,
        trace_id=facts.trace_id,
        span_id=facts.span_id,
        parent_span_id=facts.parent_span_id,
        ordinal=node.ordinal,
        depth=node.depth,
        kind=node.kind,
        subkind=facts.subkind,
        name=facts.name,
        start_ns=facts.start_ns,
        duration_ns=max(0, facts.end_ns - facts.start_ns) if facts.end_ns else 0,
        status=status,
        error_type=facts.error_type,
        error_message=facts.error_message,
        provider=facts.provider,
        request_model=facts.request_model,
        response_model=facts.response_model,
        response_id=facts.response_id,
        usage=facts.usage,
        usage_role=node.role,
        duplicate_of=node.duplicate_of,
        cost=node.cost,
        reported_cost=facts.reported_cost,
        unpriced=node.unpriced,
        tool_name=node.tool_name if is_tool else "",
        tool_call_id=node.call_id if is_tool else "",
        tool_arguments_hash=node.arguments_hash if is_tool else "",
        tool_outcome=node.outcome if is_tool else None,
        tool_evidence=node.evidence if is_tool else None,
        counted=node.counted and (node.executed or not is_tool or node.outcome is ToolOutcome.DENIED),
        decisions=tuple(dict.fromkeys(node.decisions or facts.decisions)),
        evaluations=facts.evaluations,
        finish_reasons=facts.finish_reasons,
        ttft_ns=facts.ttft_ns,
        is_stream=facts.is_stream,
        session_id=facts.session_id,
        user_id=facts.user_id,
        agent_name=node.agent_name,
        service=facts.service,
        dialects=facts.dialects,
        prompt_name=facts.prompt_name,
        prompt_version=facts.prompt_version,
        prompt_hash=facts.prompt_hash,
        documents=facts.documents,
        retrieval_score=facts.retrieval_score,
        argument_values=facts.tool.values if is_tool and facts.tool is not None else {},
        result_preview=facts.output_preview if is_tool else "",
        redactions=facts.redactions,
        entities=facts.entities,
        has_input=facts.has_input,
        has_output=facts.has_output,
        content_state=facts.content_state,
        flags=tuple(node.flags),
        tool_arguments_shape=note.shape,
        tool_repeat_hash=note.repeat_hash or (node.arguments_hash if is_tool else ""),
        tool_idempotency=note.idempotency,
    )


def _run(
    run_id: RunId,
    given: Sequence[SpanFacts],
    nodes: Sequence[Node],
    steps: Sequence[Step],
    naming: NamingRules,
    beside: dict[str, list[SpanFacts]],
) -> Run:
    roots = [node for node in nodes if node.parent is None]
    in_time = sorted(nodes, key=lambda node: node.order)
    name = workflow_name(nodes, roots, naming)
    started_ns = min((node.facts.start_ns for node in nodes if node.facts.start_ns), default=0)
    ended_ns = max((node.facts.end_ns for node in nodes), default=started_ns)
    own = [step for step in steps if step.usage_role is UsageRole.OWN]
    priced = [step.cost.usd for step in own if step.cost is not None]
    tools = [node for node in nodes if node.kind is SpanKind.TOOL and node.counted and node.facts.subkind != "handoff"]
    ran = [node for node in tools if node.executed and not is_delegation(node)]
    before, after = _links(nodes, beside)
    main = _main_node(nodes, roots)
    status = run_status(roots, nodes)
    return Run(
        run_id=run_id,
        project=given[0].project,
        first_received_day=min(facts.received_day for facts in given),
        last_received_ns=max(facts.received_ns for facts in given),
        version=_version(given, beside),
        digest=_digest(given, beside),
        name=_run_name(roots, nodes),
        service=_first(node.facts.service for node in (*roots, *in_time)),
        environment=_first(node.facts.environment for node in (*roots, *in_time)),
        mode=_mode(in_time),
        shape=shape_of(nodes),
        workflow=name.workflow,
        workflow_source=name.source,
        workflow_version=name.version,
        agents=_distinct(node.agent_name for node in in_time),
        session_id=_first(node.facts.session_id for node in in_time),
        user_id=_first(node.facts.user_id for node in in_time),
        started_ns=started_ns,
        duration_ns=max(0, ended_ns - started_ns),
        status=status,
        cost_usd=sum(priced, Decimal(0)) if priced else None,
        unpriced_calls=sum(1 for step in own if step.unpriced),
        usage=_usage_sum(step.usage for step in own),
        span_count=len(steps),
        model_calls=sum(node.facts.calls for node in nodes if node.kind in MODEL_KINDS and node.counted),
        tool_calls=len(ran),
        retrievals=sum(1 for node in nodes if node.kind is SpanKind.RETRIEVAL and not _inside_retrieval(node)),
        denials=sum(1 for node in tools if node.outcome is ToolOutcome.DENIED),
        errors=_errors(nodes),
        interventions=_interventions(nodes),
        redactions=sum(node.facts.redactions for node in nodes),
        entities=_entities((entity, count) for node in nodes for entity, count in node.facts.entities.items()),
        entities_by_tool=_entities(
            (f"{node.tool_name} {entity}", count)
            for node in nodes
            if node.kind is SpanKind.TOOL and node.tool_name
            for entity, count in node.facts.entities.items()
        ),
        models=_distinct(
            node.facts.response_model or node.facts.request_model
            for node in in_time
            if (node.kind in MODEL_KINDS or node.role is UsageRole.OWN) and node.counted
        ),
        tools=_distinct(node.tool_name for node in in_time if node.kind is SpanKind.TOOL and node.counted),
        dialects=_distinct(dialect for node in in_time for dialect in node.facts.dialects),
        tags=_distinct(tag for node in in_time for tag in node.facts.tags)[:32],
        attributes=_promoted((*roots, *in_time)),
        continues=before,
        continued_by=after,
        waiting_for="" if after else _waiting_for(nodes),
        complete=is_complete(roots, nodes),
        input_preview=_first((main.facts.input_preview, *(node.facts.input_preview for node in in_time))),
        output_preview=_first(
            (main.facts.output_preview, *(node.facts.output_preview for node in reversed(in_time) if _speaks(node)))
        ),
        tool_schemas=_schemas(in_time),
        prompts=_distinct(node.facts.prompt_hash for node in in_time if node.counted)[:_MOST_PROMPTS],
    )


def _version(given: Sequence[SpanFacts], beside: dict[str, list[SpanFacts]]) -> int:
    """Distinct pieces of evidence, this trace's and its neighbours': both only grow."""
    own = {(facts.source, facts.span_id, facts.content_hash) for facts in given}
    near = {(facts.trace_id, facts.span_id, facts.content_hash) for listed in beside.values() for facts in listed}
    return len(own) + len(near)


def _digest(given: Sequence[SpanFacts], beside: dict[str, list[SpanFacts]]) -> str:
    seen = sorted({f"{facts.version}:{facts.source}:{facts.span_id}:{facts.content_hash}" for facts in given})
    seen += sorted(
        {f"{facts.trace_id}:{facts.span_id}:{facts.content_hash}" for near in beside.values() for facts in near}
    )
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()[:32]


def _run_name(roots: Sequence[Node], nodes: Sequence[Node]) -> str:
    agent = root_agent(nodes)
    return agent or (stripped(roots[0].facts.name) if roots else "") or (roots[0].facts.name if roots else "")


def _main_node(nodes: Sequence[Node], roots: Sequence[Node]) -> Node:
    """Where a run's question and answer are most likely: the outermost agent, else the root."""
    agents = [node for node in nodes if node.kind is SpanKind.AGENT]
    return min(agents, key=lambda node: (node.depth, node.order)) if agents else (roots or nodes)[0]


def _speaks(node: Node) -> bool:
    """Whether what a step gave back may be what its run said last; in a session of logs an answer is a step of its own."""
    return (
        node.kind in MODEL_KINDS
        or node.kind in {SpanKind.AGENT, SpanKind.WORKFLOW}
        or node.facts.kind_rule == LOGS_ONLY
    )


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _mode(nodes: Sequence[Node]) -> RunMode:
    said = _first(node.facts.mode for node in nodes).lower()
    return RunMode(said) if said in RunMode._value2member_map_ else RunMode.LIVE


def _usage_sum(usages: Iterable[Usage | None]) -> Usage:
    """Sums; None where nobody reported such a count."""
    known = [usage for usage in usages if usage is not None]

    def total(field: str) -> int | None:
        counts = [count for count in (getattr(usage, field) for usage in known) if count is not None]
        return sum(counts) if counts else None

    return Usage(
        input=total("input"),
        output=total("output"),
        cache_read=total("cache_read"),
        cache_write=total("cache_write"),
        cache_write_1h=total("cache_write_1h"),
        reasoning=total("reasoning"),
        input_audio=total("input_audio"),
        output_audio=total("output_audio"),
        assumed=any(usage.assumed for usage in known),
    )


def _inside_retrieval(node: Node) -> bool:
    return node.parent is not None and node.parent.kind is SpanKind.RETRIEVAL


def _errors(nodes: Sequence[Node]) -> int:
    """Errors where they began: a parent that only passes its child's error on is not another one."""
    failed = {node.span_id for node in nodes if status_of(node) is RunStatus.ERROR and node.counted}
    passed_on = {node.parent.span_id for node in nodes if node.parent is not None and node.span_id in failed}
    return len(failed - passed_on)


def _interventions(nodes: Sequence[Node]) -> int:
    """Calls that a person approved, changed or refused."""
    return sum(
        1
        for node in nodes
        if any(
            decision.by == "human" and decision.verdict in {Verdict.ALLOW, Verdict.DENY, Verdict.MODIFY}
            for decision in (node.decisions or node.facts.decisions)
        )
    )


def _promoted(nodes: Iterable[Node]) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in nodes:
        for key, value in node.facts.promoted.items():
            if len(found) < 20:
                found.setdefault(key, value)
    return dict(sorted(found.items()))


def _waiting_for(nodes: Sequence[Node]) -> str:
    """What an approval is still being waited for: the tool's name, else "approval"."""
    open_calls: list[str] = []
    for node in nodes:
        verdicts = [decision.verdict for decision in (node.decisions or node.facts.decisions)]
        if node.kind is SpanKind.TOOL and node.outcome is ToolOutcome.APPROVAL_PENDING:
            open_calls.append(node.tool_name or "approval")
        elif verdicts and verdicts[-1] is Verdict.REQUIRE_APPROVAL:
            named = next((decision.rule for decision in node.facts.decisions if decision.rule), "")
            open_calls.append(named or "approval")
    answered = any(
        decision.verdict in {Verdict.ALLOW, Verdict.DENY, Verdict.MODIFY} and decision.by == "human"
        for node in nodes
        for decision in (node.decisions or node.facts.decisions)
    )
    if not open_calls or answered:
        return ""
    return next((call for call in open_calls if call != "approval"), "approval")


def _links(nodes: Sequence[Node], beside: dict[str, list[SpanFacts]]) -> tuple[RunId | None, RunId | None]:
    """The trace whose model asked for what this one executed or was answered, and the one that does so for this one."""
    asked = {call.call_id for node in nodes for call in node.facts.asked if call.call_id}
    done = {call.call_id for node in nodes for call in node.facts.answered if call.call_id}
    done |= {node.call_id for node in nodes if node.kind is SpanKind.TOOL and node.call_id}
    before = [
        facts
        for call_id in sorted(done - asked)
        for facts in beside.get(f"call:{call_id}", ())
        if any(call.call_id == call_id for call in facts.asked)
    ]
    after = [
        facts
        for call_id in sorted(asked - done)
        for facts in beside.get(f"call:{call_id}", ())
        if any(call.call_id == call_id for call in facts.answered)
        or (facts.tool is not None and facts.tool.call_id == call_id)
    ]
    first = max(before, key=lambda facts: (facts.start_ns, facts.trace_id), default=None)
    then = min(after, key=lambda facts: (facts.start_ns, facts.trace_id), default=None)
    return (RunId(first.trace_id) if first else None, RunId(then.trace_id) if then else None)
