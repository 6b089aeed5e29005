"""Sessions: who is signed in, until when, and whether it was revoked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from spans.roles import Role
from store.ledger.database import Database
from store.ledger.secrets import digest_of, new_id, new_secret
from store.ledger.tables import API_KEYS, MEMBERS, SESSIONS

MONTH_S = 30 * 86_400
_SECOND_NS = 1_000_000_000
_USER_AGENT_CHARS = 300


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose session it is: a member, or whoever pasted an API key."""

    kind: Literal["member", "key"]
    id: str


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in. Role and name are read from the member or key each time, so that a change counts at once.

    `project` is None for members (every project) and the key's project for keys.
    """

    session_id: str
    subject: Subject
    role: Role
    name: str
    project: str | None
    user_agent: str
    created_ns: int
    expires_ns: int
    revoked_ns: int | None = None


_SELECT = (
    sa.select(
        SESSIONS,
        sa.func.coalesce(MEMBERS.c.role, API_KEYS.c.role).label("role"),
        sa.func.coalesce(MEMBERS.c.name, API_KEYS.c.name).label("name"),
        API_KEYS.c.project,
    )
    .outerjoin(
        MEMBERS,
        sa.and_(
            SESSIONS.c.subject_kind == "member",
            MEMBERS.c.member_id == SESSIONS.c.subject_id,
            MEMBERS.c.removed_ns.is_(None),
        ),
    )
    .outerjoin(
        API_KEYS,
        sa.and_(
            SESSIONS.c.subject_kind == "key",
            API_KEYS.c.key_id == SESSIONS.c.subject_id,
            API_KEYS.c.revoked_ns.is_(None),
        ),
    )
    .where(
        sa.or_(MEMBERS.c.member_id.is_not(None), API_KEYS.c.key_id.is_not(None)),
        SESSIONS.c.revoked_ns.is_(None),
    )
)
"""Sessions that may still work: not revoked, and their member or key still stands."""


class Sessions:
    """Sign-ins of members and of pasted keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, subject: Subject, user_agent: str, ttl_s: int = MONTH_S) -> str:
        """Sign a subject in and return the token for its cookie."""
        token = new_secret("tts_")
        now = self._database.now_ns()
        with self._database.writing() as connection:
            connection.execute(
                sa.insert(SESSIONS).values(
                    session_id=new_id(),
                    digest=digest_of(token),
                    subject_kind=subject.kind,
                    subject_id=subject.id,
                    user_agent=user_agent[:_USER_AGENT_CHARS],
                    created_ns=now,
                    expires_ns=now + ttl_s * _SECOND_NS,
                ),
            )
        return token

    def lookup(self, token: str) -> Session | None:
        """The session of this token; None when unknown, expired, revoked, or its member or key is gone."""
        query = _SELECT.where(SESSIONS.c.digest == digest_of(token), SESSIONS.c.expires_ns > self._database.now_ns())
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return _session(row) if row else None

    def list(self) -> tuple[Session, ...]:
        """Sessions that work now, newest first."""
        query = _SELECT.where(SESSIONS.c.expires_ns > self._database.now_ns()).order_by(
            SESSIONS.c.created_ns.desc(),
            SESSIONS.c.session_id,
        )
        with self._database.reading() as connection:
            return tuple(_session(row) for row in connection.execute(query))

    def revoke(self, session_id: str) -> None:
        """End a session at once; nothing happens when it has ended."""
        change = (
            sa.update(SESSIONS)
            .where(SESSIONS.c.session_id == session_id, SESSIONS.c.revoked_ns.is_(None))
            .values(revoked_ns=self._database.now_ns())
        )
        with self._database.writing() as connection:
            connection.execute(change)


def _session(row: Any) -> Session:
    return Session(
        session_id=row.session_id,
        subject=Subject(row.subject_kind, row.subject_id),
        role=Role(row.role),
        name=row.name,
        project=row.project,
        user_agent=row.user_agent,
        created_ns=row.created_ns,
        expires_ns=row.expires_ns,
        revoked_ns=row.revoked_ns,
    )
