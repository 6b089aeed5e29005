from __future__ import annotations

from pathlib import Path

import pytest

from collector.spool.keys import (
    PRIVATE_NAME,
    PUBLIC_NAME,
    UnsealError,
    ensure_spool_keys,
    load_key_ring,
    load_seal_key,
    rotate_spool_keys,
)
from spans.errors import SettingsError


def test_only_the_private_half_unwraps(tmp_path: Path) -> None:
    ensure_spool_keys(tmp_path / "a")
    ensure_spool_keys(tmp_path / "b")
    seal = load_seal_key(tmp_path / "a")
    wrapped = seal.wrap(b"k" * 32, b"context")
    assert load_key_ring(tmp_path / "a").unwrap(seal.key_id, wrapped, b"context") == b"k" * 32
    with pytest.raises(UnsealError, match="not in the keys folder"):
        load_key_ring(tmp_path / "b").unwrap(seal.key_id, wrapped, b"context")
    for broken in (wrapped[:-1], bytes(len(wrapped)), wrapped[:-1] + bytes([wrapped[-1] ^ 1])):
        with pytest.raises(UnsealError):
            load_key_ring(tmp_path / "a").unwrap(seal.key_id, broken, b"context")
    with pytest.raises(UnsealError):
        load_key_ring(tmp_path / "a").unwrap(seal.key_id, wrapped, b"another context")


def test_keys_are_made_once_and_private(tmp_path: Path) -> None:
    ensure_spool_keys(tmp_path / "keys")
    before = (tmp_path / "keys" / PRIVATE_NAME).read_bytes()
    ensure_spool_keys(tmp_path / "keys")
    assert (tmp_path / "keys" / PRIVATE_NAME).read_bytes() == before
    assert (tmp_path / "keys" / PRIVATE_NAME).stat().st_mode & 0o777 == 0o600
    (tmp_path / "keys" / PUBLIC_NAME).unlink()
    ensure_spool_keys(tmp_path / "keys")
    load_seal_key(tmp_path / "keys")


def test_rotation_keeps_what_was_sealed_before(tmp_path: Path) -> None:
    ensure_spool_keys(tmp_path)
    old = load_seal_key(tmp_path)
    wrapped = old.wrap(b"k" * 32, b"")
    rotate_spool_keys(tmp_path)
    rotate_spool_keys(tmp_path)
    assert load_seal_key(tmp_path).key_id != old.key_id
    assert load_key_ring(tmp_path).unwrap(old.key_id, wrapped, b"") == b"k" * 32


def test_unusable_keys_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_seal_key(tmp_path)
    with pytest.raises(SettingsError, match="cannot be read"):
        load_key_ring(tmp_path)
    (tmp_path / PUBLIC_NAME).write_text("nonsense")
    (tmp_path / PRIVATE_NAME).write_text("nonsense")
    with pytest.raises(SettingsError, match="does not hold"):
        load_seal_key(tmp_path)
    with pytest.raises(SettingsError, match="does not hold"):
        load_key_ring(tmp_path)
