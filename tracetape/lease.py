"""One main per ledger: on a ledger that several machines reach, main holds a lease and leaves when it has lost it."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable

from spans.errors import BusyError
from store.ledger import Ledger
from store.ledger import leases as ledger_leases
from tracetape.folder import DataFolder

logger = logging.getLogger(__name__)

NAME = "main"
TTL_S = 30.0
RENEW_S = 5.0
WAIT_S = 1.0


class Lease:
    """Assembly, retention, rules and detectors run in main; two mains on one ledger would do all of it twice."""

    def __init__(self, folder: DataFolder, ledger_url: str, *, ttl_s: float = TTL_S, renew_s: float = RENEW_S) -> None:
        self._ledger = Ledger.open(ledger_url)
        self._holder = _holder_of(folder)
        self._ttl_s, self._renew_s = ttl_s, renew_s
        self._held: ledger_leases.Lease | None = None
        self._stop = threading.Event()

    def wait(
        self,
        progress: Callable[[str], None],
        on_lost: Callable[[], None] = lambda: os.kill(os.getpid(), signal.SIGTERM),
    ) -> None:
        """Wait until it is ours, which makes a second main a stand-by; then keep it, and say when it was lost."""
        while (held := self._ledger.leases.acquire(NAME, self._holder, self._ttl_s)) is None:
            other = next((one.holder for one in self._ledger.leases.list() if one.name == NAME), "")
            progress(f"another main works on this ledger ({other}); standing by …")
            time.sleep(WAIT_S)
        self._held = held
        threading.Thread(target=self._keep, args=(held, on_lost), name="lease", daemon=True).start()

    def release(self) -> None:
        """Let another main begin at once."""
        self._stop.set()
        if self._held is not None:
            self._ledger.leases.release(self._held)
            self._held = None
        self._ledger.close()

    def _keep(self, held: ledger_leases.Lease, on_lost: Callable[[], None]) -> None:
        last = time.monotonic()
        while not self._stop.wait(self._renew_s):
            try:
                renewed = self._ledger.leases.acquire(NAME, self._holder, self._ttl_s)
            except BusyError:  # the ledger cannot be reached: nobody else can take the lease there either
                if time.monotonic() - last < self._ttl_s:
                    continue
                renewed = None
            if self._stop.is_set():  # given back while we asked
                return
            if renewed is None or renewed.fence != held.fence:
                logger.error("the lease of main is lost; stopping")
                on_lost()
                return
            last = time.monotonic()


def _holder_of(folder: DataFolder) -> str:
    """The same after each restart on this folder, so that a killed main takes its own lease again at once."""
    place = folder.root / "instance"
    if not place.exists():
        fresh = folder.run / f"instance.{os.getpid()}"
        fresh.write_text(f"{socket.gethostname()}-{secrets.token_hex(6)}", encoding="ascii")
        fresh.replace(place)
    return place.read_text(encoding="ascii").strip()
