"""Brings token counts of any emitter into the inclusive convention, and says when it had to assume."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from spans.usage import Usage


class Convention(StrEnum):
    """How an emitter counts a total that has parts."""

    INCLUSIVE = "inclusive"
    EXCLUSIVE = "exclusive"
    UNKNOWN = "unknown"


class RawUsage(Struct, frozen=True):
    """Token counts as sent, each from exactly one key; None means the key was not there."""

    input: int | None = None
    output: int | None = None
    total: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None
    input_convention: Convention = Convention.UNKNOWN
    output_convention: Convention = Convention.UNKNOWN

    def says_something(self) -> bool:
        """Whether any count is there at all."""
        return any(
            count is not None for count in (self.input, self.output, self.total, self.cache_read, self.cache_write)
        )


def solve(raw: RawUsage) -> Usage | None:
    """Inclusive counts (dialects reference, section 4.7.2); None when nothing was reported.

    The order of evidence: the emitter's known convention, the arithmetic of the total, a part larger than its whole,
    and at last the assumption "inclusive", which is marked. Uncached input never comes out negative.
    """
    if not raw.says_something():
        return None
    read, write, reasoning = raw.cache_read or 0, raw.cache_write or 0, raw.reasoning or 0
    given_input, given_output = raw.input, raw.output
    if given_input is None and given_output is None and raw.total is not None:
        given_input = raw.total
    exclusive_in, sure_in = _input_is_exclusive(raw, read + write, reasoning)
    exclusive_out, sure_out = _output_is_exclusive(raw, read + write, reasoning)
    total_in = _whole(given_input, read + write, exclusive=exclusive_in)
    total_out = _whole(given_output, reasoning, exclusive=exclusive_out)
    return Usage(
        input=total_in,
        output=total_out,
        cache_read=raw.cache_read,
        cache_write=raw.cache_write,
        cache_write_1h=raw.cache_write_1h,
        reasoning=raw.reasoning,
        input_audio=raw.input_audio,
        output_audio=raw.output_audio,
        assumed=not (sure_in and sure_out),
    )


def _whole(given: int | None, parts: int, *, exclusive: bool) -> int | None:
    if given is None:
        return parts or None
    return given + parts if exclusive else max(given, parts)


def _input_is_exclusive(raw: RawUsage, parts: int, reasoning: int) -> tuple[bool, bool]:
    """(exclusive, proven or known) for the input total."""
    if raw.input_convention is not Convention.UNKNOWN:
        return raw.input_convention is Convention.EXCLUSIVE, True
    if not parts or raw.input is None:
        return False, True
    if raw.total is not None and raw.output is not None:
        for extra in (0, reasoning):
            if raw.input + raw.output + extra == raw.total:
                return False, True
            if raw.input + parts + raw.output + extra == raw.total:
                return True, True
    if parts > raw.input:
        return True, True
    return False, False


def _output_is_exclusive(raw: RawUsage, parts: int, reasoning: int) -> tuple[bool, bool]:
    """(exclusive, proven or known) for the output total."""
    if raw.output_convention is not Convention.UNKNOWN:
        return raw.output_convention is Convention.EXCLUSIVE, True
    if not reasoning or raw.output is None:
        return False, True
    if raw.total is not None and raw.input is not None:
        for extra in (0, parts):
            if raw.input + extra + raw.output == raw.total:
                return False, True
            if raw.input + extra + raw.output + reasoning == raw.total:
                return True, True
    if reasoning > raw.output:
        return True, True
    return False, False
