"""The SQL of this room: every statement stands in its own file; only our own words are ever put into one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_NAME = re.compile(r"[a-z_]+")


def statement(name: str, **words: str) -> str:
    """The statement of a file, with `{columns}`, `{where}`, `{field}` or `{table}` filled in from our own lists."""
    text = _text(name)
    for word, replacement in words.items():
        text = text.replace("{" + word + "}", replacement)
    return text


def column_list(names: Iterable[str]) -> str:
    """Column names as a SELECT lists them."""
    listed = list(names)
    if not all(_NAME.fullmatch(name) for name in listed):
        raise ValueError("a column name is not one of ours")
    return ", ".join(listed)


def schema_files() -> tuple[tuple[int, str, tuple[str, ...]], ...]:
    """Number, name and statements of every schema file, in order."""
    files = sorted((_FOLDER / "schema").glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return tuple((int(path.name[:4]), path.stem, tuple(_statements(path.read_text("utf-8")))) for path in files)


@cache
def _text(name: str) -> str:
    text = (_FOLDER / "sql" / f"{name}.sql").read_text("utf-8")
    return "\n".join(line for line in text.splitlines() if not line.startswith("--")).strip()


def _statements(text: str) -> Iterator[str]:
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    for part in "\n".join(lines).split(";"):
        if part.strip():
            yield part.strip()
