"""What people and detectors wrote about erased runs and people: notes of such runs go, and a pseudonym becomes `<ERASED>`."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import sqlalchemy as sa

from spans.ids import RunId
from store.ledger.database import Database
from store.ledger.labels import LABELS
from store.ledger.remarks import REMARKS
from store.ledger.tables import METADATA, PINS
from store.text import clean_text

ERASED = "<ERASED>"
_OF_RUNS = (PINS, LABELS, REMARKS)
"""Tables whose rows are about one run and nothing else. Seals stay: their fingerprints say that a copy was altered, no more."""
_PROOFS = frozenset({"audit", "erasures", "seals", "slots", "slot_attempts", "forward_journal", "receipts"})
"""Tables that prove what was done, or hold no words."""
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

    def forget_text(self, text: str) -> int:
        """Put `<ERASED>` in place of a pseudonym wherever somebody wrote it; how many texts that were.

        Not in the access log: it is chained, holds pseudonyms only, and says who looked for whom. A pseudonym belongs to
        one project, so all projects can be searched.
        """
        changed = 0
        with self._database.writing() as connection:
            for table in METADATA.tables.values():
                if table.name in _PROOFS:
                    continue
                for column in table.columns:
                    if isinstance(column.type, sa.Text) and not column.primary_key:
                        has = sa.func.instr(column, text) > 0
                        if not self._database.is_sqlite:
                            has = sa.func.strpos(column, text) > 0
                        new = {column.name: sa.func.replace(column, text, ERASED)}
                        changed += connection.execute(sa.update(table).where(has).values(new)).rowcount
        return changed

    def leave_no_copy(self) -> None:
        """Give back what the database file still holds of removed rows (they are overwritten as they go, but for the log)."""
        self._database.checkpoint()


def _chunks(runs: Collection[RunId]) -> Iterator[list[str]]:
    names = sorted(str(run) for run in runs)
    for start in range(0, len(names), _IDS_PER_QUERY):
        yield names[start : start + _IDS_PER_QUERY]
