"""Whether a workflow should run: the switch that people and rules set and agents poll, with its history."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from store.ledger.database import Database
from store.ledger.tables import METADATA

STATES = Table(
    "workflow_states",
    METADATA,
    Column("state_id", Integer, primary_key=True),
    Column("project", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("since_ns", BigInteger, nullable=False),
    Index("workflow_states_key", "project", "workflow", "environment"),
)


class WorkMode(StrEnum):
    """What the agents of a workflow are asked to do. tracetape publishes it and enforces nothing."""

    RUN = "run"
    DRAFT_ONLY = "draft_only"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class WorkflowState:
    """One position of the switch. `set_by` is `member:ID`, `key:ID` or `rule:ID`; empty when nobody ever set it."""

    project: str
    environment: str
    workflow: str
    mode: WorkMode = WorkMode.RUN
    reason: str = ""
    set_by: str = ""
    since_ns: int = 0


class WorkflowStates:
    """The switches of every project; an empty environment stands for all of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(
        self, project: str, environment: str, workflow: str, mode: WorkMode, *, reason: str, set_by: str
    ) -> WorkflowState:
        """Set the switch; durable when it returns. Setting what is set already keeps its `since`."""
        with self._database.writing() as connection:
            known = connection.execute(_newest(project, environment, workflow)).one_or_none()
            if known is not None and (known.mode, known.reason) == (mode.value, reason):
                return _state(known)
            state = WorkflowState(project, environment, workflow, mode, reason, set_by, self._database.now_ns())
            connection.execute(
                sa.insert(STATES).values(
                    **{n: getattr(state, n) for n in WorkflowState.__slots__ if n != "mode"}, mode=mode.value
                )
            )
        return state

    def get(self, project: str, environment: str, workflow: str) -> WorkflowState:
        """What agents are told: the strictest of this environment and the one for all; without one, of every environment.

        It names the environment it was set for. Who does not say where it runs is not let run while any is stopped.
        """
        return self._strictest(project, environment, workflow, (environment, "") if environment else None)

    def position(self, project: str, environment: str, workflow: str) -> WorkflowState:
        """What holds in exactly this environment; an empty one is the switch for all of them, and no other counts."""
        return self._strictest(project, environment, workflow, (environment, ""))

    def _strictest(self, project: str, environment: str, workflow: str, among: tuple[str, ...] | None) -> WorkflowState:
        newest = (
            sa.select(sa.func.max(STATES.c.state_id))
            .where(STATES.c.project == project, STATES.c.workflow == workflow)
            .group_by(STATES.c.environment)
        )
        if among is not None:
            newest = newest.where(STATES.c.environment.in_(among))
        with self._database.reading() as connection:
            rows = connection.execute(STATES.select().where(STATES.c.state_id.in_(newest)))
            found = [_state(row) for row in rows]
        order = list(WorkMode)
        strictest = max(found, key=lambda s: (order.index(s.mode), s.since_ns), default=None)
        return strictest or WorkflowState(project, environment, workflow)

    def history(self, project: str, workflow: str, limit: int = 50) -> tuple[WorkflowState, ...]:
        """Every position of a workflow's switches, newest first."""
        query = (
            STATES.select()
            .where(STATES.c.project == project, STATES.c.workflow == workflow)
            .order_by(STATES.c.state_id.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return tuple(_state(row) for row in connection.execute(query))


def _newest(project: str, environment: str, workflow: str) -> sa.Select[Any]:
    return (
        STATES.select()
        .where(STATES.c.project == project, STATES.c.environment == environment, STATES.c.workflow == workflow)
        .order_by(STATES.c.state_id.desc())
        .limit(1)
    )


def _state(row: Any) -> WorkflowState:
    return WorkflowState(
        row.project, row.environment, row.workflow, WorkMode(row.mode), row.reason, row.set_by, row.since_ns
    )
