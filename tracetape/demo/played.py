"""Plays a script against a clock: when each step began and ended, and what every model call used."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from random import Random

from tracetape.demo.script import Call, Script, Turn

MS = 1_000_000
"""Nanoseconds of a millisecond."""

_CHARACTERS_PER_TOKEN = 4
_CACHE_BLOCK = 128
"""Prompt caches of model providers count in blocks of this many tokens."""


@dataclass(frozen=True, slots=True)
class PlayedCall:
    """A tool call with its id and its times in Unix nanoseconds."""

    call: Call
    call_id: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class PlayedTurn:
    """A model call with its usage in tokens and its times in Unix nanoseconds."""

    turn: Turn
    response_id: str
    start_ns: int
    end_ns: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    calls: tuple[PlayedCall, ...]


@dataclass(frozen=True, slots=True)
class Played:
    """A run as it happened. `key` makes its ids: the same key is the same run."""

    key: str
    script: Script
    start_ns: int
    end_ns: int
    turns: tuple[PlayedTurn, ...]

    def trace_id(self) -> bytes:
        """16 bytes."""
        return _id(self.key, 16)

    def span_id(self, name: str) -> bytes:
        """8 bytes, one for each name inside the run."""
        return _id(f"{self.key}/{name}", 8)


def play(script: Script, key: str, start_ns: int) -> Played:
    """Give every step of a script its time and its usage; the same arguments give the same run."""
    rng = Random(key)  # noqa: S311  a demo must be repeatable, nothing here is secret
    clock = start_ns + rng.randrange(5, 40) * MS
    history = len(script.question) // _CHARACTERS_PER_TOKEN
    sent_before = 0
    turns: list[PlayedTurn] = []
    for number, turn in enumerate(script.turns):
        usage_in = script.workflow.own_tokens + history
        spoken = _tokens(turn)
        took = 0 if turn.failure else rng.randrange(250, 900) + spoken * rng.randrange(6, 11)
        begun, clock = clock, clock + max(took, 90) * MS
        calls: list[PlayedCall] = []
        asked = clock
        paused = bool(script.interrupt) and number == len(script.turns) - 1
        for position, call in enumerate(turn.calls):
            end = asked + call.took_ms * MS
            calls.append(PlayedCall(call, f"call_{_id(f'{key}/{number}/{position}', 12).hex()}", asked, end))
            clock = clock if paused else max(clock, end)
        turns.append(
            PlayedTurn(
                turn=turn,
                response_id=f"resp_{_id(f'{key}/{number}', 12).hex()}",
                start_ns=begun,
                end_ns=asked,
                input_tokens=0 if turn.failure else usage_in,
                cached_tokens=0 if turn.failure else sent_before // _CACHE_BLOCK * _CACHE_BLOCK,
                output_tokens=0 if turn.failure else spoken,
                calls=tuple(calls),
            )
        )
        sent_before = usage_in
        history += spoken + sum(len(answer(c)) // _CHARACTERS_PER_TOKEN for c in turn.calls)
        clock += rng.randrange(3, 25) * MS
    return Played(key, script, start_ns, clock, tuple(turns))


def answer(call: Call) -> str:
    """What a tool call gives back to the model, as text."""
    if call.failure:
        return f"{call.failure.type}: {call.failure.message}"
    if call.hits:
        return json.dumps([{"id": h.id, "text": h.text, "score": h.score} for h in call.hits])
    return call.result if isinstance(call.result, str) else json.dumps(call.result)


def _tokens(turn: Turn) -> int:
    letters = len(turn.text) + sum(len(c.name) + len(json.dumps(dict(c.arguments))) for c in turn.calls)
    return 8 + letters // _CHARACTERS_PER_TOKEN + turn.reasoning_tokens + turn.extra_output_tokens


def _id(key: str, size: int) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=size).digest()
