"""Writes docs/dialects.md from the recorded captures: what each instrumentation tells, counted, not claimed."""

from __future__ import annotations

import json
from pathlib import Path

from runs.content import content_of
from runs.dialects import DIALECTS
from runs.facts import facts_of
from spans.clean import CleanSpan
from spans.content import SpanContent
from spans.kinds import SpanKind
from tests.runs.misses import MISSES
from tests.runs.scoring import Capture, checks, load, programs, read, recorded, runs_of
from tests.runs.told import Told, matrix

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "dialects.md"

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
traffic of real frameworks (`tests/data/captures`, `tests/data/programs`) and from the hand-written cases of the tests.

## What is recognised

Recognition is per span, so several may meet in one trace. The id is what the JSON calls `dialect`.

"""


SHARES = """## What each recording carries

In the next two tables a cell is the share of spans, in percent, that carry the field. Where a number is low, the information is not
in the traffic: some instrumentations leave content out unless told otherwise."""


def page() -> str:
    """The whole page."""
    captures = [load(path) for path in recorded().values()]
    lines = [HEAD, "| id | instrumentation |", "|---|---|"]
    lines += [f"| `{dialect.id}` | {dialect.title} |" for dialect in sorted(DIALECTS, key=lambda one: one.id)]
    lines += [
        "",
        *matrix([*captures, *(load(path) for path in programs().values())]),
        "",
        SHARES,
        "",
        "### Model calls",
        "",
        *_table(captures, MODELS, frozenset({SpanKind.MODEL})),
    ]
    lines += ["", "### Tool calls", "", *_table(captures, TOOLS, frozenset({SpanKind.TOOL}))]
    lines += [
        "",
        "A capture without rows here has no spans of that kind: its tool calls are read from the messages.",
        "",
        "## What the traffic does not tell",
        "",
        "Each capture comes with facts that were stated without looking at the trace: calls, tokens, tools, denials, answers.",
        f"{_score(captures)} These are all the places where what is shown differs from them;",
        "`tests/runs/misses.py` proves each of them, one by one, from the payload itself: what was asked for is not in it.",
        "",
        "| recorded | check | why it cannot agree |",
        "|---|---|---|",
        *(f"| {name} | {check} | {miss.why} |" for name, found in MISSES.items() for check, miss in found.items()),
        "",
    ]
    return "\n".join(lines)


def _score(captures: list[Capture]) -> str:
    """How many checks hold, over all recordings."""
    passed = [
        is_right
        for path, capture in zip(recorded().values(), captures, strict=True)
        for _, _, is_right in checks(path, json.loads(read(path, "observed.json")), runs_of(capture)).values()
    ]
    share = 100 * sum(passed) / len(passed)
    return f"Of {len(passed)} checks over {len(captures)} recordings {sum(passed)} hold literally ({share:.1f} %)."


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
