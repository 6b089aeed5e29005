"""Erasure: everything of a person or run, wherever it is kept, finished only when the bytes are gone; with a certificate."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from collector.broker import Held
from spans.erasure import ErasureOutlook, Waiting
from spans.errors import BusyError, NotFoundError, RefusedError
from spans.ids import RunId, TraceId
from spans.pseudonym import Pseudonym, parse_pseudonym
from store.api import Store
from store.ledger import Ledger
from store.ledger.erasures import Erasure, Subject
from store.ledger.pins import PinReason
from store.survivors import RECORD_DAYS
from tracetape.departures import departures
from tracetape.erased_arrivals import ErasedArrivals
from tracetape.erased_sealed import Cleared, Sealed

logger = logging.getLogger(__name__)

DAY_NS = 86_400_000_000_000
MOST_LOOKED_AT = 500
"""Runs whose workflow is asked for; among more of them some are taken to be of every workflow."""
ERASING_EVERY_S = 5.0
"""Pause between two looks at what an unfinished erasure still waits for."""


class Erasing:
    """Plans, carries out and repeats erasures. Safe to call again after a crash at any point, and from several threads."""

    def __init__(
        self, store: Store, ledger: Ledger, sealed: Sealed, arrivals: ErasedArrivals, forward_url: str = ""
    ) -> None:
        """Nothing is erased yet.

        Args:
            store: where rows are.
            ledger: where tombstones and certificates are, and what people wrote.
            sealed: spool, withheld originals and quarantine.
            arrivals: keeps what is erased out of what is stored later.
            forward_url: the backend that spans are forwarded to; empty when there is none.
        """
        self._store = store
        self._ledger = ledger
        self._sealed = sealed
        self._arrivals = arrivals
        self._forward_url = forward_url
        self._removing = threading.Lock()
        self._looking = threading.Lock()
        self._removed_s: dict[str, float] = {}
        self._waits: dict[str, Waiting] = {}
        self._all_found: dict[str, int] = {}
        """By erasure: how many traces it had at a look that began when the spool held nothing of before it, and that found
        nothing in rows or sealed records. While it has no more, no other trace of its person can turn up."""

    def preview(self, project: str, subject: Subject, *targets: str) -> ErasureOutlook:
        """What would go.

        Args:
            project: in which project.
            subject: a person or a run.
            targets: the person's pseudonyms (never their name), or a run or trace id.

        Raises:
            RefusedError: the target cannot stand for one person.
            NotFoundError: the project has no such run.
        """
        found = {trace for target in targets for trace in self._traces(project, subject, target)}
        traces = tuple(sorted(found))
        times = self._store.times_of(project, traces) if traces else None
        return ErasureOutlook(
            traces=len(traces),
            rows=self._store.count_traces(project, traces),
            first_received_ns=times.first_received_ns if times else 0,
            last_received_ns=times.last_received_ns if times else 0,
            sealed=self._sealed.count(project),
            spool_items=self._sealed.held_until(self._ledger.now_ns()).items,
            pinned=self._pinned(project, found),
            is_record=self._holds_records(project, traces),
            left=len(departures(self._store, self._ledger, project, traces, self._forward_url)) if traces else 0,
        )

    def erase(self, project: str, subject: Subject, target: str, *, by: str, override: str = "") -> Erasure:
        """Erase now: `begin` and `hide`. When it returns no answer holds anything of it any more.

        Raises:
            RefusedError: as `begin`.
            NotFoundError: the project has no such run.
        """
        tombstone = self.begin(project, subject, target, by=by, override=override)
        self.hide(tombstone.erasure_id)
        return self._ledger.erasures.find(tombstone.erasure_id)

    def begin(self, project: str, subject: Subject, target: str, *, by: str, override: str = "") -> Erasure:
        """Write the tombstone, so that whatever crashes or is restored goes on with it; what comes from now on is kept out.

        It is finished, and a certificate, when no byte is left; `go_on` brings it there.

        Raises:
            RefusedError: the target cannot stand for one person; or some of it is kept for a dispute, or as records for
                six months, and no `override` says why it goes all the same.
            NotFoundError: the project has no such run.
        """
        target = target.strip()
        traces = self._traces(project, subject, target)
        detail = {"erasure": subject.value, "traces": str(len(traces))}
        if override.strip():
            detail["override"] = override.strip()
        elif kept := self._kept_as(project, traces):
            raise RefusedError(
                f"Some of these runs are kept {kept}. Erasing them needs a reason, which the access log will hold "
                "(on the command line --override REASON)."
            )
        self._ledger.audit.append(by, "retention_change", target=target, project=project, detail=detail)
        left = departures(self._store, self._ledger, project, traces, self._forward_url)
        tombstone = self._ledger.erasures.begin(project, subject, target, traces, by=by, left_before=left)
        self._arrivals.learn(tombstone)
        return tombstone

    def hide(self, erasure_id: str) -> bool:
        """Remove what somebody could see of an erasure; whether there was anything."""
        with self._removing:
            tombstone = self._ledger.erasures.find(erasure_id)
            had_rows = self._remove_rows(tombstone)
            if had_rows or tombstone.hidden_ns is None:
                self._ledger.erasures.hide(erasure_id)
            return had_rows

    def go_on(self) -> int:
        """Bring unfinished erasures further; how many were finished."""
        finished = 0
        for erasure_id in self._ledger.erasures.unfinished():
            try:
                finished += self._look(erasure_id)
            except Exception:
                logger.exception("an erasure failed; those behind it go on", extra={"erasure": erasure_id})
        return finished

    def waits_for(self, erasure_id: str) -> Waiting:
        """Why an erasure is not finished, as of the last look."""
        return self._waits.get(erasure_id, Waiting())

    def wait(self, erasure_id: str, timeout_s: float, *, is_flowing: bool, every_s: float = ERASING_EVERY_S) -> Erasure:
        """Look until an erasure is finished or the time is up.

        Where records flow it looks once itself, and then sees what the server's `go_on` makes of it. Where nothing flows
        (`is_flowing` false) it looks until it waits for what the spool or a worker has to give.
        """
        until = time.monotonic() + timeout_s
        is_looking = True
        while True:
            if is_looking:
                self._look(erasure_id)
            is_looking = not is_flowing
            found, waits = self._ledger.erasures.find(erasure_id), self.waits_for(erasure_id)
            stuck = not is_flowing and (waits.spool_files or waits.sealed_records)
            if found.finished_ns is not None or stuck or time.monotonic() > until:
                return found
            time.sleep(every_s)

    def replay(self, tombstones: Iterable[Erasure]) -> int:
        """Erase again what a restored backup brought back; rows removed.

        Every tombstone is kept as an unfinished erasure: the next server waits until old files are gone, and what the
        backup's spool holds of it goes when it is worked off.
        """
        back: list[tuple[str, tuple[TraceId, ...]]] = []
        for tombstone in tombstones:
            self._ledger.erasures.adopt(tombstone)
            traces = self._found(tombstone)
            if traces and any(self._store.count_traces(tombstone.project, traces).values()):
                back.append((tombstone.project, traces))
            new = [trace for trace in traces if trace not in tombstone.traces]
            self._arrivals.learn(self._ledger.erasures.add(tombstone.erasure_id, {}, new))
        return sum(sum(self._store.erase(project, traces, wait=False).values()) for project, traces in back)

    def _traces(self, project: str, subject: Subject, target: str) -> tuple[TraceId, ...]:
        if subject is Subject.PERSON:
            return self._store.find_traces(project, parse_pseudonym(target))
        run = self._store.read_run(project, TraceId(target))
        if run is None:
            raise NotFoundError(f"Project {project} has no run {target}.")
        steps = self._store.read_steps(project, RunId(run.run_id))
        return tuple(sorted({TraceId(run.run_id), *(step.trace_id for step in steps)}))

    def _kept_as(self, project: str, traces: Sequence[TraceId]) -> str:
        """What stands against erasing them without a reason; nothing usually."""
        if self._pinned(project, traces).get(PinReason.LEGAL_HOLD):
            return "for a dispute (legal hold)"
        return "as records for six months" if self._holds_records(project, traces) else ""

    def _pinned(self, project: str, traces: Collection[TraceId]) -> dict[str, int]:
        runs = {RunId(trace) for trace in traces}
        pins = [pin for pin in self._ledger.pins.list() if pin.project == project and pin.run_id in runs]
        return dict(Counter(pin.reason.value for pin in pins))

    def _holds_records(self, project: str, traces: Sequence[TraceId]) -> bool:
        """Whether one of these traces is a record that its class still keeps."""
        classes = [p for p in self._ledger.periods.list() if p.project == project and p.is_record]
        times = self._store.times_of(project, traces) if classes else None
        if times is None or times.last_received_ns < self._ledger.now_ns() - RECORD_DAYS * DAY_NS:
            return False
        flows = {period.workflow for period in classes}
        if "" in flows or len(traces) > MOST_LOOKED_AT:
            return True
        runs = (self._store.read_run(project, trace) for trace in traces)
        return any(run is not None and run.workflow in flows for run in runs)

    def _found(self, tombstone: Erasure) -> tuple[TraceId, ...]:
        """Its traces, and those of its person that were received before it and have turned up since."""
        if tombstone.subject is not Subject.PERSON or self._is_all_found(tombstone):
            return tombstone.traces
        since = self._store.find_traces(tombstone.project, tombstone.target, tombstone.requested_ns)
        return tuple(dict.fromkeys((*tombstone.traces, *since)))

    def _is_all_found(self, tombstone: Erasure) -> bool:
        return self._all_found.get(tombstone.erasure_id) == len(tombstone.traces)

    def _look(self, erasure_id: str) -> bool:
        try:
            return self._carry_on(erasure_id)
        except BusyError as error:
            logger.warning("an erasure waits", extra={"erasure": erasure_id, "reason": str(error)})
            return False

    def _carry_on(self, erasure_id: str) -> bool:
        """One look and whatever there is to remove; True when it is finished with that.

        Finished means: nothing that was received before it is in the spool any more, everything sealed was looked
        through, then nothing was found, and no file that was given up lies on the disk.
        """
        tombstone = self._ledger.erasures.find(erasure_id)
        if tombstone.finished_ns is not None:
            return False
        held = self._sealed.held_until(tombstone.requested_ns)  # before looking: what leaves it is found below
        if held != Held(0, 0):
            self._all_found.pop(erasure_id, None)
        had_rows = self.hide(erasure_id)
        if not self._looking.acquire(blocking=False):
            return False  # a worker may take minutes for a sealed record, and one after the other is enough
        try:
            self._waits[erasure_id] = replace(
                self.waits_for(erasure_id), spool_files=held.files, spool_items=held.items
            )
            cleared = self._clear(self._ledger.erasures.find(erasure_id))
            self._waits[erasure_id] = Waiting(held.files, held.items, cleared.waiting)
            if had_rows or cleared.removed or cleared.traces or cleared.waiting or held != Held(0, 0):
                return False
            return self._finish(tombstone)
        finally:
            self._looking.release()

    def _finish(self, seen: Erasure) -> bool:
        """Finish an erasure of which a look found nothing, as it was when the look began."""
        erasure_id = seen.erasure_id
        now = self._ledger.erasures.find(erasure_id)
        if now.finished_ns is not None or len(now.traces) > len(seen.traces):
            return False  # another thread finished it meanwhile, or told of a trace that was not looked for
        self._all_found[erasure_id] = len(seen.traces)
        since_s = self._removed_s.setdefault(erasure_id, time.time())
        if not self._store.old_bytes_gone(since_s):
            self._waits[erasure_id] = Waiting(old_files=True)
            return False
        self._ledger.forgetting.leave_no_copy()
        self._ledger.erasures.finish(erasure_id)
        self._waits.pop(erasure_id, None)
        self._all_found.pop(erasure_id, None)
        logger.info("an erasure is finished", extra={"erasure": erasure_id})
        return True

    def _remove_rows(self, tombstone: Erasure) -> bool:
        """Remove rows of the store and notes of the ledger; whether there were any."""
        project, traces = tombstone.project, self._found(tombstone)
        removed: Counter[str] = Counter()
        has_rows = traces and any(self._store.count_traces(project, traces).values())
        if has_rows and self._is_all_found(tombstone):
            self._all_found.pop(tombstone.erasure_id, None)
            traces = self._found(tombstone)  # a run that was being assembled meanwhile may join them with others
        if has_rows:
            removed.update(self._store.erase(project, traces, wait=False))
            self._removed_s[tombstone.erasure_id] = time.time()
        notes = self._ledger.forgetting.forget_runs(project, [RunId(trace) for trace in traces])
        if tombstone.subject is Subject.PERSON:
            notes += self._ledger.forgetting.forget_text(Pseudonym(tombstone.target))  # parsed when it was asked for
        if not notes and not any(removed.values()) and set(traces) <= set(tombstone.traces):
            return False
        removed["notes"] += notes
        self._arrivals.learn(self._ledger.erasures.add(tombstone.erasure_id, removed, traces))
        return True

    def _clear(self, tombstone: Erasure) -> Cleared:
        cleared = self._sealed.clear(tombstone)
        if cleared.removed or cleared.traces:
            new = [TraceId(trace) for trace in cleared.traces]
            self._arrivals.learn(self._ledger.erasures.add(tombstone.erasure_id, cleared.removed, new))
        return cleared
