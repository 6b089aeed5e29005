from __future__ import annotations

import errno
import os
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest

from collector.spool.format import HEADER_BYTES, Payload, Signal
from collector.spool.keys import KeyRing, SealKey, ensure_spool_keys, load_key_ring, load_seal_key, rotate_spool_keys
from collector.spool.reader import SegmentReader, remove_segment, segment_paths, sweep
from collector.spool.writer import SpoolSettings, SpoolWriter
from spans.errors import BusyError
from tests.collector.helpers import Place, wait_until
from tests.collector.model_disk import Fault, ModelDisk

FOLDER = Path("/model/spool")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[SealKey, KeyRing]:
    folder = tmp_path_factory.mktemp("keys")
    ensure_spool_keys(folder)
    return load_seal_key(folder), load_key_ring(folder)


class Spool:
    """A writer on a model disk, driven without its thread so that every step is in our hands."""

    def __init__(self, disk: ModelDisk, keys: tuple[SealKey, KeyRing], **settings: float) -> None:
        self.disk, self.keys = disk, keys
        self.writer = SpoolWriter(FOLDER, lambda: keys[0], SpoolSettings(space_check_s=0, **settings), disk)  # type: ignore[arg-type]

    def commit(self, *texts: str) -> list[bool]:
        """Offer a group and commit it; which of them were acknowledged."""
        futures: list[Future[None]] = []
        for text in texts:
            try:
                futures.append(self.writer.offer(Signal.SPANS, "default", 1, Payload(text.encode())))
            except BusyError:
                failed: Future[None] = Future()
                failed.set_exception(BusyError("refused"))
                futures.append(failed)
        group = self.writer._gather() if self.writer._queue else []
        if group:
            self.writer._commit(group)
        if self.writer._open and self.writer._is_due(self.writer._open):
            self.writer._close_segment()
        return [future.exception(0) is None for future in futures]

    def readable(self) -> list[str]:
        """Everything a reader finds after the writer is gone."""
        sweep(FOLDER, self.disk)
        found = []
        for path in segment_paths(FOLDER, self.disk):
            reader = SegmentReader(path, self.disk)
            assert reader.is_abandoned()
            reader.sync()
            key = reader.header.data_key(self.keys[1])
            scan = reader.scan()
            assert not scan.damaged_bytes or scan.lost_slots
            for ref in scan.records:
                try:
                    found.append(reader.read(ref, key).otlp.decode())
                except Exception:  # noqa: BLE001 a torn record of full length
                    found.append("?")
            reader.close()
        return found


def test_records_are_grouped_into_one_sync(place: Place) -> None:
    ensure_spool_keys(place.keys)
    place.spool.mkdir()
    writer = SpoolWriter(place.spool, lambda: load_seal_key(place.keys))
    futures = [writer.offer(Signal.SPANS, "p", 1, Payload(b"x")) for _ in range(50)]
    writer.start()
    for future in futures:
        future.result(5)
    assert (writer.figures.records, writer.figures.groups) == (50, 1)
    writer.close(5)
    writer.close(5)
    with pytest.raises(BusyError, match="stopping"):
        writer.offer(Signal.SPANS, "p", 1, Payload(b"x"))


def test_segments_rotate_by_size_and_by_age(place: Place) -> None:
    ensure_spool_keys(place.keys)
    settings = SpoolSettings(segment_bytes=HEADER_BYTES + 2500, segment_age_s=0.4)
    writer = SpoolWriter(place.spool, lambda: load_seal_key(place.keys), settings)
    writer.start()
    for _ in range(4):
        writer.offer(Signal.LOGS, "p", 1, Payload(bytes(2000))).result(5)
    assert len(segment_paths(place.spool)) == 2
    writer.offer(Signal.LOGS, "p", 1, Payload(b"x")).result(5)

    def last_is_closed() -> bool:
        reader = SegmentReader(segment_paths(place.spool)[-1])
        try:
            return reader.scan().closed
        finally:
            reader.close()

    wait_until(last_is_closed, 5)
    assert len(segment_paths(place.spool)) == 3
    writer.close(5)


def test_a_rotated_key_is_used_from_the_next_segment_on_and_old_ones_stay_readable(place: Place) -> None:
    ensure_spool_keys(place.keys)
    for text in (b"old", b"new"):
        writer = SpoolWriter(place.spool, lambda: load_seal_key(place.keys))
        writer.start()
        writer.offer(Signal.SPANS, "p", 1, Payload(text)).result(5)
        writer.close(5)
        rotate_spool_keys(place.keys)
    assert [p.otlp for p in place.kept().payloads] == [b"old", b"new"]
    assert all(p.stat().st_mode & 0o077 == 0 for p in place.keys.iterdir() if "private" in p.name)


def test_a_full_volume_is_refused_before_writing_and_accepted_again_when_freed(keys: tuple[SealKey, KeyRing]) -> None:
    disk = ModelDisk()
    spool = Spool(disk, keys)
    assert spool.commit("a") == [True]
    disk.free = 1000
    assert spool.commit("b") == [False]
    disk.free = 1 << 40
    assert spool.commit("c") == [True]
    assert Spool(disk, keys, capacity_bytes=10).commit("d") == [False]


def test_too_much_at_once_is_refused(keys: tuple[SealKey, KeyRing]) -> None:
    spool = Spool(ModelDisk(), keys, queue_bytes=100)
    spool.writer.offer(Signal.SPANS, "p", 1, Payload(bytes(200)))
    with pytest.raises(BusyError, match="busy"):
        spool.writer.offer(Signal.SPANS, "p", 1, Payload(b"x"))


@pytest.mark.parametrize("sticky", [False, True])
@pytest.mark.parametrize(
    ("code", "torn"), [(errno.EIO, False), (errno.ENOSPC, True), (errno.EIO, True), (errno.EINTR, False)]
)
def test_whichever_call_fails_nothing_acknowledged_is_lost(
    keys: tuple[SealKey, KeyRing], code: int, torn: bool, sticky: bool
) -> None:
    """Fail the first call, then the second, … until a run ends without the fault firing."""
    for at in range(1, 200):
        disk = ModelDisk(seed=at, fault=Fault(at, code, sticky, torn))
        spool = Spool(disk, keys, segment_bytes=HEADER_BYTES + 400)
        acked = []
        for number in range(8):
            texts = [f"{number}-{i}" for i in range(3)]
            acked += [text for text, good in zip(texts, spool.commit(*texts), strict=True) if good]
        assert disk.syncs_after_failure == 0
        if not sticky:
            assert len(acked) >= 8 * 3 - 3
        fired = disk.calls >= at
        disk.power_cut()
        found = spool.readable()
        assert set(acked) <= set(found), at
        if not fired:
            return
    raise AssertionError("the sweep did not end")


SCHEDULES = int(os.environ.get("LONG_SCHEDULES", "1000"))


@pytest.mark.parametrize("tenth", range(10))
def test_a_power_cut_at_any_moment_loses_nothing_acknowledged(keys: tuple[SealKey, KeyRing], tenth: int) -> None:
    for seed in range(tenth, SCHEDULES, 10):
        _one_schedule(keys, seed)


def _one_schedule(keys: tuple[SealKey, KeyRing], seed: int) -> None:
    disk = ModelDisk(seed)
    acked: list[str] = []
    for life in range(3):
        spool = Spool(disk, keys, segment_bytes=HEADER_BYTES + disk.random.choice([300, 800, 5000]))
        if disk.random.random() < 0.3:
            disk.fault = Fault(disk.calls + disk.random.randrange(1, 30), torn=True)
        for number in range(disk.random.randrange(1, 10)):
            texts = [f"{life}-{number}-{i}" for i in range(disk.random.randrange(1, 4))]
            acked += [text for text, good in zip(texts, spool.commit(*texts), strict=True) if good]
        disk.power_cut() if disk.random.random() < 0.7 else disk.crash()
        found = spool.readable()
        assert set(acked) <= set(found), f"seed {seed}"
        assert len([f for f in found if f != "?"]) == len({f for f in found if f != "?"})
        for path in segment_paths(FOLDER, disk):
            if disk.random.random() < 0.3:
                reader = SegmentReader(path, disk)
                key = reader.header.data_key(keys[1])
                gone = {reader.read(ref, key).otlp.decode() for ref in reader.scan().records} if life else set()
                reader.close()
                if life:
                    acked = [text for text in acked if text not in gone]
                    remove_segment(path, disk)


def test_offers_from_many_threads_all_become_durable(place: Place) -> None:
    ensure_spool_keys(place.keys)
    writer = SpoolWriter(place.spool, lambda: load_seal_key(place.keys), SpoolSettings(segment_bytes=20_000))
    writer.start()

    def offer(thread: int) -> None:
        for number in range(40):
            writer.offer(Signal.SPANS, "p", 1, Payload(f"{thread}-{number}".encode())).result(10)

    threads = [threading.Thread(target=offer, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close(5)
    kept = place.kept()
    assert len({p.otlp for p in kept.payloads}) == 240
    assert writer.figures.groups < 240
