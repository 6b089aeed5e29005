"""What stands above a step: its path, made once for all steps that stand in the same place."""

from __future__ import annotations

from collections.abc import Mapping

from spans.ids import SpanId


class Ancestry:
    """The paths of a tree that is told as the parent of each step; steps of one parent share one path.

    A run hundreds of levels deep is read in the time that its steps take, not its steps times its levels.
    """

    def __init__(self, parents: Mapping[SpanId, SpanId | None]) -> None:
        self._parents = parents
        self._paths: dict[SpanId, tuple[SpanId, ...]] = {}
        """The path to what stands in a step: what is above it, and itself. None of a step in a circle or below one."""

    def of(self, span_id: SpanId) -> tuple[SpanId, ...]:
        """Ids above a step, outermost first; what is not in the tree ends it, and a circle ends where it closes."""
        climbed: list[SpanId] = []
        seen = {span_id}
        at = self._parents.get(span_id)
        while at is not None and at in self._parents and at not in seen and at not in self._paths:
            seen.add(at)
            climbed.append(at)
            at = self._parents[at]
        if at in seen:
            return tuple(reversed(climbed))
        path = self._paths.get(at, ()) if at is not None else ()
        for step in reversed(climbed):
            path = (*path, step)
            self._paths[step] = path
        return path
