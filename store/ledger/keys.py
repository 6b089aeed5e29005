"""API keys: made once, shown once, kept as digests."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from spans.errors import NotFoundError
from spans.roles import Role
from store.ledger.database import Database, scalar
from store.ledger.key_info import KeyInfo
from store.ledger.secrets import KEY_PREFIX, digest_of, new_id, new_secret
from store.ledger.tables import API_KEYS

__all__ = ["KeyInfo", "Keys"]

_INFO = (
    API_KEYS.c.key_id,
    API_KEYS.c.project,
    API_KEYS.c.role,
    API_KEYS.c.name,
    API_KEYS.c.created_ns,
    API_KEYS.c.revoked_ns,
)


class Keys:
    """The API keys of every project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, project: str, role: Role, name: str) -> tuple[KeyInfo, str]:
        """Make a key; the second value is its secret, which nobody can read again."""
        info = KeyInfo(new_id(), project, role, name, self._database.now_ns())
        secret = new_secret(f"{KEY_PREFIX}{role.value}_{info.key_id}_")
        with self._database.writing() as connection:
            connection.execute(
                sa.insert(API_KEYS).values(
                    key_id=info.key_id,
                    digest=digest_of(secret),
                    project=project,
                    role=role.value,
                    name=name,
                    created_ns=info.created_ns,
                ),
            )
        return info, secret

    def lookup(self, secret: str) -> KeyInfo | None:
        """The key of this secret; None when there is none or it was revoked."""
        query = sa.select(*_INFO).where(API_KEYS.c.digest == digest_of(secret), API_KEYS.c.revoked_ns.is_(None))
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return _info(row) if row else None

    def get(self, key_id: str) -> KeyInfo | None:
        """The key of this id, revoked or not."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(*_INFO).where(API_KEYS.c.key_id == key_id)).one_or_none()
        return _info(row) if row else None

    def list(self) -> tuple[KeyInfo, ...]:
        """Every key, revoked ones too, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(*_INFO).order_by(API_KEYS.c.created_ns, API_KEYS.c.key_id)).all()
        return tuple(_info(row) for row in rows)

    def revoke(self, key_id: str) -> None:
        """End a key; safe to repeat.

        Raises:
            NotFoundError: no key has this id.
        """
        change = (
            sa.update(API_KEYS)
            .where(API_KEYS.c.key_id == key_id)
            .values(revoked_ns=sa.func.coalesce(API_KEYS.c.revoked_ns, self._database.now_ns()))
        )
        with self._database.writing() as connection:
            if not connection.execute(change).rowcount:
                raise NotFoundError(f"No key has the id {key_id!r}; `tracetape keys list` shows them.")

    def count(self, role: Role) -> int:
        """How many keys of a role work."""
        query = (
            sa.select(sa.func.count())
            .select_from(API_KEYS)
            .where(API_KEYS.c.role == role.value, API_KEYS.c.revoked_ns.is_(None))
        )
        with self._database.reading() as connection:
            return scalar(connection.execute(query).scalar_one())


def _info(row: Any) -> KeyInfo:
    return KeyInfo(row.key_id, row.project, Role(row.role), row.name, row.created_ns, row.revoked_ns)
