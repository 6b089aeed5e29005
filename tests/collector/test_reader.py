from __future__ import annotations

import os
import random
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.spool.format import (
    HEADER_BYTES,
    HEADER_COPY_BYTES,
    KEY_OFFSET,
    OLDEST_VERSION,
    SECOND_HEADER_AT,
    VERSION,
    Payload,
    Signal,
    SpoolError,
)
from collector.spool.keys import UnsealError, ensure_spool_keys, load_key_ring, load_seal_key
from collector.spool.reader import SegmentReader, remove_segment, segment_paths, sweep
from collector.spool.writer import SpoolWriter
from tests.collector.helpers import Place

SAMPLES = int(os.environ.get("LONG_SAMPLES", "460"))
SEED = int(os.environ.get("LONG_SEED", "7"))
TEXTS = [f"record {n} ".encode() * (n + 1) for n in range(6)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, str, bytes]:
    place = Place(tmp_path_factory.mktemp("segment"))
    ensure_spool_keys(place.keys)
    writer = SpoolWriter(place.spool, lambda: load_seal_key(place.keys))
    writer.start()
    for text in TEXTS:
        writer.offer(Signal.SPANS, "default", 1, Payload(text)).result(5)
    writer.close(5)
    (path,) = segment_paths(place.spool)
    return place, path.name, path.read_bytes()


def read_all(place: Place, path: Path) -> tuple[list[bytes], list[int], int, tuple[int, ...]]:
    """Texts, slots that cannot be unsealed, torn bytes, lost slots."""
    reader = SegmentReader(path)
    try:
        scan = reader.scan()
        key = reader.header.data_key(load_key_ring(place.keys))
        good, bad = [], []
        for ref in scan.records:
            try:
                good.append(reader.read(ref, key).otlp)
            except (UnsealError, SpoolError):
                bad.append(ref.head.slot)
        return good, bad, scan.torn_bytes, scan.lost_slots
    finally:
        reader.close()


def test_every_flipped_byte_costs_its_own_record_only(whole: tuple[Place, str, bytes], tmp_path: Path) -> None:
    """Headers and heads are written twice: a flipped byte loses at most the payload it lies in, and that is counted."""
    place, name, raw = whole
    rng = random.Random(SEED)
    headers, rest = range(8 * SECOND_HEADER_AT), range(8 * SECOND_HEADER_AT, 8 * len(raw))
    few = min(SAMPLES // 8, len(headers))
    for bit in [*rng.sample(headers, few), *rng.sample(rest, min(SAMPLES - few, len(rest)))]:
        at = bit // 8
        broken = bytearray(raw)
        broken[at] ^= 1 << bit % 8
        path = tmp_path / name
        path.write_bytes(broken)
        good, bad, torn, lost = read_all(place, path)
        assert set(good) <= set(TEXTS)
        assert torn == 0, "a flipped byte is damage, not a torn tail"
        assert not lost
        assert len(good) + len(bad) == len(TEXTS), at
        assert len(good) >= len(TEXTS) - 1


def test_a_damaged_block_costs_what_lies_in_it_and_the_count_of_items_is_exact(
    whole: tuple[Place, str, bytes], tmp_path: Path
) -> None:
    place, name, raw = whole
    reader = SegmentReader(segment_paths(place.spool)[0])
    refs = reader.scan().records
    reader.close()
    path = tmp_path / name
    for first, last in [(0, 0), (1, 3), (2, 5), (0, 5)]:
        broken = bytearray(raw)
        start, end = refs[first].offset, refs[last].end
        broken[start:end] = random.Random(first).randbytes(end - start)
        path.write_bytes(broken)
        damaged = SegmentReader(path)
        scan = damaged.scan()
        damaged.close()
        (gap,) = scan.lost
        assert gap.slots == tuple(range(first, last + 1))
        assert (gap.spans, gap.logs) == (last + 1 - first, 0)
        assert len(scan.records) == len(TEXTS) - len(gap.slots)
        assert scan.damaged_bytes == end - start


@pytest.mark.parametrize("version", range(OLDEST_VERSION, VERSION + 1))
def test_a_segment_of_every_version_is_read_as_it_was_written(version: int) -> None:
    """Each version has a spool in the test data that a program of its time wrote: an upgrade loses nothing accepted before."""
    place = Place(Path(__file__).parents[1] / "data" / "spool" / f"version_{version}")
    (path,) = segment_paths(place.spool)
    reader = SegmentReader(path)
    assert reader.header.version == version
    reader.close()
    kept = place.kept()
    assert [span.name for span in kept.spans()] == ["one", "two", "four"]
    assert [record.body.string_value for record in kept.logs()] == ["three"]
    assert [head.project for head in kept.heads] == ["shop", "default", "default"]
    assert kept.payloads[1].marks == {0: ("utf8_repaired",)}


def test_a_segment_of_a_newer_version_is_left_for_a_newer_program(
    whole: tuple[Place, str, bytes], tmp_path: Path
) -> None:
    _place, name, raw = whole
    newer = bytearray(raw)
    for at in (0, SECOND_HEADER_AT):
        newer[at + 8] = 9
        plain = newer[at : at + KEY_OFFSET - 4]
        newer[at + KEY_OFFSET - 4 : at + KEY_OFFSET] = zlib.crc32(plain).to_bytes(4, "big")
    path = tmp_path / name
    path.write_bytes(newer)
    with pytest.raises(SpoolError, match="newer version"):
        SegmentReader(path)


def test_every_cut_is_a_torn_tail_that_costs_what_was_cut(whole: tuple[Place, str, bytes], tmp_path: Path) -> None:
    place, name, raw = whole
    for length in range(HEADER_BYTES, len(raw), 7 if len(raw) > SAMPLES else 1):
        path = tmp_path / name
        path.write_bytes(raw[:length])
        good, bad, _torn, lost = read_all(place, path)
        assert good == TEXTS[: len(good)]
        assert not bad
        assert not lost, length
    path.write_bytes(raw[: len(raw) - 400] + bytes(5000))
    _good, _bad, torn, _lost = read_all(place, path)
    assert torn


def test_zeros_after_the_last_record_are_a_torn_tail(whole: tuple[Place, str, bytes], tmp_path: Path) -> None:
    place, name, raw = whole
    reader = SegmentReader(segment_paths(place.spool)[0])
    end = reader.scan().records[-1].end
    reader.close()
    path = tmp_path / name
    path.write_bytes(raw[:end] + bytes(3000))
    good, bad, torn, lost = read_all(place, path)
    assert (good, bad, torn, lost) == (TEXTS, [], 3000, ())


def test_a_header_is_read_from_the_copy_that_is_intact(whole: tuple[Place, str, bytes], tmp_path: Path) -> None:
    place, name, raw = whole
    path = tmp_path / name
    for where in ((0,), (SECOND_HEADER_AT,)):
        broken = bytearray(raw)
        for at in where:
            broken[at : at + HEADER_COPY_BYTES] = random.Random(3).randbytes(HEADER_COPY_BYTES)
        path.write_bytes(broken)
        assert read_all(place, path)[0] == TEXTS


def test_a_header_damaged_twice_is_our_error(whole: tuple[Place, str, bytes], tmp_path: Path) -> None:
    _place, name, raw = whole
    path = tmp_path / name
    for at in range(KEY_OFFSET):
        broken = bytearray(raw)
        for copy in (0, SECOND_HEADER_AT):
            broken[copy + at] ^= 1
        path.write_bytes(broken)
        with pytest.raises(SpoolError):
            SegmentReader(path)


def test_a_record_in_another_place_is_refused(whole: tuple[Place, str, bytes], tmp_path: Path) -> None:
    place, name, raw = whole
    (source,) = segment_paths(place.spool)
    reader = SegmentReader(source)
    first, second = reader.scan().records[:2]
    reader.close()
    sealed = first.offset + first.head_bytes, first.end
    swapped = raw[: second.offset + second.head_bytes] + raw[sealed[0] : sealed[1]] + raw[second.end :]
    path = tmp_path / name
    path.write_bytes(swapped)
    good, _bad, _torn, _lost = read_all(place, path)
    assert TEXTS[1] not in good


@settings(max_examples=150)
@given(st.binary(max_size=600), st.booleans())
def test_any_bytes_are_our_error_or_records(
    whole: tuple[Place, str, bytes], tmp_path_factory: pytest.TempPathFactory, data: bytes, keep_header: bool
) -> None:
    place, name, raw = whole
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes((raw[:HEADER_BYTES] if keep_header else b"") + data)
    try:
        good, bad, _torn, _lost = read_all(place, path)
    except (SpoolError, UnsealError):
        return
    assert not good
    assert not bad


def test_a_removed_segment_cannot_be_read_even_from_a_copy_of_its_bytes(place: Place) -> None:
    ensure_spool_keys(place.keys)
    writer = SpoolWriter(place.spool, lambda: load_seal_key(place.keys))
    writer.start()
    writer.offer(Signal.SPANS, "p", 1, Payload(b"secret")).result(5)
    writer.close(5)
    (path,) = segment_paths(place.spool)
    link = place.root / path.name
    link.hardlink_to(path)
    remove_segment(path)
    remove_segment(path)
    reader = SegmentReader(link)
    with pytest.raises(UnsealError):
        reader.header.data_key(load_key_ring(place.keys))
    reader.close()
    assert list(place.spool.iterdir()) == []


def test_leftovers_of_a_crash_are_swept_and_strangers_left_alone(place: Place) -> None:
    place.spool.mkdir()
    for name in ("0000000000000001-00000001.new", "0000000000000001-00000002.mark", "notes.txt"):
        (place.spool / name).write_bytes(b"x")
    sweep(place.spool)
    assert [p.name for p in place.spool.iterdir()] == ["notes.txt"]
    assert segment_paths(place.spool) == []
    assert segment_paths(place.root / "nowhere") == []
