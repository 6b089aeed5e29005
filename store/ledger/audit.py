"""The access log: who did what and when, written before the answer leaves, chained so that tampering shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from spans.canonical import canonical_json
from spans.errors import RefusedError
from store.ledger.database import Database
from store.ledger.tables import AUDIT

ACTIONS = frozenset(
    {
        "sign_in",
        "sign_out",
        "content_read",
        "search",
        "export",
        "review",
        "policy_change",
        "rule_change",
        "price_change",
        "retention_change",
        "member_change",
        "key_change",
    },
)
_LOCK = 7_240_117_002
"""PostgreSQL advisory lock that keeps the chain in one line."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the access log. `chain` is SHA-256 over the entry and the chain of the one before."""

    entry_id: int
    time_ns: int
    actor: str
    action: str
    target: str
    project: str
    detail: Mapping[str, str]
    chain: str


class AuditLog:
    """An append-only log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self,
        actor: str,
        action: str,
        target: str = "",
        detail: Mapping[str, str] | None = None,
        project: str = "",
    ) -> AuditEntry:
        """Write one entry; durable when it returns.

        Raises:
            RefusedError: the action is not one of `ACTIONS`.
            BusyError: it cannot be written, so what it records must not happen.
        """
        if action not in ACTIONS:
            raise RefusedError(f"{action!r} is not an action of the access log.")
        fields: dict[str, Any] = {
            "time_ns": self._database.now_ns(),
            "actor": actor,
            "action": action,
            "target": target,
            "project": project,
            "detail": dict(detail or {}),
        }
        with self._database.writing() as connection:
            if not self._database.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            last = connection.execute(
                sa.select(AUDIT.c.entry_id, AUDIT.c.chain).order_by(AUDIT.c.entry_id.desc()).limit(1),
            ).one_or_none()
            fields["entry_id"] = last.entry_id + 1 if last else 1
            entry = AuditEntry(**fields, chain=_chain(last.chain if last else "", fields))
            connection.execute(
                sa.insert(AUDIT).values(**{**fields, "detail": json.dumps(fields["detail"])}, chain=entry.chain),
            )
        return entry

    def list(
        self, limit: int = 100, before_id: int | None = None, project: str | None = None
    ) -> tuple[AuditEntry, ...]:
        """The newest entries, newest first; `before_id` continues where a page ended.

        With `project`, only what was done in it or with the house as a whole.
        """
        query = AUDIT.select().order_by(AUDIT.c.entry_id.desc()).limit(limit)
        if before_id is not None:
            query = query.where(AUDIT.c.entry_id < before_id)
        if project is not None:
            query = query.where(AUDIT.c.project.in_((project, "")))
        with self._database.reading() as connection:
            return tuple(_entry(row) for row in connection.execute(query))

    def exports(self, project: str, since_ns: int) -> tuple[AuditEntry, ...]:
        """What was exported or backed up since then, of a project or of the house as a whole, oldest first."""
        query = (
            AUDIT.select()
            .where(AUDIT.c.action == "export", AUDIT.c.time_ns >= since_ns, AUDIT.c.project.in_((project, "")))
            .order_by(AUDIT.c.entry_id)
        )
        with self._database.reading() as connection:
            return tuple(_entry(row) for row in connection.execute(query))

    def first_broken(self) -> int | None:
        """The id of the first entry that was changed, moved or lost its predecessor; None when the chain holds."""
        chain, expected = "", 1
        with self._database.reading() as connection:
            for row in connection.execute(AUDIT.select().order_by(AUDIT.c.entry_id)):
                entry = _entry(row)
                fields = {name: getattr(entry, name) for name in AuditEntry.__slots__ if name != "chain"}
                if entry.entry_id != expected or entry.chain != _chain(chain, fields):
                    return entry.entry_id
                chain, expected = entry.chain, expected + 1
        return None


def _chain(before: str, fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(before.encode() + canonical_json({**fields, "detail": dict(fields["detail"])})).hexdigest()


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(
        entry_id=row.entry_id,
        time_ns=row.time_ns,
        actor=row.actor,
        action=row.action,
        target=row.target,
        project=row.project,
        detail=json.loads(row.detail),
        chain=row.chain,
    )
