"""Channels: where messages go. An address or secret goes in, is used by the sender, and is never shown again."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import sqlalchemy as sa

from store.ledger.alert_tables import CHANNELS
from store.ledger.database import Database
from store.ledger.secrets import new_secret

SIGNING_PREFIX = "ttwh_"


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """A channel as people see it. Times are Unix nanoseconds, 0 means never."""

    project: str
    name: str
    kind: str
    shown: str
    """Scheme and host of the address, or the name of the variable or file that holds it."""
    min_severity: str
    made_ns: int
    tested_ns: int
    delivered_ns: int
    error: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as the sender uses it."""

    project: str
    name: str
    kind: str
    address: str
    secret: str
    min_severity: str


class Channels:
    """The channels of every project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, project: str) -> tuple[ChannelInfo, ...]:
        """Channels by name."""
        query = CHANNELS.select().where(CHANNELS.c.project == project).order_by(CHANNELS.c.name)
        with self._database.reading() as connection:
            return tuple(
                ChannelInfo(
                    r.project,
                    r.name,
                    r.kind,
                    shown_address(r.address),
                    r.min_severity,
                    r.made_ns,
                    r.tested_ns,
                    r.delivered_ns,
                    r.error,
                )
                for r in connection.execute(query)
            )

    def get(self, project: str, name: str) -> Channel | None:
        """One channel with its address and secret; for the sender only."""
        query = CHANNELS.select().where(CHANNELS.c.project == project, CHANNELS.c.name == name)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return Channel(row.project, row.name, row.kind, row.address, row.secret, row.min_severity) if row else None

    def put(self, project: str, name: str, kind: str, address: str, min_severity: str) -> str:
        """Make or re-aim a channel.

        Returns:
            The new signing secret of a webhook, which is shown this once; empty when the secret of before still holds
            or the kind has none. A new address always makes a new secret: the old one must not follow it.
        """
        with self._database.writing() as connection:
            own = sa.and_(CHANNELS.c.project == project, CHANNELS.c.name == name)
            old = connection.execute(CHANNELS.select().where(own)).first()
            same = old is not None and (old.kind, old.address) == (kind, address)
            secret = "" if kind != "webhook" else old.secret if same and old else new_secret(SIGNING_PREFIX)
            values = {
                "project": project,
                "name": name,
                "kind": kind,
                "address": address,
                "secret": secret,
                "min_severity": min_severity,
                "made_ns": self._database.now_ns(),
                "tested_ns": old.tested_ns if same and old else 0,
                "delivered_ns": old.delivered_ns if same and old else 0,
                "error": "",
            }
            insert = self._database.upsert(CHANNELS).values(values)
            connection.execute(insert.on_conflict_do_update(index_elements=["project", "name"], set_=values))
        return "" if same else secret

    def remove(self, project: str, name: str) -> None:
        """Forget a channel and its secret."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(CHANNELS).where(CHANNELS.c.project == project, CHANNELS.c.name == name))

    def note(self, project: str, name: str, *, error: str = "", is_test: bool = False) -> None:
        """Remember how a delivery went."""
        now_ns = self._database.now_ns()
        values: dict[str, object] = {"error": error[:300]}
        if not error:
            values["delivered_ns"] = now_ns
            if is_test:
                values["tested_ns"] = now_ns
        with self._database.writing() as connection:
            connection.execute(
                sa.update(CHANNELS).where(CHANNELS.c.project == project, CHANNELS.c.name == name).values(**values)
            )


def shown_address(address: str) -> str:
    """What may be shown of an address: never its path, query, user or password."""
    if address.startswith(("env:", "file:")):
        return address
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return "…"
    if parts.scheme in {"http", "https"}:
        return f"{parts.scheme}://{host}{':' + str(parts.port) if parts.port else ''}/…"
    return f"{parts.scheme}://…"
