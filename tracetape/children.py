"""Child processes of `serve`: started by spawn, watched, restarted with a growing pause, stopped in order."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tracetape.child import REFUSED
from tracetape.folder import DataFolder, read_status, write_status

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
RECEIVER_PAUSE_S = 0.5
"""SDKs wait 6.5 s for somebody to listen again and then drop the batch (measured): it may never be kept waiting."""
CALM_S = 30.0
"""A child that lived this long is healthy again: its pause starts over."""
LEFTOVER_WAIT_S = 12.0
LOOK_S = 0.1


@dataclass(slots=True)
class Child:
    """One child process and how to start it again."""

    name: str
    role: str
    data: Path
    log_path: Path
    pass_fds: Sequence[int] = ()
    extra: Sequence[str] = ()
    longest_pause_s: float = LONGEST_PAUSE_S
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    _pause_s: float = FIRST_PAUSE_S
    _started: float = 0.0
    _start_at: float = field(default=0.0)

    def start(self) -> None:
        """Spawn it in a session of its own, so that Ctrl-C reaches only the supervisor."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tracetape.child", self.role, str(self.data), *self.extra],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=tuple(self.pass_fds),
                start_new_session=True,
                env=os.environ | {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        self._started = time.monotonic()

    @property
    def pid(self) -> int:
        """Process id; 0 before the first start."""
        return self.process.pid if self.process else 0

    def is_running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def tend(self) -> str | None:
        """Restart it when it died; returns a sentence when something happened, None otherwise."""
        if self.process is None or self.is_running():
            return None
        now = time.monotonic()
        if not self._start_at:
            code = self.process.returncode
            if now - self._started > CALM_S or code == 0:
                self._pause_s = FIRST_PAUSE_S
            self._start_at = now + self._pause_s
            self._pause_s = min(self.longest_pause_s, self._pause_s * 2)
            if code == 0:
                return None  # a worker that recycles itself before its memory grows
            how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
            return f"{self.name} stopped ({how}); starting it again. Its log: {self.log_path}"
        if now >= self._start_at:
            self._start_at = 0.0
            self.restarts += 1
            self.start()
        return None

    def stop(self) -> None:
        """Ask it to finish."""
        if self.is_running() and self.process:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)

    def wait_or_kill(self, deadline: float) -> bool:
        """Wait until the monotonic `deadline`, then kill; True when it left by itself."""
        if self.process is None:
            return True
        try:
            self.process.wait(max(0.05, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
            return False
        return True


def refusal(folder: DataFolder, child: Child) -> str:
    """Why this child ended for good, in one sentence; empty while it is worth starting it again.

    Parts that run by themselves share the file: only who left with the code of a refusal has written it.
    """
    if child.process is None or child.process.returncode != REFUSED:
        return ""
    return str(read_status(folder.refused_file).get("sentence", ""))


def leftovers(pids: Sequence[int]) -> list[int]:
    """Which of these processes of an earlier `serve` still live (its children end within seconds of it)."""
    alive = []
    for pid in pids:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"tracetape.child" in words:
            alive.append(pid)
    return alive


def note_pids(note: Path, children: Sequence[Child]) -> None:
    """Write down who is running, for whoever starts after a kill -9 of their supervisor."""
    write_status(note, {"pids": [c.pid for c in children if c.pid]})


def end_leftovers(note: Path, say: Callable[[str], None]) -> None:
    """After a kill -9 of the supervisor its children need a moment to notice and leave; wait, then kill."""
    noted = read_status(note).get("pids", [])
    pids = [p for p in noted if isinstance(p, int)] if isinstance(noted, list) else []
    deadline = time.monotonic() + LEFTOVER_WAIT_S
    alive = leftovers(pids)
    if alive:
        say("waiting for the processes of an earlier run to end …")
    while alive and time.monotonic() < deadline:
        time.sleep(LOOK_S)
        alive = leftovers(alive)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
