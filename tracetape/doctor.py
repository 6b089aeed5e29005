"""`tracetape doctor`: looks for what will hurt later, each finding with what to do about it."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tracetape.folder import DataFolder
from tracetape.settings import ServeSettings

FSYNC_TRIES = 20
SLOW_FSYNC_MS = 50.0
"""An acknowledgement waits for one fdatasync; above this, senders feel it."""
SUSPICIOUS_FSYNC_MS = 0.02
"""Faster than any disk that really writes: a volatile cache, or memory."""
LOW_SPACE = 0.10
NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "ceph", "glusterfs", "9p", "afs"}
)
MEMORY_FILE_SYSTEMS = frozenset({"tmpfs", "ramfs"})
EARLIEST_CLOCK_S = 1_767_225_600
"""1 January 2026, before this program existed: a clock behind it is wrong."""


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `advice` is empty when all is well."""

    check: str
    state: State
    sentence: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What the checks look at. `health` is the delivery check as JSON, None when it could not be asked."""

    folder: DataFolder
    settings: ServeSettings
    health: Mapping[str, Any] | None = None


def check_secrets(patient: Patient) -> Iterable[Finding]:
    """Keys exist and belong to the owner alone."""
    keys = [p for p in patient.folder.keys.glob("*") if p.is_file()] if patient.folder.keys.is_dir() else []
    if not keys:
        yield Finding(
            "keys", State.WARN, "No keys yet.", "They are made when `tracetape serve` starts for the first time."
        )
    for path in keys:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            yield Finding("keys", State.BAD, f"{path.name} can be read by others (mode {mode:o}).", f"chmod 600 {path}")
    if keys and all(not stat.S_IMODE(p.stat().st_mode) & 0o077 for p in keys):
        yield Finding("keys", State.OK, f"{len(keys)} key files, readable by the owner only.")


def check_fsync(patient: Patient) -> Iterable[Finding]:
    """How long the disk takes to make a record durable: the floor of every acknowledgement."""
    took = measure_fsync_ms(patient.folder.spool)
    if took > SLOW_FSYNC_MS:
        yield Finding("fsync", State.WARN, f"fdatasync takes {took:.1f} ms.", "Put the data folder on a faster disk.")
    elif took < SUSPICIOUS_FSYNC_MS:
        yield Finding(
            "fsync",
            State.WARN,
            f"fdatasync takes {took * 1000:.0f} µs, faster than a disk can write.",
            "Make sure that the volume survives a power cut; memory and volatile caches do not.",
        )
    else:
        yield Finding("fsync", State.OK, f"fdatasync takes {took:.1f} ms (median of {FSYNC_TRIES}).")


def measure_fsync_ms(folder: Path) -> float:
    """Median milliseconds of one 4 KiB append made durable."""
    probe = folder / f".fsync-{os.getpid()}"
    fd = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        took = []
        for _ in range(FSYNC_TRIES):
            started = time.perf_counter()
            os.write(fd, b"\0" * 4096)
            os.fdatasync(fd)
            took.append((time.perf_counter() - started) * 1000)
    finally:
        os.close(fd)
        probe.unlink()
    return sorted(took)[len(took) // 2]


def check_file_system(patient: Patient) -> Iterable[Finding]:
    """The spool needs a local disk: others reorder or forget writes."""
    kind = file_system_of(patient.folder.root, Path("/proc/mounts").read_text(encoding="utf-8", errors="replace"))
    if kind in NETWORK_FILE_SYSTEMS:
        yield Finding(
            "file system", State.BAD, f"The data folder lies on a network file system ({kind}).", "Use a local disk."
        )
    elif kind in MEMORY_FILE_SYSTEMS:
        yield Finding(
            "file system",
            State.BAD,
            f"The data folder lies in memory ({kind}).",
            "Everything is lost at a restart; use a disk.",
        )
    else:
        yield Finding("file system", State.OK, f"A local file system ({kind or 'unknown'}).")


def file_system_of(path: Path, mounts: str) -> str:
    """The type of the file system a path lies on, from the text of /proc/mounts."""
    best, found = "", ""
    for line in mounts.splitlines():
        words = line.split()
        if len(words) < 3:
            continue
        point = words[1].replace("\\040", " ")
        inside = path == Path(point) or Path(point) in path.parents
        if inside and len(point) >= len(best):
            best, found = point, words[2]
    return found


def check_space(patient: Patient) -> Iterable[Finding]:
    """Free space where spool and store live."""
    usage = shutil.disk_usage(patient.folder.root)
    share, free_gb = usage.free / usage.total, usage.free / 1e9
    state = State.OK if share > LOW_SPACE else State.BAD
    advice = "" if state is State.OK else "Free space or shorten retention; at a full disk senders are asked to wait."
    yield Finding("space", state, f"{free_gb:.1f} GB free ({share:.0%}).", advice)


def check_clock(_patient: Patient) -> Iterable[Finding]:
    """Received days come from this clock."""
    if time.time() < EARLIEST_CLOCK_S:
        yield Finding("clock", State.BAD, "The clock of this machine is years behind.", "Turn on time synchronisation.")
    else:
        yield Finding("clock", State.OK, "The clock is plausible.")


def check_public_url(patient: Patient) -> Iterable[Finding]:
    """Links in invitations and alerts have to reach this server."""
    settings = patient.settings
    if not settings.is_loopback() and not settings.public_url:
        yield Finding(
            "public URL",
            State.WARN,
            "The server listens beyond this machine without a public URL.",
            "Set --public-url so that links in invitations work for others.",
        )
    elif settings.public_url.startswith("http://") and not settings.is_loopback():
        yield Finding(
            "public URL", State.WARN, "The public URL is not encrypted.", "Put a TLS proxy in front; use https://."
        )
    else:
        yield Finding("public URL", State.OK, settings.public_url or "Only this machine uses the web; none is needed.")


def check_delivery(patient: Patient) -> Iterable[Finding]:
    """The conservation law, and what waits or failed."""
    if patient.health is None:
        yield Finding("delivery", State.WARN, "The delivery check could not be asked.", "Is `tracetape serve` running?")
        return
    for signal in ("spans", "logs"):
        count = patient.health[signal]
        known = sum(int(count[k]) for k in ("pending", "stored", "quarantined", "dropped_by_person", "expired"))
        if known != int(count["acked"]):
            yield Finding(
                "delivery",
                State.BAD,
                f"{signal}: {int(count['acked']) - known} items are unaccounted for.",
                "Please report this with the output of `tracetape health`.",
            )
        elif count["quarantined"]:
            yield Finding(
                "delivery",
                State.WARN,
                f"{signal}: {count['quarantined']} items wait in quarantine.",
                "See Settings ▸ Ingest.",
            )
        else:
            yield Finding(
                "delivery",
                State.OK,
                f"{signal}: {count['acked']} accepted, {count['stored']} stored, {count['pending']} on their way.",
            )


CHECKS: Sequence[Callable[[Patient], Iterable[Finding]]] = (
    check_secrets,
    check_fsync,
    check_file_system,
    check_space,
    check_clock,
    check_public_url,
    check_delivery,
)


def examine(patient: Patient) -> tuple[Finding, ...]:
    """Run every check; one that cannot run is itself a finding."""
    found: list[Finding] = []
    for check in CHECKS:
        try:
            found.extend(check(patient))
        except OSError as error:
            name = check.__name__.removeprefix("check_").replace("_", " ")
            found.append(
                Finding(name, State.BAD, f"Could not be checked: {error.strerror or error}.", "See the path above.")
            )
    return tuple(found)
