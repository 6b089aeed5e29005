"""The proof of a run: what a check of this moment found, and what is and is not proved by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from replay.proof import Check, Verdict
from spans.run import Run
from spans.seal import Seal
from web.pages.run_row import State, run_state, run_title
from web.places import Place

MOST = 50

PROVED: tuple[tuple[str, str], ...] = (
    (
        "This evidence is the evidence that was sealed",
        (
            "Every span and log record has a fingerprint; the root covers all of them, the versions of the rules, and every "
            "chapter before. One changed, dropped or added piece is found and named."
        ),
    ),
    (
        "The fingerprints outlive the text",
        (
            "When content expires or is erased, its fingerprint stays as long as the run does, so a copy that somebody kept "
            "can still be checked against it."
        ),
    ),
    (
        "A file can be checked anywhere",
        "An export carries evidence and proof; tracetape verify FILE needs no server, no key and no network.",
    ),
)
NOT_PROVED: tuple[tuple[str, str], ...] = (
    (
        "That nothing was left out before sealing",
        "What was never sent, or reached another place, leaves no trace here. An effect that nobody instrumented is not in it.",
    ),
    (
        "That the redacted text is what was said",
        "Evidence is sealed as it was stored, after redaction. Pseudonyms stand for values that are not kept.",
    ),
    (
        "That nobody rewrote store and ledger together",
        "Somebody who can write to both can seal again. A root that you keep elsewhere shows it: copy it, or export the run.",
    ),
    (
        "That a fresh run would do the same",
        "A recording shows what happened once. Models and tools may answer differently next time.",
    ),
)


@dataclass(frozen=True, slots=True)
class Chapter:
    """One chapter of the proof."""

    number: int
    sealed_ns: int
    leaves: int
    root: str
    normalisation: str
    redaction: str


@dataclass(frozen=True, slots=True)
class TouchedRow:
    """A piece of evidence that is not as it was sealed."""

    state: str
    kind: str
    item_id: str
    name: str
    sentence: str
    href: str


@dataclass(frozen=True, slots=True)
class ProofPage:
    """The proof of one run."""

    run_id: str
    title: str
    run_state: State
    run_href: str
    replay_href: str
    verdict: str
    tone: str
    sentence: str
    root: str
    sealed_ns: int
    leaves: int
    intact: int
    chapters: tuple[Chapter, ...]
    touched: tuple[TouchedRow, ...]
    more: int
    command: str
    proved: tuple[tuple[str, str], ...]
    not_proved: tuple[tuple[str, str], ...]
    json_href: str
    share_href: str


def build_proof(place: Place, run: Run, found: Check, seals: Sequence[Seal], *, may_share: bool) -> ProofPage:
    """Build the page from a check that was just made."""
    base = f"/runs/{run.run_id}"
    tone = {Verdict.ALTERED: "bad", Verdict.UNSEALED: "wait"}.get(found.verdict, "")
    return ProofPage(
        run_id=run.run_id,
        title=run_title(run),
        run_state=run_state(run),
        run_href=place.url(base),
        replay_href=place.url(f"{base}/replay"),
        verdict=found.verdict.value,
        tone=tone,
        sentence=found.sentence,
        root=found.root,
        sealed_ns=found.sealed_ns,
        leaves=found.leaves,
        intact=found.intact,
        chapters=tuple(
            Chapter(
                seal.chapter,
                seal.sealed_ns,
                len(seal.leaves),
                seal.root,
                seal.header.get("normalisation", ""),
                seal.header.get("redaction", ""),
            )
            for seal in seals
        ),
        touched=tuple(
            TouchedRow(
                t.state.value.replace("_", " "),
                t.kind,
                t.item_id,
                t.name,
                t.sentence,
                place.url(base, span=t.item_id) if t.kind == "span" else "",
            )
            for t in found.touched[:MOST]
        ),
        more=max(0, len(found.touched) - MOST),
        command=f"tracetape verify {run.run_id}",
        proved=PROVED,
        not_proved=NOT_PROVED,
        json_href=place.bare(f"/api/v1{base}/proof", project=place.project),
        share_href=place.url(f"{base}/share") if may_share else "",
    )
