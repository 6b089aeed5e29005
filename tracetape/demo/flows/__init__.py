"""The fleet: one file per agent, in a visible list with its runs per working day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tracetape.demo.flows import analyst, contracts, digest, onboarding, refunds, triage
from tracetape.demo.script import Script, Workflow


@dataclass(frozen=True, slots=True)
class Flow:
    """An agent, how it writes a run that started so many days ago, and how often it runs on a working day."""

    workflow: Workflow
    write: Callable[[Random, float], Script]
    runs_per_day: int


FLOWS: tuple[Flow, ...] = (
    Flow(refunds.REFUNDS, refunds.write, 16),
    Flow(triage.TRIAGE, triage.write, 34),
    Flow(contracts.CONTRACTS, contracts.write, 5),
    Flow(onboarding.ONBOARDING, onboarding.write, 13),
    Flow(analyst.ANALYST, analyst.write, 9),
    Flow(digest.DIGEST, digest.write, 10),
)
