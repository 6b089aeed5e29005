"""Two runs side by side: what they took, where they parted first and why, then every step with what differs in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from replay.compare import CAUSE_WORDS, Compared, Comparison, Match, Totals, headline, step_number
from replay.difference import Difference, plain
from spans.run import Run
from web.diff import Diff, Piece, diff_texts
from web.format import change, count, duration, money, plural, tokens
from web.pages.run_row import State, run_state, run_title
from web.places import Place

MOST_STEPS = 400
MOST_DIFFERENCES = 12
LONG_TEXT = 90
"""From here on a text is compared line by line instead of standing in a cell."""
MATCH_WORDS: Mapping[Match, tuple[str, str]] = {
    Match.IDENTICAL: ("ok", "identical"),
    Match.BOUND: ("ok", "same but for ids and times"),
    Match.CHANGED: ("error", "changed"),
    Match.LEFT_ONLY: ("incomplete", "only in the first"),
    Match.RIGHT_ONLY: ("incomplete", "only in the second"),
}
_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs."""

    title: str
    version: str
    run_id: str
    href: str
    state: State
    started_ns: int


@dataclass(frozen=True, slots=True)
class Delta:
    """One number of both runs; `worse` when the second took more."""

    label: str
    left: str
    right: str
    change: str
    worse: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One place that differs: short values in two cells, or a longer text as a diff."""

    path: str
    left: tuple[Piece, ...] = ()
    right: tuple[Piece, ...] = ()
    left_missing: bool = False
    right_missing: bool = False
    diff: Diff | None = None


@dataclass(frozen=True, slots=True)
class CompareStep:
    """A pair of steps."""

    number: int
    kind: str
    name: str
    glyph: str
    word: str
    cause: str
    headline: str
    left_href: str
    right_href: str
    left_ns: int | None
    right_ns: int | None
    changes: tuple[Change, ...]
    more: int
    is_first: bool
    is_tainted: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """Steps in a row that are the same, folded; or steps that are not."""

    same: int
    steps: tuple[CompareStep, ...]


@dataclass(frozen=True, slots=True)
class ComparePage:
    """Two runs compared."""

    left: Side
    right: Side
    sentence: str
    is_same: bool
    first: CompareStep | None
    deltas: tuple[Delta, ...]
    tools: tuple[tuple[str, int, int], ...]
    """(tool, calls in the first, calls in the second), those that differ."""
    stretches: tuple[Stretch, ...]
    cut: int
    bound: str
    swap_href: str
    page_title: str


def build_compare(place: Place, left: Run, right: Run, found: Comparison) -> ComparePage:
    """Build the page of a comparison that replay made."""
    steps = [_step(place, left, right, c, is_first=n == found.first) for n, c in enumerate(found.pairs[:MOST_STEPS])]
    first = steps[found.first] if found.first is not None and found.first < len(steps) else None
    return ComparePage(
        left=_side(place, left),
        right=_side(place, right),
        sentence=_sentence(found),
        is_same=found.first is None,
        first=first,
        deltas=_deltas(left, right, found.left_totals, found.right_totals),
        tools=_tools(found.left_totals.tools, found.right_totals.tools),
        stretches=tuple(_stretches(steps)),
        cut=max(0, len(found.pairs) - MOST_STEPS),
        bound=", ".join(f"{number:,} {kind.replace('_', ' ')}" for kind, number in found.bound.items()),
        swap_href=place.url("/compare", left=right.run_id, right=left.run_id),
        page_title=f"{run_title(left)} compared",
    )


def _side(place: Place, run: Run) -> Side:
    return Side(
        run_title(run),
        run.workflow_version,
        run.run_id,
        place.url(f"/runs/{run.run_id}"),
        run_state(run),
        run.started_ns,
    )


def _sentence(found: Comparison) -> str:
    if not found.pairs:
        return "Nothing to compare: neither run has a step that asked for an answer."
    if found.first is None:
        return f"The same: all {plural(len(found.pairs), 'step')} did the same things."
    parted = found.pairs[found.first]
    before = found.identical_before
    same = f"{plural(before, 'identical step')}, then " if before else "From the first step on: "
    why = CAUSE_WORDS[parted.cause] if parted.cause else headline(parted)
    return f"{same}{why} at step {step_number(parted)}."


def _deltas(left: Run, right: Run, one: Totals, other: Totals) -> tuple[Delta, ...]:
    return (
        Delta(
            "Outcome",
            left.outcome.label.value.replace("_", " "),
            right.outcome.label.value.replace("_", " "),
            "",
            False,
        ),
        _delta("Cost", left.cost_usd, right.cost_usd, money),
        _delta("Tokens", one.tokens, other.tokens, tokens),
        _delta("Time", left.duration_ns, right.duration_ns, duration),
        _delta("Steps", one.steps, other.steps, count),
        _delta("Tool calls", left.tool_calls, right.tool_calls, count),
        _delta("Denials", left.denials, right.denials, count),
        _delta("Errors", left.errors, right.errors, count),
    )


def _delta(label: str, left: Any, right: Any, words: Any) -> Delta:
    worse = left is not None and right is not None and right > left
    moved = "" if left == right else change(_number(right), _number(left)) or "new"
    return Delta(label, words(left), words(right), moved, worse)


def _number(value: Decimal | int | None) -> float | None:
    return None if value is None else float(value)


def _tools(left: Mapping[str, int], right: Mapping[str, int]) -> tuple[tuple[str, int, int], ...]:
    names = dict.fromkeys((*left, *right))
    return tuple((n, left.get(n, 0), right.get(n, 0)) for n in names if left.get(n, 0) != right.get(n, 0))


def _step(place: Place, left: Run, right: Run, one: Compared, *, is_first: bool) -> CompareStep:
    glyph, word = MATCH_WORDS[one.match]
    mine, theirs = one.pair.left, one.pair.right
    either = mine or theirs or {}
    return CompareStep(
        number=step_number(one),
        kind=either["kind"],
        name=either["name"],
        glyph=glyph,
        word=word,
        cause=CAUSE_WORDS[one.cause] if one.cause else "",
        headline=headline(one) if one.differences else "",
        left_href=place.url(f"/runs/{left.run_id}", span=mine["span_id"]) if mine else "",
        right_href=place.url(f"/runs/{right.run_id}", span=theirs["span_id"]) if theirs else "",
        left_ns=round(mine["duration_ms"] * _MS) if mine else None,
        right_ns=round(theirs["duration_ms"] * _MS) if theirs else None,
        changes=tuple(_change(d) for d in one.differences[:MOST_DIFFERENCES]),
        more=max(0, len(one.differences) - MOST_DIFFERENCES),
        is_first=is_first,
        is_tainted=one.tainted,
    )


def _change(found: Difference) -> Change:
    left, right = (
        None if found.missing == side else value for side, value in (("left", found.left), ("right", found.right))
    )
    if isinstance(left, str) and isinstance(right, str) and max(len(left), len(right)) > LONG_TEXT:
        return Change(found.path, diff=diff_texts(left, right, left_title="first", right_title="second"))
    return Change(
        found.path,
        _pieces(found, "left"),
        _pieces(found, "right"),
        left_missing=found.missing == "left",
        right_missing=found.missing == "right",
    )


def _pieces(found: Difference, side: str) -> tuple[Piece, ...]:
    if found.missing == side:
        return ()
    before, middle, after = found.excerpt(side)
    value = found.left if side == "left" else found.right
    if not isinstance(value, str):
        return (Piece(plain(value), changed=True),)
    return tuple(p for p in (Piece(before), Piece(middle, changed=True), Piece(after)) if p.text)


def _stretches(steps: Sequence[CompareStep]) -> list[Stretch]:
    found: list[Stretch] = []
    same: list[CompareStep] = []
    other: list[CompareStep] = []

    def close() -> None:
        if same:
            found.append(Stretch(len(same), tuple(same)))
            same.clear()
        if other:
            found.append(Stretch(0, tuple(other)))
            other.clear()

    for step in steps:
        if (step.glyph == "ok") == bool(other) and (same or other):
            close()
        (same if step.glyph == "ok" else other).append(step)
    close()
    return found
