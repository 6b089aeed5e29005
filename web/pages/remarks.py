"""Notes and tags of a run as its header shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from store.ledger.remarks import Remark, RemarkKind
from web.places import Place


@dataclass(frozen=True, slots=True)
class TagChip:
    """A tag: a door to the runs that have it. `remark_id` is empty where the sender set it, which cannot be taken away."""

    words: str
    href: str
    remark_id: str = ""


@dataclass(frozen=True, slots=True)
class NoteLine:
    """A note, who wrote it and when."""

    remark_id: str
    text: str
    author: str
    created_ns: int


@dataclass(frozen=True, slots=True)
class RunRemarks:
    """What people wrote on a run, and where more is sent."""

    tags: tuple[TagChip, ...]
    notes: tuple[NoteLine, ...]
    action: str
    remove: str
    may_write: bool


def build_remarks(
    place: Place,
    run_id: str,
    sent: Sequence[str],
    said: Sequence[Remark],
    names: Mapping[str, str],
    *,
    may_write: bool = False,
) -> RunRemarks:
    """Build them; `sent` are the tags of the run itself, which hold what people added before it was judged last."""
    own = {r.text: r.remark_id for r in said if r.kind is RemarkKind.TAG}
    words = dict.fromkeys((*sent, *own))
    return RunRemarks(
        tags=tuple(TagChip(w, place.url("/runs", tag=w, shape="any"), own.get(w, "")) for w in words),
        notes=tuple(
            NoteLine(r.remark_id, r.text, names.get(r.author, r.author), r.created_ns)
            for r in said
            if r.kind is RemarkKind.NOTE
        ),
        action=place.url(f"/runs/{run_id}/remarks"),
        remove=place.url(f"/runs/{run_id}/remarks/remove"),
        may_write=may_write,
    )
