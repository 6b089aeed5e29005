"""What is said of an erasure before and while it is done: counts only, nothing of anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ErasureOutlook:
    """What an erasure would remove, and what speaks against it."""

    traces: int
    rows: Mapping[str, int]
    """By table of the store."""
    first_received_ns: int = 0
    last_received_ns: int = 0
    """Unix nanoseconds; 0 when nothing is stored."""
    sealed: Mapping[str, int] = field(default_factory=dict)
    """Sealed records that have to be looked through, by place; of the whole project."""
    spool_items: int = 0
    """Items that are not stored yet, anybody's: what they hold of it goes as they come out of the spool."""
    pinned: Mapping[str, int] = field(default_factory=dict)
    """Runs that are kept beyond their day, by reason. A legal hold stands against an erasure, the others do not."""
    is_record: bool = False
    """Whether some of it is kept as records for six months."""
    left: int = 0
    """Exports, backups and forwarding that hold it, or may; they are out of reach."""

    @property
    def legal_holds(self) -> int:
        """Runs that somebody keeps for a dispute."""
        return self.pinned.get("legal_hold", 0)

    @property
    def needs_reason(self) -> bool:
        """Whether it is refused without a reason."""
        return self.is_record or bool(self.legal_holds)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why an erasure is not finished: files of the spool from before it, items in them, sealed records not looked through."""

    spool_files: int = 0
    spool_items: int = 0
    sealed_records: int = 0
    old_files: bool = False
    """Rows are gone from every answer; the engine has not removed their old files yet."""
