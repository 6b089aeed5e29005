"""A time range in equal parts, for series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spans.errors import RefusedError
from store.api import Bucket, RunQuery, Totals

MAX_BUCKETS = 2_000


@dataclass(frozen=True, slots=True)
class Buckets:
    """`count` parts of `width_ns` from `since_ns` on; the last may reach beyond the range."""

    since_ns: int
    width_ns: int
    count: int

    @classmethod
    def of(cls, query: RunQuery, count: int, started: Sequence[int] = ()) -> Buckets:
        """Parts of the query's range; a missing end is the first or last start time of the runs in it.

        Raises:
            RefusedError: no parts, more than 2,000, or an empty range.
        """
        if not 1 <= count <= MAX_BUCKETS:
            raise RefusedError(f"A series has 1 to {MAX_BUCKETS} parts, not {count}.")
        since = query.since_ns if query.since_ns is not None else min(started, default=0)
        until = query.until_ns if query.until_ns is not None else max(started, default=since) + 1
        since = max(since, 0)
        if until <= since:
            raise RefusedError("The time range is empty: its end is not after its start.")
        return cls(since, max(1, -((since - until) // count)), count)

    def index(self, started_ns: int) -> int:
        """The part a time falls into."""
        return min((started_ns - self.since_ns) // self.width_ns, self.count - 1)

    def start(self, index: int) -> int:
        """Where a part begins."""
        return self.since_ns + index * self.width_ns

    def params(self) -> dict[str, int]:
        """As a statement takes them."""
        return {"bucket_since": self.since_ns, "bucket_width": self.width_ns, "bucket_count": self.count}

    def filled(self, found: Mapping[int, Totals]) -> tuple[Bucket, ...]:
        """Every part, those without runs included."""
        return tuple(Bucket(self.start(n), found.get(n, Totals())) for n in range(self.count))
