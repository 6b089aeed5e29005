"""The runs that make the demo worth opening: each shows one thing that goes wrong, or waits, in a real fleet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from tracetape.demo.flows import analyst, contracts, onboarding, refunds, triage
from tracetape.demo.people import CUSTOMERS
from tracetape.demo.script import Failure, Script, Turn

MINUTE_NS = 60_000_000_000
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS

OUTAGE = Failure("openai.InternalServerError", "Error code: 503 - the engine is currently overloaded, try again later")
OUTAGE_RUNS = 14


@dataclass(frozen=True, slots=True)
class Story:
    """A script, how long before now it starts (nanoseconds), and a name that is unique inside the demo."""

    name: str
    before_ns: int
    script: Script


def stories(rng: Random) -> Iterator[Story]:
    """Every story of the demo."""
    jonas, samuel = CUSTOMERS[1], CUSTOMERS[8]
    denied = refunds.refund(samuel, "arrived damaged and I want my money back", "refund-story-denied", rng)
    yield Story("refund denied", 35 * MINUTE_NS, denied)
    for part, before_ns in (("first", 27 * HOUR_NS), ("second", 26 * HOUR_NS)):
        twice = refunds.refund(jonas, "never arrived, please refund me", "refund-story-twice", rng)
        yield Story(f"refund issued twice, {part}", before_ns, twice)
    yield Story("rights refused", 9 * HOUR_NS, onboarding.asks_for_rights(rng))
    yield Story("retry loop", 20 * HOUR_NS, analyst.retry_loop(rng))
    yield Story("approval waiting", 130 * MINUTE_NS, contracts.waiting(rng))
    yield Story("still running", MINUTE_NS, running(analyst.write(rng)))
    for number in range(OUTAGE_RUNS):
        write = triage.write if number % 3 else refunds.write
        before_ns = 5 * DAY_NS - number * 4 * MINUTE_NS
        yield Story(f"outage {number}", before_ns, broken(write(rng)))


def broken(script: Script) -> Script:
    """The same run during an outage of its model provider: the first call fails and the agent gives up."""
    return replace(script, turns=(Turn(failure=OUTAGE),), judged=(), failure=OUTAGE)


def running(script: Script) -> Script:
    """The same run before it ended: its last model call has not been made."""
    return replace(script, turns=script.turns[:-1], judged=(), is_running=True)
