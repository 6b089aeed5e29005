"""A job over several runs (resumed after an approval, scattered by a framework): which part a run is, and how long it waited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from spans.ids import RunId
from spans.run import Run
from web.format import duration
from web.places import Place

MOST_PARTS = 30
"""Parts looked for in each direction."""


@dataclass(frozen=True, slots=True)
class JobPart:
    """Another part of the job."""

    number: int
    href: str
    started_ns: int


@dataclass(frozen=True, slots=True)
class Job:
    """The job that a run is a part of."""

    title: str
    """`Part 2 of 3`; `Part 1 of the 2 stored` when a part that they name is not stored (any more), or there are too many."""
    words: str
    """How long it waited after the part before, and the part after it after its end; empty when they followed at once."""
    others: tuple[JobPart, ...]


def read_parts(find: Callable[[RunId], Run | None], run: Run) -> tuple[Run, ...]:
    """The runs of a job in order, `run` among them, as far as they are stored; `find` reads one by its id."""
    seen = {run.run_id}

    def walk(step: Callable[[Run], RunId | None]) -> list[Run]:
        found: list[Run] = []
        here = run
        while len(found) < MOST_PARTS and (named := step(here)):
            there = find(named)
            if there is None or there.run_id in seen:
                break
            seen.add(there.run_id)
            found.append(there)
            here = there
        return found

    before, after = walk(lambda r: r.continues), walk(lambda r: r.continued_by)
    return (*reversed(before), run, *after)


def build_job(place: Place, run: Run, parts: tuple[Run, ...]) -> Job | None:
    """The job of a run, from its parts in order; None for a run that is one by itself, or whose other parts are gone."""
    if len(parts) < 2:
        return None
    at = next(n for n, part in enumerate(parts) if part.run_id == run.run_id)
    said = []
    if at and (waited := _gap(parts[at - 1], run)):
        said.append(f"waited {duration(waited)} after part {at}")
    if at + 1 < len(parts) and (waited := _gap(run, parts[at + 1])):
        said.append(f"part {at + 2} began {duration(waited)} after its end")
    is_cut = bool(parts[0].continues or parts[-1].continued_by)
    total = f"the {len(parts)} stored" if is_cut else f"{len(parts)}"
    others = tuple(
        JobPart(n + 1, place.url(f"/runs/{part.run_id}"), part.started_ns) for n, part in enumerate(parts) if n != at
    )
    return Job(f"Part {at + 1} of {total}", "; ".join(said), others)


def _gap(before: Run, after: Run) -> int:
    """Nanoseconds from the end of a part to the start of the next; 0 when they overlap."""
    return max(0, after.started_ns - before.started_ns - before.duration_ns)
