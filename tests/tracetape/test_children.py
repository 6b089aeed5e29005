from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tracetape import children
from tracetape.children import Child, leftovers, refusal
from tracetape.folder import DataFolder, write_status


@pytest.fixture
def child(tmp_path: Path, monkeypatch):
    """A child that runs a line of Python instead of a role."""
    made = Child("sleeper", "sleep", tmp_path, tmp_path / "sleeper.log")
    real = subprocess.Popen

    def popen(_command, **options):
        return real([sys.executable, "-c", made.role], **options)

    monkeypatch.setattr(children.subprocess, "Popen", popen)
    yield made
    if made.process and made.is_running():
        made.process.kill()
        made.process.wait()


def wait_until_gone(child: Child) -> None:
    child.process.wait(10)


def test_a_child_that_dies_is_started_again_after_a_pause(child):
    child.role = "import time; time.sleep(60)"
    child.start()
    first = child.pid
    child.process.kill()
    wait_until_gone(child)
    assert "killed by signal 9" in child.tend()
    assert not child.is_running()
    time.sleep(children.FIRST_PAUSE_S + 0.05)
    assert child.tend() is None
    assert child.is_running()
    assert child.pid != first


def test_the_pause_doubles_while_a_child_keeps_dying(child):
    child.role = "raise SystemExit(3)"
    pauses = []
    for _ in range(3):
        child._start_at = 0.0
        child.start()
        wait_until_gone(child)
        assert "exit code 3" in child.tend()
        pauses.append(child._pause_s)
    assert pauses == [0.2, 0.4, 0.8]


def test_a_worker_that_recycles_itself_is_restarted_without_a_word(child):
    child.role = "raise SystemExit(0)"
    child.start()
    wait_until_gone(child)
    assert child.tend() is None


def test_a_child_that_ignores_the_end_is_killed_at_the_deadline(child):
    child.role = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    child.start()
    while "1" not in child.log_path.read_text():
        time.sleep(0.02)
    child.stop()
    assert child.wait_or_kill(time.monotonic() + 0.3) is False
    assert not child.is_running()


def test_only_our_own_processes_count_as_leftovers():
    with subprocess.Popen(["sleep", "30"]) as stranger:
        assert leftovers([stranger.pid, 2**22]) == []
        stranger.kill()


@pytest.mark.parametrize(("code", "said"), [(2, "update tracetape"), (1, ""), (0, "")])
def test_only_a_child_that_refused_ends_for_good(child, tmp_path, code, said):
    """The note lies in the folder of all parts: main's refusal must not end a receiver that was killed."""
    folder = DataFolder(tmp_path)
    folder.refused_file.parent.mkdir(parents=True, exist_ok=True)
    write_status(folder.refused_file, {"sentence": "update tracetape"})
    assert refusal(folder, child) == "", "it never ran"
    child.role = f"raise SystemExit({code})"
    child.start()
    wait_until_gone(child)
    child.tend()
    assert refusal(folder, child) == said
