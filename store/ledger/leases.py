"""Leases: which process does a job that only one may do, fenced so that a process that slept too long is told."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from store.ledger.database import Database
from store.ledger.tables import LEASES


@dataclass(frozen=True, slots=True)
class Lease:
    """A job held until `expires_ns`. `fence` grows with every change of hands."""

    name: str
    holder: str
    fence: int
    expires_ns: int


class Leases:
    """Every job that was ever leased."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, name: str, holder: str, ttl_s: float) -> Lease | None:
        """Take a job that is free or expired, or keep one's own for longer; None while another holds it."""
        now = self._database.now_ns()
        expires = now + int(ttl_s * 1e9)
        with self._database.writing() as connection:
            query = LEASES.select().where(LEASES.c.name == name)
            row = connection.execute(query if self._database.is_sqlite else query.with_for_update()).one_or_none()
            if row is not None and row.holder != holder and row.expires_ns > now:
                return None
            same = row is not None and row.holder == holder and row.expires_ns > now
            fence = 1 if row is None else row.fence + (0 if same else 1)
            values = {"holder": holder, "fence": fence, "expires_ns": expires}
            statement = self._database.upsert(LEASES).values(name=name, **values)
            # Two processes may both have seen no row: only the one whose fence is newer than the stored one writes.
            guarded = statement.on_conflict_do_update(
                index_elements=[LEASES.c.name],
                set_=values,
                where=sa.or_(LEASES.c.fence < fence, LEASES.c.holder == holder),
            )
            if not connection.execute(guarded).rowcount:
                return None
        return Lease(name, holder, fence, expires)

    def holds(self, lease: Lease) -> bool:
        """Whether a lease is still in force: ask before anything that two must not do."""
        with self._database.reading() as connection:
            row = connection.execute(LEASES.select().where(LEASES.c.name == lease.name)).one_or_none()
        return (
            row is not None
            and row.holder == lease.holder
            and row.fence == lease.fence
            and row.expires_ns > self._database.now_ns()
        )

    def release(self, lease: Lease) -> None:
        """Let go, if it is still ours."""
        with self._database.writing() as connection:
            connection.execute(
                sa.update(LEASES)
                .where(LEASES.c.name == lease.name, LEASES.c.holder == lease.holder, LEASES.c.fence == lease.fence)
                .values(expires_ns=0)
            )

    def list(self) -> tuple[Lease, ...]:
        """Every lease, held or not, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(LEASES.select().order_by(LEASES.c.name))
            return tuple(Lease(row.name, row.holder, row.fence, row.expires_ns) for row in rows)
