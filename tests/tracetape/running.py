"""A real `tracetape serve` for tests: real processes, free ports, a folder of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

START_S = 90
READY = re.compile(r"^ready: grpc (\S+)\s+http (\S+)\s+web (\S+)$")


def clean_environ() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("TRACETAPE_", "OTEL_"))}


class Running:
    """Starts on entering, stops on leaving; `restart` keeps the folder and the ports."""

    def __init__(
        self,
        data: Path,
        *options: str,
        environ: dict[str, str] | None = None,
        start_s: float = START_S,
        cwd: Path | None = None,
    ) -> None:
        """`cwd`: the tree of another version, which is then what runs."""
        self.data = data
        self.cwd = cwd
        self.environ = environ or {}
        self.start_s = start_s
        self.options = options
        self.lines: list[str] = []
        self.grpc = self.http = self.web = ""
        self.process: subprocess.Popen[str] | None = None
        self._key = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, **ports: str) -> None:
        command = [sys.executable, "-m", "tracetape", "serve", "--data", str(self.data)]
        for name in ("grpc", "http", "web"):
            command += [f"--{name}-port", ports.get(name, "0")]
        self.process = subprocess.Popen(
            [*command, *self.options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean_environ() | self.environ,
            cwd=self.cwd,
        )
        ready = threading.Event()
        threading.Thread(target=self._read, args=(self.process, ready), daemon=True).start()
        deadline = time.monotonic() + self.start_s
        while not ready.wait(0.1):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError("serve did not become ready:\n" + "\n".join(self.lines) + self.logs())

    def _read(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout
        for line in process.stdout:
            self.lines.append(line.rstrip())
            if match := READY.match(line.rstrip()):
                self.grpc, self.http, self.web = match.groups()
                ready.set()
        process.stdout.close()

    def logs(self) -> str:
        found = sorted((self.data / "logs").glob("*.log")) if (self.data / "logs").is_dir() else []
        return "".join(f"\n--- {p.name}\n{p.read_text(errors='replace')[-3000:]}" for p in found)

    def stop(self, how: signal.Signals = signal.SIGINT) -> float:
        """Seconds it took to leave."""
        if self.process is None:
            return 0.0
        started = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("serve did not stop" + self.logs()) from None
        return time.monotonic() - started

    def restart(self) -> None:
        ports = {
            "grpc": self.grpc.rsplit(":", 1)[1],
            "http": self.http.rsplit(":", 1)[1],
            "web": self.web.rsplit(":", 1)[1],
        }
        self.lines.clear()
        self.start(**ports)

    def children(self) -> dict[str, int]:
        """Role → pid of the running children."""
        assert self.process
        found = {}
        for proc in Path("/proc").iterdir():
            if not proc.name.isdigit():
                continue
            try:
                words = (proc / "cmdline").read_bytes().split(b"\0")
                parent = int((proc / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            if parent == self.process.pid and b"tracetape.child" in words:
                at = words.index(b"tracetape.child")
                role = words[at + 1].decode()
                found[role if role != "work" else f"work {words[at + 3].decode()}"] = int(proc.name)
        return found

    def cli(self, *words: str, said: str | None = None, timeout_s: float = 120) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tracetape", *words, "--data", str(self.data)],
            input=said,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=clean_environ(),
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def key(self) -> str:
        if not self._key:
            self._key = self.cli("keys", "create", "--role", "viewer", "--name", "tests")
        return self._key

    def api(self, path: str) -> Any:
        return self.api_with(self.key(), path)

    def api_with(self, key: str, path: str) -> Any:
        request = urllib.request.Request(self.web + path, headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def metrics(self) -> bytes:
        with urllib.request.urlopen(f"{self.web}/metrics", timeout=30) as answer:
            return bytes(answer.read())

    def try_api(self, path: str) -> Any | None:
        try:
            return self.api(path)
        except (urllib.error.HTTPError, urllib.error.URLError, OSError):
            return None

    def settle(self, timeout_s: float = 60) -> dict[str, Any]:
        """Wait until nothing is pending."""
        return wait_for(
            lambda: (
                (d := self.try_api("/api/v1/health"))
                and all(c["pending"] == 0 for c in d["data"].values())
                and d["data"]
            ),
            timeout_s,
            "nothing pending",
        )


def wait_for(check: Callable[[], Any], timeout_s: float, what: str) -> Any:
    deadline = time.monotonic() + timeout_s
    while True:
        if found := check():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s} s in vain: {what}")
        time.sleep(0.1)
