from __future__ import annotations

from pathlib import Path

import pytest

from collector.pseudonym_key import NAME, ensure_root_key, project_key
from spans.errors import SettingsError


def test_the_root_is_made_once_and_private(tmp_path: Path) -> None:
    root = ensure_root_key(tmp_path / "keys")
    assert ensure_root_key(tmp_path / "keys") == root
    assert len(root) == 32
    assert (tmp_path / "keys" / NAME).stat().st_mode & 0o777 == 0o600


def test_projects_have_keys_of_their_own(tmp_path: Path) -> None:
    root = ensure_root_key(tmp_path)
    assert project_key(root, "a") == project_key(root, "a")
    assert len({project_key(root, name) for name in ("a", "b", "", "default")}) == 4
    assert project_key(bytes(32), "a") != project_key(root, "a")


def test_a_damaged_root_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"short")
    with pytest.raises(SettingsError, match="has 5 bytes"):
        ensure_root_key(tmp_path)
    assert (tmp_path / NAME).read_bytes() == b"short"
