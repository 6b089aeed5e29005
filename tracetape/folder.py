"""The data folder: its places, its permissions and the lock that keeps a second instance out."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spans.errors import SettingsError

_PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Names every place inside the data folder once."""

    root: Path

    @property
    def run(self) -> Path:
        """Sockets and status files of the running processes."""
        return self.root / "run"

    @property
    def keys(self) -> Path:
        """Generated secrets; never inside a database."""
        return self.root / "keys"

    @property
    def spool(self) -> Path:
        """The sealed write-ahead log."""
        return self.root / "spool"

    @property
    def logs(self) -> Path:
        """What our own processes say; never any payload."""
        return self.root / "logs"

    @property
    def sockets(self) -> Path:
        """Private folder of the Unix sockets, outside the data folder; its name stands in `run/sockets.json`.

        A socket's path may have 107 bytes (sun_path), which a deep data folder alone uses up; and whatever copies or
        searches the data folder meets regular files only (decision 0007).
        """
        place = read_status(self.run / "sockets.json").get("folder")
        return Path(str(place)) if place else self.run

    @property
    def control_socket(self) -> Path:
        """Where verbs reach a running `serve`."""
        return self.sockets / "control.sock"

    @property
    def worker_socket(self) -> Path:
        """Where workers fetch slot references."""
        return self.sockets / "work.sock"

    @property
    def receipts(self) -> Path:
        """One file per received day that lost something: the proof of retention."""
        return self.root / "receipts"

    @property
    def receiver_status(self) -> Path:
        """Counters and recent arrivals, written by the receiver."""
        return self.run / "receiver.json"

    @property
    def receiver_ready(self) -> Path:
        """Written once by the receiver when both of its doors are open."""
        return self.run / "receiver-ready.json"

    def receiver_files(self, name: str) -> tuple[Path, Path]:
        """Counters and readiness of a receiver; `serve` has one without a name."""
        at = f"@{name}" if name else ""
        return self.run / f"receiver{at}.json", self.run / f"receiver-ready{at}.json"

    def receivers(self) -> tuple[str, ...]:
        """Names of every receiver that ever worked in this folder."""
        files = [*self.run.glob("receiver.json"), *self.run.glob("receiver@*.json")]
        return tuple(sorted(p.stem.partition("@")[2] for p in files))

    @property
    def main_status(self) -> Path:
        """Phase and readiness, written by main."""
        return self.run / "main.json"

    @property
    def refused_file(self) -> Path:
        """Why a process ended for good; its supervisor says so and ends too."""
        return self.run / "refused.json"

    @property
    def serve_file(self) -> Path:
        """Settings and ports of the running `serve`, read by its children and by verbs."""
        return self.run / "serve.json"

    def part_file(self, part: str, name: str) -> Path:
        """Settings, ports and sockets of a part that runs by itself, read by its own process."""
        return self.run / f"{part}@{name}.json"

    def store_dsn(self) -> str:
        """Address of the embedded engine."""
        return f"chdb://{(self.root / 'store').resolve()}"

    def ledger_url(self) -> str:
        """Address of the ledger."""
        return f"sqlite:///{(self.root / 'ledger.sqlite').resolve()}"

    def create(self) -> None:
        """Make every place, readable by the owner only.

        Raises:
            SettingsError: the folder cannot be made or written.
        """
        try:
            for place in (self.root, self.run, self.keys, self.spool, self.logs):
                place.mkdir(parents=True, exist_ok=True)
                place.chmod(_PRIVATE)
            probe = self.run / f".probe-{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise SettingsError(
                f"The data folder {self.root} cannot be written: {os.strerror(error.errno or 0)}. "
                "Choose another with --data or TRACETAPE_DATA."
            ) from None


def make_sockets(folder: DataFolder) -> Path:
    """Make the private folder of the Unix sockets for one `serve` and note where it is."""
    place = Path(tempfile.mkdtemp(prefix="tracetape-"))
    write_status(folder.run / "sockets.json", {"folder": str(place)})
    return place


def remove_sockets(folder: DataFolder) -> None:
    """Remove what `make_sockets` made; safe to call twice, and after a crash."""
    note = folder.run / "sockets.json"
    place = read_status(note).get("folder")
    if place and Path(str(place)).name.startswith("tracetape-"):
        shutil.rmtree(str(place), ignore_errors=True)
    note.unlink(missing_ok=True)


class FolderLock:
    """Holds the data folder for one `serve`; the kernel lets go of it when the process dies."""

    def __init__(self, folder: DataFolder, name: str = "") -> None:
        """Of the folder itself, or of one part in it."""
        self._path = folder.run / f"{name}.lock" if name else folder.root / "lock"
        self._what = f"The part {name} of {folder.root}" if name else f"The data folder {folder.root}"
        self._advice = "choose another with --name" if name else "choose another folder with --data"
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock or refuse.

        Raises:
            SettingsError: another instance holds the folder.
        """
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
                raise
            holder = self._path.read_text(encoding="ascii", errors="replace").strip() or "unknown"
            raise SettingsError(
                f"{self._what} is in use by another tracetape (process {holder}). Stop that one, or {self._advice}."
            ) from None
        os.ftruncate(fd, 0)
        os.write(fd, str(os.getpid()).encode("ascii"))
        self._fd = fd

    def release(self) -> None:
        """Let go of the folder; safe to call twice."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def is_held(folder: DataFolder) -> bool:
    """Whether a running `serve` holds the folder."""
    lock = FolderLock(folder)
    if not folder.root.is_dir():
        return False
    try:
        lock.acquire()
    except SettingsError:
        return True
    lock.release()
    return False


def write_status(path: Path, status: Mapping[str, object]) -> None:
    """Replace a status file in one step, so that a reader never sees half of it."""
    fresh = path.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_text(json.dumps(status), encoding="utf-8")
    fresh.chmod(0o600)
    fresh.replace(path)


def read_status(path: Path) -> dict[str, object]:
    """A status file's content; empty when there is none or it cannot be read."""
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}
