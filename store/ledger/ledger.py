"""The ledger as a whole: one address, its parts by name."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from store.ledger.alert_rules import AlertRules
from store.ledger.alert_tables import INCIDENT_NOTES, INCIDENTS
from store.ledger.alerts import Alerts
from store.ledger.audit import AuditLog
from store.ledger.channels import Channels
from store.ledger.database import Database
from store.ledger.erasures import Erasures
from store.ledger.findings import Findings
from store.ledger.forgetting import Forgetting
from store.ledger.forwards import Forwards
from store.ledger.incidents import Incidents
from store.ledger.keys import Keys
from store.ledger.labels import Labels
from store.ledger.leases import Leases
from store.ledger.links import Links
from store.ledger.marks import AcceptedBehaviour, Marks
from store.ledger.members import Members
from store.ledger.migrate import migrate
from store.ledger.naming import Naming
from store.ledger.outbox import Outbox
from store.ledger.owed import OwedWork
from store.ledger.periods import Periods
from store.ledger.pins import Pins
from store.ledger.policies import Policies
from store.ledger.prices import Prices
from store.ledger.receipts import Receipts
from store.ledger.remarks import Remarks
from store.ledger.reviews import Reviews
from store.ledger.seals import Seals
from store.ledger.sessions import Sessions
from store.ledger.settings import Settings
from store.ledger.slots import Slots
from store.ledger.tables import FINDING_EVENTS, FINDINGS, METADATA
from store.ledger.views import Views
from store.ledger.workflow_states import WorkflowStates
from store.text import clean_text

KEPT_FOR_EVER = frozenset({"audit", "api_keys", "erasures", "forward_journal"})
"""Tables with a project that its removal leaves alone: who did what, which keys were revoked, what was erased, what left."""
_CHILDREN = ((FINDING_EVENTS, FINDINGS, "finding_id"), (INCIDENT_NOTES, INCIDENTS, "incident_id"))
"""Tables without a project of their own, the table that has it, and the column that joins them."""


class Ledger:
    """Small changing state. Safe for several threads and several processes at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.keys = Keys(database)
        self.members = Members(database)
        self.links = Links(database)
        self.sessions = Sessions(database)
        self.seals = Seals(database)
        self.audit = AuditLog(database)
        self.settings = Settings(database)
        self.slots = Slots(database)
        self.receipts = Receipts(database)
        self.findings = Findings(database)
        self.marks = Marks(database)
        self.accepted = AcceptedBehaviour(database)
        self.views = Views(database)
        self.pins = Pins(database)
        self.periods = Periods(database)
        self.erasures = Erasures(database)
        self.forgetting = Forgetting(database)
        self.leases = Leases(database)
        self.policies = Policies(database)
        self.labels = Labels(database)
        self.states = WorkflowStates(database)
        self.reviews = Reviews(database)
        self.remarks = Remarks(database)
        self.forwards = Forwards(database)
        self.owed = OwedWork(database)
        self.alert_rules = AlertRules(database)
        self.alerts = Alerts(database)
        self.outbox = Outbox(database)
        self.channels = Channels(database)
        self.incidents = Incidents(database)
        self.prices = Prices(self.settings)
        self.naming = Naming(self.settings)

    def now_ns(self) -> int:
        """The ledger's clock."""
        return self._database.now_ns()

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], int] = time.time_ns) -> Ledger:
        """Open `sqlite:///PATH` or `postgresql://…` and bring its schema up to date.

        Raises:
            SettingsError: the address cannot be used, or a newer program wrote this ledger.
            BusyError: the ledger cannot be reached now.
        """
        database = Database(url, clock)
        try:
            migrate(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def copy_to(self, path: Path) -> None:
        """Write a whole copy, consistent at one moment, while others go on reading and writing.

        Raises:
            SettingsError: the ledger is a server, which has a backup of its own.
        """
        self._database.copy_to(path)

    def forget_project(self, project: str) -> None:
        """Remove all that is kept about a project that is removed. What proves what was done stays: see `KEPT_FOR_EVER`."""
        name = clean_text(project)
        with self._database.writing() as connection:
            for child, parent, key in _CHILDREN:
                mine = sa.select(parent.c[key]).where(parent.c.project == name)
                connection.execute(sa.delete(child).where(child.c[key].in_(mine)))
            for table in METADATA.tables.values():
                if "project" in table.c and table.name not in KEPT_FOR_EVER:
                    connection.execute(sa.delete(table).where(table.c.project == name))

    def close(self) -> None:
        """Release every connection; safe to call twice."""
        self._database.close()
