"""mail-digest: a program that makes one model call and no more."""

from __future__ import annotations

from random import Random

from tracetape.demo.people import COLLEAGUES
from tracetape.demo.script import Script, Turn, Workflow

DIGEST = Workflow(
    name="mail-digest",
    team="operations",
    instrumentation="otel",
    provider="gcp.gemini",
    model="gemini-2.5-flash",
    response_model="gemini-2.5-flash",
    system="Summarise the mails of the day in five lines.",
    tools=(),
    own_tokens=9000,
    is_agent=False,
)

_MAILS = (
    "The carrier changes its pick-up time. Two suppliers sent new price lists. The audit starts on Thursday.",
    "The warehouse asks for two more people on Friday. A customer praises the new chairs.",
)


def write(rng: Random, _days_ago: float = 0.0) -> Script:
    """One summary."""
    return Script(
        workflow=DIGEST,
        question=_MAILS[rng.randrange(len(_MAILS))],
        turns=(Turn(text="Nothing urgent today; the audit and the price lists need an owner."),),
        session="",
        user=COLLEAGUES[rng.randrange(len(COLLEAGUES))],
        version="1.0.3",
    )
