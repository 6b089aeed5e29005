"""Recognises CSV, TSV and Markdown tables whose header names personal columns, and yields their cells."""

from __future__ import annotations

import re

MAX_HEADER = 400
MAX_COLUMN_NAME = 40
MIN_SEPARATORS = 2

_PERSONAL = re.compile(
    r"(?i)name|mail|phone|mobile|\btel\b|address|street|city|birth|\bdob\b|ssn|social|iban|account|card|passenger"
    r"|customer|patient|employee|contact|password|secret|token|\bkey\b|\bip\b"
)
_RULE = re.compile(r"[\s|:+=-]+\Z")

HEADER = "\0"
"""Stands for the column of the header's own cells: they are names of columns, not values."""

Cell = tuple[int, str, str]
"""Where a cell begins, its text, the name of its column."""


def cells(text: str) -> list[Cell] | None:
    """The cells of a table, lines that do not fit as one cell without a column; None when the text is no table."""
    first_end = text.find("\n", 0, MAX_HEADER)
    if first_end < 0:
        return None
    header = text[:first_end]
    separator = next((mark for mark in ("|", "\t", ",", ";") if header.count(mark) >= MIN_SEPARATORS), None)
    if separator is None or "@" in header or not _PERSONAL.search(header):
        return None
    columns = [name.strip().strip("\"'") for name in header.split(separator)]
    if any(len(name) > MAX_COLUMN_NAME for name in columns) or header.rstrip().endswith((".", ":")):
        return None
    return _cells(text, separator, columns)


def _cells(text: str, separator: str, columns: list[str]) -> list[Cell] | None:
    found: list[Cell] = []
    place, rows = 0, 0
    for line in text.split("\n"):
        parts = _parts(line, separator)
        if len(parts) >= len(columns):
            rows += 1
            # A decimal comma makes more parts than columns; the first ones still stand where they should.
            for name, (within, part) in zip(columns, parts, strict=False):
                word = part.strip(" \t\"'\r")
                if word and not (separator == "|" and _RULE.match(word)):
                    found.append((place + within + part.index(word), word, name if place else HEADER))
            found.extend((place + within, part, "") for within, part in parts[len(columns) :] if part.strip())
        elif line.strip():
            found.append((place, line, ""))
        place += len(line) + 1
    return found if rows > 1 else None


def _parts(line: str, separator: str) -> list[tuple[int, str]]:
    """Parts of a line with their places; a separator inside double quotes separates nothing."""
    parts: list[tuple[int, str]] = []
    place, start, quoted = 0, 0, False
    pieces = line.split(separator)
    for number, piece in enumerate(pieces):
        if piece.count('"') % 2:
            quoted = not quoted
        place += len(piece)
        if not quoted or number == len(pieces) - 1:
            parts.append((start, line[start:place]))
            start = place + len(separator)
        place += len(separator)
    return parts
