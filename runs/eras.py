"""Ids that come again: which reports of other traces can mean the same call as ours.

Providers promise ids that are unique for ever; gateways with counters and scripted test servers hand out the same ones
again. Two physical facts tell the calls apart: one call happens once in time, and an id that a model asks for again is a
new call from then on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from spans.facts import SpanFacts

CLOCK_SKEW_NS = 2_000_000_000
"""How far the clocks of two services may lie apart and still describe one call."""

CALL_PREFIX = "call:"
BESIDE_PREFIX = "beside:"
"""Keys of streamed calls that one layer tells without an id: service, model, output tokens and the second of their start."""
_SECOND_NS = 1_000_000_000


def beside_keys(service: str, model: str, output: int, start_ns: int, *, is_inner: bool) -> tuple[str, ...]:
    """Keys under which two layers' reports of one streamed call meet although only one of them knows its id.

    Args:
        service: The process that both layers run in.
        model: Bare model name.
        output: Output tokens.
        start_ns: When the call began.
        is_inner: Whether this is the provider's layer, which begins up to a second after the framework's.
    """
    second = start_ns // _SECOND_NS
    seconds = (second,) if is_inner else (second, second + 1)
    return tuple(f"{BESIDE_PREFIX}{service}:{model}:{output}:{each}" for each in seconds)


def happened_together(one: SpanFacts, other: SpanFacts) -> bool:
    """Whether two reports can be of one model call: they overlap in time, up to the clocks' difference."""
    first, second = (one, other) if one.start_ns <= other.start_ns else (other, one)
    return second.start_ns <= (first.end_ns or first.start_ns) + CLOCK_SKEW_NS


def of_our_time(own: Sequence[SpanFacts], beside: Mapping[str, Sequence[SpanFacts]]) -> dict[str, list[SpanFacts]]:
    """Neighbours by shared key, without those whose tool call ids merely happen to be equal to ours.

    Args:
        own: Facts of the trace that is assembled.
        beside: Shared key → facts of other traces that carry it.
    """
    ours: dict[str, list[SpanFacts]] = {}
    for facts in own:
        for key in facts.shared_keys:
            ours.setdefault(key, []).append(facts)
    return {
        key: _same_era(key, ours.get(key, ()), facts) if key.startswith(CALL_PREFIX) else list(facts)
        for key, facts in beside.items()
    }


def _same_era(key: str, ours: Sequence[SpanFacts], others: Sequence[SpanFacts]) -> list[SpanFacts]:
    call_id = key.removeprefix(CALL_PREFIX)
    services = {facts.service for facts in ours}
    known = [facts for facts in others if facts.service in services]
    begins = _asked_at(call_id, (*ours, *known))
    eras = {bisect_right(begins, facts.start_ns) for facts in ours}
    return [facts for facts in known if bisect_right(begins, facts.start_ns) in eras]


def _asked_at(call_id: str, reports: Iterable[SpanFacts]) -> list[int]:
    """When a model asked for this call, each time once: reports that overlap are of one answer."""
    asking = sorted(
        (f for f in reports if any(call.call_id == call_id for call in f.asked)),
        key=lambda facts: (facts.start_ns, facts.end_ns),
    )
    begins: list[int] = []
    last: SpanFacts | None = None
    for facts in asking:
        if last is None or facts.start_ns > (last.end_ns or last.start_ns):
            begins.append(facts.start_ns)
        if last is None or facts.end_ns > last.end_ns:
            last = facts
    return begins
