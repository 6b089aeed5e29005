"""What a dialect is: how to recognise it, how it tells facts, where it keeps content, what its keys are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from runs.draft import Draft
from runs.sheet import Sheet
from runs.view import View
from spans.fields import FieldClass


def nothing(_view: View, _draft: object) -> None:
    """For a dialect that adds nothing here."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way of writing spans. Everything in it is pure and reads clean data only."""

    id: str
    """Stored in `SpanFacts.dialects`."""
    title: str
    """What people are shown."""
    detect: Callable[[View], bool]
    """Whether this span or log is written this way (scope and attributes; never the batch, never the resource)."""
    facts: Callable[[View, Draft], None] = nothing
    content: Callable[[View, Sheet], None] = nothing
    classes: Mapping[FieldClass, tuple[str, ...]] = field(default_factory=dict)
    """Classes of its raw keys, for redaction and storage; a trailing `*` names a family."""
    covers: tuple[str, ...] = ()
    """Dialects that are read too but not named beside this one, because this one includes their keys."""
