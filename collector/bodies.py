"""Decompression as a stream with a limit: a bomb is noticed while it unfolds, not afterwards."""

from __future__ import annotations

import io
import zlib
from typing import Protocol

import zstandard

from collector.answers import RefusalError, Trouble

PIECE_BYTES = 256 * 1024
RATIO_MAX = 600
RATIO_FROM_BYTES = 8 * 1024 * 1024
"""Real batches repeat long prompts and reach ratios of a few hundred; only large and absurd ones are stopped early."""
ZSTD_PIECE_BYTES = 256
"""Four bytes can stand for a block of 128 KiB and its decompressor has no output limit: small bites bound what comes."""
ZSTD_WINDOW_BYTES = 8 * 1024 * 1024
"""What RFC 8878 asks every decoder to support, and no more."""


class Unpacker(Protocol):
    """Takes compressed pieces, hands out plain ones of bounded size."""

    @property
    def size(self) -> int:
        """Plain bytes so far."""

    def feed(self, piece: bytes) -> None:
        """Unpack a piece.

        Raises:
            RefusalError: corrupt, or larger than allowed.
        """

    def finish(self) -> bytes:
        """The whole body.

        Raises:
            RefusalError: it ended too early.
        """


def unpacker(encoding: str, limit_bytes: int) -> Unpacker:
    """The unpacker of a Content-Encoding.

    Raises:
        RefusalError: an encoding we do not know.
    """
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return _Plain(limit_bytes)
    if name in {"gzip", "x-gzip"}:
        return _Zlib(limit_bytes, "gzip")
    if name == "deflate":
        return _Zlib(limit_bytes, "deflate")
    if name == "zstd":
        return _Zstd(limit_bytes)
    raise RefusalError(
        Trouble.WRONG_TYPE, "This Content-Encoding is not supported; use gzip, deflate, zstd or identity."
    )


class _Body:
    """Collects plain bytes up to a limit."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._out = io.BytesIO()
        self._size = 0
        self._packed = 0

    @property
    def size(self) -> int:
        return self._size

    def _took(self, piece: bytes) -> None:
        self._packed += len(piece)

    def _add(self, plain: bytes) -> None:
        self._size += len(plain)
        absurd = self._size > RATIO_FROM_BYTES and self._size > RATIO_MAX * max(self._packed, 1)
        if self._size > self._limit or absurd:
            self._out = io.BytesIO()
            raise RefusalError(
                Trouble.TOO_LARGE,
                f"The request is larger than {self._limit // (1024 * 1024)} MiB after decompression; send smaller batches.",
            )
        self._out.write(plain)

    def finish(self) -> bytes:
        """Everything collected."""
        return self._out.getvalue()


class _Plain(_Body):
    def feed(self, piece: bytes) -> None:
        self._took(piece)
        self._add(piece)


class _Zlib(_Body):
    """gzip with any number of members; deflate with a zlib wrapper or, as many senders do, without."""

    def __init__(self, limit_bytes: int, kind: str) -> None:
        super().__init__(limit_bytes)
        self._gzip = kind == "gzip"
        self._inner = zlib.decompressobj(zlib.MAX_WBITS | 16) if self._gzip else None
        self._ended = False
        self._head = b""

    def feed(self, piece: bytes) -> None:
        self._took(piece)
        if self._inner is None:
            self._head += piece
            if len(self._head) < 2:
                return
            piece, self._head = self._head, b""
            wrapped = piece[0] & 0x0F == 8 and int.from_bytes(piece[:2], "big") % 31 == 0
            self._inner = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        try:
            self._unpack(piece)
        except zlib.error:
            raise _corrupt() from None

    def _unpack(self, data: bytes) -> None:
        while data and self._inner is not None:
            if self._ended:
                data = data.lstrip(b"\0")  # padding between or after members is allowed
                if not data:
                    return
                if not self._gzip:
                    raise _corrupt()
                self._inner = zlib.decompressobj(zlib.MAX_WBITS | 16)
                self._ended = False
            self._add(self._inner.decompress(data, PIECE_BYTES))
            self._ended = self._inner.eof
            data = self._inner.unused_data if self._ended else self._inner.unconsumed_tail

    def finish(self) -> bytes:
        if self._packed and not self._ended and self._inner is not None:
            try:
                self._add(self._inner.flush(PIECE_BYTES))
            except zlib.error:
                raise _corrupt() from None
            if not self._inner.eof:
                raise _corrupt()
        elif self._head:
            raise _corrupt()
        return super().finish()


class _Zstd(_Body):
    """zstd with any number of frames."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self._context = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES)
        self._inner = self._context.decompressobj()
        self._inside = False

    def feed(self, piece: bytes) -> None:
        self._took(piece)
        try:
            for at in range(0, len(piece), ZSTD_PIECE_BYTES):
                self._unpack(piece[at : at + ZSTD_PIECE_BYTES])
        except zstandard.ZstdError:
            raise _corrupt() from None

    def _unpack(self, data: bytes) -> None:
        while data:
            self._inside = True
            self._add(self._inner.decompress(data))
            data = b""
            if self._inner.eof:
                data, self._inside = self._inner.unused_data, False
                self._inner = self._context.decompressobj()

    def finish(self) -> bytes:
        if self._inside:
            raise _corrupt()
        return super().finish()


def _corrupt() -> RefusalError:
    return RefusalError(Trouble.BAD_DATA, "The body cannot be decompressed.", [("body", "corrupt or cut off")])
