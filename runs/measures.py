"""What a run is measured by: the numbers and yes/no features that detectors compare; computed with its steps, stored with it."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from spans.kinds import OutcomeLabel, RunStatus, SpanKind, ToolOutcome
from spans.run import Measures, Run, Step
from spans.values import Value

MOST_TOOLS = 200
"""Tool calls of a run whose order is kept."""
MOST_NAMES = 64
"""Features of one kind that one run can have: names come from outside."""
MOST_KEYS = 12
"""Arguments of one call that are looked at."""
LOOP = 5
"""Equal calls in a row that are a loop."""
LOOP_OF_NAME = 10
"""Calls of one tool in a row that are a loop where arguments were not recorded: paging through results looks the same."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,39}")
_WORD = re.compile(r"[A-Za-z][A-Za-z _-]{0,23}")
"""A value that can be one of a few: a currency, a mode, a category. Digits would let numbers of orders in."""
_REFUSALS = frozenset({"content_filter", "refusal", "safety", "guardrail_intervened"})
_CUT = frozenset({"length", "max_tokens"})
_FAILED = frozenset({ToolOutcome.ERROR, ToolOutcome.TIMEOUT})


def light_values(arguments: Value) -> dict[str, float | str]:
    """Numbers and short words of a tool's arguments by name: what can drift without being text."""
    if not isinstance(arguments, Mapping):
        return {}
    found: dict[str, float | str] = {}
    for key, value in list(arguments.items())[:MOST_KEYS]:
        if not _KEY.fullmatch(key):
            continue
        if isinstance(value, bool):
            found[key] = "yes" if value else "no"
        elif isinstance(value, (int, float)) and abs(value) < 1e15 and math.isfinite(value):
            found[key] = float(value)
        elif isinstance(value, str) and _WORD.fullmatch(value):
            found[key] = value
    return found


def measures_of(run: Run, steps: Sequence[Step]) -> Measures:
    """The measures of a run; names are stable, units stand in `units`."""
    counted = [step for step in steps if step.counted]
    broken = any(_is_malformed(step) for step in steps)
    calls = sorted(
        (s for s in counted if s.kind is SpanKind.TOOL and s.tool_name and s.subkind != "handoff"),
        key=lambda s: (s.start_ns, s.ordinal),
    )
    sequence = tuple(step.tool_name for step in calls[:MOST_TOOLS])
    numbers = dict(_numbers(run, counted, calls))
    flags = dict.fromkeys(_flags(run, counted, calls, has_malformed=broken))
    return Measures(dict(list(numbers.items())[:MOST_NAMES]), tuple(flags)[:MOST_NAMES], sequence)


def _numbers(run: Run, steps: Sequence[Step], calls: Sequence[Step]) -> Iterable[tuple[str, float]]:
    own: tuple[tuple[str, float | None], ...] = (
        ("input_tokens", run.usage.input),
        ("output_tokens", run.usage.output),
        ("cost_usd", None if run.cost_usd is None else float(run.cost_usd)),
        ("latency_ms", run.duration_ns / 1e6 if run.duration_ns > 0 else None),
        ("model_calls", run.model_calls),
        ("tool_calls", run.tool_calls),
        ("redactions", run.redactions),
        ("cache_share", _cache_share(run)),
        ("repeated_reads", _repeats(calls) if calls else None),
    )
    yield from ((name, float(value)) for name, value in own if value is not None)
    found = [step for step in steps if step.kind is SpanKind.RETRIEVAL]
    documents = [step.documents for step in found if step.documents is not None]
    if documents:
        yield "retrieval_docs", float(sum(documents))
    scores = [step.retrieval_score for step in found if step.retrieval_score is not None]
    if scores:
        yield "retrieval_score", math.fsum(scores) / len(scores)
    yield from _scores(steps)
    yield from ((f"arg_{key}", value) for key, value in _arguments(calls).items() if isinstance(value, float))


def _cache_share(run: Run) -> float | None:
    """Share of the input that came from the provider's cache; None where nothing was ever cached."""
    read = run.usage.cache_read
    return min(1.0, read / run.usage.input) if read is not None and run.usage.input else None


def _repeats(calls: Sequence[Step]) -> int:
    """Calls whose tool and arguments the run had already used."""
    known = [(call.tool_name, call.tool_arguments_hash) for call in calls if call.tool_arguments_hash]
    return len(known) - len(set(known))


def _scores(steps: Sequence[Step]) -> Iterable[tuple[str, float]]:
    given: defaultdict[str, list[float]] = defaultdict(list)
    for step in steps:
        for evaluation in step.evaluations:
            if evaluation.score is not None and math.isfinite(evaluation.score):
                given[evaluation.name[:60]].append(evaluation.score)
    return ((f"score_{name}", math.fsum(values) / len(values)) for name, values in given.items())


def _arguments(calls: Sequence[Step]) -> Mapping[str, float | str]:
    """The first value of every argument in the run."""
    found: dict[str, float | str] = {}
    for call in calls:
        for key, value in call.argument_values.items():
            found.setdefault(key, value)
    return found


def _is_malformed(step: Step) -> bool:
    """A call whose arguments did not fit: it never ran, so it is counted nowhere, and it is a fault all the same."""
    is_call = step.kind is SpanKind.TOOL and step.duplicate_of is None and step.subkind != "handoff"
    return is_call and step.tool_outcome is ToolOutcome.INVALID_ARGUMENTS


def _flags(run: Run, steps: Sequence[Step], calls: Sequence[Step], *, has_malformed: bool) -> Iterable[str]:
    reasons = {reason for step in steps for reason in step.finish_reasons}
    outcomes = {call.tool_outcome for call in calls}
    own = (
        ("error", run.status is RunStatus.ERROR),
        ("failure", run.outcome.label is OutcomeLabel.FAILURE),
        ("handed_off", run.outcome.label is OutcomeLabel.HANDED_OFF),
        ("denied", run.denials > 0),
        ("intervention", run.interventions > 0),
        ("refusal", bool(reasons & _REFUSALS)),
        ("truncated", bool(reasons & _CUT)),
        ("tool_errors", has_malformed or bool(outcomes & _FAILED)),
        ("invalid_params", has_malformed),
        ("retry", ToolOutcome.RETRIED_THEN_OK in outcomes),
        ("loop", _has_loop(calls)),
        ("no_documents", any(step.kind is SpanKind.RETRIEVAL and step.documents == 0 for step in steps)),
    )
    yield from (name for name, is_so in own if is_so)
    yield from (f"entity_{entity}" for entity, count in run.entities.items() if count)
    yield from (f"tools_{tool}" for tool in dict.fromkeys(call.tool_name for call in calls))
    yield from (f"arg_{key}={value}" for key, value in _arguments(calls).items() if isinstance(value, str))


def _has_loop(calls: Sequence[Step]) -> bool:
    row = 0
    before: tuple[str, str] | None = None
    for call in calls:
        now = (call.tool_name, call.tool_arguments_hash)
        row = row + 1 if now == before else 1
        before = now
        if row >= (LOOP if call.tool_arguments_hash else LOOP_OF_NAME):
            return True
    return False


def unit_of(name: str) -> str:
    """The unit of a number: `usd`, `ms`, `tokens`, `calls`, or nothing."""
    return _UNITS.get(name, "")


_UNITS = {
    "input_tokens": "tokens",
    "output_tokens": "tokens",
    "cost_usd": "usd",
    "latency_ms": "ms",
    "model_calls": "calls",
    "tool_calls": "calls",
    "retrieval_docs": "documents",
}
