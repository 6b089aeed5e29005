"""Reads a run's conversation, or the part of it that an address asks for: a window of steps, and as many of its turns as fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from spans.kinds import SpanKind
from spans.run import Run, Step
from store.api import Store
from store.outline import Outline
from web.conversation import Conversation, Turn, build_conversation
from web.conversation_parts import Cut, cut_from, cut_until
from web.evidence import read_some, read_steps
from web.format import count
from web.pages.run import Talk
from web.places import Place

WHOLE_CONVERSATION = 600
"""Steps of a run whose conversation is read whole; of longer ones a window is read."""
PART_STEPS = 150
"""Telling steps of one window."""
_END = "end"
"""In an address: up to the last turn of the window, however many it has."""
_TELLING = frozenset(
    {
        SpanKind.MODEL.value,
        SpanKind.TOOL.value,
        SpanKind.RETRIEVAL.value,
        SpanKind.RERANKER.value,
        SpanKind.GUARDRAIL.value,
    }
)


@dataclass(frozen=True, slots=True)
class _Window:
    """What was read: telling steps from `first` up to `last`, of `total` (0 when the run was read whole)."""

    told: Conversation
    first: int = 0
    last: int = 0
    total: int = 0


def read_talk(
    store: Store, place: Place, run: Run, path: str, outline: Outline, selected: Step | None, asked: Mapping[str, str]
) -> tuple[Talk, Conversation]:
    """The conversation as its page shows it.

    Args:
        store: Where the run is read.
        place: Who looks, and where; makes the addresses of the other parts.
        run: The run.
        path: The path of the page.
        outline: The run's steps.
        selected: The step that the address names; the part that tells it shows unless the address names a part.
        asked: The address: `part` is the first telling step of a window, `turn` the first turn of a part in it, `before`
            the turn before which a part ends.
    """
    window = _window(store, place, run, outline, selected, asked)
    turns = window.told.turns
    cut = _cut(turns, selected, asked)
    here = {"part": window.first} if window.total else {}
    before = after = ""
    if cut.first:
        before = place.url(path, **here, before=cut.first)
    elif window.first:
        before = place.url(path, part=max(0, window.first - PART_STEPS), before=_END)
    if cut.last < len(turns):
        after = place.url(path, **here, turn=cut.last)
    elif window.last < window.total:
        after = place.url(path, part=window.last)
    return Talk(_words(window, cut), before, after), replace(window.told, turns=cut.turns)


def _words(window: _Window, cut: Cut) -> str:
    said = []
    if window.total:
        said.append(
            f"Steps {count(window.first + 1)} to {count(window.last)} of {count(window.total)} that say something"
        )
    if len(cut.turns) < len(window.told.turns):
        said.append(f"turns {count(cut.first + 1)} to {count(cut.last)} of {count(len(window.told.turns))}")
    return ", ".join(said).capitalize()


def _window(
    store: Store, place: Place, run: Run, outline: Outline, selected: Step | None, asked: Mapping[str, str]
) -> _Window:
    if len(outline) <= WHOLE_CONVERSATION:
        steps = store.read_steps(place.project, run.run_id)
        contents = read_steps(store, place.project, steps, run.run_id)
        return _Window(build_conversation(steps, contents.by_span(steps), most=None))
    telling = [n for n in range(len(outline)) if outline.kinds[n] in _TELLING and not outline.noise[n]]
    first = _first_step(telling, selected, asked)
    before = [n for n in telling[:first] if outline.kinds[n] == SpanKind.MODEL.value][-1:]
    here = telling[first : first + PART_STEPS]
    known = before if first else []
    outer = [] if first else [0]
    steps = store.read_steps_at(place.project, run.run_id, {*outer, *known, *here})
    contents = read_some(store, place.project, steps)
    told = build_conversation(steps, contents.by_span(steps), most=None, remembered=len(known))
    return _Window(told, first, first + len(here), len(telling))


def _first_step(telling: Sequence[int], selected: Step | None, asked: Mapping[str, str]) -> int:
    if (named := _number(asked.get("part", ""))) is not None:
        return min(named, max(0, len(telling) - 1))
    at = sum(n < selected.ordinal for n in telling) if selected else 0
    return at // PART_STEPS * PART_STEPS


def _cut(turns: Sequence[Turn], selected: Step | None, asked: Mapping[str, str]) -> Cut:
    if asked.get("before") == _END:
        return cut_until(turns, len(turns))
    if until := _number(asked.get("before", "")):
        return cut_until(turns, min(until, len(turns)))
    if (named := _number(asked.get("turn", ""))) is not None:
        return cut_from(turns, min(named, max(0, len(turns) - 1)))
    cut = cut_from(turns, 0)
    wanted = [n for n, turn in enumerate(turns) if selected and turn.span_id == selected.span_id][:1]
    return cut_from(turns, wanted[0]) if wanted and wanted[0] >= cut.last else cut


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None
