"""Retention periods that differ from the default, by project or by one of its workflows."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from spans.errors import RefusedError
from store.ledger.database import Database
from store.ledger.tables import RETENTION_PERIODS

LONGEST_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class Period:
    """How long a project (`workflow` empty) or a workflow is kept, in days after receipt."""

    project: str
    workflow: str
    content_days: int
    metadata_days: int
    changed_by: str = ""
    changed_ns: int = 0


class Periods:
    """Every override in force."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, period: Period) -> None:
        """Set an override; the one before is replaced.

        Raises:
            RefusedError: a period is not between 1 day and ten years, or content would outlive metadata.
        """
        if not 1 <= period.content_days <= period.metadata_days <= LONGEST_DAYS:
            raise RefusedError(
                f"Periods are 1 to {LONGEST_DAYS} days, and content ({period.content_days}) cannot be kept longer than "
                f"metadata ({period.metadata_days}).",
            )
        values = {
            "content_days": period.content_days,
            "metadata_days": period.metadata_days,
            "changed_by": period.changed_by,
            "changed_ns": self._database.now_ns(),
        }
        keys = [RETENTION_PERIODS.c.project, RETENTION_PERIODS.c.workflow]
        statement = self._database.upsert(RETENTION_PERIODS).values(
            project=period.project, workflow=period.workflow, **values
        )
        with self._database.writing() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))

    def remove(self, project: str, workflow: str) -> bool:
        """Go back to the default; whether there was an override."""
        with self._database.writing() as connection:
            gone = connection.execute(
                sa.delete(RETENTION_PERIODS).where(
                    RETENTION_PERIODS.c.project == project, RETENTION_PERIODS.c.workflow == workflow
                )
            )
        return bool(gone.rowcount)

    def list(self) -> tuple[Period, ...]:
        """Every override, by project and workflow."""
        query = RETENTION_PERIODS.select().order_by(RETENTION_PERIODS.c.project, RETENTION_PERIODS.c.workflow)
        with self._database.reading() as connection:
            return tuple(
                Period(row.project, row.workflow, row.content_days, row.metadata_days, row.changed_by, row.changed_ns)
                for row in connection.execute(query)
            )
