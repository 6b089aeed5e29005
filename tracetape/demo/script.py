"""What a demo agent did, told once and before any instrumentation writes it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from spans.values import Value


@dataclass(frozen=True, slots=True)
class Failure:
    """How a call failed, as an SDK would report it."""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One document that a search returned."""

    id: str
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that the model asked for, and what came of it.

    With `hits` it is a search: its span is a retrieval. `took_ms` is in milliseconds.
    """

    name: str
    arguments: Mapping[str, Value]
    result: Value = None
    failure: Failure | None = None
    hits: tuple[Hit, ...] = ()
    took_ms: int = 120
    denied_by: str = ""
    """The rule of the policy engine that stopped it, written as tracetape's own decision attributes."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One model call: what it said, what it asked for, or how it failed."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    failure: Failure | None = None
    reasoning_tokens: int = 0
    extra_output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as it is offered to the model."""

    name: str
    description: str
    parameters: tuple[str, ...]

    def schema(self) -> dict[str, Value]:
        """Its JSON Schema; every parameter is a required string or number."""
        properties: dict[str, Value] = {
            name: {"type": "number" if name in {"amount", "limit"} else "string"} for name in self.parameters
        }
        return {"type": "object", "properties": properties, "required": list(self.parameters)}


@dataclass(frozen=True, slots=True)
class Workflow:
    """One agent of the fleet. `own_tokens` is the size of its instructions, tool definitions and attachments."""

    name: str
    team: str
    instrumentation: str
    """`otel` or `openinference`."""
    provider: str
    model: str
    response_model: str
    system: str
    tools: tuple[Tool, ...]
    own_tokens: int
    client: str = "ChatOpenAI"
    """The class name that a framework gives its model spans."""
    is_agent: bool = True


@dataclass(frozen=True, slots=True)
class Judged:
    """What an evaluator or a person said of the run."""

    name: str
    label: str
    score: float
    by: str = "LLM"


@dataclass(frozen=True, slots=True)
class Script:
    """One run."""

    workflow: Workflow
    question: str
    turns: tuple[Turn, ...]
    session: str
    user: str
    version: str
    environment: str = "production"
    prompt_version: str = ""
    judged: tuple[Judged, ...] = ()
    failure: Failure | None = None
    """What left the agent, if anything did."""
    is_running: bool = False
    """The run has not ended: its root is written without an end."""
    interrupt: str = ""
    """The text of an approval request that paused the run after its last turn."""
    tags: tuple[str, ...] = ("demo",)
