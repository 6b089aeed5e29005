"""Sharing a run: one file that opens offline, with its proof, and what may remain in it said on its first screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from replay.proof import Check
from replay.recording import Exchange, Recording
from spans.content import Message, Part
from spans.run import Run
from web.pages.replay import KINDS
from web.pages.run_row import State, run_state, run_title
from web.places import Place
from web.waterfall import step_state

MOST_STEPS = 500
NEWEST = 3
"""Messages of a question that show at once; those before stood in the steps before, too."""
_REST_WORDS = {"tools": "tools offered", "params": "settings"}
_PART_FIELDS = frozenset(Part.__struct_fields__)

REMAINS = (
    "Texts were redacted before they were stored. Detectors miss things: names, places or numbers may still stand in it.",
    "Pseudonyms stay the same within the project, so whoever holds two files can tell that they speak of one person.",
    "Tool names, models, times, costs and error texts are not redacted.",
    "The file can be copied. Nobody can take it back, and retention and erasure here do not reach it.",
)


@dataclass(frozen=True, slots=True)
class SharePage:
    """What is about to be handed out."""

    run_id: str
    title: str
    run_state: State
    run_href: str
    action: str
    redactions: int
    remains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SharedSide:
    """What was asked, or what was answered: messages as a person reads them, the rest as it is."""

    system: tuple[Part, ...]
    earlier: tuple[Message, ...]
    messages: tuple[Message, ...]
    rest: Mapping[str, object]

    def __bool__(self) -> bool:
        """Whether anything was recorded."""
        return bool(self.system or self.messages or self.rest)

    @property
    def rest_words(self) -> str:
        """What the rest is, when messages stand above it."""
        return " and ".join(_REST_WORDS.get(name, name.replace("_", " ")) for name in self.rest)


@dataclass(frozen=True, slots=True)
class SharedStep:
    """One step in the file."""

    number: int
    kind: str
    kind_word: str
    name: str
    branch: str
    glyph: str
    word: str
    duration_ns: int
    asked: SharedSide
    answered: SharedSide
    error: str


@dataclass(frozen=True, slots=True)
class SharedPage:
    """The file."""

    run_id: str
    title: str
    version: str
    run_state: State
    started_ns: int
    duration_ns: int
    made_ns: int
    by: str
    steps: tuple[SharedStep, ...]
    cut: int
    verdict: str
    sentence: str
    root: str
    bundle: str
    """The export with its proof, base64."""
    remains: tuple[str, ...]


def build_share(place: Place, run: Run) -> SharePage:
    """The page that says what sharing means."""
    base = f"/runs/{run.run_id}"
    return SharePage(
        run.run_id, run_title(run), run_state(run), place.url(base), place.url(f"{base}/share"), run.redactions, REMAINS
    )


def build_shared(run: Run, recording: Recording, found: Check, bundle: str, *, made_ns: int, by: str) -> SharedPage:
    """The file's content."""
    return SharedPage(
        run_id=run.run_id,
        title=run_title(run),
        version=run.workflow_version,
        run_state=run_state(run),
        started_ns=run.started_ns,
        duration_ns=run.duration_ns,
        made_ns=made_ns,
        by=by,
        steps=tuple(_step(e) for e in recording.exchanges[:MOST_STEPS]),
        cut=max(0, len(recording.exchanges) - MOST_STEPS),
        verdict=found.verdict.value,
        sentence=found.sentence,
        root=found.root,
        bundle=bundle,
        remains=REMAINS,
    )


def _step(exchange: Exchange) -> SharedStep:
    moment = exchange.moment
    glyph, word = step_state(moment.step)
    return SharedStep(
        number=moment.number,
        kind=KINDS[moment.kind],
        kind_word=moment.kind.value,
        name=exchange.name,
        branch=" / ".join(moment.branch),
        glyph=glyph,
        word=word,
        duration_ns=moment.step.duration_ns,
        asked=_side(exchange.asked),
        answered=_side(exchange.answered),
        error=moment.step.error_message,
    )


def _side(told: Mapping[str, Any]) -> SharedSide:
    """What was asked or answered, as a recording has it: plain data.

    The system prompt and the messages become what a page draws, the newest `NEWEST` messages apart from those before; every
    other part that says something stays in `rest` as it is. Fields of a message's part that are not ours are left out.
    """
    rest = {k: v for k, v in told.items() if v not in (None, [], {}, "")}
    messages = tuple(_message(m) for m in rest.pop("messages", ()))
    return SharedSide(
        system=_parts(rest.pop("system", ())),
        earlier=messages[:-NEWEST],
        messages=messages[-NEWEST:],
        rest=rest,
    )


def _message(told: Mapping[str, Any]) -> Message:
    return Message(str(told.get("role") or ""), _parts(told.get("parts") or ()), str(told.get("name") or ""))


def _parts(told: Sequence[Mapping[str, Any]]) -> tuple[Part, ...]:
    return tuple(Part(**{k: v for k, v in part.items() if k in _PART_FIELDS}) for part in told)
