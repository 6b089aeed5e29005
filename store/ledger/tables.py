"""The ledger's tables. Times are Unix nanoseconds; secrets appear only as digests."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

METADATA = MetaData()

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("project", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("revoked_ns", BigInteger),
)

MEMBERS = Table(
    "members",
    METADATA,
    Column("member_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("removed_ns", BigInteger),
)

LINKS = Table(
    "links",
    METADATA,
    Column("link_id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("member_id", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("used_ns", BigInteger),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("session_id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("revoked_ns", BigInteger),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("entry_id", Integer, primary_key=True),
    Column("time_ns", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("chain", Text, nullable=False),
)

SETTINGS = Table(
    "settings",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("changed_ns", BigInteger, nullable=False),
)

ATTEMPTS = Table(
    "slot_attempts",
    METADATA,
    Column("segment", Text, primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("attempts", Integer, nullable=False),
)

SLOTS = Table(
    "slots",
    METADATA,
    Column("segment", Text, primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("signal", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("item_count", BigInteger, nullable=False),
    Column("stored_as", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    Column("settled_ns", BigInteger, nullable=False),
)

SLOT_TOTALS = Table(
    "slot_totals",
    METADATA,
    Column("signal", Text, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("kept_as", Text, primary_key=True),
    Column("item_count", BigInteger, nullable=False),
)
"""One row per signal and state (`kept_as` empty), and one more per shape that stored items took."""

RECEIPTS = Table(
    "receipts",
    METADATA,
    Column("receipt_id", Integer, primary_key=True),
    Column("time_ns", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("removed", Text, nullable=False),
    Index("receipts_kind_day", "kind", "day"),
)

FINDINGS = Table(
    "findings",
    METADATA,
    Column("finding_id", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("detected_ns", BigInteger, nullable=False),
    Column("since_ns", BigInteger, nullable=False),
    Column("last_seen_ns", BigInteger, nullable=False),
    Column("closed_ns", BigInteger),
    Column("silenced_until_ns", BigInteger),
    Column("summary", Text, nullable=False),
    Column("data", Text, nullable=False),
    Index("findings_fingerprint", "fingerprint", "detected_ns"),
    Index("findings_project", "project", "detected_ns"),
)
"""One row per episode; `data` holds features, impact, examples and detail as JSON."""

FINDING_EVENTS = Table(
    "finding_events",
    METADATA,
    Column("event_id", Integer, primary_key=True),
    Column("finding_id", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Index("finding_events_finding", "finding_id", "event_id"),
)

SAVED_VIEWS = Table(
    "saved_views",
    METADATA,
    Column("view_id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("page", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("shared", Integer, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Index("saved_views_page", "project", "page"),
)

PINS = Table(
    "pins",
    METADATA,
    Column("project", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("note", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
)

RETENTION_PERIODS = Table(
    "retention_periods",
    METADATA,
    Column("project", Text, primary_key=True),
    Column("workflow", Text, primary_key=True),
    Column("content_days", Integer, nullable=False),
    Column("metadata_days", Integer, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_ns", BigInteger, nullable=False),
    Column("is_record", Integer, nullable=False),
    Column("override", Text, nullable=False),
)
"""`workflow` is empty for a whole project; `is_record` is 1 in the class that is kept for six months at least, and
`override` says why it is kept for less all the same."""

ERASURES = Table(
    "erasures",
    METADATA,
    Column("erasure_id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("traces", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("requested_ns", BigInteger, nullable=False),
    Column("finished_ns", BigInteger),
    Column("removed", Text, nullable=False),
    Column("left_before", Text, nullable=False),
    Column("hidden_ns", BigInteger),
)

LEASES = Table(
    "leases",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
)

SEALS = Table(
    "seals",
    METADATA,
    Column("project", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("chapter", Integer, primary_key=True, autoincrement=False),
    Column("sealed_ns", BigInteger, nullable=False),
    Column("evidence_ns", BigInteger, nullable=False),
    Column("day", Text, nullable=False),
    Column("header", Text, nullable=False),
    Column("leaves", LargeBinary, nullable=False),
    Column("root", Text, nullable=False),
    Index("seals_day", "day"),
)
"""`leaves` is packed, see `store.ledger.seals`."""

MARKS = Table(
    "marks",
    METADATA,
    Column("mark_id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("by", Text, nullable=False),
    Index("marks_project", "project", "at_ns"),
)

ACCEPTED = Table(
    "accepted_behaviour",
    METADATA,
    Column("project", Text, primary_key=True),
    Column("workflow", Text, primary_key=True),
    Column("environment", Text, primary_key=True),
    Column("since_ns", BigInteger, nullable=False),
    Column("until_ns", BigInteger),
    Column("is_pinned", Integer, nullable=False),
    Column("by", Text, nullable=False),
)
"""One row per workflow and environment: from when on it behaves as it should."""
