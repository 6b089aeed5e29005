"""The root of all pseudonyms: one random key per installation, one derived key per project."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from collector.spool.keys import write_secret
from spans.errors import SettingsError

NAME = "pseudonym.key"
KEY_BYTES = 32


def ensure_root_key(folder: Path) -> bytes:
    """Read the root key, making it on first start; the same person keeps the same pseudonym as long as it lives.

    Raises:
        SettingsError: it cannot be read or has another length. It is never replaced silently.
    """
    path = folder / NAME
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        write_secret(path, os.urandom(KEY_BYTES))
    try:
        root = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"The pseudonym key {path} cannot be read: {error.strerror}.") from None
    if len(root) != KEY_BYTES:
        raise SettingsError(f"The pseudonym key {path} has {len(root)} bytes; {KEY_BYTES} are needed.")
    return root


def project_key(root: bytes, project: str) -> bytes:
    """The key of one project: pseudonyms of two projects can never be joined."""
    info = b"tracetape project pseudonyms 1\0" + project.encode("utf-8", "replace")
    return HKDF(hashes.SHA256(), KEY_BYTES, None, info).derive(root)
