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


def never(_view: View) -> bool:
    """For a dialect that shows by scope and keys alone."""
    return False


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way of writing spans. Everything in it is pure and reads clean data only."""

    id: str
    """Stored in `SpanFacts.dialects`."""
    title: str
    """What people are shown."""
    scopes: tuple[str, ...] = ()
    """Instrumentation scopes that write this way; a trailing `*` names a family."""
    families: frozenset[str] = frozenset()
    """First segments of attribute keys that only this dialect writes."""
    detect: Callable[[View], bool] = never
    """Further signs that this span or log is written this way (on the item itself, never the batch)."""
    facts: Callable[[View, Draft], None] = nothing
    content: Callable[[View, Sheet], None] = nothing
    classes: Mapping[FieldClass, tuple[str, ...]] = field(default_factory=dict)
    """Classes of its raw keys, for redaction and storage; a trailing `*` names a family."""
    covers: tuple[str, ...] = ()
    """Dialects that are read too but not named beside this one, because this one includes their keys."""

    def is_told_by(self, scope: str, families: frozenset[str]) -> bool:
        """Whether the scope or a family of keys alone says that a span or log is written this way."""
        return not self.families.isdisjoint(families) or any(
            scope.startswith(name[:-1]) if name.endswith("*") else scope == name for name in self.scopes
        )
