"""Retention periods that differ from the default, by project or by one of its workflows."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from spans.errors import RefusedError
from store.ledger.database import Database
from store.ledger.tables import RETENTION_PERIODS
from store.survivors import RECORD_DAYS

LONGEST_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class Period:
    """How long a project (`workflow` empty) or a workflow is kept, in days after receipt.

    `is_record` puts it into the class of records: everything but content is kept for `RECORD_DAYS` at least, unless
    `override` says why not.
    """

    project: str
    workflow: str
    content_days: int
    metadata_days: int
    changed_by: str = ""
    changed_ns: int = 0
    is_record: bool = False
    override: str = ""


def period_detail(period: Period) -> dict[str, str]:
    """What the access log holds of a change."""
    detail = {"content_days": str(period.content_days), "metadata_days": str(period.metadata_days)}
    if period.is_record:
        detail["class"] = "records"
    if period.override.strip():
        detail["override"] = period.override.strip()
    return detail


class Periods:
    """Every override in force."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def check(self, period: Period) -> None:
        """Whether a period may be set; asked before the access log is written, so that what it holds was done.

        Raises:
            RefusedError: a period is not between 1 day and ten years, content would outlive metadata, or records would
                be kept for less than six months, or leave their class, without an override.
        """
        if not 1 <= period.content_days <= period.metadata_days <= LONGEST_DAYS:
            raise RefusedError(
                f"Periods are 1 to {LONGEST_DAYS} days, and content ({period.content_days}) cannot be kept longer than "
                f"metadata ({period.metadata_days}).",
            )
        known = {(one.project, one.workflow): one for one in self.list()}
        before = known.get((period.project, period.workflow))
        above = known.get((period.project, ""))
        leaves = before is not None and before.is_record and not period.is_record
        counts = period.is_record or leaves or (above is not None and above.is_record)
        if counts and (leaves or period.metadata_days < RECORD_DAYS) and not period.override.strip():
            raise RefusedError(_SHORTER.format(what=period.workflow or period.project, days=period.metadata_days))

    def check_removal(self, project: str, workflow: str, override: str = "") -> None:
        """Whether a period may be removed.

        Raises:
            RefusedError: it is what keeps records for six months, and no override says why it may go.
        """
        known = {(one.project, one.workflow): one for one in self.list()}
        before = known.get((project, workflow))
        if before is not None and before.is_record and not override.strip():
            raise RefusedError(_SHORTER.format(what=workflow or project, days="the default number of"))

    def put(self, period: Period) -> None:
        """Set an override; the one before is replaced.

        Raises:
            RefusedError: see `check`.
        """
        self.check(period)
        values = {
            "content_days": period.content_days,
            "metadata_days": period.metadata_days,
            "changed_by": period.changed_by,
            "changed_ns": self._database.now_ns(),
            "is_record": int(period.is_record),
            "override": period.override.strip(),
        }
        keys = [RETENTION_PERIODS.c.project, RETENTION_PERIODS.c.workflow]
        statement = self._database.upsert(RETENTION_PERIODS).values(
            project=period.project, workflow=period.workflow, **values
        )
        with self._database.writing() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))

    def remove(self, project: str, workflow: str, override: str = "") -> bool:
        """Go back to the default; whether there was an override.

        Raises:
            RefusedError: see `check_removal`.
        """
        self.check_removal(project, workflow, override)
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
                Period(
                    row.project,
                    row.workflow,
                    row.content_days,
                    row.metadata_days,
                    row.changed_by,
                    row.changed_ns,
                    bool(row.is_record),
                    row.override,
                )
                for row in connection.execute(query)
            )


_SHORTER = (
    "{what} is kept as records: six months (184 days) at least. Keeping it for {days} days needs a reason, which the access "
    "log will hold: fill in why (--override)."
)
