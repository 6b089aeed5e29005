"""Content of one span while dialects are reading it: for each field the first usable source is believed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runs.messages import has_messages, messages_of
from runs.values import is_truncated, is_usable, is_withheld, structured, text_of
from spans.content import Document, Message, Part, SpanContent, ToolDefinition
from spans.kinds import SpanKind
from spans.values import Value

_TEXT_LIMIT = 2_000


class Sheet:
    """Mutable while reading; `content()` closes it."""

    def __init__(self) -> None:
        self.system: tuple[Part, ...] = ()
        self.input_messages: tuple[Message, ...] = ()
        self.output_messages: tuple[Message, ...] = ()
        self.tool_definitions: tuple[ToolDefinition, ...] = ()
        self.values: dict[str, Value] = {}
        """tool_arguments, tool_result, input, output."""
        self.texts: dict[str, str] = {}
        """tool_description, tool_type, retrieval_query, rerank_query, error_stack."""
        self.documents: tuple[Document, ...] = ()
        self.embedding_inputs: tuple[str, ...] = ()
        self.rerank_input: tuple[Document, ...] = ()
        self.rerank_output: tuple[Document, ...] = ()
        self.params: dict[str, Value] = {}
        self.prompt: dict[str, Value] = {}
        self.parse_errors: list[str] = []
        self.states: set[str] = set()

    def put_input(self, messages: Iterable[Message]) -> None:
        """Input messages, unless a better source gave some."""
        if not self.input_messages:
            self.input_messages = tuple(messages)

    def put_output(self, messages: Iterable[Message]) -> None:
        """Output messages, unless a better source gave some."""
        if not self.output_messages:
            self.output_messages = tuple(messages)

    def put_system(self, parts: Iterable[Part]) -> None:
        """System instructions, unless a better source gave some."""
        if not self.system:
            self.system = tuple(parts)

    def put_tools(self, tools: Iterable[ToolDefinition]) -> None:
        """Tool definitions, unless a better source gave some."""
        if not self.tool_definitions:
            self.tool_definitions = tuple(tools)

    def put(self, field: str, value: Value) -> None:
        """One of `values`, unless set; notes when the emitter withheld or cut it."""
        self.note_state(value)
        if field not in self.values and is_usable(value):
            self.values[field] = value

    def put_text(self, field: str, value: Value) -> None:
        """One of `texts`, unless set."""
        if field not in self.texts:
            text = text_of(value)
            if text:
                self.texts[field] = text

    def put_documents(self, field: str, documents: Iterable[Document]) -> None:
        """`documents`, `rerank_input` or `rerank_output`, unless set."""
        if not getattr(self, field):
            setattr(self, field, tuple(documents))

    def param(self, name: str, value: Value) -> None:
        """A request parameter, unless set."""
        if value is not None and name not in self.params:
            self.params[name] = value

    def note_state(self, value: Value) -> None:
        """Remember markers of withheld, cut or external content."""
        if is_withheld(value):
            self.states.add("withheld")
        elif is_truncated(value):
            self.states.add("truncated")

    def content(self, kind: SpanKind) -> SpanContent:
        """Close the sheet. A model span without messages gets them from its generic input and output."""
        self._messages_from_values(kind)
        self._system_out_of_input()
        return SpanContent(
            system=self.system,
            input_messages=self.input_messages,
            output_messages=self.output_messages,
            tool_definitions=self.tool_definitions,
            tool_arguments=self.values.get("tool_arguments"),
            tool_result=self.values.get("tool_result"),
            tool_description=self.texts.get("tool_description", ""),
            tool_type=self.texts.get("tool_type", ""),
            retrieval_query=self.texts.get("retrieval_query", ""),
            documents=self.documents,
            embedding_inputs=self.embedding_inputs,
            rerank_query=self.texts.get("rerank_query", ""),
            rerank_input=self.rerank_input,
            rerank_output=self.rerank_output,
            input=self.values.get("input"),
            output=self.values.get("output"),
            params=self.params,
            prompt=self.prompt,
            error_stack=self.texts.get("error_stack", ""),
            state=self._state(),
            parse_errors=tuple(self.parse_errors),
        )

    def _messages_from_values(self, kind: SpanKind) -> None:
        if kind is SpanKind.MODEL or (kind is SpanKind.AGENT and not self.input_messages):
            value = self.values.get("input")
            if not self.input_messages and value is not None and (kind is SpanKind.MODEL or has_messages(value)):
                self.input_messages = messages_of(value, "user")
            value = self.values.get("output")
            if not self.output_messages and value is not None and (kind is SpanKind.MODEL or has_messages(value)):
                self.output_messages = messages_of(value, "assistant")

    def _system_out_of_input(self) -> None:
        """System instructions are shown as such, wherever they were written; the messages keep them too."""
        if not self.system:
            self.system = tuple(
                part
                for message in self.input_messages
                if message.role in {"system", "developer"}
                for part in message.parts
            )

    def _state(self) -> str:
        has_any = bool(
            self.input_messages
            or self.output_messages
            or self.documents
            or self.embedding_inputs
            or self.rerank_output
            or any(field in self.values for field in ("tool_arguments", "tool_result", "input", "output"))
        )
        for state in ("truncated", "external"):
            if state in self.states and has_any:
                return state
        if has_any:
            return "full"
        for state in ("withheld", "external", "truncated"):
            if state in self.states:
                return state
        return "absent"


def tool_definitions(value: Value) -> tuple[ToolDefinition, ...]:
    """Tools offered to a model, from any vendor's shape (dialects reference, section 4.13)."""
    decoded = structured(value)
    if isinstance(decoded, dict):
        decoded = decoded.get("tools") or decoded.get("function_tools") or [decoded]
    if not isinstance(decoded, (list, tuple)):
        return ()
    found: list[ToolDefinition] = []
    for item in decoded:
        found.extend(_definitions(structured(item)))
    return tuple(found)


def _definitions(raw: Any) -> Iterable[ToolDefinition]:
    if isinstance(raw, str):
        return [ToolDefinition(name=raw)]
    if not isinstance(raw, dict):
        return []
    declared = raw.get("functionDeclarations") or raw.get("function_declarations")
    if isinstance(declared, (list, tuple)):
        return [tool for item in declared for tool in _definitions(structured(item))]
    inner = raw.get("function") or raw.get("toolSpec") or raw.get("tool_spec")
    body: Mapping[str, Any] = inner if isinstance(inner, dict) else raw
    schema: Any = next(
        (
            body[key]
            for key in ("parameters", "input_schema", "inputSchema", "parameters_json_schema", "json_schema", "schema")
            if body.get(key) is not None
        ),
        None,
    )
    if isinstance(schema, dict) and set(schema) == {"json"}:
        schema = schema["json"]
    name = text_of(body.get("name")) or text_of(raw.get("name")) or text_of(raw.get("type"))
    if not name:
        return []
    return [
        ToolDefinition(
            name=name, description=text_of(body.get("description")), parameters=structured(schema), raw=dict(raw)
        )
    ]


def documents_of(value: Value) -> tuple[Document, ...]:
    """Documents from any vendor's list (dialects reference, section 4.15); texts stand for themselves."""
    decoded = structured(value)
    if isinstance(decoded, dict):
        inner = next(
            (
                decoded[key]
                for key in ("documents", "results", "contexts", "source_documents", "matches")
                if key in decoded
            ),
            None,
        )
        decoded = inner if inner is not None else [decoded]
    if not isinstance(decoded, (list, tuple)):
        return ()
    return tuple(document_of(structured(item)) for item in decoded)


def document_of(raw: Any) -> Document:
    """One document of any shape."""
    if not isinstance(raw, dict):
        return Document(content=text_of(raw))
    inner = raw.get("document")
    body: Mapping[str, Any] = inner if isinstance(inner, dict) else raw
    metadata = structured(body.get("metadata") or body.get("meta"))
    meta: Mapping[str, Any] = metadata if isinstance(metadata, dict) else {}
    content = body.get("content") or body.get("page_content") or body.get("text")
    if isinstance(content, dict):
        content = content.get("text")
    return Document(
        id=text_of(body.get("id") or body.get("document_id") or meta.get("id") or meta.get("document_id")),
        content=text_of(content),
        score=_number(raw.get("score", body.get("score", meta.get("score")))),
        distance=_number(raw.get("distance", body.get("distance"))),
        uri=text_of(body.get("uri") or body.get("url") or meta.get("source") or meta.get("doc_uri")),
        metadata=metadata,
    )


def _number(value: Any) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None
