"""Token usage and money, in one convention: input contains its cached part, output contains its reasoning part."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct


class Usage(Struct, frozen=True):
    """Token counts, inclusive; None means not reported, which is never the same as zero.

    `input` contains `cache_read`, `cache_write`, audio and image tokens; `output` contains `reasoning` and audio.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None
    assumed: bool = False
    """True when the emitter's convention (inclusive or exclusive) could not be proven."""

    def total(self) -> int:
        """Input plus output."""
        return (self.input or 0) + (self.output or 0)


class ReportedCost(Struct, frozen=True):
    """A cost in USD that the emitter wrote on the span; kept beside ours, never overwritten."""

    usd: Decimal
    source: str
    """The attribute it was read from."""


class CostLine(Struct, frozen=True):
    """One line of "why this number": tokens of one class times one price."""

    token_class: str
    tokens: int
    usd_per_million: Decimal
    usd: Decimal


class Cost(Struct, frozen=True):
    """A priced call, auditable line by line. `price` names the price row that was used."""

    usd: Decimal
    source: str
    """`computed` or `reported`."""
    price: str = ""
    lines: tuple[CostLine, ...] = ()
