"""Which dialect tells which field, counted over recorded traffic and over the hand-written cases of the tests."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from runs.content import content_of
from runs.dialects import DIALECTS
from runs.facts import facts_of
from spans.clean import CleanLog, CleanSpan
from spans.content import SpanContent
from spans.facts import SpanFacts
from spans.kinds import SpanKind
from tests.runs import test_dialects, test_fixtures, test_folding, test_wire
from tests.runs.scoring import Capture
from tests.runs.spans_of import noting

CASES: tuple[ModuleType, ...] = (test_fixtures, test_dialects, test_folding, test_wire)
"""Tests whose spans and logs are written as an instrumentation writes them; F1 to F40 are the first."""

Told = Callable[[SpanFacts, SpanContent], bool]
FIELDS: tuple[tuple[str, Told], ...] = (
    ("session", lambda f, _: bool(f.session_id)),
    ("user", lambda f, _: bool(f.user_id)),
    ("workflow", lambda f, _: bool(f.workflow)),
    ("workflow version", lambda f, _: bool(f.workflow_version)),
    ("agent", lambda f, _: bool(f.agent_name)),
    ("agent version", lambda f, _: bool(f.agent_version)),
    ("model", lambda f, _: bool(f.request_model or f.response_model)),
    ("parameters", lambda _, c: bool(c.params)),
    ("tokens", lambda f, _: f.usage is not None),
    ("cached", lambda f, _: f.usage is not None and f.usage.cache_read is not None),
    ("cost", lambda f, _: f.reported_cost is not None),
    ("response id", lambda f, _: bool(f.response_id)),
    ("finish reason", lambda f, _: bool(f.finish_reasons)),
    ("first token", lambda f, _: f.ttft_ns is not None),
    ("system prompt", lambda _, c: bool(c.system)),
    ("prompt", lambda _, c: bool(c.input_messages)),
    ("answer", lambda _, c: bool(c.output_messages)),
    ("tools offered", lambda f, _: bool(f.tools_offered)),
    ("tool", lambda f, _: bool(f.tool and f.tool.name)),
    ("call id", lambda f, _: bool(f.tool and f.tool.call_id)),
    ("arguments", lambda _, c: c.tool_arguments is not None),
    ("result", lambda _, c: c.tool_result is not None),
    ("error", lambda f, _: bool(f.error_type or f.error_message)),
    ("decision", lambda f, _: bool(f.decisions)),
    ("retrieval", lambda _, c: bool(c.documents or c.retrieval_query)),
    ("embedding", lambda f, _: f.kind is SpanKind.EMBEDDING),
    ("evaluation", lambda f, _: bool(f.evaluations)),
)

MATRIX_HEAD = """## Which instrumentation tells what

One row per instrumentation, one column per field. ● traffic of a real framework that was recorded tells it; ○ only a case that the tests
write by hand, in the instrumentation's own words, does. An empty cell means that there is no recording of it, not that it cannot be told. A span that several
instrumentations wrote on speaks for each of them. The first columns say how many recordings and how many cases there are.
"""


@dataclass
class _Row:
    captures: set[str] = field(default_factory=set)
    cases: set[str] = field(default_factory=set)
    recorded: set[str] = field(default_factory=set)
    by_hand: set[str] = field(default_factory=set)


def matrix(captures: Iterable[Capture]) -> list[str]:
    """Lines of the table, a row for each dialect."""
    rows = {dialect.id: _Row() for dialect in DIALECTS}
    for capture in captures:
        for dialect, found in _told((*capture.spans, *capture.logs)):
            rows[dialect].captures.add(capture.name)
            rows[dialect].recorded |= found
    for name, items in cases():
        for dialect, found in _told(items):
            rows[dialect].cases.add(name)
            rows[dialect].by_hand |= found
    names = [name for name, _ in FIELDS]
    lines = [
        MATRIX_HEAD,
        "| id | recordings | cases | " + " | ".join(names) + " |",
        "|---|---|---|" + "---|" * len(names),
    ]
    for dialect, row in sorted(rows.items()):
        marks = ["●" if name in row.recorded else "○" if name in row.by_hand else "" for name in names]
        lines.append(
            f"| `{dialect}` | {len(row.captures) or ''} | {len(row.cases) or ''} | " + " | ".join(marks) + " |"
        )
    return lines


def _told(items: Iterable[CleanSpan | CleanLog]) -> Iterator[tuple[str, set[str]]]:
    """Dialect and fields of each item; a span is read with the log records that are its own."""
    given = list(items)
    logs: dict[Any, list[CleanLog]] = {}
    for item in given:
        if isinstance(item, CleanLog) and item.log.span_id is not None:
            logs.setdefault((item.log.trace_id, item.log.span_id), []).append(item)
    for item in given:
        own = logs.get((item.span.trace_id, item.span.span_id), []) if isinstance(item, CleanSpan) else []
        facts, content = facts_of(item), content_of(item, own)
        found = {name for name, told in FIELDS if told(facts, content)}
        for dialect in facts.dialects:
            yield dialect, found


def cases() -> Iterator[tuple[str, list[CleanSpan | CleanLog]]]:
    """Each test of `CASES` that a plain call can run, with the spans and logs that it made on the way."""
    for module in CASES:
        for name, test in vars(module).items():
            if not name.startswith("test_") or inspect.getmodule(test) is not module:
                continue
            for arguments in _calls_of(test):
                with noting() as made:
                    test(**arguments)
                yield f"{module.__name__}.{name}", [*made, *_MADE_AT_IMPORT.get(module.__name__, ())]


_MADE_AT_IMPORT: dict[str, tuple[CleanSpan | CleanLog, ...]] = {
    test_folding.__name__: (*test_folding.CLAUDE, test_folding.TURN, test_folding.EXEC)
}


def _calls_of(test: Any) -> Iterator[dict[str, Any]]:
    """The arguments of each run of a test, from its parameters; none for a test that needs more than those."""
    choices: list[list[dict[str, Any]]] = []
    for mark in getattr(test, "pytestmark", ()):
        names, values = mark.args
        split = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
        choices.append([dict(zip(split, value if len(split) > 1 else (value,), strict=True)) for value in values])
    wanted = set(inspect.signature(test).parameters)
    for chosen in itertools.product(*choices):
        arguments = {name: value for one in chosen for name, value in one.items()}
        if set(arguments) == wanted:
            yield arguments
