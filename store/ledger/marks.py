"""Marks of change, and what people accepted as the way a workflow should behave."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

import sqlalchemy as sa

from spans.change import Accepted, Mark, MarkKind
from store.ledger.database import Database
from store.ledger.tables import ACCEPTED, MARKS
from store.text import clean_text


class Marks:
    """Marks of change. The same mark twice is one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, marks: Iterable[Mark]) -> tuple[Mark, ...]:
        """Keep marks; durable when it returns. Gives them their ids.

        A mark that was seen in the runs (not told by a person) is one per label, whenever that was first seen.
        """
        given = tuple(replace(mark, mark_id=_mark_id(mark)) for mark in marks)
        if given:
            with self._database.writing() as connection:
                for mark in given:
                    connection.execute(keep_mark(self._database, mark))
        return given

    def list(
        self, project: str, since_ns: int | None = None, until_ns: int | None = None, workflow: str | None = None
    ) -> tuple[Mark, ...]:
        """Marks of a period, oldest first; with a workflow, its own and those of all workflows."""
        where = [MARKS.c.project == clean_text(project)]
        if since_ns is not None:
            where.append(MARKS.c.at_ns >= since_ns)
        if until_ns is not None:
            where.append(MARKS.c.at_ns < until_ns)
        if workflow is not None:
            where.append(MARKS.c.workflow.in_(("", clean_text(workflow))))
        with self._database.reading() as connection:
            rows = connection.execute(MARKS.select().where(*where).order_by(MARKS.c.at_ns, MARKS.c.mark_id)).all()
        return tuple(
            Mark(r.project, r.environment, r.workflow, r.at_ns, MarkKind(r.kind), r.label, r.by, r.mark_id)
            for r in rows
        )


def keep_mark(database: Database, mark: Mark) -> sa.Insert:
    """The statement that keeps a mark, for whoever changes something in the same transaction."""
    row = {
        "mark_id": mark.mark_id or _mark_id(mark),
        "project": clean_text(mark.project),
        "environment": clean_text(mark.environment),
        "workflow": clean_text(mark.workflow),
        "at_ns": mark.at_ns,
        "kind": mark.kind.value,
        "label": clean_text(mark.label),
        "by": clean_text(mark.by),
    }
    earliest = sa.case((MARKS.c.at_ns < mark.at_ns, MARKS.c.at_ns), else_=mark.at_ns)
    insert = database.upsert(MARKS).values(**row)
    return insert.on_conflict_do_update(index_elements=["mark_id"], set_={"at_ns": earliest})


def _mark_id(mark: Mark) -> str:
    moment = str(mark.at_ns) if mark.kind is MarkKind.DEPLOYMENT else ""
    where = f"{mark.project}\x1f{mark.environment}\x1f{mark.workflow}"
    key = f"{where}\x1f{mark.kind.value}\x1f{mark.label}\x1f{moment}"
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:24]


class AcceptedBehaviour:
    """From when on each workflow behaves as it should, as people said."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, project: str, workflow: str, environment: str, accepted: Accepted) -> None:
        """Say so; what was said before is replaced."""
        key = {
            "project": clean_text(project),
            "workflow": clean_text(workflow),
            "environment": clean_text(environment),
        }
        values = {
            "since_ns": accepted.since_ns,
            "until_ns": accepted.until_ns,
            "is_pinned": int(accepted.is_pinned),
            "by": clean_text(accepted.by),
        }
        insert = self._database.upsert(ACCEPTED).values(**key, **values)
        with self._database.writing() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=list(key), set_=values))

    def of(self, project: str) -> dict[tuple[str, str], Accepted]:
        """What was said of every (workflow, environment) of a project."""
        query = ACCEPTED.select().where(ACCEPTED.c.project == clean_text(project))
        with self._database.reading() as connection:
            return {
                (r.workflow, r.environment): Accepted(r.since_ns, r.until_ns, bool(r.is_pinned), r.by)
                for r in connection.execute(query)
            }
