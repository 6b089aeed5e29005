"""Writes docs/dialects.md from the recorded captures: what each instrumentation tells, counted, not claimed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from runs.content import content_of
from runs.dialects import DIALECTS
from runs.facts import facts_of
from spans.clean import CleanSpan
from spans.content import SpanContent
from spans.facts import SpanFacts
from spans.kinds import SpanKind
from tests.runs.misses import MISSES
from tests.runs.scoring import Capture, load, recorded

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "dialects.md"

Told = Callable[[SpanFacts, SpanContent], bool]
MODELS: tuple[tuple[str, Told], ...] = (
    ("model", lambda f, _: bool(f.request_model or f.response_model)),
    ("tokens", lambda f, _: f.usage is not None),
    ("cached", lambda f, _: f.usage is not None and f.usage.cache_read is not None),
    ("response id", lambda f, _: bool(f.response_id)),
    ("prompt", lambda _, c: bool(c.input_messages)),
    ("answer", lambda _, c: bool(c.output_messages)),
    ("tools offered", lambda f, _: bool(f.tools_offered)),
)
TOOLS: tuple[tuple[str, Told], ...] = (
    ("name", lambda f, _: bool(f.tool and f.tool.name)),
    ("call id", lambda f, _: bool(f.tool and f.tool.call_id)),
    ("arguments", lambda _, c: c.tool_arguments is not None),
    ("result", lambda _, c: c.tool_result is not None),
)

HEAD = """# Instrumentations and what they tell

An agent is understood through what its instrumentation writes. This page is written by the test suite from recorded
traffic of real frameworks (`tests/data/captures`); a cell is the share of spans, in percent, that carry the field. Where a
number is low, the information is not in the traffic: some instrumentations leave content out unless told otherwise.

## What is recognised

Recognition is per span, so several may meet in one trace. The id is what the JSON calls `dialect`.

"""


def page() -> str:
    """The whole page."""
    captures = [load(path) for path in recorded().values()]
    lines = [HEAD, "| id | instrumentation |", "|---|---|"]
    lines += [f"| `{dialect.id}` | {dialect.title} |" for dialect in sorted(DIALECTS, key=lambda one: one.id)]
    lines += ["", "## Model calls", "", *_table(captures, MODELS, frozenset({SpanKind.MODEL}))]
    lines += ["", "## Tool calls", "", *_table(captures, TOOLS, frozenset({SpanKind.TOOL}))]
    lines += [
        "",
        "A capture without rows here has no spans of that kind: its tool calls are read from the messages.",
        "",
        "## What the traffic does not tell",
        "",
        "Each capture comes with facts that were stated without looking at the trace: calls, tokens, tools, denials, answers.",
        "These are all the places where what is shown differs from them. A test proves each reason from the payload itself.",
        "",
        "| recorded | check | why it cannot agree |",
        "|---|---|---|",
        *(f"| {name} | {check} | {miss.why} |" for name, found in MISSES.items() for check, miss in found.items()),
        "",
    ]
    return "\n".join(lines)


def _table(captures: list[Capture], columns: tuple[tuple[str, Told], ...], kinds: frozenset[SpanKind]) -> list[str]:
    lines = [
        "| recorded | id | spans | " + " | ".join(name for name, _ in columns) + " |",
        "|---|---|---|" + "---|" * len(columns),
    ]
    for capture in captures:
        read = [(facts_of(item), _content(capture, item)) for item in capture.spans]
        chosen = [(facts, content) for facts, content in read if facts.kind in kinds]
        if not chosen:
            continue
        ids = sorted({name for facts, _ in chosen for name in facts.dialects})
        shares = [f"{round(100 * sum(told(f, c) for f, c in chosen) / len(chosen))}" for _, told in columns]
        lines.append(f"| {capture.name} | {', '.join(ids)} | {len(chosen)} | " + " | ".join(shares) + " |")
    return lines


def _content(capture: Capture, item: CleanSpan) -> SpanContent:
    return content_of(item, [log for log in capture.logs if log.log.span_id == item.span.span_id])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
