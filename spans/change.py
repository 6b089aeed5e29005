"""Marks of change (a deployment, a new model, a new policy) and what people accepted as the way things should be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MarkKind(StrEnum):
    """What changed."""

    DEPLOYMENT = "deployment"
    """Somebody told us: by `tracetape mark` or over the API."""
    VERSION = "version"
    MODEL = "model"
    PROMPT = "prompt"
    """By its hash."""
    TOOLS = "tools"
    """A tool that was offered for the first time, or with another schema."""
    POLICY = "policy"
    """A version of the policy file was saved or withdrawn; of `*`: for all workflows."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One change, as a line on every chart."""

    project: str
    environment: str
    """Empty: all of them."""
    workflow: str
    """Empty: all of them."""
    at_ns: int
    kind: MarkKind
    label: str
    """What a person reads: `v42`, `gpt-5-mini`, `new refund limits`."""
    by: str = ""
    """Who said so; empty when it was seen in the runs."""
    mark_id: str = ""

    @property
    def sentence(self) -> str:
        """`version p2 first seen`, `policy version 3 saved`, or what somebody wrote."""
        if self.kind is MarkKind.DEPLOYMENT:
            return f"marked: {self.label}"
        if self.kind is MarkKind.POLICY:
            return f"policy {self.label}"
        what = "tool schema" if self.kind is MarkKind.TOOLS else self.kind.value
        return f"{what} {self.label} first seen"


@dataclass(frozen=True, slots=True)
class Accepted:
    """From when on a workflow behaves as it should; nothing before it is a reference any more."""

    since_ns: int
    until_ns: int | None = None
    """End of a pinned reference; None: the first seven days."""
    is_pinned: bool = False
    """Whether this period is a reference of its own, beside the trailing one."""
    by: str = ""
