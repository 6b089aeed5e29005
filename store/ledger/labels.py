"""What people and programs said a run achieved: every label kept, the newest in force."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from spans.ids import RunId
from spans.kinds import OutcomeLabel
from store.ledger.database import Database
from store.ledger.tables import METADATA

LABELS = Table(
    "outcome_labels",
    METADATA,
    Column("label_id", Integer, primary_key=True),
    Column("project", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Index("outcome_labels_run", "project", "run_id"),
)

_IDS_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class OutcomeSaid:
    """One label of one run. `unknown` takes back what was said before."""

    label_id: int
    project: str
    run_id: RunId
    label: OutcomeLabel
    source: str
    """`review` (a person in the UI) or `api`."""
    author: str
    reason: str
    created_ns: int


class Labels:
    """An append-only list per run."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, project: str, run_id: RunId, label: OutcomeLabel, *, source: str, author: str, reason: str = ""
    ) -> OutcomeSaid:
        """Add a label; durable when it returns. The run need not be stored yet."""
        values = {
            "project": project,
            "run_id": run_id,
            "label": label.value,
            "source": source,
            "author": author,
            "reason": reason,
            "created_ns": self._database.now_ns(),
        }
        with self._database.writing() as connection:
            row = connection.execute(sa.insert(LABELS).values(**values).returning(*LABELS.c)).one()
        return _said(row)

    def newest(self, project: str, run_ids: Collection[str]) -> Mapping[str, OutcomeSaid]:
        """The label in force of each run that has one: a person's review before a program's label, then the newest."""
        found: dict[str, OutcomeSaid] = {}
        ids = sorted(set(run_ids))
        with self._database.reading() as connection:
            for start in range(0, len(ids), _IDS_PER_QUERY):
                query = (
                    LABELS.select()
                    .where(LABELS.c.project == project, LABELS.c.run_id.in_(ids[start : start + _IDS_PER_QUERY]))
                    .order_by(LABELS.c.label_id)
                )
                for row in connection.execute(query):
                    said = _said(row)
                    known = found.get(said.run_id)
                    if known is None or said.source == "review" or known.source != "review":
                        found[said.run_id] = said
        return found

    def history(self, project: str, run_id: str) -> tuple[OutcomeSaid, ...]:
        """Everything said of one run, newest first."""
        query = (
            LABELS.select()
            .where(LABELS.c.project == project, LABELS.c.run_id == run_id)
            .order_by(LABELS.c.label_id.desc())
        )
        with self._database.reading() as connection:
            return tuple(_said(row) for row in connection.execute(query))


def _said(row: Any) -> OutcomeSaid:
    return OutcomeSaid(
        label_id=row.label_id,
        project=row.project,
        run_id=RunId(row.run_id),
        label=OutcomeLabel(row.label),
        source=row.source,
        author=row.author,
        reason=row.reason,
        created_ns=row.created_ns,
    )
