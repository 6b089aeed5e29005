"""Spool keys: a segment key is wrapped to a public key; only who holds the private one can read a record."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from collector.spool.io import DiskIO
from spans.errors import HouseError, SettingsError

PRIVATE_NAME = "spool_private.pem"
PUBLIC_NAME = "spool_public.pem"
RETIRED_PREFIX = "spool_private-"

DATA_KEY_BYTES = 32
KEY_ID_BYTES = 16
WRAPPED_BYTES = 32 + DATA_KEY_BYTES + 16
"""Ephemeral public key, sealed data key, tag."""
_WRAP_NONCE = bytes(12)
"""A constant is safe here: the wrapping key is derived from a fresh ephemeral key and used once."""


class UnsealError(HouseError):
    """The bytes are not what was sealed, or were sealed for another key."""


@dataclass(frozen=True, slots=True)
class SealKey:
    """The public half: can seal, cannot read."""

    key_id: bytes
    public: X25519PublicKey

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """Seal a data key so that only the private half opens it; `context` must be repeated to unwrap."""
        ephemeral = X25519PrivateKey.generate()
        public = _raw(ephemeral.public_key())
        wrapping = _derive(ephemeral.exchange(self.public), public + _raw(self.public))
        return public + AESGCM(wrapping).encrypt(_WRAP_NONCE, data_key, context)


class KeyRing:
    """Private halves by key id: the current one and those retired by rotation."""

    def __init__(self, keys: Mapping[bytes, X25519PrivateKey]) -> None:
        self._keys = dict(keys)

    def knows(self, key_id: bytes) -> bool:
        """Whether the private half of a key is here."""
        return key_id in self._keys

    def unwrap(self, key_id: bytes, wrapped: bytes, context: bytes) -> bytes:
        """The data key inside `wrapped`.

        Raises:
            UnsealError: no such private key, or the bytes were changed or destroyed.
        """
        private = self._keys.get(key_id)
        if private is None:
            raise UnsealError("The spool key this was sealed for is not in the keys folder.")
        if len(wrapped) != WRAPPED_BYTES:
            raise UnsealError("A wrapped key has another length.")
        try:
            shared = private.exchange(X25519PublicKey.from_public_bytes(wrapped[:32]))
            wrapping = _derive(shared, wrapped[:32] + _raw(private.public_key()))
            return AESGCM(wrapping).decrypt(_WRAP_NONCE, wrapped[32:], context)
        except (InvalidTag, ValueError):
            raise UnsealError("The wrapped key was changed or destroyed.") from None


def ensure_spool_keys(folder: Path) -> None:
    """Create the key pair on first start; the private file is readable by its owner only.

    Several receivers may start on one folder at the same moment: whoever comes second finds the pair of the first.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        if not (folder / PRIVATE_NAME).exists():
            _write_pair(folder)
        elif not (folder / PUBLIC_NAME).exists():
            _write_public(folder, _load_private(folder / PRIVATE_NAME))
    finally:
        os.close(fd)


def rotate_spool_keys(folder: Path) -> None:
    """Begin a new pair; segments sealed for the old one stay readable, the receiver follows at its next segment."""
    current = folder / PRIVATE_NAME
    retired = folder / f"{RETIRED_PREFIX}{_key_id(_load_private(current).public_key()).hex()}.pem"
    if not retired.exists():
        os.link(current, retired)
    _write_pair(folder)


def destroy_retired_keys(folder: Path, used: Collection[bytes], older_than_s: float = 3600.0) -> int:
    """Destroy retired private keys that nothing is sealed for any more; returns how many went.

    Args:
        folder: the keys.
        used: ids of the keys that something in the spool is sealed for.
        older_than_s: a key retired since then stays: a segment sealed for it may be about to get its name.
    """
    gone = 0
    for path in folder.glob(f"{RETIRED_PREFIX}*.pem"):
        key_id = path.stem.removeprefix(RETIRED_PREFIX)
        if key_id in {one.hex() for one in used} or time.time() - path.stat().st_ctime < older_than_s:
            continue
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            os.fsync(file.fileno())
        path.unlink()
        gone += 1
    return gone


def load_seal_key(folder: Path) -> SealKey:
    """The current public key.

    Raises:
        SettingsError: it is missing or not a key.
    """
    path = folder / PUBLIC_NAME
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"The spool's public key {path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise SettingsError(f"{path} does not hold a public key.") from None
    if not isinstance(key, X25519PublicKey):
        raise SettingsError(f"{path} holds a key of another kind; an X25519 key is needed.")
    return SealKey(_key_id(key), key)


def load_key_ring(folder: Path) -> KeyRing:
    """Every private key in the folder, the current and the retired.

    Raises:
        SettingsError: the current one is missing, or one is not a key.
    """
    paths = [folder / PRIVATE_NAME, *sorted(folder.glob(f"{RETIRED_PREFIX}*.pem"))]
    keys = [_load_private(path) for path in paths]
    return KeyRing({_key_id(key.public_key()): key for key in keys})


def write_secret(path: Path, content: bytes) -> None:
    """Write a file only its owner can read, whole or not at all, durable."""
    disk, fresh = DiskIO(), path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        disk.write_at(fd, content, 0)  # a short write is legal, and half a key is none
        os.fsync(fd)
    finally:
        os.close(fd)
    fresh.replace(path)
    disk.fsync_folder(path.parent)


def _write_pair(folder: Path) -> None:
    private = X25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_secret(folder / PRIVATE_NAME, pem)  # first: a public key without its private half would seal for nobody
    _write_public(folder, private)


def _write_public(folder: Path, private: X25519PrivateKey) -> None:
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_secret(folder / PUBLIC_NAME, pem)


def _load_private(path: Path) -> X25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise SettingsError(f"The spool's private key {path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise SettingsError(f"{path} does not hold a private key.") from None
    if not isinstance(key, X25519PrivateKey):
        raise SettingsError(f"{path} holds a key of another kind; an X25519 key is needed.")
    return key


def _raw(key: X25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _key_id(key: X25519PublicKey) -> bytes:
    return hashlib.sha256(_raw(key)).digest()[:KEY_ID_BYTES]


def _derive(shared: bytes, salt: bytes) -> bytes:
    return HKDF(hashes.SHA256(), DATA_KEY_BYTES, salt, b"tracetape spool segment key 1").derive(shared)
