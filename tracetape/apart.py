"""The parts of `serve` run apart, each by its own supervisor on one shared data folder: receive, work, main, web."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack

from spans.errors import SettingsError
from tracetape.children import LONGEST_PAUSE_S, RECEIVER_PAUSE_S, Child, end_leftovers, note_pids, refusal
from tracetape.folder import DataFolder, FolderLock, make_sockets, read_status, remove_sockets, write_status
from tracetape.ports import open_listener, reserve_port
from tracetape.settings import ServeSettings

TICK_S = 0.1
STOP_S = 8.0
"""Below 10 s, the grace that container runtimes give."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
Say = Callable[[str], None]


class Part(ABC):
    """One part from start to end: a lock on its name, its children, the ready line, an orderly end."""

    word = ""

    def __init__(self, settings: ServeSettings, name: str, say: Say) -> None:
        """Check the name.

        Raises:
            SettingsError: it is none.
        """
        if not _NAME.fullmatch(name):
            raise SettingsError(
                f"--name is {name!r}: write it with small letters, digits and hyphens, at most 32 of them."
            )
        self.settings = settings
        self.name = name
        self.say = say
        self.folder = DataFolder(settings.data.expanduser().resolve())
        self._stop = threading.Event()
        self._refused = ""

    @abstractmethod
    def begin(self, opened: ExitStack) -> list[Child]:
        """Open what outlives the children and name them."""

    @abstractmethod
    def ready_line(self, children: list[Child]) -> str:
        """What to print once it works; empty until then."""

    def lock(self) -> FolderLock:
        """What keeps a second part of this name out."""
        return FolderLock(self.folder, f"{self.word}-{self.name}")

    def run(self) -> int:
        """Work until told to stop. Returns the exit code.

        Raises:
            SettingsError: the folder, a port or a setting cannot be used.
        """
        self.folder.create()
        lock = self.lock()
        lock.acquire()
        pids = self.folder.run / f"pids-{self.word}-{self.name}.json"
        with ExitStack() as opened:
            opened.callback(lock.release)
            end_leftovers(pids, self.say)
            self.folder.refused_file.unlink(missing_ok=True)
            children = self.begin(opened)
            for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(name, lambda *_: self._stop.set())
            for child in children:
                child.start()
            note_pids(pids, children)
            self._watch(children, lambda: note_pids(pids, children))
            self.say("stopping …")
            for child in children:
                child.stop()
            deadline = time.monotonic() + STOP_S
            left = [child.wait_or_kill(deadline) for child in children]
            self.say("stopped." if all(left) else "stopped; what was accepted is safe in the spool.")
            if self._refused:
                raise SettingsError(self._refused)
        return 0

    def note(self, fds: dict[str, int], ports: dict[str, int]) -> dict[str, object]:
        """What a child is told, as `serve` tells it."""
        told = self.settings.model_dump(mode="json")
        return told | {"data": str(self.folder.root), "ports": ports, "fds": fds}

    def child(self, name: str, role: str, extra: list[str], fds: list[int] | None = None) -> Child:
        """A process of this part with a log of its own."""
        log = self.folder.logs / f"{name}.log"
        longest = RECEIVER_PAUSE_S if role == "receive" else LONGEST_PAUSE_S
        return Child(name, role, self.folder.root, log, fds or (), extra, longest)

    def shown_host(self) -> str:
        """The address as it stands in a URL."""
        return f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host

    def _watch(self, children: list[Child], changed: Callable[[], None]) -> None:
        ready = False
        while not self._stop.wait(TICK_S):
            before = [child.pid for child in children]
            for child in children:
                if sentence := child.tend():
                    self._refused = refusal(self.folder, child)
                    if self._refused:
                        return
                    self.say(sentence)
            if before != [child.pid for child in children]:
                changed()
            if not ready and (line := self.ready_line(children)):
                self.say(line)
                ready = True


class Receive(Part):
    """Both OTLP doors over the spool."""

    word = "receive"

    def begin(self, opened: ExitStack) -> list[Child]:
        """Ports stay ours while the receiver restarts."""
        s = self.settings
        if tls := s.tls():
            tls.check()
        grpc = opened.enter_context(reserve_port(s.host, s.grpc_port, "grpc"))
        http = opened.enter_context(open_listener(s.host, s.http_port, "http"))
        ports = {"grpc": int(grpc.getsockname()[1]), "http": int(http.getsockname()[1])}
        self.folder.receiver_files(self.name)[1].unlink(missing_ok=True)
        write_status(self.folder.part_file("receive", self.name), self.note({"http": http.fileno()}, ports))
        return [self.child(f"receiver-{self.name}", "receive", [self.name], [http.fileno()])]

    def ready_line(self, children: list[Child]) -> str:
        """Once both doors are open."""
        if read_status(self.folder.receiver_files(self.name)[1]).get("pid") != children[0].pid:
            return ""
        ports = read_status(self.folder.part_file("receive", self.name))["ports"]
        host = self.shown_host()
        if not isinstance(ports, dict):
            return ""
        return f"ready: grpc {host}:{ports['grpc']}  http {self.settings.otlp_scheme()}://{host}:{ports['http']}"


class Work(Part):
    """Processes that redact; which of them is ready, main knows."""

    word = "work"

    def begin(self, _opened: ExitStack) -> list[Child]:
        """As many as there are cores, unless told otherwise."""
        count = self.settings.workers or os.cpu_count() or 1
        names = [f"{self.name}-{n}" for n in range(1, count + 1)]
        return [self.child(f"worker-{name}", "work", [name]) for name in names]

    def ready_line(self, children: list[Child]) -> str:
        """At once: they connect to main by themselves, now and after every restart of it."""
        return f"started: {len(children)} workers; each begins when main answers and its language models are loaded"


class MainPart(Part):
    """Store, assembly, detectors, alert rules, and what connects to the outside."""

    word = "main"

    def lock(self) -> FolderLock:
        """The lock of the folder itself: one main, and verbs of the command line go through it."""
        return FolderLock(self.folder)

    def begin(self, opened: ExitStack) -> list[Child]:
        """Sockets that workers and web find by a note in the folder."""
        s = self.settings
        remove_sockets(self.folder)
        make_sockets(self.folder)
        opened.callback(remove_sockets, self.folder)
        self.folder.main_status.unlink(missing_ok=True)
        ports = {"grpc": s.grpc_port, "http": s.http_port, "web": s.web_port}
        write_status(self.folder.serve_file, self.note({}, ports))
        leaving = [self.child("notifier", "notify", [])]
        if s.forward_url:
            leaving.append(self.child("forwarder", "forward", []))
        return [self.child("main", "main", []), *leaving]

    def ready_line(self, children: list[Child]) -> str:
        """Once the store is open and the spool is read."""
        status = read_status(self.folder.main_status)
        return "ready: main" if status.get("ready") and status.get("pid") == children[0].pid else ""


class Web(Part):
    """Pages and the API."""

    word = "web"

    def begin(self, opened: ExitStack) -> list[Child]:
        """The port stays ours while the process restarts."""
        web = opened.enter_context(open_listener(self.settings.host, self.settings.web_port, "web"))
        ports = {"web": int(web.getsockname()[1])}
        self.folder.part_file("web-ready", self.name).unlink(missing_ok=True)
        write_status(self.folder.part_file("web", self.name), self.note({"web": web.fileno()}, ports))
        return [self.child(f"web-{self.name}", "web", [self.name], [web.fileno()])]

    def ready_line(self, children: list[Child]) -> str:
        """Once pages are answered."""
        status = read_status(self.folder.part_file("web-ready", self.name))
        ports = read_status(self.folder.part_file("web", self.name))["ports"]
        if status.get("pid") != children[0].pid or not isinstance(ports, dict):
            return ""
        web = self.settings.public_url or f"http://{self.shown_host()}:{ports['web']}"
        return f"Sign in once with this link (valid 24 h): {web}{status['sign_in']}\nready: web {web}"


PARTS: tuple[type[Part], ...] = (Receive, Work, MainPart, Web)


def run_part(part: type[Part], settings: ServeSettings, name: str) -> int:
    """Run one part; refusals become one sentence on standard error and exit code 2."""

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    if part in {MainPart, Web} and not settings.store.startswith("clickhouse"):
        raise SettingsError(
            f"`tracetape {part.word}` needs a ClickHouse server, because the embedded engine serves one process: set "
            "TRACETAPE_STORE=clickhouse://user:password@host:8123/database, or run `tracetape serve`."
        )
    return part(settings, name, say).run()
