"""The verb `detect`: a series in as CSV, one causal score per line out."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from enum import StrEnum

from insights.records import LARGEST_VALUE, RecordDetector
from insights.spend import SpendDetector
from spans.errors import RefusedError


class Method(StrEnum):
    """Which detector reads the series."""

    RECORD = "record"
    """Any metric: how far a value leaves everything seen so far; an alert from 0.1."""
    SPEND = "spend"
    """Amounts that add up, by the hour: largest z as a share of its limit; an alert from 1."""


_LATEST_S = 253_402_300_800
"""The year 10000."""
_HOUR_S = 3_600


def detect(method: Method, lines: Iterable[str]) -> Iterator[float]:
    """Score a series row by row; a score is given before the next row is read.

    Args:
        method: The detector.
        lines: CSV with the columns `ts` (seconds since the epoch; never falling for spend) and `value`.

    Raises:
        RefusedError: the text is not such a series; the sentence names the line.
    """
    points = _points(method, lines)
    if method is Method.RECORD:
        records = RecordDetector()
        return (records.observe(ts_s, value).score for ts_s, value in points)
    spend = SpendDetector()
    return (spend.add(ts_s // _HOUR_S, value).score for ts_s, value in points)


def _points(method: Method, lines: Iterable[str]) -> Iterator[tuple[int, float]]:
    rows = csv.reader(lines, strict=True)
    try:
        header = next(rows, None)
        if header is None or [name.strip().lower() for name in header] != ["ts", "value"]:
            raise RefusedError("detect: line 1 must be the header ts,value.")
        earlier = -math.inf
        for row in rows:
            if not row:
                continue
            where = f"detect: line {rows.line_num}"
            if len(row) != 2:
                raise RefusedError(f"{where} has {len(row)} columns; write ts,value.")
            ts_s = _number(row[0], where, "ts", least=0, most=_LATEST_S)
            if ts_s < earlier and method is Method.SPEND:  # a metric in local time goes back once a year
                raise RefusedError(f"{where}: time goes back. Sort the rows by ts.")
            earlier = ts_s
            least = 0.0 if method is Method.SPEND else -LARGEST_VALUE
            yield int(ts_s), _number(row[1], where, "value", least=least, most=LARGEST_VALUE)
    except (csv.Error, UnicodeDecodeError) as error:
        raise RefusedError(f"detect: the input is not CSV text ({error}).") from None


def _number(text: str, where: str, name: str, *, least: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise RefusedError(f"{where}: {name} is {text[:40]!r}; write a number from {least:g} to {most:g}.")
    return number
