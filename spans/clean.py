"""Evidence: what redaction made of a span or a log record, and where it came from. The store accepts nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from spans.span import LogRecord, Span


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an accepted item stands in the spool, and for whom it was accepted.

    `received_day` is fixed when the item is accepted and never recomputed; `position` counts items inside the slot.
    """

    project: str
    received_ns: int
    received_day: date
    segment: str = ""
    slot: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class RedactionNote:
    """What was hidden where; never the value.

    `path` is a JSON pointer (RFC 6901) over the raw item, such as `/attributes/gen_ai.input.messages/0/content`.
    """

    path: str
    entity: str
    operator: str
    why: str = ""
    """What gave it away (`spans.why`); empty in evidence of earlier versions."""


class Redaction(StrEnum):
    """How an item went through redaction."""

    FULL = "full"
    RULES = "rules"
    OFF = "off"
    WITHHELD = "withheld"
    """Redaction failed: every text was replaced by a placeholder and the sealed original waits."""


@dataclass(frozen=True, slots=True)
class CleanSpan:
    """A redacted span. Made only by the redact step (and read back only from the store)."""

    span: Span
    origin: Origin
    notes: tuple[RedactionNote, ...]
    redaction: Redaction
    fingerprint: str
    key_id: str = ""
    """Names the key of the pseudonyms in it; empty when nothing was redacted, and in evidence older than key ids."""


@dataclass(frozen=True, slots=True)
class CleanLog:
    """A redacted log record. `log_id` is 32 hex digits derived from the clean record, so that a resend keeps it."""

    log: LogRecord
    log_id: str
    origin: Origin
    notes: tuple[RedactionNote, ...]
    redaction: Redaction
    fingerprint: str
    key_id: str = ""
    """Names the key of the pseudonyms in it; empty when nothing was redacted, and in evidence older than key ids."""


Clean = CleanSpan | CleanLog
