"""The working record of one step while a run is being assembled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from spans.facts import Decision, SpanFacts
from spans.ids import SpanId
from spans.kinds import Evidence, SpanKind, ToolOutcome, UsageRole
from spans.usage import Cost

MODEL_KINDS = frozenset({SpanKind.MODEL, SpanKind.EMBEDDING, SpanKind.RERANKER})
AI_KINDS = frozenset(SpanKind) - {SpanKind.OTHER, SpanKind.WORKFLOW}


@dataclass(eq=False, slots=True)
class Node:
    """A step being built: its facts with what the whole set says about it. Lives only inside `assemble`."""

    facts: SpanFacts
    kind: SpanKind
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    depth: int = 0
    ordinal: int = 0
    flags: list[str] = field(default_factory=list)
    role: UsageRole = UsageRole.NONE
    duplicate_of: SpanId | None = None
    counted: bool = True
    cost: Cost | None = None
    unpriced: bool = False
    tool_name: str = ""
    call_id: str = ""
    arguments_hash: str = ""
    outcome: ToolOutcome | None = None
    evidence: Evidence | None = None
    executed: bool = True
    """For a tool: whether the call really ran, as far as the evidence says."""
    decisions: list[Decision] = field(default_factory=list)
    wrapper: bool = False
    """A model span around several calls of the model: a workflow in disguise."""
    agent_name: str = ""
    """The agent at work: the step's own, else the nearest one above it."""

    def __post_init__(self) -> None:
        self.agent_name = self.facts.agent_name

    @property
    def span_id(self) -> SpanId:
        """Id of the span, or the made-up id of a synthetic step."""
        return self.facts.span_id

    @property
    def order(self) -> tuple[int, int, str]:
        """Start, then the longer first, then the id: the same on every machine."""
        return self.facts.start_ns, -self.facts.end_ns, self.facts.span_id

    def mark(self, flag: str) -> None:
        """Add a flag once."""
        if flag not in self.flags:
            self.flags.append(flag)

    def ancestors(self) -> Iterator[Node]:
        """From the parent upwards."""
        here = self.parent
        while here is not None:
            yield here
            here = here.parent

    def descendants(self) -> Iterator[Node]:
        """Everything below, parents before children."""
        stack = list(reversed(self.children))
        while stack:
            here = stack.pop()
            yield here
            stack.extend(reversed(here.children))

    def contains(self, other: Node) -> bool:
        """Whether the other's time lies inside this one's."""
        return self.facts.start_ns <= other.facts.start_ns and (
            not self.facts.end_ns or (other.facts.end_ns or other.facts.start_ns) <= self.facts.end_ns
        )
