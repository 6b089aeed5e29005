"""Analyses pieces of text: rules at once, the language model in batches; every piece once, then remembered."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from redaction.detectors.catalog import REASONS, build_detectors
from redaction.detectors.piece import Piece, Scope
from redaction.findings import Finding, resolve
from redaction.folding import Folded, fold
from redaction.languages import UNREAD, Languages
from redaction.memory import Hasher, Memory
from redaction.names import named, wants_model
from redaction.presidio import People, Recognisers, stop_words
from redaction.rules import Mode, Operator, RedactionRules
from redaction.words import NEVER_NAMES
from spans.why import Why

logger = logging.getLogger(__name__)

MAX_CHUNK = 50_000
"""Characters that go through the model as one text; a longer one is cut at white space, with an overlap."""
OVERLAP = 400
MAX_MODEL_CHARS = 2_000_000
"""Characters of one text, blanks apart, that the model reads (about 20 s); a longer text is withheld."""
BUDGET_S = 2.0
MIN_CHARS_PER_S = 50_000
"""A text may cost BUDGET_S seconds of processor time plus its length at this speed, then it is withheld."""
_LONG_RUN = re.compile(r"\S{200,}")
"""No name and no place is that long: base64, digits, minified code. The tokeniser would stumble over it."""
_SURROGATE = re.compile(r"[\ud800-\udfff]")

Findings = tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """One text to analyse: under which key word, how far."""

    text: str
    key: str
    scope: Scope


@lru_cache(maxsize=256)
def _log_once(where: str, kind: str, line: str) -> None:
    logger.error("a text could not be redacted and is withheld", extra={"step": where, "trouble": kind, "line": line})


def trouble(where: str, error: Exception) -> None:
    """Log a failure, each place once; never the error's own text, which may quote the value."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    line = f"{Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else ""
    _log_once(where, type(error).__name__, line)


class Overrun(Exception):  # noqa: N818 - it ends one value, it is no error of ours
    """The time budget of a text is used up."""


@dataclass(slots=True)
class _Work:
    """One text under analysis."""

    key: bytes
    piece: Piece
    folded: Folded
    findings: list[Finding]
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Models:
    """Language models that are loaded; several threads may use them."""

    people: People | None = None
    """None: people and places are not looked for by a model."""
    others: Mapping[str, People] = field(default_factory=dict)
    """Language → model, for other languages than the first."""
    first: bool = False
    """Whether a person waits for what they read, so that it goes before the texts of other threads."""

    @classmethod
    def load(cls, rules: RedactionRules) -> Models:
        """Those that the rules name.

        Raises:
            SettingsError: one of them is not installed.
        """
        return cls(People(rules.model), {language: People(package) for language, package in rules.models.items()})


class Analyser:
    """Findings for pieces of text; equal whether remembered or not, alone or in a batch. For one thread."""

    def __init__(self, rules: RedactionRules, *, models: Models, memory_bytes: int) -> None:
        opted = [entity for entity, operator in rules.entities.items() if operator is not Operator.KEEP]
        self._rules = rules
        self._wanted = frozenset(opted)
        self._denied = NEVER_NAMES | rules.deny
        self._recognisers = Recognisers(
            (entity for entity in opted if entity not in _OURS), rules.recognizers, rules.plugins
        )
        self._detectors = build_detectors(rules, self._recognisers.confirm, self._denied)
        self.models = models
        words = {language: stop_words(language) for language in ("en", *models.others)}
        self._languages = Languages(words, rules.languages)
        self._memory: Memory[Findings] = Memory(memory_bytes)
        self._hash = Hasher()

    @property
    def has_model(self) -> bool:
        """Whether people and places are looked for by the model."""
        return self.models.people is not None

    def analyse(self, asks: Sequence[Ask], space: str, mode: Mode) -> dict[Ask, Findings | None]:
        """Findings of each text; None where it could not be analysed and must be withheld.

        Args:
            asks: Texts; equal ones are analysed once.
            space: Project whose memory is used.
            mode: Whether the model is asked.
        """
        results: dict[Ask, Findings | None] = {}
        fresh: dict[Ask, _Work] = {}
        for ask in asks:
            if ask in results or ask in fresh:
                continue
            key = self._hash(f"{space}\0{ask.key}\0{ask.scope:d}{mode}".encode("utf-8", "surrogatepass"), ask.text)
            remembered = self._memory.get(key)
            if remembered is not None:
                results[ask] = remembered
                continue
            try:
                folded = fold(ask.text)
                piece = _piece(ask, folded.text)
                if mode is Mode.FULL and self.models.people is not None and _is_beyond_the_model(piece):
                    results[ask] = None  # before the rules spend half a minute on what is withheld anyway
                    continue
                fresh[ask] = _Work(key, piece, folded, list(self._by_rules(piece)))
            except Exception as error:  # noqa: BLE001 - fail closed: this text is withheld
                trouble("rules", error)
                results[ask] = None
        if mode is Mode.FULL and self.models.people is not None:
            self._by_model(fresh.values())
            for work in fresh.values():
                self._mark_unread(work)
        for ask, work in fresh.items():
            kept = None if work.failed else self._decided(ask, map(work.folded.origin, work.findings))
            results[ask] = kept
            if kept is not None:
                self._memory.keep(work.key, kept, 72 * len(kept))
        return results

    def _by_rules(self, piece: Piece) -> Iterator[Finding]:
        deadline = time.thread_time() + BUDGET_S + len(piece.text) / MIN_CHARS_PER_S
        for detector, why in zip(self._detectors, REASONS, strict=False):
            for finding in detector(piece):
                yield finding._replace(why=why)
            if time.thread_time() > deadline:
                raise Overrun
        if self._recognisers.detects and piece.scope > Scope.IDENTIFIER:
            for finding in self._recognisers.detect(piece.text):
                yield finding._replace(why=Why.RECOGNISER)

    def _by_model(self, works: Iterable[_Work]) -> None:
        """Ask the model about every piece that could hold a name."""
        jobs: list[tuple[_Work, int, str]] = []
        for work in works:
            if not wants_model(work.piece):
                continue
            jobs.extend((work, place, chunk) for place, chunk in _chunks(_plain(work.piece.text)))
        by_model: dict[People, list[tuple[_Work, int, str]]] = {}
        for job in jobs:
            by_model.setdefault(self._model_for(job[2]), []).append(job)
        for people, some in by_model.items():
            read = _entities(people, [job[2] for job in some], first=self.models.first)
            for (work, place, _), entities in zip(some, read, strict=True):
                if entities is None:
                    work.failed = True
                    continue
                for start, end, label in entities:
                    names = named(work.piece, place + start, place + end, label, self._denied)
                    work.findings.extend(finding._replace(why=Why.MODEL) for finding in names)

    def _mark_unread(self, work: _Work) -> None:
        """What the models cannot read is withheld, but for what the rules have found in it; what a model says of it is noise."""
        if work.piece.scope < Scope.PROSE:
            return
        for start, end in self._languages.unread(work.piece.text):
            work.findings = [
                finding
                for finding in work.findings
                if finding.why != Why.MODEL or finding.start < start or end < finding.end
            ]
            work.findings.append(Finding(start, end, UNREAD, 1.0, Why.LANGUAGE))

    def _model_for(self, text: str) -> People:
        models = self.models
        assert models.people is not None  # noqa: S101 - the caller has checked
        return models.others.get(self._languages.of(text), models.people) if models.others else models.people

    def _decided(self, ask: Ask, findings: Iterable[Finding]) -> Findings:
        kept = (
            finding
            for finding in findings
            if (finding.entity in self._wanted or finding.entity == UNREAD)
            and finding.score >= self._rules.threshold
            and ask.text[finding.start : finding.end] not in self._rules.allow
        )
        return resolve(ask.text, kept)


_OURS = frozenset(
    {
        "PERSON", "LOCATION", "ADDRESS", "EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN",
        "IP_ADDRESS", "CRYPTO", "DATE_OF_BIRTH", "SECRET",
    }
)  # fmt: skip


def _entities(people: People, texts: list[str], *, first: bool) -> list[list[tuple[int, int, str]] | None]:
    try:
        return list(people.entities(texts, first=first))
    except Exception as error:  # noqa: BLE001 - find the text that breaks the model, so that it alone is withheld
        trouble("model", error)
        return [_alone(people, text, first=first) for text in texts]


def _alone(people: People, text: str, *, first: bool) -> list[tuple[int, int, str]] | None:
    try:
        return people.entities([text], first=first)[0]
    except Exception:  # noqa: BLE001 - fail closed: this text is withheld
        return None


def _piece(ask: Ask, text: str) -> Piece:
    low = text.lower()
    if len(low) != len(text):
        low = _lower(text)
    return Piece(text, low, ask.key, ask.scope, _DIGIT.search(text) is not None)


def _is_beyond_the_model(piece: Piece) -> bool:
    """Whether the model would have to read more than it can."""
    if len(piece.text) <= MAX_MODEL_CHARS or not wants_model(piece):
        return False
    plain = _plain(piece.text)
    return len(plain) - plain.count(" ") > MAX_MODEL_CHARS


_DIGIT = re.compile(r"\d")


def _lower(text: str) -> str:
    """Lower case of equal length: a few letters grow when lowered, and offsets must stay true."""
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)


def _plain(text: str) -> str:
    """The text as the model gets it: equal length, without runs no word has and without half characters."""
    if len(text) >= 200:
        text = _LONG_RUN.sub(lambda match: " " * len(match[0]), text)
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    place = 0
    while len(text) - place > MAX_CHUNK:
        window = text[place : place + MAX_CHUNK]
        cut = max(window.rfind("\n", MAX_CHUNK // 2), window.rfind(". ", MAX_CHUNK // 2) + 1)
        if cut <= 0:
            cut = window.rfind(" ", MAX_CHUNK // 2)
        if cut <= 0:
            cut = MAX_CHUNK
        yield place, text[place : place + cut]
        back = text.rfind(" ", place + cut - OVERLAP, place + cut)
        place = back + 1 if back > place else place + cut
    yield place, text[place:]
