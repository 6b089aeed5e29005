"""Single-use links: the first sign-in and invitations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from spans.roles import Role
from store.ledger.database import Database
from store.ledger.secrets import digest_of, new_id, new_secret
from store.ledger.tables import LINKS

LinkKind = Literal["sign_in", "invitation"]
DAY_S = 86_400
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a link was for. `member_id` is empty when the link makes a new member."""

    kind: str
    role: Role
    name: str
    member_id: str = ""


@dataclass(frozen=True, slots=True)
class PendingLink:
    """A link nobody has used yet; its token is not known to us any more."""

    link_id: str
    kind: str
    role: Role
    name: str
    created_ns: int
    expires_ns: int


class Links:
    """Links that were handed out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, kind: LinkKind, *, role: Role, name: str = "", member_id: str = "", ttl_s: int = DAY_S) -> str:
        """Make a link and return its token, shown once."""
        token = new_secret("")
        now = self._database.now_ns()
        with self._database.writing() as connection:
            connection.execute(
                sa.insert(LINKS).values(
                    link_id=new_id(),
                    digest=digest_of(token),
                    kind=kind,
                    role=role.value,
                    name=name,
                    member_id=member_id,
                    created_ns=now,
                    expires_ns=now + ttl_s * _SECOND_NS,
                ),
            )
        return token

    def redeem(self, token: str) -> Redeemed | None:
        """Use a link up; None when it is unknown, used or expired. Of several at once exactly one succeeds."""
        now = self._database.now_ns()
        change = (
            sa.update(LINKS)
            .where(LINKS.c.digest == digest_of(token), LINKS.c.used_ns.is_(None), LINKS.c.expires_ns > now)
            .values(used_ns=now)
            .returning(LINKS.c.kind, LINKS.c.role, LINKS.c.name, LINKS.c.member_id)
        )
        with self._database.writing() as connection:
            row = connection.execute(change).one_or_none()
        return Redeemed(row.kind, Role(row.role), row.name, row.member_id) if row else None

    def pending(self) -> tuple[PendingLink, ...]:
        """Links that still work, oldest first."""
        query = (
            LINKS.select()
            .where(LINKS.c.used_ns.is_(None), LINKS.c.expires_ns > self._database.now_ns())
            .order_by(LINKS.c.created_ns, LINKS.c.link_id)
        )
        with self._database.reading() as connection:
            return tuple(_pending(row) for row in connection.execute(query))

    def cancel(self, link_id: str) -> bool:
        """Make an unused link worthless; False when there is no such link."""
        change = (
            sa.update(LINKS)
            .where(LINKS.c.link_id == link_id, LINKS.c.used_ns.is_(None))
            .values(used_ns=self._database.now_ns())
        )
        with self._database.writing() as connection:
            return bool(connection.execute(change).rowcount)


def _pending(row: Any) -> PendingLink:
    return PendingLink(row.link_id, row.kind, Role(row.role), row.name, row.created_ns, row.expires_ns)
