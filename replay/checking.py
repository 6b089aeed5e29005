"""Checks stored runs against their seals, and packs them for checking elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date

from replay.bundle import write_bundle
from replay.proof import GONE, Check, Entry, LeafState, check, entries_of, in_order, seal_of
from replay.reading import read_recording, traces_of
from replay.recording import recording_json
from spans.ids import RunId, TraceId
from spans.run import Assembly, Run
from spans.seal import LeafKind
from store.api import Store, TraceEvidence
from store.ledger import Ledger


def check_stored(store: Store, ledger: Ledger, project: str, run_id: RunId) -> Check:
    """What has become of a sealed run; works for runs of which nothing is stored any more."""
    seals = ledger.seals.of_run(project, run_id)
    content, gone = _expired(ledger, "content"), _expired(ledger, "metadata")
    return check(
        run_id,
        seals,
        stored_entries(store, project, run_id),
        is_expired=lambda day: day in content or day in gone,
        is_gone=gone.__contains__,
        certificate=_certificate(ledger, project, run_id),
    )


def stored_entries(store: Store, project: str, run_id: RunId) -> tuple[Entry, ...]:
    """The evidence of a run as it stands now."""
    run = store.read_run(project, TraceId(run_id))
    traces = (TraceId(run_id),) if run is None else traces_of(run, store.read_steps(project, run.run_id))
    return _entries(store.read_evidence(project, trace) for trace in traces)


def seal_run(store: Store, ledger: Ledger, run: Run, *, sealed_ns: int) -> bool:
    """Write the next chapter of a run's proof; False when everything of it is sealed already."""
    entries = stored_entries(store, run.project, run.run_id)
    return _seal(ledger, run, entries, sealed_ns=sealed_ns, is_expired=_gone_or_expired(ledger))


def seal_runs(store: Store, ledger: Ledger, project: str, assemblies: Sequence[Assembly], *, sealed_ns: int) -> int:
    """Write the next chapters of some runs of a project, whose evidence is read at once; how many were written.

    Raises:
        BusyError: so much cannot be read at once now; fewer runs may do.
    """
    traces = {a.run.run_id: traces_of(a.run, a.steps) for a in assemblies}
    found = store.read_traces(project, {trace for some in traces.values() for trace in some})
    is_expired = _gone_or_expired(ledger)
    return sum(
        _seal(
            ledger,
            a.run,
            _entries(found[trace] for trace in traces[a.run.run_id] if trace in found),
            sealed_ns=sealed_ns,
            is_expired=is_expired,
        )
        for a in assemblies
    )


def _seal(
    ledger: Ledger, run: Run, entries: tuple[Entry, ...], *, sealed_ns: int, is_expired: Callable[[date], bool]
) -> bool:
    before = ledger.seals.of_run(run.project, run.run_id)
    seal = seal_of(run, entries, before, sealed_ns=sealed_ns, is_expired=is_expired)
    return seal is not None and ledger.seals.write(seal)


def _entries(evidence: Iterable[TraceEvidence]) -> tuple[Entry, ...]:
    return entries_of(item for part in evidence for some in (part.spans, part.logs) for item in some)


def pack(store: Store, ledger: Ledger, run: Run, *, now_ns: int) -> bytes:
    """A stored run as a file that proves itself; a run that is not sealed yet is sealed now.

    What has expired stands in the file as its fingerprint alone.
    """
    seal_run(store, ledger, run, sealed_ns=now_ns)
    seals = ledger.seals.of_run(run.project, run.run_id)
    entries = {(e.kind, e.item_id): e for e in stored_entries(store, run.project, run.run_id)}
    days = {(leaf.kind, leaf.item_id): leaf.day for seal in seals for leaf in seal.leaves}
    for lost in check_stored(store, ledger, run.project, run.run_id).touched:
        if lost.state in {LeafState.EXPIRED, LeafState.ERASED}:
            key = (LeafKind(lost.kind), lost.item_id)
            known = entries.get(key)
            entries[key] = (
                replace(known, content=GONE)
                if known
                else Entry(LeafKind(lost.kind), lost.item_id, days[key], GONE, GONE)
            )
    return write_bundle(recording_json(read_recording(store, run)), in_order(entries.values()), seals)


def _expired(ledger: Ledger, kind: str) -> frozenset[date]:
    return frozenset(receipt.day for receipt in ledger.receipts.list(kind, limit=100_000))


def _gone_or_expired(ledger: Ledger) -> Callable[[date], bool]:
    return (_expired(ledger, "content") | _expired(ledger, "metadata")).__contains__


def _certificate(ledger: Ledger, project: str, run_id: RunId) -> str:
    """The erasure that names this run; empty when there is none."""
    named = (e for e in ledger.erasures.list(project) if e.target == run_id or TraceId(run_id) in e.traces)
    return next((e.erasure_id for e in named), "")
