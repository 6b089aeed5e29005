"""`tracetape doctor`: looks for what will hurt later, each finding with what to do about it."""

from __future__ import annotations

import ctypes
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from collector.spool.keys import PRIVATE_NAME, load_key_ring, load_seal_key
from collector.spool.reader import key_ids
from spans.errors import SettingsError
from spans.health import ForwardStatus
from tracetape.folder import DataFolder
from tracetape.receivers import receiver_figures
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
LATE_FORWARD_S = 3600.0
"""A backend that is an hour behind is of no use to the person on call."""
CLOCK_SLACK_S = 5.0
TIME_ERROR = 5
"""What adjtimex(2) returns while the clock is not synchronised."""
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


def check_spool_keys(patient: Patient) -> Iterable[Finding]:
    """Every record that waits can be opened: its private key is here, and the public key belongs to the private one."""
    keys = patient.folder.keys
    if not (keys / PRIVATE_NAME).exists():
        return
    try:
        ring, seal = load_key_ring(keys), load_seal_key(keys)
    except SettingsError as error:
        yield Finding("spool keys", State.BAD, str(error), "Restore the keys folder from a backup.")
        return
    if not ring.knows(seal.key_id):
        yield Finding(
            "spool keys",
            State.BAD,
            "The public spool key does not belong to the private one: what is accepted now could never be read.",
            "Remove spool_public.pem and start again: it is made anew from the private key.",
        )
    spool = patient.folder.spool
    folders = [spool, *(path for path in spool.glob("*") if path.is_dir())] if spool.is_dir() else []
    sealed = key_ids(folders)
    missing = [key_id for key_id in sealed or () if not ring.knows(key_id)]
    if sealed is None:
        yield Finding(
            "spool keys", State.WARN, "A spool segment has an unreadable header.", "It is kept in spool/damaged."
        )
    elif missing:
        yield Finding(
            "spool keys",
            State.BAD,
            f"{len(missing)} keys that records are sealed for are missing: {', '.join(k.hex()[:8] for k in missing)}.",
            "Restore the keys folder from a backup; the records wait.",
        )
    elif ring.knows(seal.key_id):
        yield Finding("spool keys", State.OK, "Everything that waits can be opened.")


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
    """Spool, ledger and store need a local disk: others reorder or forget writes."""
    mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
    kinds = {name: file_system_of(path, mounts) for name, path in _places(patient)}
    for name, kind in kinds.items():
        if kind in NETWORK_FILE_SYSTEMS:
            yield Finding(
                "file system", State.BAD, f"The {name} lies on a network file system ({kind}).", "Use a local disk."
            )
        elif kind in MEMORY_FILE_SYSTEMS:
            yield Finding(
                "file system",
                State.BAD,
                f"The {name} lies in memory ({kind}).",
                "Everything is lost at a restart; use a disk.",
            )
    if not {*NETWORK_FILE_SYSTEMS, *MEMORY_FILE_SYSTEMS}.intersection(kinds.values()):
        shown = ", ".join(sorted({kind or "unknown" for kind in kinds.values()}))
        yield Finding("file system", State.OK, f"A local file system ({shown}).")


def _places(patient: Patient) -> list[tuple[str, Path]]:
    """Where something must last; volumes of their own may be mounted inside the data folder."""
    root = patient.folder.root.resolve()
    inside = [("spool", patient.folder.spool.resolve()), ("store", root / "store")]
    return [("data folder", root), *((name, path) for name, path in inside if path.is_dir())]


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
    """Free space where spool, ledger and store live, each volume once."""
    seen: set[int] = set()
    for name, path in _places(patient):
        device = path.stat().st_dev
        if device in seen:
            continue
        seen.add(device)
        usage = shutil.disk_usage(path)
        share, free_gb = usage.free / usage.total, usage.free / 1e9
        state = State.OK if share > LOW_SPACE else State.BAD
        advice = (
            "" if state is State.OK else "Free space or shorten retention; at a full disk senders are asked to wait."
        )
        yield Finding("space", state, f"{free_gb:.1f} GB free for the {name} ({share:.0%}).", advice)


def check_clock(patient: Patient) -> Iterable[Finding]:
    """Received days come from this clock."""
    now = time.time()
    last = receiver_figures(patient.folder).get("last_accepted_ns", 0)
    last_s = last / 1e9 if isinstance(last, int) else 0.0
    if now < EARLIEST_CLOCK_S:
        yield Finding("clock", State.BAD, "The clock of this machine is years behind.", "Turn on time synchronisation.")
    elif last_s > now + CLOCK_SLACK_S:
        yield Finding(
            "clock",
            State.BAD,
            f"The clock was set back: the last span was accepted {last_s - now:.0f} s from now.",
            "Turn on time synchronisation. Nothing is lost, but days of receipt and retention follow this clock.",
        )
    elif is_synchronised() is False:
        yield Finding(
            "clock", State.WARN, "The kernel says that this clock is not synchronised.", "Turn on time synchronisation."
        )
    else:
        yield Finding("clock", State.OK, "The clock is plausible.")


def is_synchronised() -> bool | None:
    """Whether the kernel's clock is disciplined by a time service; None when that cannot be asked."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        state = int(libc.adjtimex(ctypes.create_string_buffer(256)))  # struct timex, zeroed: reads, sets nothing
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != TIME_ERROR


def check_public_url(patient: Patient) -> Iterable[Finding]:
    """Links in invitations and alerts have to reach this server."""
    settings = patient.settings
    address = urlsplit(settings.public_url)
    if settings.public_url and (address.scheme not in {"http", "https"} or not address.hostname):
        yield Finding(
            "public URL",
            State.BAD,
            f"The public URL {settings.public_url[:80]!r} is no web address.",
            "Write it as https://tracetape.example.com.",
        )
    elif not settings.is_loopback() and not settings.public_url:
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


def check_forwarding(patient: Patient) -> Iterable[Finding]:
    """How far behind the other backend is, for each signal; nothing while nothing is forwarded."""
    if patient.health is None or "forward" not in patient.health:
        return
    told = patient.health["forward"]
    yield _forwarding("forwarding", "spans", ForwardStatus(**{**told, "logs": None}))
    if told.get("logs"):
        yield _forwarding("forwarding of log records", "log records", ForwardStatus(**told["logs"]))


def _forwarding(name: str, what: str, status: ForwardStatus) -> Finding:
    lag_s = status.lag_s(time.time_ns())
    words = f"{status.sent} {what} sent, {status.waiting} wait, the oldest for {lag_s:.0f} s."
    if status.gone:
        words += f" {status.gone} had expired or were erased before they could be sent."
    if status.trouble or lag_s > LATE_FORWARD_S:
        state = State.BAD if lag_s > LATE_FORWARD_S else State.WARN
        advice = status.trouble or "Is the other backend slow, or the forwarder's log in the data folder unhappy?"
        return Finding(name, state, words, advice)
    return Finding(name, State.WARN if status.gone else State.OK, words)


CHECKS: Sequence[Callable[[Patient], Iterable[Finding]]] = (
    check_secrets,
    check_spool_keys,
    check_fsync,
    check_file_system,
    check_space,
    check_clock,
    check_public_url,
    check_delivery,
    check_forwarding,
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
