"""The ledger's tables of alerting: rules, alerts, state changes, messages, silences, channels and incidents."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from store.ledger.tables import METADATA

ALERT_RULES = Table(
    "alert_rules",
    METADATA,
    Column("project", Text, primary_key=True),
    Column("rule_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
    Column("removed", Integer, nullable=False),
    Column("changed_ns", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
)
"""Every version of every rule as YAML; the highest version is the rule."""

ALERTS = Table(
    "alerts",
    METADATA,
    Column("fingerprint", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("since_ns", BigInteger, nullable=False),
    Column("bad_looks", Integer, nullable=False),
    Column("good_looks", Integer, nullable=False),
    Column("notified_ns", BigInteger, nullable=False),
    Column("acknowledged_by", Text, nullable=False),
    Column("reading", Text, nullable=False),
    Column("incident_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Index("alerts_project_state", "project", "state"),
)

FLIPS = Table(
    "flips",
    METADATA,
    Column("flip_id", Integer, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("notice", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("time_ns", BigInteger, nullable=False),
    Column("reading", Text, nullable=False),
    Column("incident_id", Text, nullable=False),
    Column("silenced", Text, nullable=False),
    Index("flips_project_time", "project", "time_ns"),
    Index("flips_incident", "incident_id"),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("message_id", Integer, primary_key=True),
    Column("project", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("notice", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("incident_id", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("time_ns", BigInteger, nullable=False),
    Column("due_ns", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claim", Text, nullable=False),
    Column("claimed_until_ns", BigInteger, nullable=False),
    Column("sent_ns", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Index("outbox_state_due", "state", "due_ns"),
)

SILENCES = Table(
    "silences",
    METADATA,
    Column("silence_id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("until_ns", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_ns", BigInteger, nullable=False),
)

CHANNELS = Table(
    "channels",
    METADATA,
    Column("project", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("min_severity", Text, nullable=False),
    Column("made_ns", BigInteger, nullable=False),
    Column("tested_ns", BigInteger, nullable=False),
    Column("delivered_ns", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
)

INCIDENTS = Table(
    "incidents",
    METADATA,
    Column("incident_id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("began_ns", BigInteger, nullable=False),
    Column("opened_ns", BigInteger, nullable=False),
    Column("ended_ns", BigInteger, nullable=False),
    Column("closed_ns", BigInteger, nullable=False),
    Column("closed_by", Text, nullable=False),
    Column("acknowledged_ns", BigInteger, nullable=False),
    Column("acknowledged_by", Text, nullable=False),
    Column("assignee", Text, nullable=False),
    Column("first_bad_run", Text, nullable=False),
    Index("incidents_project_opened", "project", "opened_ns"),
)

INCIDENT_NOTES = Table(
    "incident_notes",
    METADATA,
    Column("note_id", Integer, primary_key=True),
    Column("incident_id", Text, nullable=False),
    Column("time_ns", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("text", Text, nullable=False),
    Index("incident_notes_incident", "incident_id"),
)
