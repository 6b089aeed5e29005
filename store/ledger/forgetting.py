"""What people and detectors wrote about erased runs and people: notes of such runs go, and a pseudonym becomes `<ERASED>`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from spans.ids import RunId
from spans.pseudonym import Pseudonym
from store.ledger.database import Database
from store.ledger.labels import LABELS
from store.ledger.remarks import REMARKS
from store.ledger.tables import METADATA, PINS
from store.ledger.words import SEARCHED
from store.text import clean_text

ERASED = "<ERASED>"
_OF_RUNS = (PINS, LABELS, REMARKS)
"""Tables whose rows are about one run and nothing else. Seals stay: their fingerprints say that a copy was altered, no more."""
_IDS_PER_QUERY = 500


class Forgetting:
    """The ledger's part of an erasure."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def forget_runs(self, project: str, runs: Collection[RunId]) -> int:
        """Remove pins, labels and remarks of runs that are erased; how many rows went."""
        gone, name = 0, clean_text(project)
        with self._database.writing() as connection:
            for table in _OF_RUNS:
                for some in _chunks(runs):
                    mine = (table.c.project == name, table.c.run_id.in_(some))
                    gone += connection.execute(sa.delete(table).where(*mine)).rowcount
        return gone

    def forget_text(self, text: Pseudonym) -> int:
        """Put `<ERASED>` in place of a pseudonym wherever somebody wrote it (`SEARCHED`); how many texts that were.

        A pseudonym belongs to one project, so all projects can be searched.
        """
        spellings = {quote(text, safe=""): quote(ERASED, safe="")} | {text: ERASED}  # the first in saved views
        with self._database.writing() as connection:
            return sum(
                self._replace(connection, METADATA.tables[table].c[column], old, new)
                for table, columns in SEARCHED.items()
                for column in columns
                for old, new in spellings.items()
            )

    def _replace(self, connection: Connection, column: sa.Column[Any], old: str, new: str) -> int:
        position = sa.func.instr if self._database.is_sqlite else sa.func.strpos
        has, replaced = position(column, old) > 0, sa.func.replace(column, old, new)
        if column.primary_key:
            self._drop_taken(connection, column, old, new, has)
        return connection.execute(sa.update(column.table).where(has).values({column.name: replaced})).rowcount

    def _drop_taken(
        self, connection: Connection, column: sa.Column[Any], old: str, new: str, has: sa.ColumnElement[bool]
    ) -> None:
        """Remove rows whose key would be that of a row of an erased person before: both speak of nobody any more."""
        keys = list(column.table.primary_key.columns)
        for row in connection.execute(sa.select(*keys).where(has)).mappings().all():
            becomes = {key: row[key.name] if key is not column else row[key.name].replace(old, new) for key in keys}
            taken = sa.select(sa.literal(1)).select_from(column.table).where(*(key == becomes[key] for key in keys))
            if connection.execute(taken).first():
                connection.execute(sa.delete(column.table).where(*(key == row[key.name] for key in keys)))

    def leave_no_copy(self) -> None:
        """Give back what the database file still holds of removed rows (they are overwritten as they go, but for the log)."""
        self._database.checkpoint()


def _chunks(runs: Collection[RunId]) -> Iterator[list[str]]:
    names = sorted(str(run) for run in runs)
    for start in range(0, len(names), _IDS_PER_QUERY):
        yield names[start : start + _IDS_PER_QUERY]
