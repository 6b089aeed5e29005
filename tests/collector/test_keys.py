from __future__ import annotations

import os
from pathlib import Path

import pytest

from collector.spool.format import Payload, Signal
from collector.spool.keys import (
    PRIVATE_NAME,
    PUBLIC_NAME,
    UnsealError,
    destroy_retired_keys,
    ensure_spool_keys,
    load_key_ring,
    load_seal_key,
    rotate_spool_keys,
    write_secret,
)
from collector.spool.reader import SegmentReader, segment_paths
from collector.spool.writer import SpoolWriter
from spans.errors import SettingsError
from tests.collector.model_disk import ModelDisk


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


def test_a_retired_key_is_destroyed_when_nothing_is_sealed_for_it_any_more(tmp_path: Path) -> None:
    ensure_spool_keys(tmp_path)
    first = load_seal_key(tmp_path)
    rotate_spool_keys(tmp_path)
    second = load_seal_key(tmp_path)
    rotate_spool_keys(tmp_path)
    assert destroy_retired_keys(tmp_path, set()) == 0, "a segment sealed for it may just be made"
    assert destroy_retired_keys(tmp_path, {first.key_id}, older_than_s=0) == 1
    ring = load_key_ring(tmp_path)
    assert ring.knows(first.key_id)
    assert not ring.knows(second.key_id)
    assert destroy_retired_keys(tmp_path, set(), older_than_s=0) == 1
    assert load_key_ring(tmp_path).knows(load_seal_key(tmp_path).key_id)


def test_no_key_and_slot_are_ever_used_twice(tmp_path: Path) -> None:
    """S22: a slot's number is its nonce, so every restart begins with a key of its own."""
    ensure_spool_keys(tmp_path / "keys")
    seal, ring, seen = load_seal_key(tmp_path / "keys"), load_key_ring(tmp_path / "keys"), set()
    for _ in range(200):
        disk = ModelDisk()
        writer = SpoolWriter(Path("/model"), lambda: seal, None, disk)
        for slots in (2, 1):
            for _ in range(slots):
                writer.offer(Signal.SPANS, "p", 1, Payload(b"x"))
            writer._commit(writer._gather())
        (path,) = segment_paths(Path("/model"), disk)
        reader = SegmentReader(path, disk)
        key = reader.header.data_key(ring)
        pairs = {(key, ref.head.slot) for ref in reader.scan().records}
        assert len(pairs) == 3
        assert not pairs & seen
        seen |= pairs


def test_a_key_is_written_whole_although_the_system_writes_a_few_bytes_at_a_time(tmp_path, monkeypatch) -> None:
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: write(fd, bytes(data[:7]), offset))
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data[:7]), 0))
    write_secret(tmp_path / "key", bytes(range(32)))
    assert (tmp_path / "key").read_bytes() == bytes(range(32))
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
