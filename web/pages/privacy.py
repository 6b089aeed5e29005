"""Data & privacy: what redaction hid, what it would hide in a text, and whose runs a pseudonym leads to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spans.change import Mark
from spans.clean import Redaction
from spans.health import RedactionFigures
from spans.run import Run
from store.privacy import Hidden, HiddenField, RulesInUse
from web.change_marks import mark_charts
from web.charts import HIDDEN_SERIES, Chart, hidden_chart
from web.pages.run_row import RunRow, build_row
from web.places import Place

PERIODS = 42
"""Bars of the chart."""
MAX_FIELDS = 60
MAX_VALUES = 20
"""Spellings of one person that are looked for at once."""
REST = "OTHER"
ENTITY_WORDS: Mapping[str, str] = {
    "PERSON": "name of a person",
    "EMAIL_ADDRESS": "e-mail address",
    "PHONE_NUMBER": "telephone number",
    "ADDRESS": "street address",
    "DATE_OF_BIRTH": "date of birth",
    "CREDIT_CARD": "payment card",
    "IBAN_CODE": "IBAN",
    "US_SSN": "social security number",
    "IP_ADDRESS": "IP address",
    "LOCATION": "place",
    "CRYPTO": "wallet address",
}
"""What a person can look for, in words."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text of a dry run: plain, hidden, or found and kept."""

    text: str
    entity: str = ""
    why: str = ""
    token: str = ""
    """What would stand there; empty when it stays."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would become of a text; it lives in this answer only."""

    pieces: tuple[Piece, ...]
    clean: str
    failed: bool
    hidden: int
    kept: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Share of planted values that were found, of one entity, in texts made for measuring."""

    entity: str
    recall: float
    planted: int


@dataclass(frozen=True, slots=True)
class RedactionPage:
    """What was hidden, by entity, field, service, version of the rules, over time; failures; what the detectors miss."""

    mode: str = field(metadata={"help": "full, rules or off"})
    chart: Chart
    entities: tuple[tuple[str, int], ...] = field(metadata={"help": "Entity and values hidden, most first"})
    fields: tuple[HiddenField, ...]
    more_fields: int
    rules: tuple[RulesInUse, ...]
    current: str = field(metadata={"help": "Fingerprint of the rules in force"})
    withheld: int = field(metadata={"help": "Items of this range whose text was withheld"})
    waiting: int = field(metadata={"help": "Sealed originals of withheld texts that still wait"})
    measured: tuple[Measured, ...]
    measured_on: int
    false_findings: float = field(metadata={"help": "Per 400 texts"})
    dry_run: DryRun | None
    may_retry: bool
    range_words: str


def build_redaction(
    place: Place,
    hidden: Hidden,
    figures: RedactionFigures,
    *,
    width_ns: int,
    marks: Sequence[Mark] = (),
    dry_run: DryRun | None = None,
    may_retry: bool = False,
) -> RedactionPage:
    """Build the page."""
    totals: dict[str, int] = defaultdict(int)
    for one in hidden.in_time:
        totals[one.entity] += one.values
    ranked = tuple(sorted(totals.items(), key=lambda item: (-item[1], item[0])))
    return RedactionPage(
        mode=figures.mode,
        chart=mark_charts(
            (_chart(place, hidden, [entity for entity, _ in ranked], width_ns),), marks, place.environment
        )[0],
        entities=ranked,
        fields=hidden.fields[:MAX_FIELDS],
        more_fields=max(0, len(hidden.fields) - MAX_FIELDS),
        rules=hidden.rules,
        current=figures.fingerprint,
        withheld=sum(one.items for one in hidden.rules if one.redaction == Redaction.WITHHELD),
        waiting=figures.withheld_waiting,
        measured=tuple(Measured(*row) for row in figures.recall),
        measured_on=figures.measured_texts,
        false_findings=figures.false_findings,
        dry_run=dry_run,
        may_retry=may_retry,
        range_words=place.range.words(),
    )


def period_of(place: Place) -> int:
    """Width of one period of the chart in ns."""
    return max(1_000_000_000, place.range.length_ns // PERIODS)


def _chart(place: Place, hidden: Hidden, ranked: Sequence[str], width_ns: int) -> Chart:
    first = place.range.since_ns // width_ns * width_ns
    begins = list(range(first, place.range.until_ns, width_ns))
    shown = list(ranked) if len(ranked) <= HIDDEN_SERIES else [*ranked[: HIDDEN_SERIES - 1], REST]
    values = {entity: [0] * len(begins) for entity in shown}
    for one in hidden.in_time:
        at = (one.begin_ns - first) // width_ns
        if 0 <= at < len(begins):
            values[one.entity if one.entity in values else REST][at] += one.values
    return hidden_chart(begins, values)


def build_dry_run(text: str, clean: str, reasons: Sequence[Mapping[str, object]], *, failed: bool) -> DryRun:
    """The pieces of a text, found values apart; of overlapping ones the first hidden one is shown."""
    pieces: list[Piece] = []
    place = hidden = kept = 0
    ordered = sorted(reasons, key=lambda one: (not one["token"], _int(one["start"]), -_int(one["end"])))
    taken: list[tuple[int, int, Mapping[str, object]]] = []
    for one in ordered:
        start, end = _int(one["start"]), _int(one["end"])
        if all(end <= left or right <= start for left, right, _ in taken):
            taken.append((start, end, one))
    for start, end, one in sorted(taken, key=lambda entry: entry[0]):
        if start > place:
            pieces.append(Piece(text[place:start]))
        pieces.append(Piece(text[start:end], str(one["entity"]), str(one["why"]), str(one["token"])))
        hidden, kept = hidden + bool(one["token"]), kept + (not one["token"])
        place = end
    if place < len(text):
        pieces.append(Piece(text[place:]))
    return DryRun(tuple(pieces), clean, failed, hidden, kept)


def _int(value: object) -> int:
    return int(str(value))


@dataclass(frozen=True, slots=True)
class Trail:
    """Where one pseudonym stands; the value it stands for is nowhere."""

    token: str
    entity: str
    runs: tuple[RunRow, ...]
    more: bool
    href: str
    earlier: bool = False
    """Made with a key that was retired since."""


@dataclass(frozen=True, slots=True)
class Searched:
    """What the search for one pseudonym brought."""

    token: str
    entity: str
    runs: Sequence[Run]
    more: bool
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Somebody's runs, found by pseudonym."""

    entities: tuple[tuple[str, str], ...] = field(metadata={"help": "Entity and its words, for the form"})
    chosen: str
    asked: bool
    trails: tuple[Trail, ...]
    runs: int = field(metadata={"help": "Different runs over all pseudonyms"})
    range_words: str
    may_erase: bool


def build_people(
    place: Place, found: Sequence[Searched], *, chosen: str, asked: bool, may_erase: bool = False
) -> PeoplePage:
    """Build the page.

    Args:
        place: Project and range.
        found: What each pseudonym brought; one of a retired key is shown only when it stands anywhere.
        chosen: The entity that was asked for.
        asked: Whether anybody was asked for at all.
        may_erase: Whether the caller may erase somebody.
    """
    trails = tuple(
        Trail(
            one.token,
            one.entity,
            tuple(build_row(run, place) for run in one.runs),
            one.more,
            place.url("/runs", q=one.token, shape="any"),
            one.earlier,
        )
        for one in found
        if one.runs or not one.earlier
    )
    different = {run.run_id for one in found for run in one.runs}
    return PeoplePage(
        tuple(ENTITY_WORDS.items()), chosen, asked, trails, len(different), place.range.words(), may_erase
    )
