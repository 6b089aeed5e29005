"""Alert rules as YAML, every version kept; and silences."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from store.ledger.alert_tables import ALERT_RULES, SILENCES
from store.ledger.database import Database
from store.ledger.secrets import new_id


@dataclass(frozen=True, slots=True)
class KeptRule:
    """One version of a rule; `body` is YAML, `changed_by` an actor as in the access log."""

    project: str
    rule_id: str
    version: int
    body: str
    changed_ns: int
    changed_by: str


@dataclass(frozen=True, slots=True)
class KeptSilence:
    """A time in which alerts of a rule and workflow (`*` for any) send nothing."""

    silence_id: str
    rule_id: str
    workflow: str
    until_ns: int
    reason: str
    made_by: str
    made_ns: int

    def covers(self, rule_id: str, workflow: str, now_ns: int) -> bool:
        """Whether it holds now for this alert."""
        return self.until_ns > now_ns and self.rule_id in {"*", rule_id} and self.workflow in {"*", workflow}


class AlertRules:
    """The rules of every project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, project: str) -> tuple[KeptRule, ...]:
        """The rules in force, in the order of their ids."""
        newest = (
            sa.select(ALERT_RULES.c.rule_id, sa.func.max(ALERT_RULES.c.version).label("version"))
            .where(ALERT_RULES.c.project == project)
            .group_by(ALERT_RULES.c.rule_id)
            .subquery()
        )
        query = (
            ALERT_RULES.select()
            .join(
                newest,
                sa.and_(ALERT_RULES.c.rule_id == newest.c.rule_id, ALERT_RULES.c.version == newest.c.version),
            )
            .where(ALERT_RULES.c.project == project, ALERT_RULES.c.removed == 0)
            .order_by(ALERT_RULES.c.rule_id)
        )
        with self._database.reading() as connection:
            return tuple(_rule(row) for row in connection.execute(query))

    def projects(self) -> tuple[str, ...]:
        """Projects that have ever had a rule."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(ALERT_RULES.c.project).distinct().order_by(ALERT_RULES.c.project))
            return tuple(row.project for row in rows)

    def versions(self, project: str, rule_id: str) -> tuple[KeptRule, ...]:
        """Every version of a rule, newest first."""
        query = ALERT_RULES.select().where(ALERT_RULES.c.project == project, ALERT_RULES.c.rule_id == rule_id)
        with self._database.reading() as connection:
            return tuple(_rule(row) for row in connection.execute(query.order_by(ALERT_RULES.c.version.desc())))

    def put(self, project: str, rule_id: str, body: str, by: str) -> None:
        """Make a new version, unless the newest says the same."""
        self._add(project, rule_id, body, by, removed=0)

    def remove(self, project: str, rule_id: str, by: str) -> None:
        """End a rule; its versions stay."""
        self._add(project, rule_id, "", by, removed=1)

    def _add(self, project: str, rule_id: str, body: str, by: str, *, removed: int) -> None:
        own = sa.and_(ALERT_RULES.c.project == project, ALERT_RULES.c.rule_id == rule_id)
        with self._database.writing() as connection:
            newest = connection.execute(
                ALERT_RULES.select().where(own).order_by(ALERT_RULES.c.version.desc()).limit(1)
            ).first()
            if newest is None and removed:
                return
            if newest is not None and (newest.body, newest.removed) == (body, removed):
                return
            connection.execute(
                sa.insert(ALERT_RULES).values(
                    project=project,
                    rule_id=rule_id,
                    version=newest.version + 1 if newest else 1,
                    body=body,
                    removed=removed,
                    changed_ns=self._database.now_ns(),
                    changed_by=by,
                )
            )

    def silences(self, project: str) -> tuple[KeptSilence, ...]:
        """Silences that have not ended."""
        query = SILENCES.select().where(SILENCES.c.project == project, SILENCES.c.until_ns > self._database.now_ns())
        with self._database.reading() as connection:
            return tuple(
                KeptSilence(r.silence_id, r.rule_id, r.workflow, r.until_ns, r.reason, r.made_by, r.made_ns)
                for r in connection.execute(query.order_by(SILENCES.c.until_ns))
            )

    def silence(self, project: str, rule_id: str, workflow: str, until_ns: int, reason: str, by: str) -> str:
        """Send nothing for a while; returns the silence's id."""
        silence_id = new_id()
        with self._database.writing() as connection:
            connection.execute(
                sa.insert(SILENCES).values(
                    silence_id=silence_id,
                    project=project,
                    rule_id=rule_id,
                    workflow=workflow,
                    until_ns=until_ns,
                    reason=reason,
                    made_by=by,
                    made_ns=self._database.now_ns(),
                )
            )
        return silence_id

    def end_silence(self, project: str, silence_id: str) -> None:
        """Let it be heard again, from now on."""
        with self._database.writing() as connection:
            connection.execute(
                sa.update(SILENCES)
                .where(SILENCES.c.project == project, SILENCES.c.silence_id == silence_id)
                .values(until_ns=self._database.now_ns())
            )


def _rule(row: sa.Row[tuple[object, ...]]) -> KeptRule:
    return KeptRule(row.project, row.rule_id, row.version, row.body, row.changed_ns, row.changed_by)
