"""Finish reasons of every vendor in one vocabulary (dialects reference, section 11.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_CANONICAL: Mapping[str, tuple[str, ...]] = {
    "stop": (
        "stop", "end_turn", "stop_sequence", "stop_sequences", "eos", "complete", "completed", "finished", "pause_turn",
    ),
    "length": (
        "length", "max_tokens", "max_output_tokens", "model_length", "incomplete", "token_limit",
        "model_context_window_exceeded",
    ),
    "tool_call": ("tool_call", "tool_calls", "tool-calls", "tool-call", "tool_use", "function_call"),
    "content_filter": (
        "content_filter", "content-filter", "safety", "recitation", "blocklist", "prohibited_content", "spii",
        "image_safety", "guardrail_intervened", "content_filtered", "refusal",
    ),
    "error": ("error", "failed", "malformed_function_call", "other", "unknown_error"),
    "compaction": ("compaction",),
    "cancelled": ("cancelled", "canceled", "abort", "aborted"),
}  # fmt: skip
_LOOKUP = {raw: canonical for canonical, raws in _CANONICAL.items() for raw in raws}
_SILENT = frozenset({"", "null", "none", "unknown", "finish_reason_unspecified"})


def finish_reason(raw: str) -> str:
    """The canonical finish reason; an unknown one stays as sent, a non-terminal one becomes empty."""
    lowered = raw.strip().lower().removeprefix("finishreason.")
    if lowered in _SILENT:
        return ""
    return _LOOKUP.get(lowered, raw.strip())


def finish_reasons(raws: Iterable[str]) -> tuple[str, ...]:
    """Canonical finish reasons in order, each once."""
    return tuple(dict.fromkeys(found for found in map(finish_reason, raws) if found))
