"""The sheet that dialects fill in, in order of trust: whoever comes first with a usable value is believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runs.kinds import Guess, Strength, kind_of
from runs.solver import RawUsage
from runs.values import is_usable, text_of
from spans.content import Message
from spans.facts import Decision, Evaluation
from spans.kinds import SpanKind
from spans.usage import ReportedCost
from spans.values import Attributes

Table = Mapping[str, tuple[str, ...]]
"""Field of the draft → keys, best first."""


class Draft:
    """Facts of one span while the dialects are reading it."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.guesses: list[Guess] = []
        self.usage: RawUsage | None = None
        self.usage_hint = ""
        self.cost: ReportedCost | None = None
        self.finish_reasons: tuple[str, ...] = ()
        self.ttft_ns: int | None = None
        self.lasted_ns = 0
        """How long what a log record tells of took; its time is the end."""
        self.is_stream = False
        self.decisions: list[Decision] = []
        self.evaluations: list[Evaluation] = []
        self.tags: list[str] = []
        self.promoted: dict[str, str] = {}
        self.flags: list[str] = []
        self.tool_failed: bool | None = None
        self.interrupted = False
        self.noise = False
        self.fold = ""
        self.is_replay = False
        """The step is played back after a pause: its usage is told for the first time, its call was counted before."""
        self.executed_inside: tuple[Message, ...] = ()
        """Calls and results that happened inside this one span (an SDK's automatic function calling)."""
        self.call_keys: list[str] = []
        """Keys that other reporters of the same call share, beside the response id."""

    def text(self, field: str) -> str:
        """What a text field holds so far."""
        return self.texts.get(field, "")

    def put(self, field: str, value: Any) -> None:
        """Set a text field unless an earlier dialect has."""
        if field not in self.texts:
            text = text_of(value)
            if text:
                self.texts[field] = text

    def take(self, attributes: Attributes, table: Table) -> None:
        """Fill every field of a table that is still empty."""
        texts = self.texts
        for field, keys in table.items():
            if field in texts:
                continue
            for key in keys:
                value = attributes.get(key)
                if value is not None and is_usable(value):
                    self.put(field, value)
                    break

    def guess(self, kind: SpanKind, strength: Strength, rule: str, subkind: str = "") -> None:
        """Add a guess at the kind."""
        self.guesses.append(Guess(kind, subkind, strength, rule))

    def guess_value(self, value: str, strength: Strength, rule: str) -> None:
        """Add a guess from an emitter's word, if the word is known."""
        found = kind_of(value) if value else None
        if found is not None:
            self.guesses.append(Guess(found[0], found[1], strength, rule))

    def best_guess(self) -> Guess:
        """The strongest guess, the earliest dialect's among equals."""
        if not self.guesses:
            return Guess(SpanKind.OTHER, "", Strength.PRESENCE, "none")
        return min(self.guesses, key=lambda guess: guess.strength)

    def count(self, usage: RawUsage) -> None:
        """Believe the first reporter of usage; later ones only add parts it did not name."""
        if not usage.says_something():
            return
        if self.usage is None:
            self.usage = usage
            return
        known = self.usage
        self.usage = RawUsage(
            input=known.input if known.input is not None else usage.input,
            output=known.output if known.output is not None else usage.output,
            total=known.total if known.total is not None else usage.total,
            cache_read=known.cache_read if known.cache_read is not None else usage.cache_read,
            cache_write=known.cache_write if known.cache_write is not None else usage.cache_write,
            cache_write_1h=known.cache_write_1h if known.cache_write_1h is not None else usage.cache_write_1h,
            reasoning=known.reasoning if known.reasoning is not None else usage.reasoning,
            input_audio=known.input_audio if known.input_audio is not None else usage.input_audio,
            output_audio=known.output_audio if known.output_audio is not None else usage.output_audio,
            input_convention=known.input_convention,
            output_convention=known.output_convention,
        )

    def tag(self, *tags: str) -> None:
        """Add tags, each once."""
        self.tags.extend(tag for tag in tags if tag and tag not in self.tags)

    def promote(self, key: str, value: Any) -> None:
        """Offer a short value for filtering."""
        text = text_of(value)
        if text and len(text) <= 200 and len(self.promoted) < 20:
            self.promoted.setdefault(key, text)
