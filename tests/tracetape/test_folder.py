from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from spans.errors import SettingsError
from tracetape.folder import DataFolder, FolderLock, is_held, make_sockets, read_status, remove_sockets, write_status


def test_everything_in_the_folder_belongs_to_the_owner_alone(tmp_path: Path):
    folder = DataFolder(tmp_path / "data")
    folder.create()
    for place in (folder.root, folder.keys, folder.spool, folder.run, folder.logs):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_a_second_lock_on_the_folder_is_refused_with_the_holder(tmp_path: Path):
    folder = DataFolder(tmp_path)
    first = FolderLock(folder)
    first.acquire()
    with pytest.raises(SettingsError, match=f"in use by another tracetape \\(process {os.getpid()}\\)"):
        FolderLock(folder).acquire()
    assert is_held(folder)
    first.release()
    assert not is_held(folder)


def test_a_path_that_cannot_be_a_folder_is_refused(tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("x")
    with pytest.raises(SettingsError, match="cannot be written"):
        DataFolder(blocked / "data").create()


def test_a_status_file_is_read_back_and_a_broken_one_is_empty(tmp_path: Path):
    path = tmp_path / "status.json"
    assert read_status(path) == {}
    write_status(path, {"pid": 7})
    assert read_status(path) == {"pid": 7}
    path.write_text("{half")
    assert read_status(path) == {}


def test_sockets_have_a_short_private_folder_of_their_own(tmp_path: Path):
    folder = DataFolder(tmp_path / ("deep" * 20) / ("folder" * 15))
    folder.create()
    place = make_sockets(folder)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert folder.control_socket.parent == folder.worker_socket.parent == place
    with socket.socket(socket.AF_UNIX) as probe:
        probe.bind(str(folder.control_socket))
    remove_sockets(folder)
    remove_sockets(folder)
    assert not place.exists()
