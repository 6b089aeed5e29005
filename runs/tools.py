"""Tool calls: names, ids and outcomes of executions, and the calls that only messages tell of; each counted once."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from runs.decisions import failure_of, is_refused_by_person
from runs.eras import happened_together
from runs.node import MODEL_KINDS, Node
from spans.facts import AnsweredCall, AskedCall, Decision, SpanFacts, ToolFacts
from spans.ids import SpanId, TraceId
from spans.kinds import Evidence, SpanKind, ToolOutcome, Verdict

_LOOK_BELOW = 64
"""Spans looked at below a failed tool."""
NOT_RUN = frozenset({ToolOutcome.APPROVAL_PENDING, ToolOutcome.NOT_EXECUTED, ToolOutcome.INVALID_ARGUMENTS})
"""A call whose arguments were rejected never reached the tool, whoever rejected them."""


def assign_tools(nodes: Sequence[Node], neighbours: Mapping[str, Sequence[SpanFacts]]) -> list[Node]:
    """Fill in the tool columns of every tool step; returns steps for calls that have no span of their own.

    Args:
        nodes: All steps of the trace in stored order, linked.
        neighbours: Shared key → facts of other traces that carry it.
    """
    tellers = [node for node in nodes if node.kind in MODEL_KINDS] or nodes
    asked = [(node, call) for node in nodes if node.counted for call in node.facts.asked]
    answered = [(node, call) for node in tellers for call in node.facts.answered]
    tools = [node for node in nodes if node.kind is SpanKind.TOOL]
    _name_tools(tools, asked)
    _find_causes(tools)
    _nest(tools)
    _adopt_decisions(nodes)
    counted = [node for node in tools if node.counted]
    _join_asked(counted, asked)
    _learn_from_answers(counted, answered)
    _blame_arguments(counted, asked)
    _retries(counted)
    made = _unseen(nodes, counted, asked, answered, neighbours)
    if not tools and not made:
        made = _last_words(nodes, asked, neighbours)
    for node in (*tools, *made):
        _settle(node)
    return made


_LIMITS = re.compile(r"max|limit|recurs|turn|budget|usage|cancel|abort|quota|depth|interrupt|exceed", re.IGNORECASE)


def _last_words(
    nodes: Sequence[Node], asked: Sequence[tuple[Node, AskedCall]], neighbours: Mapping[str, Sequence[SpanFacts]]
) -> list[Node]:
    """A run that died right after its model asked for one tool died in that tool, as far as anybody can guess.

    Only where no tool leaves a span and the step around the call failed after it, and not because of a limit.
    """
    if not asked:
        return []
    models = [node for node in nodes if node.kind in MODEL_KINDS and node.counted]
    last = max(models, key=lambda node: node.order, default=None)
    wanted = [call for node, call in asked if node is last]
    if last is None or len(wanted) != 1 or last.facts.status == "error":
        return []
    call = wanted[0]
    if any(facts.answered or facts.tool for facts in neighbours.get(f"call:{call.call_id}", ())):
        return []
    around = next((above for above in last.ancestors() if above.facts.status == "error"), None)
    if around is None or around.facts.end_ns < last.facts.end_ns:
        return []
    said = f"{around.facts.error_type} {around.facts.error_message}"
    if not said.strip() or _LIMITS.search(said):
        return []
    outcome, _ = failure_of(around.facts.error_type, around.facts.error_message, failed=True)
    answer = AnsweredCall(
        call.call_id,
        call.name,
        call.arguments_hash,
        outcome=outcome,
        evidence=Evidence.GUESS,
        result_empty=True,
        error_message=around.facts.error_message,
    )
    return [_synthetic(last, answer, call.call_id or call.name, call.name, call.arguments_hash)]


def _name_tools(tools: Iterable[Node], asked: Sequence[tuple[Node, AskedCall]]) -> None:
    """A dispatcher (`call_tool(name, arguments)`) goes by the name that the model asked for."""
    wanted = {call.name for _, call in asked}
    wanted |= {name for node, _ in asked for name in node.facts.tools_offered}
    for node in tools:
        facts = node.facts.tool or ToolFacts()
        node.tool_name, node.call_id, node.arguments_hash = facts.name, facts.call_id, facts.arguments_hash
        node.outcome, node.evidence = facts.outcome, facts.evidence
        node.decisions = list(node.facts.decisions)
        if facts.inner_name and facts.name not in wanted and facts.inner_name in wanted:
            node.tool_name = facts.inner_name
            node.arguments_hash = facts.inner_hash or node.arguments_hash


def _find_causes(tools: Iterable[Node]) -> None:
    """Why a tool failed is often said only by a span below it: a handler, a server, a database."""
    for node in tools:
        if node.outcome is not ToolOutcome.ERROR:
            continue
        for below in _below(node):
            if below.facts.error_type:
                outcome, evidence = failure_of(below.facts.error_type, below.facts.error_message, failed=True)
                if outcome is not None and outcome is not ToolOutcome.ERROR:
                    node.outcome, node.evidence = outcome, evidence
                    break


def _below(node: Node) -> Iterator[Node]:
    """Spans inside a tool call that are no agent and no model, the outermost first."""
    waiting = list(node.children)
    seen = 0
    while waiting and seen < _LOOK_BELOW:
        here = waiting.pop(0)
        seen += 1
        if here.kind is SpanKind.AGENT or here.kind in MODEL_KINDS:
            continue
        yield here
        waiting.extend(here.children)


def is_delegation(node: Node) -> bool:
    """Whether a tool call is another agent's run in disguise."""
    return node.kind is SpanKind.TOOL and any(below.kind is SpanKind.AGENT for below in _near(node))


def _near(node: Node) -> Iterator[Node]:
    for child in node.children[:_LOOK_BELOW]:
        yield child
        if child.kind in {SpanKind.OTHER, SpanKind.WORKFLOW}:
            yield from child.children[:_LOOK_BELOW]


def _nest(tools: Iterable[Node]) -> None:
    """A tool span inside another of the same name is a second report (a framework over MCP over its server)."""
    for node in tools:
        for above in node.ancestors():
            if above.kind in {SpanKind.AGENT, *MODEL_KINDS}:
                break
            if above.kind is SpanKind.TOOL:
                same = above.tool_name == node.tool_name or not node.tool_name
                if same or (above.call_id and above.call_id == node.call_id):
                    node.counted = False
                    node.duplicate_of = above.duplicate_of or above.span_id
                    _lift(node, above)
                break


def _lift(inner: Node, outer: Node) -> None:
    """What only the inner report knows belongs to the call."""
    if outer.outcome is None and inner.outcome is not None:
        outer.outcome, outer.evidence = inner.outcome, inner.evidence
    if not outer.call_id:
        outer.call_id = inner.call_id
    if not outer.arguments_hash:
        outer.arguments_hash = inner.arguments_hash
    outer.decisions.extend(decision for decision in inner.decisions if decision not in outer.decisions)


def _adopt_decisions(nodes: Sequence[Node]) -> None:
    """A control's own span decides about the tool call it stands under, or about the call whose id it names."""
    by_call = {node.call_id: node for node in nodes if node.kind is SpanKind.TOOL and node.call_id and node.counted}
    for node in nodes:
        if node.kind is SpanKind.TOOL or not node.facts.decisions:
            continue
        node.decisions = list(node.facts.decisions)
        for decision in node.facts.decisions:
            target = by_call.get(decision.subject_ref) if decision.subject_ref else None
            if target is None and node.kind is SpanKind.GUARDRAIL and decision.subject == "tool_call":
                target = next((above for above in node.ancestors() if above.kind is SpanKind.TOOL), None)
            if target is not None and decision not in target.decisions:
                target.decisions.append(decision)


def _join_asked(tools: Sequence[Node], asked: Sequence[tuple[Node, AskedCall]]) -> None:
    """Give executions without a call id the id that the model gave (section 4.14.1): by arguments, then by name in order."""
    taken = {node.call_id for node in tools if node.call_id}
    calls = [call for _, call in sorted(asked, key=lambda pair: pair[0].order)]
    free = {call.call_id: call for call in calls if call.call_id and call.call_id not in taken}
    ordered = sorted(tools, key=lambda node: node.order)
    for weak in (False, True):
        waiting: dict[tuple[str, str], deque[AskedCall]] = {}
        for call in free.values():
            waiting.setdefault((call.name, "" if weak else call.arguments_hash), deque()).append(call)
        for node in ordered:
            queue = None if node.call_id else waiting.get((node.tool_name, "" if weak else node.arguments_hash))
            if not queue:
                continue
            match = queue.popleft()
            del free[match.call_id]
            node.call_id = match.call_id
            if weak:
                node.mark("weak_join")
                node.arguments_hash = node.arguments_hash or match.arguments_hash


def _learn_from_answers(tools: Sequence[Node], answered: Sequence[tuple[Node, AnsweredCall]]) -> None:
    """The result that the model was given tells what the execution itself does not."""
    by_call = {node.call_id: node for node in tools if node.call_id}
    pairs = [(by_call.get(call.call_id) if call.call_id else None, call) for _, call in answered]
    pairs.extend(_in_order(tools, answered))
    for node, call in pairs:
        if node is not None and node.outcome is None and call.outcome not in {None, ToolOutcome.EMPTY}:
            if node.facts.tool is not None and node.facts.tool.has_result:
                continue
            node.outcome, node.evidence = call.outcome, call.evidence


def _in_order(
    tools: Sequence[Node], answered: Sequence[tuple[Node, AnsweredCall]]
) -> Iterator[tuple[Node, AnsweredCall]]:
    """Executions and results of one name without ids, paired in order, only where there are as many of both."""
    ran: dict[str, list[Node]] = {}
    for node in sorted(tools, key=lambda node: node.order):
        if not node.call_id:
            ran.setdefault(node.tool_name, []).append(node)
    told: dict[str, list[AnsweredCall]] = {}
    for _, call in sorted(answered, key=lambda pair: pair[0].order):
        if not call.call_id:
            told.setdefault(call.name, []).append(call)
    for name, nodes in ran.items():
        calls = told.get(name, [])
        if len(calls) == len(nodes):
            yield from zip(nodes, calls, strict=True)


def _blame_arguments(tools: Sequence[Node], asked: Sequence[tuple[Node, AskedCall]]) -> None:
    """An error after arguments that do not fit the tool's own schema is the arguments' fault."""
    unfit = {call.call_id for _, call in asked if call.call_id and call.fits is False}
    for node in tools:
        if node.outcome is ToolOutcome.ERROR and node.call_id in unfit:
            node.outcome, node.evidence = ToolOutcome.INVALID_ARGUMENTS, Evidence.DERIVED


def _retries(tools: Sequence[Node]) -> None:
    """Timeouts and errors after which the same call succeeds; the success carries the word."""
    failed: set[tuple[str, str]] = set()
    for node in sorted(tools, key=lambda node: node.order):
        key = (node.tool_name, node.arguments_hash)
        if not node.arguments_hash:
            continue
        if node.outcome in {ToolOutcome.TIMEOUT, ToolOutcome.ERROR}:
            failed.add(key)
        elif node.outcome is None and key in failed:
            node.outcome, node.evidence = ToolOutcome.RETRIED_THEN_OK, Evidence.DERIVED
            failed.discard(key)


def _unseen(
    nodes: Sequence[Node],
    tools: Sequence[Node],
    asked: Sequence[tuple[Node, AskedCall]],
    answered: Sequence[tuple[Node, AnsweredCall]],
    neighbours: Mapping[str, Sequence[SpanFacts]],
) -> list[Node]:
    """Calls proven by a result in a later call's input, for instrumentations that write no tool spans.

    Where the trace does have tool spans, a result without one was refused before it ran (rejected arguments, a person
    who said no), so it is shown and not counted as executed.
    """
    matched = _matched(tools, answered)
    others = _other_names(nodes)
    by_call = {call.call_id: call for _, call in reversed(asked) if call.call_id}
    made: dict[str, Node] = {}
    for carrier, call in sorted(answered, key=lambda pair: (not pair[0].counted, pair[0].order, pair[1].call_id)):
        identity = call.call_id or f"{call.name}:{call.arguments_hash}:{carrier.span_id}"
        if identity in matched or identity in made or carrier.duplicate_of is not None:
            continue
        if call.call_id and _told_elsewhere(carrier, call, neighbours):
            continue
        name, arguments_hash = _asked_for(call, by_call, neighbours)
        if not name and not call.call_id:
            continue
        if not name and len(carrier.facts.tools_offered) == 1:
            name = carrier.facts.tools_offered[0]
        node = _synthetic(carrier, call, identity, name, arguments_hash)
        elsewhere = name in others
        node.executed = elsewhere or not tools
        if not node.executed and node.outcome is None:
            node.outcome, node.evidence = ToolOutcome.NOT_EXECUTED, Evidence.GUESS
        made[identity] = node
    return list(made.values())


def _other_names(nodes: Sequence[Node]) -> set[str]:
    """Names of steps that are no tool but may be what a tool call ran: a retriever, another agent, a workflow."""
    kinds = {SpanKind.RETRIEVAL, SpanKind.AGENT, SpanKind.WORKFLOW, SpanKind.GUARDRAIL}
    found = {node.facts.name for node in nodes if node.kind in kinds}
    return found | {node.facts.agent_name for node in nodes if node.kind is SpanKind.AGENT}


def _matched(tools: Sequence[Node], answered: Sequence[tuple[Node, AnsweredCall]]) -> set[str]:
    """Identities of results that an execution accounts for: by id, else by name in order."""
    ids = {node.call_id for node in tools if node.call_id}
    told = {call.call_id for _, call in answered}
    spare: dict[str, int] = {}
    for node in tools:
        if not node.call_id or node.call_id not in told:
            spare[node.tool_name] = spare.get(node.tool_name, 0) + 1
    found = set()
    for carrier, call in sorted(answered, key=lambda pair: (not pair[0].counted, pair[0].order, pair[1].call_id)):
        identity = call.call_id or f"{call.name}:{call.arguments_hash}:{carrier.span_id}"
        if identity in found:
            continue
        if call.call_id and call.call_id in ids:
            found.add(identity)
        elif spare.get(call.name, 0) > 0:
            spare[call.name] -= 1
            found.add(identity)
    return found


def _told_elsewhere(carrier: Node, call: AnsweredCall, neighbours: Mapping[str, Sequence[SpanFacts]]) -> bool:
    """Whether another trace executed this call, or was given its result first: the same request sent again."""
    for facts in neighbours.get(f"call:{call.call_id}", ()):
        if facts.tool is not None and facts.tool.call_id == call.call_id:
            return True
        if any(other.call_id == call.call_id for other in facts.answered) and _first(facts) < _first(carrier.facts):
            again = facts.scope == carrier.facts.scope and facts.request_model == carrier.facts.request_model
            if again or happened_together(carrier.facts, facts):
                return True
    return False


def _first(facts: SpanFacts) -> tuple[int, TraceId, SpanId]:
    return facts.start_ns, facts.trace_id, facts.span_id


def _asked_for(
    call: AnsweredCall, by_call: Mapping[str, AskedCall], neighbours: Mapping[str, Sequence[SpanFacts]]
) -> tuple[str, str]:
    """(name, arguments hash) of the call that this result answers."""
    if call.name and call.arguments_hash:
        return call.name, call.arguments_hash
    own = by_call.get(call.call_id)
    if own is not None:
        return own.name, own.arguments_hash
    for facts in neighbours.get(f"call:{call.call_id}", ()):
        for wanted in facts.asked:
            if wanted.call_id == call.call_id:
                return wanted.name, wanted.arguments_hash
    return call.name, call.arguments_hash


def _synthetic(carrier: Node, call: AnsweredCall, identity: str, name: str, arguments_hash: str) -> Node:
    """A step made of a message: it hangs under the model call that was given the result, at its start."""
    facts = carrier.facts
    span_id = SpanId(hashlib.sha256(f"tool:{facts.trace_id}:{identity}".encode("utf-8", "replace")).hexdigest()[:16])
    made = SpanFacts(
        version=facts.version,
        project=facts.project,
        trace_id=facts.trace_id,
        span_id=span_id,
        parent_span_id=facts.span_id,
        source="span",
        name=name or "tool call",
        start_ns=facts.start_ns,
        end_ns=facts.start_ns,
        status="unset",
        kind=SpanKind.TOOL,
        kind_rule="tool result in the next call's input",
        dialects=facts.dialects,
        service=facts.service,
        error_message=call.error_message,
        agent_name=facts.agent_name,
        tool=ToolFacts(
            name=name,
            call_id=call.call_id,
            arguments_hash=arguments_hash,
            has_arguments=True,
            has_result=not call.result_empty,
            result_empty=call.result_empty,
        ),
        has_input=True,
        has_output=not call.result_empty,
        content_state=facts.content_state,
        received_day=facts.received_day,
        received_ns=facts.received_ns,
    )
    node = Node(facts=made, kind=SpanKind.TOOL, parent=carrier, depth=carrier.depth + 1, flags=["synthetic"])
    node.tool_name, node.call_id, node.arguments_hash = name, call.call_id, arguments_hash
    node.outcome, node.evidence = call.outcome, call.evidence
    return node


def _settle(node: Node) -> None:
    """The final outcome: decisions first, then what was said or derived; silence means ok, as a guess."""
    verdicts = [decision.verdict for decision in node.decisions]
    if Verdict.DENY in verdicts and not _later_allow(node.decisions):
        node.outcome, node.evidence = ToolOutcome.DENIED, Evidence.EXPLICIT
    elif Verdict.REQUIRE_APPROVAL in verdicts and Verdict.ALLOW not in verdicts and _no_result(node):
        node.outcome, node.evidence = ToolOutcome.APPROVAL_PENDING, Evidence.DERIVED
    if node.outcome is None:
        tool = node.facts.tool
        if tool is not None and tool.has_result and tool.result_empty:
            node.outcome, node.evidence = ToolOutcome.EMPTY, Evidence.DERIVED
        else:
            node.outcome, node.evidence = ToolOutcome.OK, Evidence.DERIVED
    if node.outcome is ToolOutcome.DENIED and Verdict.DENY not in verdicts:
        node.decisions.append(
            Decision(
                verdict=Verdict.DENY,
                by="human" if is_refused_by_person(node.facts.error_message) else "policy",
                reason=node.facts.error_message,
                subject_ref=node.call_id,
                evidence=node.evidence or Evidence.GUESS,
            )
        )
    if node.outcome in NOT_RUN or (node.outcome is ToolOutcome.DENIED and _refused_by_person(node)):
        node.executed = False


def _later_allow(decisions: Sequence[Decision]) -> bool:
    """Whether a person overruled the control afterwards."""
    last_deny = max(i for i, decision in enumerate(decisions) if decision.verdict is Verdict.DENY)
    return any(
        decision.verdict in {Verdict.ALLOW, Verdict.MODIFY} and decision.by == "human"
        for decision in decisions[last_deny:]
    )


def _refused_by_person(node: Node) -> bool:
    """A person who refuses does so before the call; a policy may do it from inside."""
    if "synthetic" in node.flags and node.evidence is Evidence.GUESS:
        return is_refused_by_person(node.facts.error_message)
    return any(decision.verdict is Verdict.DENY and decision.by == "human" for decision in node.decisions)


def _no_result(node: Node) -> bool:
    return node.facts.tool is None or not node.facts.tool.has_result
