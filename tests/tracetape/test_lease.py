"""One main per ledger: a second waits, a killed one takes its own lease again, one that lost it is told."""

from __future__ import annotations

import threading
from pathlib import Path

from store.ledger import Ledger
from tracetape.folder import DataFolder
from tracetape.lease import NAME, Lease


def a_folder(path: Path) -> DataFolder:
    folder = DataFolder(path)
    folder.create()
    return folder


def nothing(*_: object) -> None:
    pass


def test_a_second_main_stands_by_until_the_first_has_left(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    first, second = (Lease(a_folder(tmp_path / name), url) for name in ("one", "two"))
    first.wait(nothing, nothing)
    told: list[str] = []
    got = threading.Event()

    def stand_by() -> None:
        second.wait(lambda phase: (told.append(phase), first.release() if len(told) == 1 else None), nothing)
        got.set()

    threading.Thread(target=stand_by, daemon=True).start()
    assert got.wait(10)
    assert "standing by" in told[0]
    second.release()


def test_a_killed_main_takes_its_own_lease_again_at_once(tmp_path: Path):
    url, folder = f"sqlite:///{tmp_path / 'shared.sqlite'}", a_folder(tmp_path / "one")
    killed, again = Lease(folder, url, renew_s=60), Lease(folder, url, renew_s=60)
    killed.wait(nothing, nothing)
    told: list[str] = []
    again.wait(told.append, nothing)
    assert told == []
    again.release()
    killed.release()


def test_a_main_whose_lease_went_to_another_is_told(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    lost = threading.Event()
    lease = Lease(a_folder(tmp_path / "one"), url, ttl_s=0.01, renew_s=0.2)
    lease.wait(nothing, lost.set)
    ledger = Ledger.open(url)
    while ledger.leases.acquire(NAME, "other", 60) is None:
        pass
    assert lost.wait(10)
    ledger.close()
