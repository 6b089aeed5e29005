"""Searches everything that is on disk for given texts: decompressed columns of every part, ledger, spool, logs, temporary files."""

from __future__ import annotations

import contextlib
import json
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import lz4.block
import zstandard

from spans.errors import SettingsError
from store.ledger.plain import NotALedgerError, rows_as_text
from tracetape.folder import DataFolder

MIN_NEEDLE = 4
"""Characters; shorter texts occur everywhere by chance."""
MAX_NEEDLES = 10_000
PIECE_BYTES = 4 * 1024 * 1024
MAX_PLACES = 20
"""Places named per needle; all are counted."""

_CHECKSUM, _HEADER = 16, 9
_NONE, _LZ4, _ZSTD, _MULTIPLE = 0x02, 0x82, 0x90, 0x91
"""Methods of ClickHouse's compressed blocks; a chain (delta, then ZSTD) holds numbers."""
_COMPRESSED = frozenset({".bin", ".cmrk2", ".cmrk3", ".cmrk4", ".cidx", ".cidx2"})
_SKIPPED = frozenset({"lock", "status"})


class NotRead(Exception):  # noqa: N818 - an outcome of one file, shown in the report
    """A file that could not be decoded; its raw bytes were searched all the same."""


@dataclass(slots=True)
class Report:
    """What was searched and what was found; needles are named by their line, never by their text."""

    files: int = 0
    compressed_files: int = 0
    read_bytes: int = 0
    decompressed_bytes: int = 0
    columns: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    """Line of the needle → how often it was found."""
    places: dict[int, list[str]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def add(self, line: int, place: str, times: int) -> None:
        """Count a find."""
        self.counts[line] = self.counts.get(line, 0) + times
        known = self.places.setdefault(line, [])
        if len(known) < MAX_PLACES and place not in known:
            known.append(place)


class Needles:
    """Texts to search for, each in every spelling it could be stored in; upper and lower case are one."""

    def __init__(self, texts: Sequence[tuple[int, str]]) -> None:
        self.texts = tuple(texts)
        self._lines: dict[bytes, int] = {}
        for line, text in texts:
            for spelling in _spellings(text):
                self._lines.setdefault(spelling.lower(), line)
        longest_first = sorted(self._lines, key=lambda spelling: (-len(spelling), spelling))
        self._pattern = re.compile(b"|".join(map(re.escape, longest_first)), re.IGNORECASE)
        self.longest = len(longest_first[0])

    def lines_in(self, data: bytes) -> Iterator[int]:
        """The line of every needle found, as often as it is found."""
        for match in self._pattern.finditer(data):
            yield self._lines[match[0].lower()]


def read_needles(path: Path) -> Needles:
    """Read a file with one text to search for per line; empty lines and lines that begin with `#` are skipped.

    Raises:
        SettingsError: it cannot be read, holds nothing, or a text is too short to mean anything.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The needles file {path} cannot be read: {type(error).__name__}.") from None
    texts = [(number, line.strip()) for number, line in enumerate(lines, 1)]
    texts = [(number, text) for number, text in texts if text and not text.startswith("#")]
    if not texts:
        raise SettingsError(f"{path} holds no text to search for; write one per line.")
    if len(texts) > MAX_NEEDLES:
        raise SettingsError(f"{path} has {len(texts)} texts; at most {MAX_NEEDLES} can be searched for at once.")
    for number, text in texts:
        if len(text) < MIN_NEEDLE:
            raise SettingsError(f"{path}:{number}: shorter than {MIN_NEEDLE} characters; it would be found by chance.")
    return Needles(texts)


def scan_files(folder: DataFolder, needles: Needles, kept: Path) -> Report:
    """Search every file of the data folder and of the private temporary folder; nothing is locked or changed.

    Args:
        folder: The data folder, in use or not.
        needles: What to search for.
        kept: The needles file itself, which may lie in the folder.
    """
    report = Report()
    roots = [folder.root] if folder.sockets.is_relative_to(folder.root) else [folder.root, folder.sockets]
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.is_file() and not path.is_symlink() and path.resolve() != kept.resolve():
                name = str(path.relative_to(root))
                with contextlib.suppress(FileNotFoundError):  # merged or rotated away meanwhile
                    _scan_file(path, name, needles, report)
    return report


def _scan_file(path: Path, name: str, needles: Needles, report: Report) -> None:
    report.files += 1
    report.read_bytes += _search(_raw(path), name, needles, report)
    if path.suffix in _COMPRESSED:
        report.compressed_files += 1
        try:
            report.decompressed_bytes += _search(_decompressed(path), f"{name} (decompressed)", needles, report)
        except NotRead:
            report.unread.append(name)
    elif path.suffix == ".sqlite":
        try:
            report.decompressed_bytes += _search(rows_as_text(path), f"{name} (rows)", needles, report)
        except NotALedgerError:
            report.unread.append(name)


def _search(pieces: Iterator[bytes], name: str, needles: Needles, report: Report) -> int:
    """Search one stream; a find across the seam of two pieces counts once."""
    total, tail = 0, b""
    for piece in pieces:
        total += len(piece)
        window = tail + piece
        for line in needles.lines_in(window):
            report.add(line, name, 1)
        # A find that lies in the tail as a whole was counted: shorter than the longest needle, or cut off there.
        tail = window[-(needles.longest - 1) :] if needles.longest > 1 else b""
        for line in needles.lines_in(tail):
            report.counts[line] -= 1
    for line in needles.lines_in(tail):
        report.add(line, name, 1)
    return total


def _raw(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _decompressed(path: Path) -> Iterator[bytes]:
    """The blocks of a column file: checksum, method, sizes, body."""
    with path.open("rb") as file:
        while head := file.read(_CHECKSUM + _HEADER):
            if len(head) < _CHECKSUM + _HEADER:
                raise NotRead
            method, compressed, size = struct.unpack_from("<BII", head, _CHECKSUM)
            body = file.read(compressed - _HEADER)
            if compressed < _HEADER or len(body) != compressed - _HEADER:
                raise NotRead
            yield _block(method, body, size)


def _block(method: int, body: bytes, size: int) -> bytes:
    try:
        if method == _NONE:
            return body
        if method == _LZ4:
            return bytes(lz4.block.decompress(body, uncompressed_size=size))
        if method == _ZSTD:
            return zstandard.ZstdDecompressor().decompress(body, max_output_size=size)
        if method == _MULTIPLE:
            nested = body[1 + body[0] :]
            inner, _, inner_size = struct.unpack_from("<BII", nested)
            return _block(inner, nested[_HEADER:], inner_size)
    except (lz4.block.LZ4BlockError, zstandard.ZstdError, struct.error, IndexError):
        raise NotRead from None
    raise NotRead


def _spellings(text: str) -> Iterator[bytes]:
    yield text.encode()
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(text, ensure_ascii=False)[1:-1].encode()
    yield quote(text).encode()
    yield quote(text, safe="").replace("%20", "+").encode()
