"""The proof of a run: leaves over evidence as received and redacted, a Merkle root per chapter, and what a check finds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

import msgspec

from replay.canonical import CANONICALISER
from runs.facts import RULES_VERSION
from spans.canonical import canonical_json
from spans.clean import Clean, CleanSpan
from spans.run import Run
from spans.seal import Leaf, LeafKind, Seal
from spans.span import Resource, Scope

GONE: Final = b"null"
"""Stands in an export for content that was not stored any more."""
PROOF_VERSION: Final = 1
"""Of the form of leaves and root; part of every header."""
_LEAF, _NODE = b"\x00", b"\x01"
"""First bytes that keep a leaf from ever passing for a node (as in RFC 6962)."""


class LeafState(StrEnum):
    """What became of one piece of sealed evidence."""

    INTACT = "intact"
    EXPIRED = "content_expired"
    """Its content was removed at the end of its retention; the fingerprint is still here, and its frame still fits."""
    ERASED = "erased"
    ALTERED = "altered"
    MISSING = "missing"
    SUPERSEDED = "superseded"
    """A fuller copy of the same span came later and stands in a later chapter."""
    ADDED = "added"
    """Evidence that no chapter names."""
    MOVED = "moved"


class Verdict(StrEnum):
    """What a check says of a whole run, the worst of its leaves."""

    INTACT = "intact"
    EXPIRED = "content expired, hash present"
    ALTERED = "altered"
    ERASED = "erased"
    UNSEALED = "not sealed yet"


_HARMLESS: Final = frozenset({LeafState.INTACT, LeafState.EXPIRED, LeafState.ERASED, LeafState.SUPERSEDED})


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of evidence as its leaf sees it: the two texts that are fingerprinted."""

    kind: LeafKind
    item_id: str
    day: date
    frame: bytes
    content: bytes
    name: str = ""

    def leaf(self) -> Leaf:
        """Its fingerprints."""
        return Leaf(self.kind, self.item_id, self.day, digest(self.frame), digest(self.content))


@dataclass(frozen=True, slots=True)
class Touched:
    """A leaf that is not intact."""

    chapter: int
    index: int
    """Position in the chapter, from 1."""
    kind: str
    item_id: str
    state: LeafState
    sentence: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """The answer of `verify`."""

    verdict: Verdict
    sentence: str
    run_id: str
    chapters: int
    leaves: int
    intact: int
    touched: tuple[Touched, ...]
    root: str = ""
    """Of the newest chapter; it covers the chapters before."""
    sealed_ns: int = 0
    certificate: str = ""


def digest(raw: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(raw).hexdigest()


def entries_of(evidence: Iterable[Clean]) -> tuple[Entry, ...]:
    """Evidence in the order of its leaves: spans by id, then logs by id, so that no interleaving matters."""
    return in_order(_span_entry(item) if isinstance(item, CleanSpan) else _log_entry(item) for item in evidence)


def in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Entries in the order of their leaves."""
    return tuple(sorted(entries, key=lambda entry: (entry.kind is LeafKind.LOG, entry.item_id)))


def seal_of(
    run: Run,
    entries: Sequence[Entry],
    before: Sequence[Seal],
    *,
    sealed_ns: int,
    is_expired: Callable[[date], bool] = lambda _day: False,
) -> Seal | None:
    """The next chapter of a run's proof; None when everything is sealed already.

    A later chapter holds only evidence that came after the one before (or replaced a copy in it), and its header names
    that chapter's root: the newest root therefore covers all of them.
    """
    known = {(leaf.kind, leaf.item_id): leaf for seal in before for leaf in seal.leaves}
    leaves = tuple(
        leaf
        for leaf in (entry.leaf() for entry in entries)
        if not _is_known(leaf, known.get((leaf.kind, leaf.item_id)), is_expired)
    )
    if not leaves:
        return None
    header = {
        "proof": str(PROOF_VERSION),
        "run_id": run.run_id,
        "chapter": str(len(before)),
        "normalisation": str(RULES_VERSION),
        "canonicaliser": str(CANONICALISER),
        "redaction": " ".join(sorted({fingerprint for fingerprint in _fingerprints(entries) if fingerprint})),
        "leaves": str(len(leaves)),
        "before": before[-1].root if before else "",
    }
    return Seal(
        project=run.project,
        run_id=run.run_id,
        chapter=len(before),
        sealed_ns=sealed_ns,
        evidence_ns=run.last_received_ns,
        day=run.first_received_day,
        header=header,
        leaves=leaves,
        root=root_of(header, leaves),
    )


def root_of(header: Mapping[str, str], leaves: Sequence[Leaf]) -> str:
    """The Merkle root over a header leaf and the leaves in their order."""
    level = [hashlib.sha256(_LEAF + canonical_json(dict(header))).digest(), *(_leaf_digest(leaf) for leaf in leaves)]
    while len(level) > 1:
        level = [
            hashlib.sha256(_NODE + level[i] + level[i + 1]).digest() if i + 1 < len(level) else level[i]
            for i in range(0, len(level), 2)
        ]
    return level[0].hex()


def _leaf_digest(leaf: Leaf) -> bytes:
    return hashlib.sha256(_LEAF + f"{leaf.kind.value} {leaf.item_id} {leaf.frame} {leaf.content}".encode()).digest()


def check(
    run_id: str,
    seals: Sequence[Seal],
    entries: Sequence[Entry],
    *,
    is_expired: Callable[[date], bool] = lambda _day: False,
    is_gone: Callable[[date], bool] = lambda _day: False,
    certificate: str = "",
) -> Check:
    """Compare what is stored now with what was sealed.

    Args:
        run_id: The run.
        seals: Its chapters in order.
        entries: The evidence as it stands now.
        is_expired: Whether content of a received day was removed by retention, by its receipt.
        is_gone: Whether everything of a received day was removed by retention, by its receipt.
        certificate: The erasure certificate that names this run, if there is one.
    """
    if not seals:
        word = "This run is not sealed yet: sealing follows about a minute after the last of it arrived."
        return Check(Verdict.UNSEALED, word, run_id, 0, 0, 0, ())
    touched = list(_broken_chapters(seals))
    now = {(entry.kind, entry.item_id): entry for entry in entries}
    last = {(leaf.kind, leaf.item_id): (seal.chapter, leaf) for seal in seals for leaf in seal.leaves}
    intact = 0
    for seal in seals:
        for index, leaf in enumerate(seal.leaves, 1):
            key = (leaf.kind, leaf.item_id)
            state, said = _state(leaf, now.get(key), is_expired, is_gone, certificate)
            if last[key][0] != seal.chapter:
                state, said = LeafState.SUPERSEDED, f"a fuller copy stands in chapter {last[key][0]}"
            if state is LeafState.INTACT:
                intact += 1
                continue
            name = now[key].name if key in now else ""
            touched.append(Touched(seal.chapter, index, leaf.kind.value, leaf.item_id, state, said, name))
    touched += [
        Touched(len(seals), 0, kind.value, item_id, LeafState.ADDED, "no chapter names it", now[kind, item_id].name)
        for kind, item_id in now
        if (kind, item_id) not in last
    ]
    verdict = _verdict(touched)
    return Check(
        verdict,
        _sentence(verdict, touched, intact, certificate) + _addenda(seals, touched),
        run_id,
        len(seals),
        sum(len(seal.leaves) for seal in seals),
        intact,
        tuple(touched),
        seals[-1].root,
        seals[-1].sealed_ns,
        certificate if verdict is Verdict.ERASED else "",
    )


def _state(
    leaf: Leaf,
    entry: Entry | None,
    is_expired: Callable[[date], bool],
    is_gone: Callable[[date], bool],
    certificate: str,
) -> tuple[LeafState, str]:
    if entry is None:
        if certificate:
            return LeafState.ERASED, f"erased by certificate {certificate}"
        if is_gone(leaf.day) or (leaf.kind is LeafKind.LOG and is_expired(leaf.day)):
            return LeafState.EXPIRED, f"removed with everything received on {leaf.day}"
        return LeafState.MISSING, "it was sealed and is not there any more"
    if entry.content == GONE:
        return LeafState.EXPIRED, "its content had been removed before it was exported"
    mine = entry.leaf()
    if mine.frame != leaf.frame:
        return LeafState.ALTERED, "its name, times or ids are not those that were sealed"
    if mine.content == leaf.content:
        return LeafState.INTACT, ""
    if certificate:
        return LeafState.ERASED, f"content erased by certificate {certificate}"
    if is_expired(leaf.day):
        return LeafState.EXPIRED, f"content received on {leaf.day} was removed at the end of its retention"
    return LeafState.ALTERED, "its content is not what was sealed"


def _broken_chapters(seals: Sequence[Seal]) -> Iterable[Touched]:
    """Chapters whose own root does not fit, or that do not follow each other."""
    before = ""
    for position, seal in enumerate(seals):
        said = ""
        if seal.root != root_of(seal.header, seal.leaves):
            said = "the root is not that of its leaves"
        elif seal.chapter != position or seal.header.get("before") != before:
            said = "it does not follow the chapter before"
        elif seal.header.get("leaves") != str(len(seal.leaves)):
            said = "it has lost or gained leaves"
        if said:
            yield Touched(seal.chapter, 0, "chapter", str(seal.chapter), LeafState.ALTERED, said)
        before = seal.root


def _verdict(touched: Sequence[Touched]) -> Verdict:
    states = {one.state for one in touched}
    if states & {LeafState.ALTERED, LeafState.MISSING, LeafState.ADDED, LeafState.MOVED}:
        return Verdict.ALTERED
    if LeafState.ERASED in states:
        return Verdict.ERASED
    return Verdict.EXPIRED if LeafState.EXPIRED in states else Verdict.INTACT


def _sentence(verdict: Verdict, touched: Sequence[Touched], intact: int, certificate: str) -> str:
    if verdict is Verdict.INTACT:
        return f"All {intact} pieces of evidence are as they were sealed."
    if verdict is Verdict.ERASED:
        return f"Erased by certificate {certificate}."
    if verdict is Verdict.EXPIRED:
        gone = sum(1 for one in touched if one.state is LeafState.EXPIRED)
        return f"Content of {gone} pieces of evidence has expired, their hashes are present; {intact} are as they were sealed."
    bad = [t for t in touched if t.state not in _HARMLESS]
    named = bad[0]
    what = f"{named.kind} {named.item_id}" + (f" ({named.name})" if named.name else "")
    more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
    return f"Altered: {what}: {named.sentence}{more}."


def _addenda(seals: Sequence[Seal], touched: Sequence[Touched]) -> str:
    if len(seals) < 2:
        return ""
    later = sum(len(seal.leaves) for seal in seals[1:])
    replaced = sum(1 for one in touched if one.state is LeafState.SUPERSEDED)
    said = (
        f" {later} came after the run was first sealed, in {len(seals) - 1} addenda"
        if len(seals) > 2
        else (f" {later} came after the run was first sealed, in an addendum")
    )
    return said + (f"; {replaced} were replaced by a copy that came later." if replaced else ".")


def _is_known(leaf: Leaf, known: Leaf | None, is_expired: Callable[[date], bool]) -> bool:
    """Whether a leaf is sealed already: by both fingerprints, or by its frame when its content has expired since."""
    if known is None or known.frame != leaf.frame:
        return False
    return known.content == leaf.content or is_expired(leaf.day)


def _fingerprints(entries: Iterable[Entry]) -> set[str]:
    return {str(msgspec.json.decode(entry.frame).get("fingerprint", "")) for entry in entries}


def _json(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value, order="sorted")
    except OverflowError:  # an integer beyond 64 bits
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _span_entry(clean: CleanSpan) -> Entry:
    span = clean.span
    frame = {
        "kind": "span",
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "name": span.name,
        "span_kind": span.kind,
        "start_ns": span.start_ns,
        "end_ns": span.end_ns,
        "status": int(span.status_code),
        "trace_state": span.trace_state,
        "flags": span.flags,
        "dropped": [span.dropped_attributes, span.dropped_events, span.dropped_links],
        "marks": list(span.marks),
        "redaction": clean.redaction.value,
        "fingerprint": clean.fingerprint,
        "scope": [span.scope.name, span.scope.version],
    }
    content = {
        "attributes": span.attributes,
        "events": [[e.name, e.time_ns, e.attributes, e.dropped_attributes] for e in span.events],
        "links": [[k.trace_id, k.span_id, k.attributes, k.trace_state, k.flags] for k in span.links],
        "status_message": span.status_message,
        **_around(span.resource, span.scope),
        "notes": [[n.path, n.entity, n.operator] for n in clean.notes],
    }
    return Entry(LeafKind.SPAN, span.span_id, clean.origin.received_day, _json(frame), _json(content), span.name)


def _log_entry(clean: Any) -> Entry:
    log = clean.log
    frame = {
        "kind": "log",
        "log_id": clean.log_id,
        "trace_id": log.trace_id,
        "span_id": log.span_id,
        "time_ns": log.time_ns,
        "observed_ns": log.observed_ns,
        "severity": [log.severity_number, log.severity_text],
        "event_name": log.event_name,
        "flags": log.flags,
        "dropped": log.dropped_attributes,
        "marks": list(log.marks),
        "redaction": clean.redaction.value,
        "fingerprint": clean.fingerprint,
        "scope": [log.scope.name, log.scope.version],
    }
    content = {
        "body": log.body,
        "attributes": log.attributes,
        **_around(log.resource, log.scope),
        "notes": [[n.path, n.entity, n.operator] for n in clean.notes],
    }
    return Entry(LeafKind.LOG, clean.log_id, clean.origin.received_day, _json(frame), _json(content), log.event_name)


def _around(resource: Resource, scope: Scope) -> dict[str, Any]:
    return {
        "resource": [resource.attributes, resource.dropped_attributes, resource.schema_url],
        "scope_more": [scope.attributes, scope.dropped_attributes, scope.schema_url],
    }
