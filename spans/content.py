"""Content: messages, arguments and documents of one span, mapped from evidence when a run is read, never stored.

A run of a thousand spans has ten thousand of these; as structs they are as frozen as our dataclasses and built ten times as fast.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from spans.values import Attributes, Value


class Part(Struct, frozen=True):
    """A piece of a message (dialects reference, section 4.12.1).

    `type`: text, reasoning, tool_call, tool_result, media, refusal, compaction, approval_request, approval_response, other.
    """

    type: str
    content: Value = None
    id: str = ""
    name: str = ""
    arguments: Value = None
    arguments_raw: str = ""
    is_error: bool | None = None
    modality: str = ""
    mime: str = ""
    uri: str = ""
    server: bool = False
    raw: Value = None


class Message(Struct, frozen=True):
    """One message. `index` is the emitter's own index where it gave one."""

    role: str
    parts: tuple[Part, ...]
    name: str = ""
    finish_reason: str = ""
    index: int | None = None


class ToolDefinition(Struct, frozen=True):
    """A tool offered to a model."""

    name: str
    description: str = ""
    parameters: Value = None
    raw: Value = None


class Document(Struct, frozen=True):
    """A retrieved or ranked document."""

    id: str = ""
    content: str = ""
    score: float | None = None
    distance: float | None = None
    uri: str = ""
    metadata: Value = None


class SpanContent(Struct, frozen=True):
    """Everything heavy that one span carries, in the house's shape."""

    system: tuple[Part, ...] = ()
    input_messages: tuple[Message, ...] = ()
    output_messages: tuple[Message, ...] = ()
    tool_definitions: tuple[ToolDefinition, ...] = ()
    tool_arguments: Value = None
    tool_result: Value = None
    tool_description: str = ""
    tool_type: str = ""
    retrieval_query: str = ""
    documents: tuple[Document, ...] = ()
    embedding_inputs: tuple[str, ...] = ()
    rerank_query: str = ""
    rerank_input: tuple[Document, ...] = ()
    rerank_output: tuple[Document, ...] = ()
    input: Value = None
    output: Value = None
    params: Attributes = field(default_factory=dict)
    prompt: Mapping[str, Value] = field(default_factory=dict)
    error_stack: str = ""
    state: str = "absent"
    parse_errors: tuple[str, ...] = ()
