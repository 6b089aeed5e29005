"""Policy files by workflow, every version kept: who wrote which text when, and which one is in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Integer, Table, Text

from spans.change import Mark, MarkKind
from spans.errors import RefusedError
from store.ledger.database import Database, scalar
from store.ledger.marks import keep_mark
from store.ledger.tables import METADATA

POLICIES = Table(
    "policies",
    METADATA,
    Column("project", Text, primary_key=True),
    Column("workflow", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One saved text of the policy of a workflow (or `*`). An empty text withdraws the policy."""

    project: str
    workflow: str
    number: int
    digest: str
    """What the text says, comments and layout aside: equal digests judge alike."""
    text: str
    author: str
    source: str
    """`ui`, `file` or `success` (saved from "Define success")."""
    note: str
    created_ns: int


class Policies:
    """Texts by project and workflow; a saved version never changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(
        self,
        project: str,
        workflow: str,
        digest: str,
        text: str,
        *,
        author: str,
        source: str = "ui",
        note: str = "",
        after: int | None = None,
    ) -> PolicyVersion:
        """Make this text the policy in force; the text in force already is returned as it stands.

        Args:
            project: Whose policy.
            workflow: The workflow's name, or `*`.
            digest: Of what the text says.
            text: The file as written; empty to withdraw the policy.
            author: Who, as the access log writes it.
            source: Where it was written.
            note: Why, in words that passed redaction.
            after: The number the author saw as the newest; None not to ask.

        Raises:
            RefusedError: somebody saved another version meanwhile.
        """
        with self._database.writing() as connection:
            own = (POLICIES.c.project == project, POLICIES.c.workflow == workflow)
            newest = connection.execute(
                POLICIES.select().where(*own).order_by(POLICIES.c.number.desc()).limit(1)
            ).one_or_none()
            number = scalar(newest.number if newest else 0)
            if after is not None and after != number:
                raise RefusedError(
                    f"Version {number} of this policy was saved while you edited version {after}. "
                    "Open the page again, look at what changed, and save again."
                )
            if newest is not None and newest.text == text:
                return _version(newest)
            made = PolicyVersion(
                project, workflow, number + 1, digest, text, author, source, note, self._database.now_ns()
            )
            connection.execute(
                sa.insert(POLICIES).values(**{name: getattr(made, name) for name in PolicyVersion.__slots__})
            )
            connection.execute(keep_mark(self._database, _mark_of(made)))
        return made

    def current(self, project: str | None = None) -> tuple[PolicyVersion, ...]:
        """The version in force of every workflow that has a policy, by name; of every project when none is named."""
        newest = (
            sa.select(POLICIES.c.project, POLICIES.c.workflow, sa.func.max(POLICIES.c.number).label("newest"))
            .group_by(POLICIES.c.project, POLICIES.c.workflow)
            .subquery()
        )
        query = (
            POLICIES.select()
            .join(
                newest,
                sa.and_(
                    POLICIES.c.project == newest.c.project,
                    POLICIES.c.workflow == newest.c.workflow,
                    POLICIES.c.number == newest.c.newest,
                ),
            )
            .where(POLICIES.c.text != "")
            .order_by(POLICIES.c.project, POLICIES.c.workflow)
        )
        if project is not None:
            query = query.where(POLICIES.c.project == project)
        with self._database.reading() as connection:
            return tuple(_version(row) for row in connection.execute(query))

    def versions(self, project: str, workflow: str) -> tuple[PolicyVersion, ...]:
        """Every version of one workflow, newest first; withdrawals too."""
        query = (
            POLICIES.select()
            .where(POLICIES.c.project == project, POLICIES.c.workflow == workflow)
            .order_by(POLICIES.c.number.desc())
        )
        with self._database.reading() as connection:
            return tuple(_version(row) for row in connection.execute(query))

    def revision(self) -> int:
        """A number that changes with every save: cheap to ask, for whoever keeps parsed policies."""
        with self._database.reading() as connection:
            return scalar(connection.execute(sa.select(sa.func.count()).select_from(POLICIES)).scalar())


def _mark_of(made: PolicyVersion) -> Mark:
    """A new version marks itself on the charts of its workflow; that of `*` on all."""
    workflow = "" if made.workflow == "*" else made.workflow
    did = "saved" if made.text else "withdrawn"
    return Mark(made.project, "", workflow, made.created_ns, MarkKind.POLICY, f"version {made.number} {did}")


def _version(row: Any) -> PolicyVersion:
    return PolicyVersion(**{name: getattr(row, name) for name in PolicyVersion.__slots__})
