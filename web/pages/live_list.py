"""What a list of runs that is open in a browser has seen, and what changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from spans.errors import RefusedError
from spans.run import Run
from web.pages.run_row import RunRow, build_row
from web.places import SECOND_NS, Place

SLACK_NS = 60 * SECOND_NS
"""How far below its last row a full page is still asked for: a late span can move the begin of a run that is on it."""
_ID_BYTES, _STATE_BYTES = 3, 2
_MARK_CHARS = 2 * (_ID_BYTES + _STATE_BYTES)
_MOST_CHARS = 60 + 500 * _MARK_CHARS
_OLD_PARTS = (4, 5)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page has seen: each of its rows with its state, and how many new runs were announced.

    Rows and not a moment up to which everything was seen: runs come in by several processes, each with its clock, and one
    that began or was received earlier can be stored later.
    """

    announced: int = 0
    oldest_ns: int = 0
    """Where a full page ends: what began before does not come into it. 0 when the page has room."""
    rows: Mapping[str, str] = field(default_factory=dict)
    """A short digest of each row's run, and of how it stood."""

    @property
    def since_ns(self) -> int:
        """From where on runs can matter to the page."""
        return max(0, self.oldest_ns - SLACK_NS)

    def write(self) -> str:
        """As one parameter."""
        return f"{self.announced}.{self.oldest_ns}.r{''.join(k + v for k, v in self.rows.items())}"

    @classmethod
    def read(cls, text: str) -> Seen:
        """Read the parameter.

        Raises:
            RefusedError: it is not one of ours.
        """
        parts = text.split(".")
        if len(text) > _MOST_CHARS or not all(p.isascii() and p.isalnum() for p in parts):
            raise RefusedError(_LOST)
        try:
            if len(parts) in _OLD_PARTS:
                # a page of before the upgrade knows its newest run only; it hears of those that began later
                return cls(int(parts[3]), int(parts[0]) + 1)
            announced, oldest, rows = parts
            return cls(int(announced), int(oldest), _marks(rows))
        except ValueError:
            raise RefusedError(_LOST) from None


_LOST = "The live update lost its place; reload the page."


def _marks(text: str) -> dict[str, str]:
    if not text.startswith("r") or len(text) % _MARK_CHARS != 1:
        raise ValueError
    marks = [text[n : n + _MARK_CHARS] for n in range(1, len(text), _MARK_CHARS)]
    return {mark[: 2 * _ID_BYTES]: mark[2 * _ID_BYTES :] for mark in marks}


def seen_of(rows: Sequence[Run], *, is_full: bool = False) -> Seen:
    """What a first page with these rows has seen."""
    oldest = min((r.started_ns for r in rows), default=0) if is_full else 0
    return Seen(0, oldest, {_mark(r): _state(r) for r in rows})


def _mark(run: Run) -> str:
    return blake2b(run.run_id.encode(), digest_size=_ID_BYTES).hexdigest()


def _state(run: Run) -> str:
    return blake2b(f"{run.last_received_ns}.{run.version}".encode(), digest_size=_STATE_BYTES).hexdigest()


@dataclass(frozen=True, slots=True)
class Live:
    """The answer to a poll: how many runs are new, rows that changed where they stand, and the next poll."""

    new: int
    changed: tuple[RunRow, ...]
    poll: str
    page: str


def build_live(
    place: Place, rows: Sequence[Run], seen: Seen, *, own: Mapping[str, str], shown: str = "", limit: int = 50
) -> Live | None:
    """What changed since `seen`; None when nothing did, so that the page need not be touched."""
    new = sum(_mark(r) not in seen.rows and r.started_ns >= seen.oldest_ns for r in rows)
    changed = [r for r in rows if _state(r) != seen.rows.get(_mark(r), _state(r))]
    if new == seen.announced and not changed:
        return None
    # new rows are only announced, so they stay unseen; changed rows are told once
    told = Seen(new, seen.oldest_ns, {**seen.rows, **{_mark(r): _state(r) for r in changed}})
    return Live(
        new=min(new, limit),
        changed=tuple(build_row(r, place) for r in changed),
        poll=place.url("/runs/live", **own, shown=shown or None, after=told.write()),
        page=place.url("/runs", **own),
    )
