"""A long conversation in parts that a browser opens at once: as many turns as fit, none lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec import structs

from spans.content import Document, Part
from spans.values import Value
from web.conversation import Turn
from web.json_tree import Node, json_tree
from web.text import FOLD_MOST, visible

PART_BYTES = 220_000
"""HTML of the turns of one part; with the tree beside it and the frame, a page stays below 500 kB."""
PART_TURNS = 400
_TURN_BYTES = 900
"""The frame of a turn: its head, its link to the step."""
_PIECE_BYTES = 260
"""The frame of a part, a document, a decision or a fold."""
_NODE_BYTES = 120
_SHORTER = (8_000, 1_500, 300)
"""Characters of each text of a turn that is too much for a part by itself, tried in this order."""
_DOCUMENTS = 30
"""As many as a turn shows (`documents` in parts/ui.html)."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The turns from `first` (counted from 0) up to and without `last`."""

    turns: tuple[Turn, ...]
    first: int
    last: int


def cut_from(turns: Sequence[Turn], first: int, *, most: int = PART_BYTES) -> Cut:
    """As many turns as fit, beginning with `first`; one at least, shortened when it alone is too much."""
    taken = _fitting(turns[first:], most)
    return Cut(tuple(taken), first, first + len(taken))


def cut_until(turns: Sequence[Turn], last: int, *, most: int = PART_BYTES) -> Cut:
    """As many turns as fit, ending before `last`: what *Earlier* leads to."""
    taken = _fitting(reversed(turns[:last]), most)
    return Cut(tuple(reversed(taken)), last - len(taken), last)


def _fitting(turns: Iterable[Turn], most: int) -> list[Turn]:
    taken: list[Turn] = []
    room = most
    for turn in turns:
        weight = weigh(turn)
        if taken and (weight > room or len(taken) == PART_TURNS):
            break
        taken.append(turn if weight <= most else _shortened(turn, most))
        room -= weight
    return taken


def weigh(turn: Turn) -> int:
    """Bytes of HTML that a turn takes, rather too many than too few."""
    return _TURN_BYTES + sum(_pieces(turn))


def _pieces(turn: Turn) -> Iterator[int]:
    yield from (_part(part) for part in turn.parts)
    yield _tree(turn.arguments) + _tree(turn.result) + _text(turn.query) + _text(turn.error, None)
    yield from (_PIECE_BYTES + _text(doc.content) for doc in turn.documents[:_DOCUMENTS])
    yield len(turn.decisions) * 3 * _PIECE_BYTES + sum(_text(words, None) for words in turn.changes)


def _part(part: Part) -> int:
    content = part.content
    if part.type in {"reasoning", "refusal"}:
        return _PIECE_BYTES + _text(str(content or ""), None)
    if part.type == "text" and isinstance(content, str):
        return _PIECE_BYTES + _text(content)
    if part.type in {"media", "compaction"}:
        return _PIECE_BYTES
    return _PIECE_BYTES + _tree(part.arguments) + _text(part.arguments_raw or "") + _tree(content) + _tree(part.raw)


def _text(text: str | None, most: int | None = FOLD_MOST) -> int:
    return _PIECE_BYTES + len(str(visible(text[:most])).encode()) if text else 0


def _tree(value: Value) -> int:
    return 0 if value is None else _node(json_tree(value, "", unfold=True))


def _node(node: Node) -> int:
    own = _NODE_BYTES + (_text(node.key, None) if node.key else 0) + _text(node.text)
    return own + sum(map(_node, node.children))


def _shortened(turn: Turn, most: int) -> Turn:
    for length in _SHORTER:
        short = _with_texts(turn, lambda text, length=length: _clipped(text, length))  # type: ignore[misc]
        if weigh(short) <= most:
            return short
    return replace(
        turn, parts=(), arguments=None, has_arguments=False, result=None, has_result=False, documents=(), changes=(),
        query=_clipped(turn.query, _SHORTER[-1]), error=_clipped(turn.error, _SHORTER[-1]), is_short=True,
    )  # fmt: skip


def _clipped(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}… ({len(text) - length:,} more characters)"


def _with_texts(turn: Turn, clip: Callable[[str], str]) -> Turn:
    return replace(
        turn,
        parts=tuple(_clip_part(part, clip) for part in turn.parts),
        arguments=_clip_value(turn.arguments, clip),
        result=_clip_value(turn.result, clip),
        query=clip(turn.query),
        documents=tuple(_clip_document(doc, clip) for doc in turn.documents),
        error=clip(turn.error),
        changes=tuple(map(clip, turn.changes)),
        is_short=True,
    )


def _clip_part(part: Part, clip: Callable[[str], str]) -> Part:
    if part.type == "media":
        return part  # only its size is shown
    return structs.replace(
        part,
        content=_clip_value(part.content, clip),
        arguments=_clip_value(part.arguments, clip),
        arguments_raw=clip(part.arguments_raw) if part.arguments_raw else part.arguments_raw,
        raw=_clip_value(part.raw, clip),
    )


def _clip_document(doc: Document, clip: Callable[[str], str]) -> Document:
    return structs.replace(doc, content=clip(doc.content)) if doc.content else doc


def _clip_value(value: Value, clip: Callable[[str], str]) -> Value:
    if isinstance(value, str):
        return clip(value)
    if isinstance(value, Mapping):
        return {key: _clip_value(inner, clip) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [_clip_value(inner, clip) for inner in value]
    return value
