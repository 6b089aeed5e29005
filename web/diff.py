"""Two texts side by side: what stayed, what changed, what moved. Pure; the comparison and every version page draw it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace

MOST_LINES = 4_000
"""Lines compared on each side; what is longer is cut and says so."""
CONTEXT = 3
"""Unchanged lines kept around a change."""
_ALIKE = 0.5
"""Two lines at least this similar are one changed line; less alike, one went and another came."""
_MOST_PIECES_OF = 2_000
"""Characters of a line whose words are compared one by one."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a line; `changed` when the other side does not have it."""

    text: str
    changed: bool = False


@dataclass(frozen=True, slots=True)
class DiffRow:
    """A row of two cells. `kind`: same, changed, removed, added, moved, gap; line numbers count from 1, 0 for none."""

    kind: str
    left: tuple[Piece, ...] = ()
    right: tuple[Piece, ...] = ()
    left_line: int = 0
    right_line: int = 0
    hidden: int = 0
    """Unchanged lines that a gap stands for."""


@dataclass(frozen=True, slots=True)
class Diff:
    """The comparison of two texts, with its counts for a sentence."""

    rows: tuple[DiffRow, ...]
    added: int
    removed: int
    is_equal: bool
    is_cut: bool = False
    left_title: str = ""
    right_title: str = ""


def diff_texts(left: str, right: str, *, left_title: str = "", right_title: str = "", context: int = CONTEXT) -> Diff:
    """Compare two texts line by line and word by word; long unchanged stretches become gaps."""
    old, new = left.splitlines(), right.splitlines()
    is_cut = len(old) > MOST_LINES or len(new) > MOST_LINES
    old, new = old[:MOST_LINES], new[:MOST_LINES]
    rows = _mark_moved(_rows(old, new))
    return Diff(
        rows=_fold(rows, context),
        added=sum(r.kind in {"added", "changed"} for r in rows),
        removed=sum(r.kind in {"removed", "changed"} for r in rows),
        is_equal=left == right,
        is_cut=is_cut,
        left_title=left_title,
        right_title=right_title,
    )


def _rows(old: Sequence[str], new: Sequence[str]) -> list[DiffRow]:
    rows: list[DiffRow] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            rows += [
                DiffRow("same", (Piece(old[a + n]),), (Piece(new[c + n]),), a + n + 1, c + n + 1) for n in range(b - a)
            ]
        else:
            rows += _changed(old[a:b], new[c:d], a, c)
    return rows


def _changed(old: Sequence[str], new: Sequence[str], left_at: int, right_at: int) -> list[DiffRow]:
    """A changed stretch: lines that resemble each other side by side, the rest alone."""
    rows = []
    paired = min(len(old), len(new))
    for n in range(paired):
        here = (left_at + n + 1, right_at + n + 1)
        pieces = _pieces(old[n], new[n])
        if pieces is None:
            rows.append(DiffRow("removed", (Piece(old[n]),), (), here[0]))
            rows.append(DiffRow("added", (), (Piece(new[n]),), 0, here[1]))
        else:
            rows.append(DiffRow("changed", *pieces, *here))
    rows += [DiffRow("removed", (Piece(t),), (), left_at + paired + n + 1) for n, t in enumerate(old[paired:])]
    rows += [DiffRow("added", (), (Piece(t),), 0, right_at + paired + n + 1) for n, t in enumerate(new[paired:])]
    return rows


def _pieces(old: str, new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]] | None:
    if len(old) + len(new) > _MOST_PIECES_OF:
        return (Piece(old, changed=True),), (Piece(new, changed=True),)
    left, right = _words(old), _words(new)
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return None
    one: list[Piece] = []
    other: list[Piece] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if b > a:
            one.append(Piece("".join(left[a:b]), tag != "equal"))
        if d > c:
            other.append(Piece("".join(right[c:d]), tag != "equal"))
    return tuple(one), tuple(other)


def _words(line: str) -> list[str]:
    words: list[str] = []
    for char in line:
        if words and char.isalnum() and words[-1][-1].isalnum():
            words[-1] += char
        else:
            words.append(char)
    return words


def _mark_moved(rows: list[DiffRow]) -> list[DiffRow]:
    """A line that went here and came there moved; blank and one-sign lines are too common to say so."""
    gone = {r.left[0].text.strip() for r in rows if r.kind == "removed"}
    came = {r.right[0].text.strip() for r in rows if r.kind == "added"}
    moved = {text for text in gone & came if len(text) > 3}

    def text_of(row: DiffRow) -> str:
        return (row.left or row.right)[0].text.strip()

    return [replace(r, kind="moved") if r.kind in {"removed", "added"} and text_of(r) in moved else r for r in rows]


def _fold(rows: Sequence[DiffRow], context: int) -> tuple[DiffRow, ...]:
    wanted: set[int] = set()
    for at, row in enumerate(rows):
        if row.kind != "same":
            wanted.update(range(at - context, at + context + 1))
    kept: list[DiffRow] = []
    hidden = 0
    for at, row in enumerate(rows):
        if row.kind != "same" or at in wanted:
            if hidden:
                kept.append(DiffRow("gap", hidden=hidden))
                hidden = 0
            kept.append(row)
        else:
            hidden += 1
    if hidden and kept:
        kept.append(DiffRow("gap", hidden=hidden))
    return tuple(kept)
