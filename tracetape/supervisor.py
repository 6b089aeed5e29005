"""The supervisor of `serve`: checks, sockets, children, the ready line, and an orderly end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from spans.errors import SettingsError
from tracetape.children import LONGEST_PAUSE_S, RECEIVER_PAUSE_S, Child, end_leftovers, note_pids, refusal
from tracetape.folder import DataFolder, FolderLock, make_sockets, read_status, remove_sockets, write_status
from tracetape.ports import open_listener, reserve_port
from tracetape.settings import ServeSettings

TICK_S = 0.1
RECEIVER_STOP_S = 3.0
MAIN_STOP_S = 5.0
WORKER_STOP_S = 1.5
"""Together below 10 s, the grace that container runtimes give."""


class Supervisor:
    """Runs one `serve` from start to end."""

    def __init__(self, settings: ServeSettings, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._folder = DataFolder(settings.data.expanduser().resolve())
        self._lock = FolderLock(self._folder)
        self._stop = threading.Event()
        self._children: list[Child] = []
        self._refused = ""

    def run(self) -> int:
        """Serve until told to stop. Returns the exit code.

        Raises:
            SettingsError: the folder, a port or a setting cannot be used.
        """
        self._folder.create()
        self._lock.acquire()
        try:
            end_leftovers(self._folder.run / "pids.json", self._say)
            remove_sockets(self._folder)
            make_sockets(self._folder)
            return self._serve()
        finally:
            remove_sockets(self._folder)
            self._lock.release()

    def _serve(self) -> int:
        s = self._settings
        if tls := s.tls():
            tls.check()
        grpc = reserve_port(s.host, s.grpc_port, "grpc")
        http = open_listener(s.host, s.http_port, "http")
        web = open_listener(s.host, s.web_port, "web")
        ports = {"grpc": grpc.getsockname()[1], "http": http.getsockname()[1], "web": web.getsockname()[1]}
        workers = s.workers or (os.cpu_count() or 1)
        for status in (self._folder.main_status, self._folder.receiver_ready, self._folder.refused_file):
            status.unlink(missing_ok=True)
        write_status(
            self._folder.serve_file,
            s.model_dump(mode="json")
            | {"data": str(self._folder.root), "ports": ports, "fds": {"http": http.fileno(), "web": web.fileno()}}
            | {"workers": workers},
        )
        receiver = self._child("receiver", "receive", pass_fds=[http.fileno()])
        main = self._child("main", "main", pass_fds=[web.fileno()])
        crew = [self._child(f"worker {n}", "work", extra=[str(n)]) for n in range(1, workers + 1)]
        notifier = self._child("notifier", "notify")
        leaving = [notifier, *([self._child("forwarder", "forward")] if s.forward_url else [])]
        self._children = [receiver, main, *crew, *leaving]
        self._catch_signals()
        self._say(f"tracetape is starting; data in {self._folder.root}")
        for child in self._children:
            child.start()
        self._note_pids()
        self._watch(ports)
        code = self._shut_down(receiver, main, [*crew, *leaving])
        if self._refused:
            raise SettingsError(self._refused)
        return code

    def _child(
        self, name: str, role: str, *, pass_fds: list[int] | None = None, extra: list[str] | None = None
    ) -> Child:
        log = self._folder.logs / f"{name.replace(' ', '-')}.log"
        longest = RECEIVER_PAUSE_S if role == "receive" else LONGEST_PAUSE_S
        return Child(name, role, self._folder.root, log, pass_fds or (), extra or (), longest)

    def _catch_signals(self) -> None:
        def stop(_signal: int, _frame: FrameType | None) -> None:
            self._stop.set()

        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, stop)

    def _watch(self, ports: dict[str, int]) -> None:
        ready, said = False, ""
        while not self._stop.wait(TICK_S):
            changed = False
            for child in self._children:
                before = child.pid
                if sentence := child.tend():
                    self._refused = refusal(self._folder, child)
                    if self._refused:
                        return
                    self._say(sentence)
                changed = changed or child.pid != before
            if changed:
                self._note_pids()
            if not ready:
                phase = self._phase()
                if phase != said and phase:
                    self._say(phase)
                    said = phase
                if self._is_ready():
                    ready = True
                    self._announce(ports)

    def _phase(self) -> str:
        """What main is busy with; empty once it is ready, which has its own line."""
        main = read_status(self._folder.main_status)
        return "" if main.get("ready") else str(main.get("phase", ""))

    def _is_ready(self) -> bool:
        main = read_status(self._folder.main_status)
        receiver = read_status(self._folder.receiver_ready)
        return (
            main.get("pid") == self._children[1].pid
            and bool(main.get("ready"))
            and receiver.get("pid") == self._children[0].pid
        )

    def _announce(self, ports: dict[str, int]) -> None:
        host = self._settings.host
        shown = f"[{host}]" if ":" in host else host
        web = self._settings.public_url or f"http://{shown}:{ports['web']}"
        link = str(read_status(self._folder.main_status).get("sign_in", ""))
        if link:
            self._say(f"Sign in once with this link (valid 24 h): {web}{link}")
        if not self._settings.is_loopback():
            self._say(
                "Listening beyond this machine: senders need an ingest key (tracetape keys create --role ingest)."
            )
        scheme = self._settings.otlp_scheme()
        self._say(f"ready: grpc {shown}:{ports['grpc']}  http {scheme}://{shown}:{ports['http']}  web {web}")

    def _note_pids(self) -> None:
        note_pids(self._folder.run / "pids.json", self._children)

    def _shut_down(self, receiver: Child, main: Child, crew: list[Child]) -> int:
        """Receiver first (nothing new), then main (stores what is in flight), then the workers."""
        self._say("stopping: finishing what was accepted …")
        clean = True
        for stage, patience_s in (([receiver], RECEIVER_STOP_S), ([main], MAIN_STOP_S), (crew, WORKER_STOP_S)):
            for child in stage:
                child.stop()
            deadline = time.monotonic() + patience_s
            for child in stage:
                clean = child.wait_or_kill(deadline) and clean
        self._say(
            "stopped." if clean else "stopped; what was accepted is safe in the spool and continues at the next start."
        )
        return 0


def serve(settings: ServeSettings) -> int:
    """Run `tracetape serve`; refusals become one sentence on standard error and exit code 2."""

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    try:
        return Supervisor(settings, say).run()
    except SettingsError as error:
        sys.stderr.write(f"tracetape: {error}\n")
        return 2
