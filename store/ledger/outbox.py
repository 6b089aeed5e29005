"""Messages on their way: claimed by one sender at a time, sent in groups, tried again, never forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.ledger.alert_tables import OUTBOX
from store.ledger.database import Database
from store.ledger.secrets import new_id

GROUP_S = 300
"""One message per channel, workflow and five minutes holds all that fires together."""
CLAIM_S = 90
"""Longer than any delivery may take: a sender that died is replaced after it."""
PAUSES_S = (5, 30, 120, 600, 3_600)
"""Between attempts; after the last the message stands on the list of dead letters."""
SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Message:
    """One statement about one alert for one channel. Times are Unix nanoseconds."""

    message_id: int
    project: str
    channel: str
    workflow: str
    environment: str
    fingerprint: str
    rule_id: str
    notice: str
    severity: str
    incident_id: str
    sentence: str
    time_ns: int
    state: str
    attempts: int
    sent_ns: int
    error: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """Messages that go out together, claimed by one sender."""

    claim: str
    project: str
    channel: str
    workflow: str
    environment: str
    messages: tuple[Message, ...]


class Outbox:
    """Safe for several senders at once: a claim is a conditional update."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, now_ns: int, *, group_s: int = GROUP_S, most: int = 20) -> tuple[Envelope, ...]:
        """Take what is due. Whoever claims has `CLAIM_S` seconds to say `sent` or `failed`.

        A group that sent something less than `group_s` ago waits, unless something louder than that has come.
        """
        due = sa.or_(
            sa.and_(OUTBOX.c.state == "waiting", OUTBOX.c.due_ns <= now_ns),
            sa.and_(OUTBOX.c.state == "sending", OUTBOX.c.claimed_until_ns <= now_ns),
        )
        with self._database.reading() as connection:
            if connection.execute(sa.select(OUTBOX.c.message_id).where(due).limit(1)).first() is None:
                return ()
        found: list[Envelope] = []
        with self._database.writing() as connection:
            rows = connection.execute(OUTBOX.select().where(due).order_by(OUTBOX.c.message_id).limit(1_000)).all()
            groups: dict[tuple[str, str, str, str], list[Message]] = {}
            for row in rows:
                message = _message(row)
                key = (message.project, message.channel, message.workflow, message.environment)
                groups.setdefault(key, []).append(message)
            for key, messages in groups.items():
                if len(found) < most and not self._must_wait(connection, key, messages, now_ns - group_s * SECOND_NS):
                    found.append(self._take(connection, key, messages, now_ns))
        return tuple(found)

    def _must_wait(
        self, connection: Connection, key: tuple[str, str, str, str], messages: Sequence[Message], since_ns: int
    ) -> bool:
        project, channel, workflow, environment = key
        if any(m.attempts for m in messages):
            return False  # tried before: its own pauses decide
        last = connection.execute(
            OUTBOX.select()
            .where(
                OUTBOX.c.project == project,
                OUTBOX.c.channel == channel,
                OUTBOX.c.workflow == workflow,
                OUTBOX.c.environment == environment,
                OUTBOX.c.state == "sent",
                OUTBOX.c.notice != "test",
                OUTBOX.c.sent_ns > since_ns,
            )
            .order_by(OUTBOX.c.sent_ns.desc())
        ).all()
        louder = "page" in {m.severity for m in messages} and "page" not in {row.severity for row in last}
        return bool(last) and not louder and "test" not in {m.notice for m in messages}

    def _take(
        self, connection: Connection, key: tuple[str, str, str, str], messages: Sequence[Message], now_ns: int
    ) -> Envelope:
        claim = new_id()
        connection.execute(
            sa.update(OUTBOX)
            .where(OUTBOX.c.message_id.in_([m.message_id for m in messages]))
            .values(
                state="sending",
                claim=claim,
                claimed_until_ns=now_ns + CLAIM_S * SECOND_NS,
                attempts=OUTBOX.c.attempts + 1,
            )
        )
        return Envelope(claim, *key, tuple(messages))

    def sent(self, claim: str) -> None:
        """It arrived, as far as the other side says."""
        with self._database.writing() as connection:
            connection.execute(
                sa.update(OUTBOX)
                .where(OUTBOX.c.claim == claim, OUTBOX.c.state == "sending")
                .values(state="sent", sent_ns=self._database.now_ns(), error="")
            )

    def failed(self, claim: str, error: str) -> None:
        """It did not arrive: try again later, or put it on the list of dead letters after the last pause."""
        now_ns = self._database.now_ns()
        with self._database.writing() as connection:
            rows = connection.execute(OUTBOX.select().where(OUTBOX.c.claim == claim, OUTBOX.c.state == "sending")).all()
            for row in rows:
                dead = row.attempts > len(PAUSES_S)
                pause_s = 0 if dead else PAUSES_S[row.attempts - 1]
                connection.execute(
                    sa.update(OUTBOX)
                    .where(OUTBOX.c.message_id == row.message_id)
                    .values(
                        state="dead" if dead else "waiting",
                        due_ns=now_ns + pause_s * SECOND_NS,
                        error=error[:300],
                        claim="",
                    )
                )

    def put_test(self, project: str, channel: str, sentence: str) -> int:
        """Queue a test message; returns its id, by which `state_of` follows it."""
        now_ns = self._database.now_ns()
        with self._database.writing() as connection:
            done = connection.execute(
                sa.insert(OUTBOX).values(
                    project=project,
                    channel=channel,
                    workflow="",
                    environment="",
                    fingerprint="",
                    rule_id="",
                    notice="test",
                    severity="ticket",
                    incident_id="",
                    sentence=sentence,
                    time_ns=now_ns,
                    due_ns=now_ns,
                    state="waiting",
                    attempts=0,
                    claim="",
                    claimed_until_ns=0,
                    sent_ns=0,
                    error="",
                )
            )
            return int(done.inserted_primary_key[0])  # type: ignore[index]

    def again(self, message_id: int) -> None:
        """A person sends a dead letter once more."""
        with self._database.writing() as connection:
            connection.execute(
                sa.update(OUTBOX)
                .where(OUTBOX.c.message_id == message_id, OUTBOX.c.state == "dead")
                .values(state="waiting", attempts=0, due_ns=self._database.now_ns())
            )

    def list(self, project: str, *, state: str | None = None, limit: int = 200) -> tuple[Message, ...]:
        """Messages, newest first."""
        query = OUTBOX.select().where(OUTBOX.c.project == project)
        if state is not None:
            query = query.where(OUTBOX.c.state == state)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(OUTBOX.c.message_id.desc()).limit(limit))
            return tuple(_message(row) for row in rows)

    def get(self, message_id: int) -> Message | None:
        """One message."""
        with self._database.reading() as connection:
            row = connection.execute(OUTBOX.select().where(OUTBOX.c.message_id == message_id)).first()
            return _message(row) if row else None


_SHOWN = tuple(Message.__dataclass_fields__)


def _message(row: sa.Row[tuple[object, ...]]) -> Message:
    cells: dict[str, Any] = dict(row._mapping)  # noqa: SLF001 - the public name of a row's cells
    return Message(**{name: cells[name] for name in _SHOWN})
