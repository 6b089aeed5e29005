from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from collector.spool.format import Payload, Signal
from collector.spool.keys import ensure_spool_keys, load_seal_key, rotate_spool_keys
from collector.spool.writer import SpoolWriter
from spans.health import ForwardStatus
from tracetape import doctor
from tracetape.doctor import Patient, State, examine, file_system_of
from tracetape.folder import DataFolder, write_status
from tracetape.settings import ServeSettings

COUNT = {"acked": 10, "pending": 0, "stored": 10, "quarantined": 0, "dropped_by_person": 0, "expired": 0}


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    folder = DataFolder(tmp_path)
    folder.create()
    ensure_spool_keys(folder.keys)
    return Patient(folder, ServeSettings(), {"spans": COUNT, "logs": COUNT})


def states(patient: Patient) -> dict[str, State]:
    return {f.check: f.state for f in examine(patient)}


def test_a_healthy_folder_has_no_bad_finding(patient):
    assert State.BAD not in states(patient).values()


def test_a_key_that_others_can_read_is_bad(patient):
    (patient.folder.keys / "spool_public.pem").chmod(0o644)
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


@pytest.mark.parametrize(
    ("age_s", "trouble", "state"),
    [
        (0, "", State.OK),
        (60, "", State.OK),
        (60, "It answered 503.", State.WARN),
        (7200, "It answered 503.", State.BAD),
    ],
)
def test_a_forwarder_that_is_behind_is_said_and_why(patient, age_s, trouble, state):
    oldest_ns = int((doctor.time.time() - age_s) * 1e9) if age_s else 0
    status = asdict(ForwardStatus("https://x", 3, sent=7, waiting=2, oldest_ns=oldest_ns, trouble=trouble))
    late = Patient(patient.folder, patient.settings, {"spans": COUNT, "logs": COUNT, "forward": status})
    [finding] = [f for f in examine(late) if f.check == "forwarding"]
    assert finding.state is state
    assert finding.advice == trouble
    assert "forwarding" not in states(patient)


def test_a_gap_of_forwarding_is_said_for_the_signal_that_has_it(patient):
    logs = ForwardStatus("https://x", 3, sent=7, gone=9)
    told = asdict(ForwardStatus("https://x", 3, sent=7, logs=logs))
    behind = Patient(patient.folder, patient.settings, {"spans": COUNT, "logs": COUNT, "forward": told})
    found = {f.check: (f.state, f.sentence) for f in examine(behind) if f.check.startswith("forwarding")}
    assert found["forwarding"][0] is State.OK
    assert found["forwarding of log records"][0] is State.WARN
    assert "9 had expired" in found["forwarding of log records"][1]


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


def test_records_whose_key_is_missing_are_found(patient):
    writer = SpoolWriter(patient.folder.spool, lambda: load_seal_key(patient.folder.keys))
    writer.start()
    writer.offer(Signal.SPANS, "p", 1, Payload(b"x")).result(5)
    writer.close(5)
    assert states(patient)["spool keys"] is State.OK
    rotate_spool_keys(patient.folder.keys)
    assert states(patient)["spool keys"] is State.OK
    (retired,) = patient.folder.keys.glob("spool_private-*.pem")
    retired.unlink()
    assert states(patient)["spool keys"] is State.BAD


def test_a_public_key_that_belongs_to_another_private_key_is_bad(patient):
    public = (patient.folder.keys / "spool_public.pem").read_bytes()
    rotate_spool_keys(patient.folder.keys)
    for retired in patient.folder.keys.glob("spool_private-*.pem"):
        retired.unlink()
    (patient.folder.keys / "spool_public.pem").write_bytes(public)
    assert states(patient)["spool keys"] is State.BAD
    (patient.folder.keys / "spool_private.pem").write_text("no key")
    assert states(patient)["spool keys"] is State.BAD


def test_a_clock_that_was_set_back_is_bad(patient):
    write_status(patient.folder.receiver_status, {"last_accepted_ns": (int(doctor.time.time()) + 600) * 10**9})
    assert states(patient)["clock"] is State.BAD


def test_a_clock_nobody_corrects_is_said(patient, monkeypatch):
    monkeypatch.setattr(doctor, "is_synchronised", lambda: False)
    assert states(patient)["clock"] is State.WARN


def test_the_kernel_is_asked_about_its_clock():
    assert doctor.is_synchronised() in {True, False, None}


@pytest.mark.parametrize("url", ["tracetape.example.com", "ftp://x", "https://"])
def test_a_public_url_that_is_no_address_is_bad(patient, url):
    patient = Patient(patient.folder, ServeSettings.model_construct(public_url=url), patient.health)
    assert states(patient)["public URL"] is State.BAD
