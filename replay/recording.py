"""The recording of a run: its ordered exchanges, each a question to the outside and the answer it got."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from replay.canonical import CANONICALISER, Key, Names, key_of
from replay.outline import ExchangeKind, Moment, asked_of, outline
from runs.present import contents_of, money, rfc3339, span_json, usage_json
from spans.canonical import content_digest
from spans.content import SpanContent
from spans.facts import SpanFacts
from spans.ids import SpanId
from spans.kinds import RunStatus, UsageRole
from spans.run import Run, Step
from store.api import TraceEvidence

FORMAT: Final = "tracetape-recording"
VERSION: Final = 1
NO_CONTENT: Final = SpanContent()
_ANSWERED = frozenset({"ok", "empty", "retried_then_ok"})

Json = Mapping[str, Any]


class AnswerState(StrEnum):
    """What came back: an answer (null is one), a failure, or nothing that was recorded."""

    COMPLETED = "completed"
    FAILED = "failed"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer."""

    moment: Moment
    asked: Json
    answered: Json
    state: AnswerState

    @property
    def name(self) -> str:
        """The tool, the model, or what its span is called."""
        return exchange_name(self.moment.step)


@dataclass(frozen=True, slots=True)
class Keys:
    """The identity of both sides of an exchange."""

    asked: Key
    answered: Key


@dataclass(frozen=True, slots=True)
class Recording:
    """A run's exchanges in playing order."""

    run: Run
    exchanges: tuple[Exchange, ...]

    def keys(self) -> tuple[Keys, ...]:
        """The keys of every exchange, in order."""
        return tuple(keys_of(self.run, exchange) for exchange in self.exchanges)


def record(run: Run, steps: Sequence[Step], evidence: TraceEvidence, facts: Iterable[SpanFacts]) -> Recording:
    """Make the recording of a run from what is stored of it.

    The same evidence gives the same recording, however it was shuffled, repeated or delayed on its way.
    """
    contents = contents_of(steps, evidence.spans, evidence.logs)
    return recorded(run, outline(steps, asked_of(facts)), contents)


def recorded(run: Run, moments: Iterable[Moment], contents: Mapping[SpanId, SpanContent]) -> Recording:
    """Fill an outline with content."""
    return Recording(run, tuple(exchange_of(moment, contents) for moment in moments))


def exchange_of(moment: Moment, contents: Mapping[SpanId, SpanContent]) -> Exchange:
    """One exchange with what was asked and answered; other reports of the call lend what its own lacks."""
    asked, answered = _sides(moment, moment.step, contents.get(moment.step.span_id, NO_CONTENT))
    for other in moment.retold_by:
        lent_asked, lent_answered = _sides(moment, other, contents.get(other.span_id, NO_CONTENT))
        asked = {key: _first(value, lent_asked.get(key)) for key, value in asked.items()}
        answered = {key: _first(value, lent_answered.get(key)) for key, value in answered.items()}
    return Exchange(moment, asked, answered, _state(moment.step, answered))


def keys_of(run: Run, exchange: Exchange) -> Keys:
    """The keys of an exchange: what was asked, and what was answered to it."""
    kind = exchange.moment.kind.value
    name = exchange.moment.step.tool_name if exchange.moment.kind is ExchangeKind.TOOL else ""
    names = Names()
    asked = key_of(kind, name, exchange.asked, near_ns=run.started_ns, names=names)
    answered = key_of(kind, exchange.state.value, exchange.answered, near_ns=run.started_ns, names=names)
    return Keys(asked, answered)


def recording_json(recording: Recording) -> dict[str, Any]:
    """The recording as its file holds it; `replay.format` reads it back."""
    run = recording.run
    keys = recording.keys()
    exchanges = [_exchange_json(e, k) for e, k in zip(recording.exchanges, keys, strict=True)]
    return {
        "format": FORMAT,
        "version": VERSION,
        "canonicaliser": CANONICALISER,
        "run_id": run.run_id,
        "project": run.project,
        "workflow": run.workflow,
        "workflow_version": run.workflow_version,
        "started_at": rfc3339(run.started_ns),
        "replayability": run.replayability.value,
        "reasons": list(run.replay_reasons),
        "exchanges": exchanges,
        **digests(exchanges),
    }


def digests(exchanges: Sequence[Json]) -> dict[str, str]:
    """Three digests: of everything recorded, of behaviour alone (no times, no ids of providers), of the last answer."""
    behaviour = sorted(
        [list(e["branch"]), e["ordinal"], e["kind"], e["name"], e["k1"], e["answer_key"], e["state"]] for e in exchanges
    )
    final = next(
        (e["answer_key"] for e in reversed(exchanges) if e["kind"] == ExchangeKind.MODEL and not e["branch"]), ""
    )
    return {
        "digest": content_digest([dict(e) for e in exchanges], digits=64),
        "behaviour_digest": content_digest(behaviour, digits=64),
        "answer_digest": content_digest(final, digits=64),
    }


def _exchange_json(exchange: Exchange, keys: Keys) -> dict[str, Any]:
    moment, step = exchange.moment, exchange.moment.step
    own = step.usage_role is UsageRole.OWN
    told = span_json(step, None, NO_CONTENT)
    return {
        "number": moment.number,
        "branch": list(moment.branch),
        "ordinal": moment.ordinal,
        "span_id": step.span_id,
        "kind": moment.kind.value,
        "name": exchange.name,
        "agent": step.agent_name or None,
        "started_at": told["started_at"],
        "duration_ms": told["duration_ms"],
        "asked": dict(exchange.asked),
        "answered": dict(exchange.answered),
        "state": exchange.state.value,
        "error": told["error"],
        "decisions": told["decisions"],
        "usage": usage_json(step.usage) if own else None,
        "cost_usd": money(step.cost.usd) if own and step.cost else None,
        "k0": keys.asked.exact,
        "k1": keys.asked.shape,
        "answer_key": keys.answered.shape,
        "holes": [[hole.kind.value, hole.value] for hole in keys.asked.holes],
        "canonical": not keys.asked.is_uncanonical,
    }


def _sides(moment: Moment, step: Step, content: SpanContent) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was asked and what was answered, by kind."""
    span = span_json(step, None, content)
    model, tool = span["model"] or {}, span["tool"] or {}
    match moment.kind:
        case ExchangeKind.MODEL:
            return (
                {
                    "model": model.get("request"),
                    "system": span["system"],
                    "messages": span["input_messages"],
                    "tools": span["tool_definitions"],
                    "params": model.get("params") or {},
                },
                {"messages": span["output_messages"], "finish_reasons": span["finish_reasons"]},
            )
        case ExchangeKind.TOOL:
            return (
                {"call_id": tool.get("call_id"), "arguments": tool.get("arguments")},
                {"result": tool.get("result")},
            )
        case ExchangeKind.RETRIEVAL:
            found = span["retrieval"] or {}
            return {"query": found.get("query") or span["input"]}, {"documents": found.get("documents") or []}
        case ExchangeKind.RERANKER:
            found = span["rerank"] or {}
            return (
                {"query": found.get("query"), "documents": found.get("input_documents") or []},
                {"documents": found.get("output_documents") or []},
            )
        case ExchangeKind.EMBEDDING:
            return {"inputs": (span["embedding"] or {}).get("inputs") or []}, {"output": span["output"]}
        case _:
            return {"input": span["input"]}, {"output": span["output"]}


def _first(value: Any, lent: Any) -> Any:
    """A value that is there, zero and false included; an empty list or text is not."""
    return lent if value is None or value in ("", [], {}) else value


def _state(step: Step, answered: Json) -> AnswerState:
    if step.status is RunStatus.ERROR:
        return AnswerState.FAILED
    there = any(value not in (None, "", [], {}) for key, value in answered.items() if key != "finish_reasons")
    if there or step.has_output or (step.tool_outcome and step.tool_outcome.value in _ANSWERED):
        return AnswerState.COMPLETED
    return AnswerState.ABSENT


def exchange_name(step: Step) -> str:
    """What people call a step: its tool, its model, or the name of its span."""
    return step.tool_name or step.response_model or step.request_model or step.name
