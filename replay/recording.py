"""The recording of a run: its ordered exchanges, each a question to the outside and the answer it got."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from spans.canonical import content_digest
from spans.kinds import SpanKind
from spans.run import Run

FORMAT: Final = "tracetape-recording"
VERSION: Final = 0
"""0: the shape may still change. Branches, exchange keys and the sealed digest come with version 1."""

Json = Mapping[str, Any]

_KINDS: Final = frozenset(
    kind.value
    for kind in (
        SpanKind.MODEL,
        SpanKind.TOOL,
        SpanKind.RETRIEVAL,
        SpanKind.EMBEDDING,
        SpanKind.RERANKER,
        SpanKind.GUARDRAIL,
    )
)


def recording(run: Run, spans: Iterable[Json]) -> dict[str, Any]:
    """Order a run's exchanges.

    Args:
        run: The run.
        spans: Its spans in the shape of the contract (design, section 10), in stored order.

    Each call stands once: a second report of it only lends what the counted one lacks. The same spans give the same
    recording in whatever order they are handed in.
    """
    told = sorted(spans, key=lambda span: (span["started_at"], span["ordinal"], span["span_id"]))
    retold: dict[str, list[Json]] = {}
    for span in told:
        if span["duplicate_of"]:
            retold.setdefault(span["duplicate_of"], []).append(span)
    exchanges = [
        _exchange(number, span, retold.get(span["span_id"], ()))
        for number, span in enumerate((s for s in told if s["kind"] in _KINDS and s["counted"]), 1)
    ]
    return {
        "format": FORMAT,
        "version": VERSION,
        "run_id": run.run_id,
        "replayability": run.replayability.value,
        "reasons": list(run.replay_reasons),
        "exchanges": exchanges,
        "digest": content_digest(exchanges, digits=64),
    }


def _exchange(number: int, span: Json, others: Sequence[Json]) -> dict[str, Any]:
    asked, answered = _sides(span)
    for other in others:
        lent_asked, lent_answered = _sides(other)
        asked = {key: value or lent_asked.get(key) for key, value in asked.items()}
        answered = {key: value or lent_answered.get(key) for key, value in answered.items()}
    return {
        "number": number,
        "span_id": span["span_id"],
        "kind": span["kind"],
        "name": _name(span),
        "started_at": span["started_at"],
        "duration_ms": span["duration_ms"],
        "asked": asked,
        "answered": answered,
        "state": _state(span, answered),
        "error": span["error"],
        "decisions": span["decisions"],
    }


def _sides(span: Json) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was asked and what was answered, by kind."""
    kind = span["kind"]
    model, tool = span["model"] or {}, span["tool"] or {}
    if kind == SpanKind.MODEL:
        return (
            {
                "model": model.get("request"),
                "system": span["system"],
                "messages": span["input_messages"],
                "tools": span["tool_definitions"],
                "params": model.get("params"),
            },
            {"messages": span["output_messages"], "finish_reasons": span["finish_reasons"]},
        )
    if kind == SpanKind.TOOL:
        return (
            {"call_id": tool.get("call_id"), "arguments": tool.get("arguments")},
            {"result": tool.get("result")},
        )
    if kind == SpanKind.RETRIEVAL:
        found = span["retrieval"] or {}
        return {"query": found.get("query") or span["input"]}, {"documents": found.get("documents") or []}
    if kind == SpanKind.RERANKER:
        found = span["rerank"] or {}
        return (
            {"query": found.get("query"), "documents": found.get("input_documents") or []},
            {"documents": found.get("output_documents") or []},
        )
    if kind == SpanKind.EMBEDDING:
        return {"inputs": (span["embedding"] or {}).get("inputs") or []}, {"output": span["output"]}
    return {"input": span["input"]}, {"output": span["output"]}


def _state(span: Json, answered: Json) -> str:
    """completed, failed or absent; a tool that answered nothing on purpose has an outcome that says so."""
    if span["status"] == "error":
        return "failed"
    tool = span["tool"] or {}
    if any(answered.values()) or tool.get("outcome") in {"ok", "empty", "retried_then_ok"}:
        return "completed"
    return "absent"


def _name(span: Json) -> str:
    tool, model = span["tool"] or {}, span["model"] or {}
    return str(tool.get("name") or model.get("response") or model.get("request") or span["name"])
