"""What a trace shows (an agent, a single call, only set-up, no agent at all), how it ended and whether it is whole."""

from __future__ import annotations

from collections.abc import Sequence

from runs.folding import LOGS_ONLY
from runs.node import AI_KINDS, MODEL_KINDS, Node
from spans.kinds import RunShape, RunStatus, SpanKind

_SETUP = frozenset({"agent_create", "mcp"})


def shape_of(nodes: Sequence[Node]) -> RunShape:
    """An agent or a tool or several calls: an agent's run. One model call alone: a single call."""
    if any(node.kind is SpanKind.AGENT for node in nodes):
        return RunShape.AGENT
    seen = [node for node in nodes if node.kind in AI_KINDS and node.counted and _was_told(node)]
    calls = [node for node in seen if node.kind in MODEL_KINDS]
    if len(calls) == 1 and len(seen) == 1:
        return RunShape.SINGLE_CALL
    if seen:
        return RunShape.AGENT
    if any(node.facts.subkind in _SETUP for node in nodes):
        return RunShape.SETUP
    return RunShape.NO_AGENT


def _was_told(node: Node) -> bool:
    """Whether somebody sent a span or a record for the step, in contrast to a call seen only in messages."""
    return "synthetic" not in node.flags or node.facts.kind_rule == LOGS_ONLY


def status_of(node: Node) -> RunStatus:
    """How one step ended. Control flow is not an error; a tool that reports failure is one, whatever its span says."""
    facts = node.facts
    if "synthetic" not in node.flags and not facts.end_ns:
        return RunStatus.RUNNING
    if facts.interrupted:
        return RunStatus.OK
    if facts.status == "error" or (node.kind is SpanKind.TOOL and _failed(node)):
        blocked = node.kind is SpanKind.GUARDRAIL and bool(facts.decisions)
        return RunStatus.OK if blocked else RunStatus.ERROR
    return RunStatus.ERROR if facts.error_type and facts.status != "ok" else RunStatus.OK


def _failed(node: Node) -> bool:
    return node.outcome is not None and node.outcome.value in {"denied", "timeout", "error", "invalid_arguments"}


def run_status(roots: Sequence[Node], nodes: Sequence[Node]) -> RunStatus:
    """The status of the root or of its last outermost agent: inner errors do not colour a run that went on.

    A trace whose root has not come is running; nobody can say yet how it ended.
    """
    own = [root for root in roots if is_local_root(root)]
    if not own:
        return RunStatus.RUNNING
    states = [status_of(root) for root in own]
    if RunStatus.RUNNING in states:
        return RunStatus.RUNNING
    last = max(own, key=lambda node: (node.facts.end_ns, node.span_id))
    if status_of(last) is RunStatus.ERROR:
        return RunStatus.ERROR
    agents = [node for node in nodes if node.kind is SpanKind.AGENT]
    if agents:
        top = min(node.depth for node in agents)
        final = max((node for node in agents if node.depth == top), key=lambda node: (node.facts.end_ns, node.span_id))
        return status_of(final)
    return status_of(last)


def is_local_root(root: Node) -> bool:
    """A span without a parent, or the first span of this system under a caller that does not report."""
    if root.facts.parent_span_id is None or "cycle" in root.flags:
        return True
    return "remote_parent" in root.facts.flags or root.facts.span_kind in {2, 5}


def is_complete(roots: Sequence[Node], nodes: Sequence[Node]) -> bool:
    """Whether everything the trace refers to is here and ended."""
    broken = {"orphan", "cycle", "unfinished", "dropped"}
    return bool(roots) and not any(
        broken & set(node.flags) or broken & set(node.facts.flags) for node in nodes if not node.facts.noise
    )
