"""What main owes to stored runs: they are to be judged again, because somebody changed what judges them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Table, Text

from store.ledger.database import Database
from store.ledger.tables import METADATA
from store.text import clean_text

OWED = Table(
    "owed",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("project", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)


class OwedKind(StrEnum):
    """What has to be looked at again."""

    RUN = "run"
    """One run: a label or tag changed; `subject` is its id."""
    WORKFLOW = "workflow"
    """Every run of a workflow: a policy or pattern changed; `subject` is its name, `*` for all."""
    RULES = "rules"
    """Every run of a project, of all projects when it is empty: a price or a rule for names changed."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One thing to do."""

    kind: OwedKind
    project: str
    subject: str = ""
    seq: int = 0
    """Given when it is noted; noting it again gives a new one."""


class OwedWork:
    """Things to do, each once, in the order of their noting. Whoever did one says so by its number."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, things: Iterable[Owed]) -> None:
        """Note things to do; durable when it returns. What is noted already is to be done after this once more."""
        with self._database.writing() as connection:
            last = connection.execute(sa.select(sa.func.max(OWED.c.seq))).scalar() or 0
            for number, thing in enumerate(things, last + 1):
                insert = self._database.upsert(OWED).values(
                    kind=thing.kind.value,
                    project=clean_text(thing.project),
                    subject=clean_text(thing.subject),
                    seq=number,
                )
                connection.execute(
                    insert.on_conflict_do_update(index_elements=["kind", "project", "subject"], set_={"seq": number})
                )

    def list(self, limit: int = 1_000) -> tuple[Owed, ...]:
        """The first things to do: runs before workflows before rules, because somebody looks at a single run."""
        order = sa.case({OwedKind.RUN.value: 0, OwedKind.WORKFLOW.value: 1}, value=OWED.c.kind, else_=2)
        with self._database.reading() as connection:
            rows = connection.execute(OWED.select().order_by(order, OWED.c.seq).limit(limit))
            return tuple(Owed(OwedKind(row.kind), row.project, row.subject, row.seq) for row in rows)

    def count(self) -> int:
        """How many wait."""
        with self._database.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(OWED)).scalar() or 0

    def done(self, things: Iterable[Owed]) -> None:
        """These are done, unless one was noted again meanwhile."""
        with self._database.writing() as connection:
            for thing in things:
                connection.execute(
                    sa.delete(OWED).where(
                        OWED.c.kind == thing.kind.value,
                        OWED.c.project == thing.project,
                        OWED.c.subject == thing.subject,
                        OWED.c.seq == thing.seq,
                    )
                )
