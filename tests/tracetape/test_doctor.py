from __future__ import annotations

from pathlib import Path

import pytest

from tracetape import doctor
from tracetape.doctor import Patient, State, examine, file_system_of
from tracetape.folder import DataFolder
from tracetape.settings import ServeSettings

COUNT = {"acked": 10, "pending": 0, "stored": 10, "quarantined": 0, "dropped_by_person": 0, "expired": 0}


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    folder = DataFolder(tmp_path)
    folder.create()
    (folder.keys / "spool.pem").write_text("x")
    (folder.keys / "spool.pem").chmod(0o600)
    return Patient(folder, ServeSettings(), {"spans": COUNT, "logs": COUNT})


def states(patient: Patient) -> dict[str, State]:
    return {f.check: f.state for f in examine(patient)}


def test_a_healthy_folder_has_no_bad_finding(patient):
    assert State.BAD not in states(patient).values()


def test_a_key_that_others_can_read_is_bad(patient):
    (patient.folder.keys / "spool.pem").chmod(0o644)
    assert states(patient)["keys"] is State.BAD


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "tmpfs"])
def test_a_file_system_that_forgets_is_bad(patient, monkeypatch, kind):
    monkeypatch.setattr(doctor, "file_system_of", lambda *_: kind)
    assert states(patient)["file system"] is State.BAD


def test_the_deepest_mount_point_names_the_file_system():
    mounts = "/dev/a / ext4 rw 0 0\nserver:/x /data nfs4 rw 0 0\n/dev/b /database xfs rw 0 0\n"
    assert file_system_of(Path("/data/tape"), mounts) == "nfs4"
    assert file_system_of(Path("/database"), mounts) == "xfs"
    assert file_system_of(Path("/home"), mounts) == "ext4"


def test_a_clock_in_the_past_is_bad(patient, monkeypatch):
    monkeypatch.setattr(doctor.time, "time", lambda: 1.0)
    assert states(patient)["clock"] is State.BAD


def test_a_full_disk_is_bad(patient, monkeypatch):
    usage = type("Usage", (), {"free": 1, "total": 100})
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage)
    assert states(patient)["space"] is State.BAD


def test_a_gap_in_the_delivery_check_is_bad_and_quarantine_a_warning(patient):
    gap = Patient(patient.folder, patient.settings, {"spans": COUNT | {"stored": 9}, "logs": COUNT})
    assert states(gap)["delivery"] in {State.BAD, State.OK}
    assert any(f.state is State.BAD and "unaccounted" in f.sentence for f in examine(gap))
    held = Patient(patient.folder, patient.settings, {"spans": COUNT | {"stored": 9, "quarantined": 1}, "logs": COUNT})
    assert any(f.state is State.WARN and "quarantine" in f.sentence for f in examine(held))


@pytest.mark.parametrize(("took", "state"), [(0.001, State.WARN), (4.0, State.OK), (500.0, State.WARN)])
def test_fsync_that_is_too_slow_or_too_fast_is_said(patient, monkeypatch, took, state):
    monkeypatch.setattr(doctor, "measure_fsync_ms", lambda _: took)
    assert states(patient)["fsync"] is state


def test_a_public_bind_without_a_public_url_is_said(patient):
    public = Patient(patient.folder, ServeSettings(host="0.0.0.0"), patient.health)
    assert states(public)["public URL"] is State.WARN


def test_a_check_that_cannot_run_is_a_finding_and_not_a_crash(patient, monkeypatch):
    def broken(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor, "measure_fsync_ms", broken)
    assert any("Could not be checked: Permission denied" in f.sentence for f in examine(patient))
