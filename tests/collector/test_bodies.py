from __future__ import annotations

import gzip
import zlib
from collections import deque
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from collector.answers import RefusalError, Trouble
from collector.bodies import unpacker

MIB = 1024 * 1024
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "identity": bytes,
    "": bytes,
}


@given(st.sampled_from(sorted(PACK)), st.binary(max_size=2000), st.integers(1, 50))
def test_bodies_survive_however_they_are_cut(encoding: str, data: bytes, size: int) -> None:
    packed = PACK[encoding](data)
    body = unpacker(encoding, MIB)
    for at in range(0, len(packed), size):
        body.feed(packed[at : at + size])
    assert body.finish() == data


@given(st.sampled_from(["gzip", "deflate", "zstd"]), st.binary(min_size=1, max_size=300))
def test_any_bytes_are_a_body_or_our_error(encoding: str, data: bytes) -> None:
    body = unpacker(encoding, MIB)
    try:
        body.feed(data)
        body.finish()
    except RefusalError as error:
        assert error.trouble in {Trouble.BAD_DATA, Trouble.TOO_LARGE}  # noqa: PT017


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_no_body_at_all_is_empty(encoding: str) -> None:
    assert unpacker(encoding, MIB).finish() == b""


@pytest.mark.parametrize("encoding", sorted(PACK))
def test_the_limit_holds_after_decompression(encoding: str) -> None:
    packed = PACK[encoding](bytes(2 * MIB))
    body = unpacker(encoding, MIB)
    with pytest.raises(RefusalError, match="larger than 1 MiB"):
        body.feed(packed)


def test_absurd_ratios_are_stopped_long_before_the_limit() -> None:
    body = unpacker("gzip", 1024 * MIB)
    packed = gzip.compress(bytes(64 * MIB))
    pieces = iter(packed[at : at + 1000] for at in range(0, len(packed), 1000))
    with pytest.raises(RefusalError):
        deque(map(body.feed, pieces), maxlen=0)
    assert body.size < 10 * MIB


def test_prompts_that_repeat_themselves_are_fine() -> None:
    prompt = b"You are a helpful assistant. " * 300
    data = b"".join(prompt + str(n).encode() for n in range(2000))
    body = unpacker("gzip", 64 * MIB)
    body.feed(gzip.compress(data))
    assert body.finish() == data


def test_a_window_larger_than_the_standard_asks_for_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = packer.compress(bytes(range(256)) * 50_000) + packer.flush()
    body = unpacker("zstd", 64 * MIB)
    with pytest.raises(RefusalError):
        body.feed(packed)
