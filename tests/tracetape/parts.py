"""Real `tracetape receive`, `work`, `main` and `web` for tests, on servers of the machine's own."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.tracetape.running import clean_environ

START_S = 60


class PartProcess:
    """One part: its printed lines, an end that is orderly or not."""

    def __init__(self, part: str, data: Path, environ: dict[str, str], *options: str) -> None:
        self.part = part
        self.lines: list[str] = []
        self._ready = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tracetape", part, "--data", str(data), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean_environ() | environ,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_ready(self) -> str:
        """The line that begins with `ready:` or `started:`."""
        deadline = time.monotonic() + START_S
        while not self._ready.wait(0.05):
            assert self.process.poll() is None, (self.part, self.lines)
            assert time.monotonic() < deadline, (self.part, self.lines)
        return self.lines[-1]

    def address(self, word: str) -> str:
        """The address behind a word of the ready line."""
        words = self.wait_ready().split()
        return words[words.index(word) + 1]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(15)
        self.process.kill()
        code = self.process.wait()
        self._reader.join(5)
        return code

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith(("ready:", "started:")):
                self._ready.set()
        self.process.stdout.close()
