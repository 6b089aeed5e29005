"""Data & privacy ▸ Erasure: whom or what to erase, what that would remove, and what was erased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from spans.erasure import ErasureOutlook, Waiting
from store.ledger.erasures import Erasure, Subject
from web.format import count, plural
from web.pages.privacy import ENTITY_WORDS
from web.places import Place

DAY_NS = 86_400 * 10**9
ANYTHING = "ANY"
"""What is looked for as redaction would have read it; the entities by name are looked for as that and nothing else."""
NOT_ONE_PERSON = frozenset({"DATE_OF_BIRTH", "LOCATION"})
"""Many are born on a day and live in a place: to erase by one of them would erase them all."""
ERASABLE: Mapping[str, str] = {
    **{entity: words for entity, words in ENTITY_WORDS.items() if entity not in NOT_ONE_PERSON},
    ANYTHING: "user id or anything else",
}
"""What somebody can be erased by, in words."""
WORD = "erase"
"""What has to be typed before anything goes."""
_COUNTED: Mapping[str, str] = {"spans": "spans", "logs": "log records", "steps": "steps"}
"""Tables whose rows tell somebody how much goes; the others hold the same items once more."""
_PINS: Mapping[str, str] = {
    "incident": "of an incident",
    "golden": "kept as a golden case",
    "person": "pinned by somebody",
}


@dataclass(frozen=True, slots=True)
class DepartureLine:
    """An export, a backup or forwarding that had left before an erasure, in words."""

    what: str
    at_ns: int
    by: str
    where: str
    rows: int | None


@dataclass(frozen=True, slots=True)
class ErasureLine:
    """One erasure: a certificate when `finished_ns` is not None. `left` says what had left before."""

    erasure_id: str
    project: str
    what: str
    target: str
    by: str
    requested_ns: int
    hidden_ns: int | None
    finished_ns: int | None
    waits: str
    """What an unfinished one waits for, in words; empty when nobody knows."""
    traces: int
    removed: tuple[tuple[str, int], ...]
    left: tuple[DepartureLine, ...]
    certificate_href: str


@dataclass(frozen=True, slots=True)
class ErasuresPage:
    """The form, and every erasure."""

    may_erase: bool = field(metadata={"help": "False where another process would have to and cannot be asked"})
    entities: tuple[tuple[str, str], ...]
    chosen: str
    problem: str = field(metadata={"help": "Why the last try came to nothing, and what to do"})
    erasures: tuple[ErasureLine, ...]
    is_moving: bool = field(metadata={"help": "Whether one is unfinished, so that the list is looked at again"})


@dataclass(frozen=True, slots=True)
class Token:
    """A pseudonym that the typed value stands as; `earlier` when a retired key made it."""

    text: str
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class ErasePage:
    """What an erasure would remove; nothing has gone yet."""

    subject: str
    targets: tuple[str, ...]
    tokens: tuple[Token, ...] = field(metadata={"help": "Pseudonyms of the person; none for a run"})
    run_href: str
    project: str
    is_nothing: bool = field(metadata={"help": "Nothing stored holds it"})
    traces: int
    runs: int
    days: int = field(metadata={"help": "From the first day of receipt to the last, both counted"})
    first_ns: int
    last_ns: int
    rows: tuple[tuple[str, int], ...] = field(metadata={"help": "Kind of item and how many"})
    against: tuple[str, ...] = field(metadata={"help": "Why a reason is needed, in sentences"})
    also: tuple[str, ...] = field(
        metadata={"help": "What goes although it is pinned, what has to be looked through, what left"}
    )
    problem: str


def build_erasures(
    place: Place,
    erasures: Sequence[Erasure],
    waiting: Mapping[str, Waiting],
    *,
    may_erase: bool,
    names: Mapping[str, str] = MappingProxyType({}),
    chosen: str = "PERSON",
    problem: str = "",
) -> ErasuresPage:
    """Build the page.

    Args:
        place: Project and range.
        erasures: Newest first.
        waiting: Why unfinished ones are not finished.
        names: Of members and keys, by the ids that the access log knows.
        may_erase: Whether an erasure can be asked for here.
        chosen: The entity that was asked for.
        problem: Why the last try came to nothing.
    """
    return ErasuresPage(
        may_erase,
        tuple(ERASABLE.items()),
        chosen,
        problem,
        tuple(_line(place, one, waiting.get(one.erasure_id), names) for one in erasures),
        any(one.finished_ns is None for one in erasures),
    )


def build_erase(
    place: Place,
    subject: Subject,
    targets: Sequence[str],
    outlook: ErasureOutlook,
    *,
    earlier: frozenset[str] = frozenset(),
    problem: str = "",
) -> ErasePage:
    """Build the preview.

    Args:
        place: Project and range.
        subject: A person or a run.
        targets: Pseudonyms, or one run id.
        outlook: What would go.
        earlier: Those pseudonyms that a retired key made.
        problem: Why the confirmation was not taken.
    """
    first, last = outlook.first_received_ns, outlook.last_received_ns
    return ErasePage(
        subject.value,
        tuple(targets),
        tuple(Token(text, text in earlier) for text in targets) if subject is Subject.PERSON else (),
        place.url(f"/runs/{targets[0]}") if subject is Subject.RUN else "",
        place.project,
        outlook.traces == 0,
        outlook.traces,
        outlook.rows.get("runs", 0),
        last // DAY_NS - first // DAY_NS + 1 if last else 0,
        first,
        last,
        tuple((words, outlook.rows[table]) for table, words in _COUNTED.items() if outlook.rows.get(table)),
        tuple(_against(outlook)),
        tuple(_also(outlook)),
        problem,
    )


def _against(outlook: ErasureOutlook) -> Sequence[str]:
    said = []
    if held := outlook.legal_holds:
        said.append(f"{plural(held, 'run')} of it {'is' if held == 1 else 'are'} under legal hold.")
    if outlook.is_record:
        said.append("Some of it is kept as records for six months.")
    return said


def _also(outlook: ErasureOutlook) -> Sequence[str]:
    said = [
        f"{plural(outlook.pinned[reason], 'run')} {words}: a pin keeps a run beyond its day, not from an erasure."
        for reason, words in _PINS.items()
        if outlook.pinned.get(reason)
    ]
    for where, records in outlook.sealed.items():
        if records:
            name = where.replace("_", " ")
            said.append(
                f"{count(records)} {name} of this project lie sealed: one that holds it, or that nobody can look through, "
                "goes as a whole."
            )
    if outlook.spool_items:
        said.append(f"{plural(outlook.spool_items, 'item')} wait to be stored: what they hold of it goes as they are.")
    if outlook.left:
        said.append(
            f"{plural(outlook.left, 'export or backup', 'exports or backups')} may hold it and cannot be called back; "
            "the certificate names them."
        )
    return said


def waits_words(waiting: Waiting | None) -> str:
    """What an unfinished erasure waits for, in words."""
    if waiting is None:
        return ""
    if waiting.old_files:
        return "waits until the engine has removed the old files, some minutes"
    if waiting.sealed_records:
        return f"waits for a worker to look through {plural(waiting.sealed_records, 'sealed record')}"
    if waiting.spool_files:
        return f"waits until what was received before it is stored ({plural(waiting.spool_items, 'item')})"
    return ""


def _line(place: Place, erasure: Erasure, waiting: Waiting | None, names: Mapping[str, str]) -> ErasureLine:
    return ErasureLine(
        erasure.erasure_id,
        erasure.project,
        erasure.subject.value,
        erasure.target,
        names.get(erasure.by, erasure.by),
        erasure.requested_ns,
        erasure.hidden_ns,
        erasure.finished_ns,
        waits_words(waiting),
        len(erasure.traces),
        tuple((name.replace("_", " "), rows) for name, rows in sorted(erasure.removed.items()) if rows),
        tuple(
            DepartureLine(
                one.what if one.certain else f"{one.what} (perhaps)",
                one.at_ns,
                one.by,
                one.detail.get("folder") or one.detail.get("destination") or one.detail.get("format", ""),
                one.rows,
            )
            for one in erasure.left_before
        ),
        place.bare(f"/erasures/{erasure.erasure_id}/certificate"),
    )
