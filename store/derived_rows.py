"""Runs and steps as rows: every filter of the contract has a typed column."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import asdict
from decimal import Decimal

from msgspec import structs

from spans.kinds import UsageRole
from spans.run import Assembly, Run, Step
from store.columns import BOOL, COUNTS, DAY, I64, MONEY, TEXT, TEXT_MAP, TEXTS, U32, U64, Column
from store.measures import REPORTED
from store.records import Record
from store.text import clean_text, record_json

RUNS: Record[Run] = Record(
    Run,
    {
        "project": TEXT,
        "run_id": TEXT,
        "version": U64,
        "first_received_day": DAY,
        "last_received_ns": U64,
        "name": TEXT,
        "service": TEXT,
        "environment": TEXT,
        "mode": TEXT,
        "shape": TEXT,
        "workflow": TEXT,
        "workflow_version": TEXT,
        "agents": TEXTS,
        "session_id": TEXT,
        "user_id": TEXT,
        "started_ns": U64,
        "duration_ns": I64,
        "status": TEXT,
        "cost_usd": MONEY,
        "unpriced_calls": U32,
        "span_count": U32,
        "model_calls": U32,
        "tool_calls": U32,
        "denials": U32,
        "interventions": U32,
        "errors": U32,
        "models": TEXTS,
        "tools": TEXTS,
        "dialects": TEXTS,
        "tags": TEXTS,
        "attributes": TEXT_MAP,
        "waiting_for": TEXT,
        "pinned": BOOL,
        "input_preview": TEXT,
        "output_preview": TEXT,
        "tool_schemas": TEXT_MAP,
        "prompts": TEXTS,
        "content_expired_ns": U64,
    },
    [
        Column("attempts", TEXTS, lambda r: [record_json(asdict(attempt)) for attempt in r.attempts]),
        Column("tool_outcomes", COUNTS, lambda r: list(r.tool_outcomes.items())),
        Column("is_last_part", BOOL, lambda r: r.continued_by is None),
        Column("outcome", TEXT, lambda r: r.outcome.label),
        Column("input_tokens", U64, lambda r: r.usage.input),
        Column("output_tokens", U64, lambda r: r.usage.output),
    ],
)

STEPS: Record[Step] = Record(
    Step,
    {
        "run_id": TEXT,
        "ordinal": U32,
        "trace_id": TEXT,
        "span_id": TEXT,
        "parent_span_id": TEXT,
        "kind": TEXT,
        "name": TEXT,
        "start_ns": U64,
        "duration_ns": I64,
        "status": TEXT,
        "provider": TEXT,
        "request_model": TEXT,
        "response_model": TEXT,
        "usage_role": TEXT,
        "unpriced": BOOL,
        "tool_name": TEXT,
        "tool_call_id": TEXT,
        "tool_arguments_hash": TEXT,
        "tool_arguments_shape": TEXT,
        "tool_repeat_hash": TEXT,
        "tool_idempotency": TEXT,
        "tool_outcome": TEXT,
        "counted": BOOL,
        "agent_name": TEXT,
        "prompt_hash": TEXT,
        "error_message": TEXT,
    },
    [
        Column("cost_usd", MONEY, lambda s: s.cost.usd if s.cost else None),
        Column("input_tokens", U64, lambda s: s.usage.input if s.usage else None),
        Column("output_tokens", U64, lambda s: s.usage.output if s.usage else None),
    ],
)


def expired(step: Step) -> Step:
    """A step as it shows after its content went: it says so, unless it never had any."""
    had = step.has_input or step.has_output
    return structs.replace(step, content_state="expired") if had and step.content_state != "withheld" else step


def trace_ids(assembly: Assembly) -> list[str]:
    """Every trace that shows in a run, its own first."""
    own = str(assembly.run.run_id)
    return list(dict.fromkeys([own, *(str(step.trace_id) for step in assembly.steps)]))


def cost_by_class(assembly: Assembly) -> dict[str, Decimal]:
    """What the counted calls of a run cost, by token class, the largest first."""
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for step in assembly.steps:
        if step.usage_role is UsageRole.OWN and step.cost is not None:
            for line in step.cost.lines:
                found[line.token_class] += line.usd
            if not step.cost.lines and step.cost.usd:
                found[REPORTED] += step.cost.usd
    return {clean_text(name): usd for name, usd in sorted(found.items(), key=lambda one: (-one[1], one[0]))}


def measure_names(assembly: Assembly) -> list[str]:
    """Names of the run's numbers, in the order of `measure_values`."""
    return [clean_text(name) for name in _finite(assembly)]


def measure_values(assembly: Assembly) -> list[float]:
    """The run's numbers, all finite."""
    return list(_finite(assembly).values())


def measure_flags(assembly: Assembly) -> list[str]:
    """Yes/no features of the run that are yes, each once."""
    return list(dict.fromkeys(clean_text(flag) for flag in assembly.measures.flags))


def tool_sequence(assembly: Assembly) -> list[str]:
    """Tools in the order the run called them."""
    return [clean_text(tool) for tool in assembly.measures.tools]


def _finite(assembly: Assembly) -> dict[str, float]:
    return {name: value for name, value in assembly.measures.numbers.items() if math.isfinite(value)}
