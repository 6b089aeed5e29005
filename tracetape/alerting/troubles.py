"""What is wrong with tracetape itself, in sentences that a `health` rule sends."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from collector.broker import BrokerStatus
from insights.alerts.inputs import Trouble
from store.ledger.slots import SlotTotals

STUCK_S = 300.0
FULL_SHARE = 0.9
UPDATE = "they wait for it: update tracetape again."


def troubles_of(totals: Mapping[str, SlotTotals], broker: BrokerStatus, folder: Path) -> Sequence[Trouble]:
    """Everything that a person has to look after; empty when all is well."""
    found = []
    quarantined = sum(t.quarantined for t in totals.values())
    if quarantined:
        found.append(
            Trouble("quarantine", f"{quarantined:,} accepted items could not be processed and wait in quarantine.")
        )
    if broker.oldest_age_s > STUCK_S:
        minutes = int(broker.oldest_age_s // 60)
        found.append(Trouble("backlog", f"The oldest accepted item has waited {minutes} minutes to be stored."))
    if broker.worker_trouble:
        found.append(Trouble("workers", f"Redaction does not run: {broker.worker_trouble}"))
    if broker.damaged_bytes or broker.lost_records:
        found.append(Trouble("spool", "Part of the spool is damaged; run tracetape doctor."))
    if broker.newer_segments:
        found.append(Trouble("newer spool", f"{broker.newer_segments} spool segments are of a newer version; {UPDATE}"))
    disk = shutil.disk_usage(folder)
    if disk.used / disk.total > FULL_SHARE:
        found.append(Trouble("disk", f"The volume of the data folder is {disk.used * 100 // disk.total} % full."))
    return tuple(found)
