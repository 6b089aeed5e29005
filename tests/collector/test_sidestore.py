from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from collector.spool.format import Payload, RecordHead, Signal, SpoolError
from collector.spool.keys import UnsealError, ensure_spool_keys, load_key_ring, load_seal_key
from collector.spool.sidestore import SideStore
from tests.collector.helpers import Place

HEAD = RecordHead(7, Signal.LOGS, 3, "shop", 1_700_000_000_000_000_000, 99)
SEGMENT = "0123456789abcdef-01234567"


@pytest.fixture
def side(place: Place) -> SideStore:
    ensure_spool_keys(place.keys)
    return SideStore(place.spool / "quarantine")


def test_a_record_set_aside_is_listed_unsealed_and_destroyed(place: Place, side: SideStore) -> None:
    assert side.list() == ()
    payload = Payload(b"the original", {0: ("utf8_repaired",)})
    kept = side.put(SEGMENT, HEAD, payload, "why", load_seal_key(place.keys))
    assert side.put(SEGMENT, HEAD, payload, "again", load_seal_key(place.keys)) == kept
    assert side.list() == (kept,)
    assert (kept.segment, kept.slot, kept.signal, kept.project, kept.items, kept.reason) == (
        SEGMENT, 7, "logs", "shop", 3, "why",
    )  # fmt: skip
    assert side.read(kept.name, load_key_ring(place.keys)) == payload
    assert b"original" not in b"".join(p.read_bytes() for p in (place.spool / "quarantine").iterdir())
    side.remove(kept.name)
    side.remove(kept.name)
    assert side.list() == ()
    assert list((place.spool / "quarantine").iterdir()) == []
    with pytest.raises(SpoolError):
        side.read(kept.name, load_key_ring(place.keys))


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "x"])
def test_names_from_outside_open_no_file(place: Place, side: SideStore, name: str) -> None:
    with pytest.raises(SpoolError, match="Nothing of this name"):
        side.read(name, load_key_ring(place.keys))
    side.remove(name)


def test_reading_one_record_opens_no_other(place: Place, side: SideStore, monkeypatch: pytest.MonkeyPatch) -> None:
    payload, seal = Payload(b"x"), load_seal_key(place.keys)
    kept = [side.put(SEGMENT, replace(HEAD, slot=slot), payload, "why", seal) for slot in range(3)]
    opened: list[str] = []
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path.name) or read(path))
    ring = load_key_ring(place.keys)
    opened.clear()
    assert side.read(kept[1].name, ring) == payload
    assert opened == [f"{kept[1].name}.json"]


def test_a_note_that_cannot_be_read_now_is_no_missing_record(
    place: Place, side: SideStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = side.put(SEGMENT, HEAD, Payload(b"x"), "why", load_seal_key(place.keys))
    ring = load_key_ring(place.keys)

    def fail(path: Path) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(OSError, match="Too many"):
        side.list()
    with pytest.raises(OSError, match="Too many"):
        side.read(kept.name, ring)


def test_a_damaged_record_is_our_error(place: Place, side: SideStore) -> None:
    kept = side.put(SEGMENT, HEAD, Payload(b"x"), "why", load_seal_key(place.keys))
    path = place.spool / "quarantine" / f"{kept.name}.seg"
    raw = bytearray(path.read_bytes())
    raw[-80] ^= 1  # inside the payload: the head stands twice
    path.write_bytes(raw)
    with pytest.raises(UnsealError):
        side.read(kept.name, load_key_ring(place.keys))
