"""Finds loops inside one run: the same call again and again, or far more calls than usual (decision 0008)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from spans.ids import SpanId
from spans.kinds import SpanKind
from spans.run import Step

IDENTICAL_IN_A_ROW = 5
"""Equal calls (tool and arguments) in a row."""

SAME_NAME_IN_A_ROW = 10
"""Calls of one tool in a row when arguments were not recorded: paging through results looks the same."""

TIMES_THE_USUAL = 3.0
"""Tool calls of a run, in units of the workflow's 99 % quantile."""


@dataclass(frozen=True, slots=True)
class Loop:
    """One loop of a run."""

    rule: str
    """`identical_calls`, `same_tool` or `many_calls`."""
    sentence: str
    calls: int
    tool: str = ""
    first: SpanId | None = None
    last: SpanId | None = None


def find_loops(steps: Iterable[Step], usual_calls: float | None = None) -> tuple[Loop, ...]:
    """Judge the tool calls of one run; steps in any order.

    Agents that work at the same time are looked at one by one, so their calls do not interrupt each other's row.

    Args:
        steps: All steps of the run; second reports of a call (`counted` false) are passed over.
        usual_calls: The 99 % quantile of tool calls per run of the workflow; None while it is being learned.
    """
    calls = sorted(
        (s for s in steps if s.kind is SpanKind.TOOL and s.counted and s.tool_name),
        key=lambda s: (s.start_ns, s.ordinal, s.span_id),
    )
    agents = dict.fromkeys(s.agent_name for s in calls)
    found = [loop for agent in agents for loop in _rows([s for s in calls if s.agent_name == agent])]
    if usual_calls is not None and len(calls) > TIMES_THE_USUAL * max(1.0, usual_calls):
        sentence = f"{len(calls)} tool calls; 99 of 100 runs need at most {usual_calls:.0f}."
        found.append(Loop("many_calls", sentence, len(calls)))
    return tuple(found)


def _rows(calls: list[Step]) -> Iterable[Loop]:
    row: list[Step] = []
    for call in calls:
        if row and (call.tool_name, call.tool_arguments_hash) != (row[0].tool_name, row[0].tool_arguments_hash):
            yield from _judged(row)
            row = []
        row.append(call)
    if row:
        yield from _judged(row)


def _judged(row: list[Step]) -> Iterable[Loop]:
    tool, is_known = row[0].tool_name, bool(row[0].tool_arguments_hash)
    if len(row) < (IDENTICAL_IN_A_ROW if is_known else SAME_NAME_IN_A_ROW):
        return
    rule = "identical_calls" if is_known else "same_tool"
    what = "with equal arguments" if is_known else "(arguments were not recorded)"
    sentence = f"{tool} was called {len(row)} times in a row {what}."
    yield Loop(rule, sentence, len(row), tool, row[0].span_id, row[-1].span_id)
