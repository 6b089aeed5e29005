"""Rows as CSV that no spreadsheet runs: cells that look like formulas are quoted, invisible characters get a face."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from web.text import plain_visible

_FORMULA = re.compile(r"\s*[=+\-@|%\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""What begins a formula, its full-width forms too, after white space that some spreadsheets drop (OWASP, CSV injection)."""
_INNER = re.compile(r"([;\t\r\n][\"\s]*)(?=[=+\-@|%\uff1d\uff0b\uff0d\uff20])")
"""Where one begins in the middle of a cell, should the file be opened with another separator than the comma."""
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def csv_cell(value: object) -> str:
    """A value as the text of a cell; None is empty."""
    text = "" if value is None else plain_visible(str(value))
    if _NUMBER.fullmatch(text):
        return text
    inner = _INNER.sub(r"\1'", text)
    return f"'{inner}" if _FORMULA.match(text) else inner


def csv_text(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A whole file, with the mark that makes spreadsheets read it as UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow([csv_cell(h) for h in heads])
    writer.writerows([csv_cell(v) for v in row] for row in rows)
    return "\ufeff" + out.getvalue()
