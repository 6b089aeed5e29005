"""What people said of near misses, and the patterns that they taught."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from store.ledger.database import Database, scalar
from store.ledger.tables import METADATA

REVIEWS = Table(
    "near_miss_reviews",
    METADATA,
    Column("review_id", Integer, primary_key=True),
    Column("project", Text, nullable=False),
    Column("kind_key", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Index("near_miss_reviews_kind", "project", "kind_key"),
)

PATTERNS = Table(
    "near_miss_patterns",
    METADATA,
    Column("pattern_id", Integer, primary_key=True),
    Column("project", Text, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("counts", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("removed_ns", BigInteger),
    Column("reason", Text, nullable=False, server_default=""),
)


class Review(StrEnum):
    """What a person says of a kind of near miss."""

    RULE_RIGHT = "rule_right"
    LOOSEN = "loosen"
    FIX_PROMPT = "fix_prompt"
    NOT_A_NEAR_MISS = "not_a_near_miss"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One review of one kind; the newest of a kind counts."""

    kind_key: str
    answer: Review
    note: str
    author: str
    created_ns: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """Words that make a failed call a near miss (`counts`), or keep one from being it.

    An empty workflow, tool or reason stands for every one; an empty text for every text.
    """

    pattern_id: int
    workflow: str
    tool: str
    text: str
    counts: bool
    author: str = ""
    created_ns: int = 0
    reason: str = ""
    """What an attempt was stopped for, as `AttemptReason` writes it."""


class Reviews:
    """Reviews and patterns of every project; nothing is ever overwritten."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, project: str, kind_key: str, answer: Review, *, author: str, note: str = "") -> Reviewed:
        """Add a review of one kind of near miss; durable when it returns."""
        made = Reviewed(kind_key, answer, note, author, self._database.now_ns())
        with self._database.writing() as connection:
            connection.execute(
                sa.insert(REVIEWS).values(
                    project=project,
                    kind_key=kind_key,
                    answer=answer.value,
                    note=note,
                    author=author,
                    created_ns=made.created_ns,
                )
            )
        return made

    def newest(self, project: str) -> dict[str, Reviewed]:
        """The review in force of every kind that has one."""
        query = REVIEWS.select().where(REVIEWS.c.project == project).order_by(REVIEWS.c.review_id)
        with self._database.reading() as connection:
            return {
                row.kind_key: Reviewed(row.kind_key, Review(row.answer), row.note, row.author, row.created_ns)
                for row in connection.execute(query)
            }

    def add_pattern(
        self, project: str, *, workflow: str, tool: str, text: str, counts: bool, author: str, reason: str = ""
    ) -> Pattern:
        """Teach a pattern; one that stands already is returned as it is."""
        wanted = (workflow, tool, text, counts, reason)
        for known in self.patterns(project):
            if (known.workflow, known.tool, known.text, known.counts, known.reason) == wanted:
                return known
        values = {
            "project": project,
            "workflow": workflow,
            "tool": tool,
            "text": text,
            "counts": int(counts),
            "author": author,
            "created_ns": self._database.now_ns(),
            "reason": reason,
        }
        with self._database.writing() as connection:
            row = connection.execute(sa.insert(PATTERNS).values(**values).returning(*PATTERNS.c)).one()
        return _pattern(row)

    def remove_pattern(self, project: str, pattern_id: int) -> None:
        """Forget a pattern; safe to repeat."""
        change = (
            sa.update(PATTERNS)
            .where(
                PATTERNS.c.project == project,
                PATTERNS.c.pattern_id == pattern_id,
                PATTERNS.c.removed_ns.is_(None),
            )
            .values(removed_ns=self._database.now_ns())
        )
        with self._database.writing() as connection:
            connection.execute(change)

    def patterns(self, project: str) -> tuple[Pattern, ...]:
        """Patterns in force, oldest first."""
        query = (
            PATTERNS.select()
            .where(PATTERNS.c.project == project, PATTERNS.c.removed_ns.is_(None))
            .order_by(PATTERNS.c.pattern_id)
        )
        with self._database.reading() as connection:
            return tuple(_pattern(row) for row in connection.execute(query))

    def revision(self) -> tuple[int, int]:
        """A value that changes with every pattern taught or forgotten."""
        query = sa.select(sa.func.count(), sa.func.count(PATTERNS.c.removed_ns))
        with self._database.reading() as connection:
            row = connection.execute(query).one()
        return scalar(row[0]), scalar(row[1])


def _pattern(row: Any) -> Pattern:
    return Pattern(
        row.pattern_id, row.workflow, row.tool, row.text, bool(row.counts), row.author, row.created_ns, row.reason
    )
