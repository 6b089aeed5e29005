"""Members: the people who may sign in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from spans.errors import NotFoundError
from spans.roles import Role
from store.ledger.database import Database
from store.ledger.secrets import new_id
from store.ledger.tables import MEMBERS


@dataclass(frozen=True, slots=True)
class Member:
    """A person. `removed_ns` is None while they may sign in."""

    member_id: str
    name: str
    role: Role
    created_ns: int
    removed_ns: int | None = None


class Members:
    """Everyone who was ever invited."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, role: Role) -> Member:
        """Add a person."""
        member = Member(new_id(), name, role, self._database.now_ns())
        with self._database.writing() as connection:
            connection.execute(
                sa.insert(MEMBERS).values(
                    member_id=member.member_id,
                    name=name,
                    role=role.value,
                    created_ns=member.created_ns,
                ),
            )
        return member

    def get(self, member_id: str) -> Member | None:
        """The person of this id, removed or not."""
        with self._database.reading() as connection:
            row = connection.execute(MEMBERS.select().where(MEMBERS.c.member_id == member_id)).one_or_none()
        return _member(row) if row else None

    def list(self) -> tuple[Member, ...]:
        """Everyone, removed people too, oldest first."""
        query = MEMBERS.select().order_by(MEMBERS.c.created_ns, MEMBERS.c.member_id)
        with self._database.reading() as connection:
            return tuple(_member(row) for row in connection.execute(query))

    def set_role(self, member_id: str, role: Role) -> Member:
        """Give a person another role; their sessions follow at once.

        Raises:
            NotFoundError: no such person, or removed.
        """
        return self._change(member_id, role=role.value)

    def remove(self, member_id: str) -> Member:
        """Let a person sign in no more; their sessions end at once.

        Raises:
            NotFoundError: no such person, or removed before.
        """
        return self._change(member_id, removed_ns=self._database.now_ns())

    def _change(self, member_id: str, **values: object) -> Member:
        change = (
            sa.update(MEMBERS)
            .where(MEMBERS.c.member_id == member_id, MEMBERS.c.removed_ns.is_(None))
            .values(**values)
            .returning(*MEMBERS.c)
        )
        with self._database.writing() as connection:
            row = connection.execute(change).one_or_none()
        if row is None:
            raise NotFoundError(f"No member has the id {member_id!r}.")
        return _member(row)


def _member(row: Any) -> Member:
    return Member(row.member_id, row.name, Role(row.role), row.created_ns, row.removed_ns)
