"""Brings a ledger to this program's schema: one transaction, several processes may try at once, newer is refused."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from spans.errors import NewerSchemaError
from store.ledger.database import Database

HEAD = "0014"
"""The newest revision in `migrations/versions`; a test keeps it true. Opening an up-to-date ledger needs no Alembic."""
_LOCK = 7_240_117_001
"""PostgreSQL advisory lock under which migrations run: any constant that is ours."""


def migrate(database: Database) -> None:
    """Upgrade to `HEAD`; nothing changes when it is there already or when anything fails.

    Raises:
        NewerSchemaError: the ledger was written by a newer program.
        BusyError: another process is migrating for longer than the busy time-out.
    """
    with database.reading() as connection:
        if _revision(connection) == HEAD:
            return
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        found = _revision(connection)
        if found != HEAD:
            _upgrade(connection, found)


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _upgrade(connection: Connection, found: str | None) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.runtime.migration import RevisionStep
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(Path(__file__).parent / "migrations"))
    if found is not None and found not in {revision.revision for revision in script.walk_revisions()}:
        raise NewerSchemaError(
            f"The ledger has schema {found}; this tracetape knows up to {HEAD}. "
            "It was written by a newer version: update tracetape, or restore the backup made before the upgrade.",
        )

    def steps(revision: str, _context: object) -> list[RevisionStep]:
        return script._upgrade_revs(HEAD, revision)  # noqa: SLF001 - how Alembic's own commands ask for them

    with EnvironmentContext(Config(), script, fn=steps) as context:
        context.configure(connection=connection)
        context.run_migrations()
