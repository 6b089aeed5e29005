from __future__ import annotations

import os
from pathlib import Path

import pytest

from collector.pseudonym_key import NAME, PseudonymKey, ensure_keys, load_keys, rotate_key, version_of
from spans.errors import SettingsError


def test_the_root_is_made_once_and_private(tmp_path: Path) -> None:
    keys = ensure_keys(tmp_path / "keys")
    assert ensure_keys(tmp_path / "keys") == keys
    assert len(keys.current.root) == 32
    assert (tmp_path / "keys" / NAME).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "keys").iterdir()] == [NAME]


def test_projects_have_keys_of_their_own(tmp_path: Path) -> None:
    key = ensure_keys(tmp_path).current
    assert key.of_project("a") == key.of_project("a")
    assert len({key.of_project(name) for name in ("a", "b", "", "default")}) == 4
    assert PseudonymKey(bytes(32)).of_project("a") != key.of_project("a")


def test_a_damaged_root_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"short")
    with pytest.raises(SettingsError, match="has 5 bytes"):
        ensure_keys(tmp_path)
    assert (tmp_path / NAME).read_bytes() == b"short"


def test_rotation_puts_a_new_key_in_force_and_keeps_the_old_ones(tmp_path: Path) -> None:
    first = ensure_keys(tmp_path).current
    seen = version_of(tmp_path)
    second = rotate_key(tmp_path).current
    third = rotate_key(tmp_path)
    assert third.retired == (second, first)
    assert len({key.key_id for key in third.all}) == 3
    assert version_of(tmp_path) != seen
    assert load_keys(tmp_path) == third
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())


def test_a_rotation_that_was_cut_short_changes_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    before = ensure_keys(tmp_path).current
    os.link(tmp_path / NAME, tmp_path / f"pseudonym-0001-{before.key_id}.key")
    assert load_keys(tmp_path).all == (before,)
    assert rotate_key(tmp_path).retired == (before,)


def test_a_key_in_force_that_is_gone_is_not_made_anew_while_retired_ones_lie_there(tmp_path: Path) -> None:
    ensure_keys(tmp_path)
    rotate_key(tmp_path)
    (tmp_path / NAME).unlink()
    with pytest.raises(SettingsError, match="cannot be read"):
        ensure_keys(tmp_path)


def test_the_id_tells_nothing_of_the_key_and_the_key_is_in_no_text(tmp_path: Path) -> None:
    key = ensure_keys(tmp_path).current
    assert len(key.key_id) == 8
    assert key.key_id not in key.root.hex()
    assert key.root.hex() not in repr(key)
    assert str(key.root) not in repr(key)
