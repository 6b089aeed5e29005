"""Small settings that the program or a person changes while it runs, as JSON by name."""

from __future__ import annotations

import json

import sqlalchemy as sa

from spans.values import Value
from store.ledger.database import Database
from store.ledger.tables import SETTINGS


class Settings:
    """Values by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str, default: Value = None) -> Value:
        """The value of a name, or the default."""
        with self._database.reading() as connection:
            text = connection.execute(sa.select(SETTINGS.c.value).where(SETTINGS.c.name == name)).scalar_one_or_none()
        if text is None:
            return default
        value: Value = json.loads(text)
        return value

    def put(self, name: str, value: Value) -> None:
        """Set a name; durable when it returns."""
        text, now = json.dumps(value, allow_nan=False), self._database.now_ns()
        change = self._database.upsert(SETTINGS).values(name=name, value=text, changed_ns=now)
        with self._database.writing() as connection:
            connection.execute(
                change.on_conflict_do_update(index_elements=["name"], set_={"value": text, "changed_ns": now}),
            )
