"""Which kind of span an emitter's own word means (dialects reference, sections 5.1 and 5.2)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from msgspec import Struct

from spans.kinds import SpanKind


class Strength(IntEnum):
    """How much a guess at a kind is worth; the lowest number wins, then the order of dialects."""

    OWN = 0
    VENDOR = 1
    OPERATION = 2
    WEAK = 3
    """An explicit kind that means little, such as OpenInference CHAIN or Traceloop task."""
    NAME = 4
    PRESENCE = 5


class Guess(Struct, frozen=True):
    """One guess at the kind of a span, with the rule that made it."""

    kind: SpanKind
    subkind: str
    strength: Strength
    rule: str


_VALUES: Mapping[SpanKind, tuple[str, ...]] = {
    SpanKind.MODEL: (
        "chat", "chat.completions", "text.completions", "generate_content", "text_completion", "completion",
        "completions", "generate", "llm_request", "response", "responses", "llm_call", "message", "generation", "llm",
        "chat_model", "model", "model_generation", "model_step", "converse", "sampling/createmessage",
    ),
    SpanKind.EMBEDDING: ("embeddings", "embedding", "embed", "embedder"),
    SpanKind.RERANKER: ("rerank", "reranker"),
    SpanKind.RETRIEVAL: ("retrieval", "retriever", "vector_db_retrieve", "rag", "search_memory", "retrieve"),
    SpanKind.TOOL: (
        "execute_tool", "tool", "tool_call", "mcp_tool_call", "function", "tool.v2", "function_tool", "tool_execution",
        "tools/call",
    ),
    SpanKind.AGENT: (
        "invoke_agent", "agent", "agent_run", "agent_call", "agent_turn", "run", "user_prompt", "interaction",
    ),
    SpanKind.GUARDRAIL: (
        "guardrail", "guardrail.run", "guard", "run_guardrail", "apply_guardrail", "execute_guardrail", "moderation",
        "policy",
    ),
    SpanKind.EVALUATOR: ("evaluator", "evaluation", "human_evaluator", "eval"),
}  # fmt: skip
_LOOKUP: Mapping[str, tuple[SpanKind, str]] = {
    **{value: (kind, "") for kind, values in _VALUES.items() for value in values},
    **{
        value: (SpanKind.WORKFLOW, value)
        for value in (
            "invoke_workflow", "workflow", "workflow_run", "chain", "task", "execute_task", "session",
            "schedule_tool_calls", "execute_method", "invoke_node", "agent_step", "step", "component",
            "processor_run", "pipeline", "executor", "default", "span",
        )
    },
    "plan": (SpanKind.WORKFLOW, "plan"),
    "create_agent": (SpanKind.OTHER, "agent_create"),
    "fetch_response": (SpanKind.OTHER, "fetch_response"),
    "decision": (SpanKind.MODEL, "decision"),
    "handoff": (SpanKind.TOOL, "handoff"),
    "execute_hook": (SpanKind.OTHER, "hook"),
    "hook": (SpanKind.OTHER, "hook"),
    "event": (SpanKind.OTHER, "event"),
    **dict.fromkeys(("create_memory", "update_memory", "upsert_memory", "delete_memory", "create_memory_store", "memory"), (SpanKind.OTHER, "memory")),
    **dict.fromkeys(("prompt", "system_prompt"), (SpanKind.OTHER, "prompt")),
    "parser": (SpanKind.OTHER, "parser"),
    **{
        value: (SpanKind.MODEL, value)
        for value in ("speech", "transcription", "image", "audio", "create_audio", "image_generation")
    },
    **dict.fromkeys(("mcp_list_tools", "tools/list", "initialize", "ping", "notifications/initialized"), (SpanKind.OTHER, "mcp")),
}  # fmt: skip
_FAMILIES = (
    ("workflow_", SpanKind.WORKFLOW, ""),
    ("resources/", SpanKind.OTHER, "mcp"),
    ("prompts/", SpanKind.OTHER, "mcp"),
    ("notifications/", SpanKind.OTHER, "mcp"),
)


def kind_of(value: str) -> tuple[SpanKind, str] | None:
    """(kind, subkind) of an emitter's word in any case; None when the word is unknown."""
    lowered = value.strip().lower()
    found = _LOOKUP.get(lowered)
    if found is not None:
        return found
    for prefix, kind, subkind in _FAMILIES:
        if lowered.startswith(prefix):
            return kind, subkind or lowered
    return None
