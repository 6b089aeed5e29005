"""The roots of all pseudonyms: random keys in files of their own, one in force and those retired by rotation.

Only workers and the command line read them: neither the database nor the web ever holds one. A key is known elsewhere by
its id, which is derived from it one way and stands on everything that was redacted with it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from collector.spool.keys import write_secret
from spans.errors import SettingsError

NAME = "pseudonym.key"
KEY_BYTES = 32
_RETIRED = re.compile(r"pseudonym-(\d{4})-[0-9a-f]{8}\.key")


@dataclass(frozen=True, slots=True)
class PseudonymKey:
    """One root key; the key of each project is derived from it, so pseudonyms of two projects can never be joined."""

    root: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        """8 hex digits that name the key and tell nothing of it."""
        return self._derived(b"tracetape pseudonym key id 1", 4).hex()

    def of_project(self, project: str) -> bytes:
        """The key of one project."""
        return self._derived(b"tracetape project pseudonyms 1\0" + project.encode("utf-8", "replace"), KEY_BYTES)

    def _derived(self, info: bytes, length: int) -> bytes:
        return HKDF(hashes.SHA256(), length, None, info).derive(self.root)


@dataclass(frozen=True, slots=True)
class PseudonymKeys:
    """The key in force, and the retired ones, newest first: what was stored under them is still to be found."""

    current: PseudonymKey
    retired: tuple[PseudonymKey, ...] = ()

    @property
    def all(self) -> tuple[PseudonymKey, ...]:
        """Every key, the one in force first."""
        return (self.current, *self.retired)


def ensure_keys(folder: Path) -> PseudonymKeys:
    """Read the keys, making one on first start; whoever comes second takes the key of the first.

    Raises:
        SettingsError: a key cannot be read or has another length, or the one in force is gone. None is replaced silently.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / NAME).exists() and not _retired(folder):
        fresh = folder / f".{NAME}.first.{os.getpid()}"
        write_secret(fresh, os.urandom(KEY_BYTES))
        try:
            os.link(fresh, folder / NAME)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return load_keys(folder)


def load_keys(folder: Path) -> PseudonymKeys:
    """Read the keys.

    Raises:
        SettingsError: a key is missing, cannot be read or has another length.
    """
    current = _read(folder / NAME)
    # A rotation that was cut short leaves the key in force under both names.
    retired = tuple(key for key in map(_read, reversed(_retired(folder))) if key != current)
    return PseudonymKeys(current, retired)


def rotate_key(folder: Path) -> PseudonymKeys:
    """Put a new key in force and retire the old one; workers take it with the next record they begin.

    Raises:
        SettingsError: the keys cannot be read.
    """
    keys = load_keys(folder)
    retired = _retired(folder)
    if not any(path.name.endswith(f"-{keys.current.key_id}.key") for path in retired):
        number = int(_number(retired[-1])) + 1 if retired else 1
        os.link(folder / NAME, folder / f"pseudonym-{number:04d}-{keys.current.key_id}.key")
    write_secret(folder / NAME, os.urandom(KEY_BYTES))
    return load_keys(folder)


def has_key(folder: Path) -> bool:
    """Whether a key was ever made here."""
    return (folder / NAME).exists()


def version_of(folder: Path) -> tuple[int, int]:
    """Changes whenever another key is put in force; costs one look at a directory entry.

    Raises:
        OSError: the key is gone.
    """
    known = (folder / NAME).stat()
    return known.st_ino, known.st_mtime_ns


def _retired(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("pseudonym-*.key") if _RETIRED.fullmatch(path.name))


def _number(path: Path) -> str:
    found = _RETIRED.fullmatch(path.name)
    return found[1] if found else "0"


def _read(path: Path) -> PseudonymKey:
    try:
        root = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"The pseudonym key {path} cannot be read: {error.strerror}.") from None
    if len(root) != KEY_BYTES:
        raise SettingsError(f"The pseudonym key {path} has {len(root)} bytes; {KEY_BYTES} are needed.")
    return PseudonymKey(root)
