"""Erasure: everything of a person or run, wherever it is kept, finished only when the bytes are gone; with a certificate."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from spans.errors import BusyError, NotFoundError, RefusedError
from spans.ids import RunId, TraceId
from spans.pseudonym import HIDDEN, WITHHELD
from store.api import Store
from store.ledger import Ledger
from store.ledger.erasures import Erasure, Subject

logger = logging.getLogger(__name__)

SHORTEST_TARGET = 6
"""A shorter text is no pseudonym; it would erase whatever happens to contain it."""


class SealedFiles(Protocol):
    """Sealed originals beside the spool."""

    def list(self) -> Sequence[SealedFile]:
        """What is kept."""

    def remove(self, name: str) -> None:
        """Destroy one."""


class SealedFile(Protocol):
    """What is known of a sealed original."""

    @property
    def name(self) -> str:
        """Its file."""

    @property
    def segment(self) -> str:
        """Where it came from."""

    @property
    def slot(self) -> int:
        """Its record in that segment."""


@dataclass(frozen=True, slots=True)
class ErasurePreview:
    """What an erasure would remove: traces, and rows per table."""

    project: str
    subject: Subject
    target: str
    traces: tuple[TraceId, ...]
    rows: Mapping[str, int]


class Erasing:
    """Plans, carries out and repeats erasures. Safe to call again after a crash at any point."""

    def __init__(self, store: Store, ledger: Ledger, withheld: SealedFiles) -> None:
        self._store = store
        self._ledger = ledger
        self._withheld = withheld

    def preview(self, project: str, subject: Subject, target: str) -> ErasurePreview:
        """What would go.

        Args:
            project: in which project.
            subject: a person or a run.
            target: the person's pseudonym (never their name), or a run or trace id.

        Raises:
            RefusedError: the target cannot stand for one person.
            NotFoundError: the project has no such run.
        """
        traces = self._traces(project, subject, target)
        return ErasurePreview(project, subject, target, traces, self._store.count_traces(project, traces))

    def erase(self, project: str, subject: Subject, target: str, *, by: str) -> Erasure:
        """Erase now and certify it; the tombstone is written first, so that a crash or a restore goes on with it.

        Raises:
            RefusedError: the target cannot stand for one person.
            NotFoundError: the project has no such run.
            BusyError: rows are gone from every answer, but old files still lie on the disk; `go_on` finishes it.
        """
        traces = self._traces(project, subject, target)
        detail = {"erasure": subject.value, "traces": str(len(traces))}
        self._ledger.audit.append(by, "retention_change", target=target, project=project, detail=detail)
        tombstone = self._ledger.erasures.begin(project, subject, target, traces, by=by)
        return self._carry_out(tombstone)

    def go_on(self) -> int:
        """Finish what an earlier process began; how many were finished."""
        finished = 0
        for tombstone in self._ledger.erasures.list():
            if tombstone.finished_ns is None:
                try:
                    self._carry_out(tombstone)
                except BusyError as error:
                    logger.warning("an erasure waits", extra={"erasure": tombstone.erasure_id, "reason": str(error)})
                else:
                    finished += 1
        return finished

    def replay(self, tombstones: Iterable[Erasure]) -> int:
        """Erase again what a restored backup brought back; rows removed."""
        return sum(sum(self._remove(tombstone).values()) for tombstone in tombstones)

    def _traces(self, project: str, subject: Subject, target: str) -> tuple[TraceId, ...]:
        if subject is Subject.PERSON:
            text = target.strip()
            if len(text) < SHORTEST_TARGET or text in {HIDDEN, WITHHELD}:
                raise RefusedError("This is not the pseudonym of one person; see tracetape pseudonym.")
            return self._store.find_traces(project, text)
        run = self._store.read_run(project, TraceId(target))
        if run is None:
            raise NotFoundError(f"Project {project} has no run {target}.")
        steps = self._store.read_steps(project, RunId(run.run_id))
        return tuple(sorted({TraceId(run.run_id), *(step.trace_id for step in steps)}))

    def _carry_out(self, tombstone: Erasure) -> Erasure:
        return self._ledger.erasures.finish(tombstone.erasure_id, self._remove(tombstone))

    def _remove(self, tombstone: Erasure) -> dict[str, int]:
        project, traces = tombstone.project, tombstone.traces
        sealed = self._sealed_of(project, traces)
        for name in sealed:
            self._withheld.remove(name)
        removed = self._store.erase(project, traces)
        if tombstone.subject is Subject.RUN:
            for pin in self._ledger.pins.list(project, RunId(tombstone.target)):
                self._ledger.pins.lift(project, pin.run_id, pin.reason)
        return {**removed, "sealed_originals": len(sealed)}

    def _sealed_of(self, project: str, traces: Iterable[TraceId]) -> list[str]:
        """Originals whose redaction failed, of records that hold one of these traces."""
        kept = {(file.segment, file.slot): file.name for file in self._withheld.list()}
        if not kept:
            return []
        slots: set[tuple[str, int]] = set()
        for trace in traces:
            found = self._store.read_evidence(project, trace)
            slots.update((span.origin.segment, span.origin.slot) for span in found.spans)
            slots.update((log.origin.segment, log.origin.slot) for log in found.logs)
        return sorted(name for slot, name in kept.items() if slot in slots)
