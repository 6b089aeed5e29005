"""The redactor: values in, clean values and notes out; fails closed, value by value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import Final

from redaction.analysis import Analyser, Ask, Findings, Models, trouble
from redaction.blobs import read_blob
from redaction.detectors.piece import Scope
from redaction.findings import Finding, resolve
from redaction.history import MIN_LENGTH, History
from redaction.items import Cleaned, Item
from redaction.languages import UNREAD
from redaction.leaves import Frame, Leaf, LeafKind, Pointer, context_word, cut, cut_list, is_plain_key, pointer_keys
from redaction.memory import WORDS, Hasher, Memory
from redaction.rules import Mode, Operator, RedactionRules
from spans.clean import RedactionNote
from spans.errors import RefusedError, SettingsError
from spans.fields import FieldClass
from spans.pseudonym import WITHHELD, is_token, pseudonym, removed
from spans.values import BYTES_TAG, Value
from spans.why import Why, words_of

__all__ = ["Cleaned", "Item", "Models", "Redactor"]

FINDINGS_BYTES: Final = 32_000_000
"""Memory for findings of pieces, per worker."""
VALUES_BYTES: Final = 48_000_000
"""Memory for whole clean values, per worker."""
MAX_NOTES: Final = 500
"""Notes of one value; a table of 10,000 addresses needs no 10,000 notes."""
MAX_DEPTH: Final = 100
"""Levels of lists and maps in one value; deeper ones are withheld."""

WITHHOLD: Final = "withhold"
"""What became of a stretch nobody could read; no rule can ask for it."""
PLACE: Final = "LOCATION"
_IMPERSONAL: Final = frozenset({PLACE, "SECRET", UNREAD})
"""A town is personal only next to somebody it belongs to: in the same text, or the same JSON document inside it.

The document decides, not the whole value: then the arguments of a tool call read the same in the model's answer, in
the history of the next call and on the tool's own span.
"""

MAX_IDENTIFIER: Final = 200
MAX_IDENTIFIER_SPACES: Final = 2

_SCOPES: Mapping[FieldClass, Scope] = {
    FieldClass.CONTENT: Scope.FULL,
    FieldClass.IDENTITY: Scope.FULL,
    FieldClass.PLAIN: Scope.PROSE,
    FieldClass.NAME: Scope.PROSE,
    FieldClass.IDENTIFIER: Scope.IDENTIFIER,
}


_Note = tuple[tuple[str, ...], str, str, str]
"""Where below its value, the entity, the operator, why."""


@dataclass(slots=True)
class _Text:
    """One string of a batch on its way: cut, analysed, spliced."""

    text: str
    key: str
    scope: Scope
    number: bool
    alone: bool = False
    """Whether this text is a whole value, so that its own findings tell whether it speaks of a person."""
    clean: str = ""
    notes: tuple[_Note, ...] = ()
    names: frozenset[str] = frozenset()
    failed: bool = False
    withheld: bool = False
    """Whether stretches of it are withheld, because no language of the rules is written like that."""
    series: str = ""
    is_personal: bool = False
    """Whether its outermost document holds more than places."""
    has_lone_places: bool = False
    """Whether places of its outermost document stayed because nothing else personal was there."""
    items: int = 0
    """Items of the list it is; 0 when it is no list or nobody counted."""
    begin: _Text | None = None
    """The same list with fewer items, done before; `body` is then what follows it."""
    body: str = ""
    leaves: list[tuple[Leaf, Ask]] = field(default_factory=list)

    def learn(self, known: _Text) -> None:
        """Take over what became of an equal text."""
        self.clean, self.notes, self.names = known.clean, known.notes, known.names
        self.withheld = known.withheld
        self.is_personal, self.has_lone_places, self.items = known.is_personal, known.has_lone_places, known.items


@dataclass(frozen=True, slots=True)
class Reason:
    """Characters `start` to `end` of a text were found to be a value of `entity`, why, and what becomes of them."""

    start: int
    end: int
    entity: str
    score: float
    why: str
    operator: str
    token: str
    """What stands there afterwards; empty when it is kept."""


_Edit = tuple[Finding, Leaf, Finding]
"""A finding in the value, the piece it was found in, and the finding in that piece."""


class Redactor:
    """Cleans batches of values. For one thread; `beside` makes one for another.

    Args:
        rules: What to hide and how.
        key_for: Secret key of a project's pseudonyms; the same project must always give the same bytes.
        key_id: Names the key in force; stands on everything that is cleaned with it.
        remember: Whether caches are used. Results are the same either way.
        models: The language models; None loads those of the rules, and without any `full` is done as `rules`.
    """

    def __init__(
        self,
        rules: RedactionRules,
        key_for: Callable[[str], bytes],
        *,
        key_id: str = "",
        models: Models | None = None,
        remember: bool = True,
    ) -> None:
        self.rules = rules
        self._remember = remember
        self._analyser = Analyser(
            rules,
            models=Models.load(rules) if models is None else models,
            memory_bytes=FINDINGS_BYTES if remember else 0,
        )
        self._hash = Hasher()
        self.use_key(key_for, key_id)

    def use_key(self, key_for: Callable[[str], bytes], key_id: str) -> None:
        """Make pseudonyms with another key from now on. What is remembered with tokens of the old one is forgotten."""
        self._key_for = key_for
        self.key_id = key_id
        self._values: Memory[_Text] = Memory(VALUES_BYTES if self._remember else 0)
        self._history = History(enabled=self._remember)
        self._token = lru_cache(maxsize=WORDS)(self._make_token)

    def beside(self) -> Redactor:
        """One for another thread, for texts that a person waits for. It cleans the same way and remembers nothing."""
        models = replace(self.models, first=True)
        return Redactor(self.rules, self._key_for, key_id=self.key_id, models=models, remember=False)

    def mode_of(self, project: str) -> Mode:
        """The mode in effect for a project: `full` needs the language model."""
        mode = self.rules.mode_of(project)
        return Mode.RULES if mode is Mode.FULL and not self._analyser.has_model else mode

    @property
    def models(self) -> Models:
        """The language models, for another redactor."""
        return self._analyser.models

    def redact(self, items: Sequence[Item], project: str) -> list[Cleaned]:
        """Clean values, in order. Never raises for what a value holds: what cannot be cleaned is withheld.

        Args:
            items: Values with their keys, classes and paths.
            project: Whose key, mode and memory are used.
        """
        mode = self.mode_of(project)
        if mode is Mode.OFF:
            return [Cleaned(item.value, ()) for item in items]
        batch = _Batch()
        trees = [batch.plant(item) for item in items]
        self._clean(batch, project, mode)
        for tree in trees:
            tree.settle()
        self._propagate(items, trees, project)
        return [batch.harvest(item, tree) for item, tree in zip(items, trees, strict=True)]

    def redact_text(self, project: str, text: str) -> str:
        """Clean one free text, such as what a person types into a search box."""
        return str(self.redact([Item(text, "", FieldClass.CONTENT, "")], project)[0].value)

    def explain(self, project: str, text: str, key: str = "") -> tuple[Finding, ...]:
        """What would be hidden in a text, in its own offsets; stores and remembers nothing of the answer.

        Raises:
            RefusedError: the text cannot be analysed and would be withheld.
        """
        asked = _Text(text, key, Scope.FULL, number=False, alone=True, body=text)
        pieces = asked.leaves = [(leaf, _ask(leaf, asked.scope)) for leaf in _cut(asked)]
        found = self._analyser.analyse([ask for _, ask in pieces], project, self.mode_of(project))
        edits = self._edits(asked, found)
        if asked.failed:
            raise RefusedError("This text cannot be analysed; it would be withheld.")
        return tuple(
            edit
            for edit, leaf, finding in edits
            if finding.entity == UNREAD or self.rules.operator_for(finding.entity, (key, leaf.key)) is not Operator.KEEP
        )

    def account(self, project: str, text: str, key: str = "") -> tuple[Reason, ...]:
        """What is found in a text, why, and what becomes of it; what is found and kept is told as well.

        Raises:
            RefusedError: the text cannot be analysed and would be withheld.
        """
        asked = _Text(text, key, Scope.FULL, number=False, alone=True, body=text)
        asked.leaves = [(leaf, _ask(leaf, asked.scope)) for leaf in _cut(asked)]
        asks = {ask: leaf for leaf, ask in asked.leaves}
        mode = self.mode_of(project)
        found = self._analyser.analyse(list(asks), project, mode)
        hidden = {edit[0] for edit in self._edits(asked, found)}
        if asked.failed:
            raise RefusedError("This text cannot be analysed; it would be withheld.")
        reasons = []
        for leaf, ask in asked.leaves:
            for finding in found[ask] or ():
                start, end = leaf.span(finding.start, finding.end)
                if finding.entity == UNREAD:
                    why = words_of(finding.why)
                    reasons.append(Reason(start, end, UNREAD, finding.score, why, WITHHOLD, WITHHELD))
                    continue
                operator, label = self.rules.treatment(finding.entity, (key, leaf.key))
                why = words_of(finding.why)
                if finding._replace(start=start, end=end) not in hidden:
                    operator, why = Operator.KEEP, f"{why}; kept, because {self._why_kept(finding)}"
                elif operator is Operator.KEEP:
                    why = f"{why}; kept, because the rules say so"
                token = (
                    ""
                    if operator is Operator.KEEP
                    else self._token(project, operator, label, ask.text[finding.start : finding.end])
                )
                reasons.append(Reason(start, end, finding.entity, finding.score, why, operator.value, token))
        return tuple(sorted(reasons, key=lambda reason: (reason.start, reason.end, reason.entity)))

    @staticmethod
    def _why_kept(finding: Finding) -> str:
        if finding.entity == PLACE:
            return "a place tells nothing of anybody while nothing else personal stands beside it"
        return "something more certain covers it"

    def pseudonym(self, project: str, entity: str, value: str) -> str:
        """The token of a value in a project, as it stands in stored text."""
        return self._token(project, Operator.PSEUDONYM, entity, value)

    def self_check(self) -> None:
        """Prove that redaction works before anything is entrusted to it.

        Raises:
            SettingsError: a planted value stayed, or a clean text was damaged.
        """
        if self.rules.mode is Mode.OFF:
            return
        got = self.redact(_CHECK_ITEMS, "self-check")
        shown = "\n".join(str(item.value) for item in got)
        if any(item.failed for item in got):
            raise SettingsError("The redactor failed on its own sample; nothing will be accepted.")
        full = self.mode_of("self-check") is Mode.FULL
        for entity, needle in _CHECK_NEEDLES.items():
            on = self.rules.entities.get(entity, Operator.KEEP) is not Operator.KEEP
            if on and (full or entity != "PERSON") and needle in shown:
                raise SettingsError(
                    f"The redactor did not find the {entity} in its own sample; nothing will be accepted."
                )
        if _CHECK_KEPT not in shown:
            raise SettingsError("The redactor damaged a text without personal data in its own sample.")

    def _clean(self, batch: _Batch, project: str, mode: Mode) -> None:
        """Fill in every text of the batch: remembered ones at once, the others through one analysis."""
        fresh: dict[bytes, _Text] = {}
        for text in batch.texts.values():
            space = f"{project}\0{text.key}\0{text.scope:d}{text.number:d}{text.alone:d}{mode}".encode(
                "utf-8", "surrogatepass"
            )
            key = self._hash(space, text.text)
            series = space + b"\0" + text.series.encode("utf-8", "surrogatepass")
            known = self._values.get(key)
            if known is not None:
                text.learn(known)
            else:
                self._prepare(text, self._history.beginnings(series, text.text), fresh)
                fresh[key] = text
            self._history.note(series, text.text, key)
        self._finish(fresh, project, mode)
        again = {key: text for key, text in fresh.items() if text.begin is not None and not text.clean}
        for text in again.values():
            self._prepare(text, [], {})
        self._finish(again, project, mode)

    def _prepare(self, text: _Text, beginnings: list[tuple[int, bytes]], fresh: Mapping[bytes, _Text]) -> None:
        """Cut a text, or only what is new of it."""
        text.begin, text.body = None, text.text
        try:
            for length, key in beginnings:
                begin = self._values.get(key) or fresh.get(key)
                if begin is None or not begin.items:
                    continue
                body = "[" + text.text[length + 1 :]
                if found := cut_list(body, text.key, begin.items):
                    text.begin, text.body, text.items = begin, body, begin.items + found[1]
                    text.leaves = [(leaf, _ask(leaf, text.scope)) for leaf in found[0]]
                    return
            may_grow = text.alone and text.scope is Scope.FULL and len(text.text) >= MIN_LENGTH
            listed = cut_list(text.text, text.key) if may_grow else None
            leaves, text.items = listed or (_cut(text), 0)
            text.leaves = [(leaf, _ask(leaf, text.scope)) for leaf in leaves]
        except Exception as error:  # noqa: BLE001 - fail closed: the value is withheld
            trouble("cut", error)
            text.failed = True

    def _finish(self, texts: Mapping[bytes, _Text], project: str, mode: Mode) -> None:
        """Analyse what was cut, and put tokens into the places of findings. A list's beginning is always done before."""
        asks = [ask for text in texts.values() for _, ask in text.leaves]
        found = self._analyser.analyse(asks, project, mode)
        for key, text in texts.items():
            try:
                done = self._splice(text, found, project)
            except Exception as error:  # noqa: BLE001 - fail closed: the value is withheld
                trouble("splice", error)
                text.failed = done = True
            text.leaves = []
            if text.failed:
                text.clean, text.notes, text.names = WITHHELD, (), frozenset()
            elif done:
                known = _Text("", "", text.scope, text.number)
                known.learn(text)
                self._values.keep(key, known, len(text.clean) + 150 * len(text.notes))

    def _splice(self, text: _Text, found: Mapping[Ask, Findings | None], project: str) -> bool:
        """Everything that is no finding stays to the character. False when the text must be done as a whole."""
        edits = [] if text.failed else self._edits(text, found)
        begin = text.begin
        if begin is not None and (not begin.clean or (begin.has_lone_places and text.is_personal)):
            return False  # its places stayed, but now they stand next to somebody; or it must wait for such a one
        if text.failed or (begin is not None and begin.failed):
            text.failed = True
            return True
        self._write(text, edits, project)
        if begin is not None:
            text.clean = f"{begin.clean[:-1]},{text.clean[1:]}"
            text.notes = (*begin.notes, *text.notes)[:MAX_NOTES]
            text.names |= begin.names
            text.is_personal |= begin.is_personal
            text.has_lone_places |= begin.has_lone_places
            text.withheld |= begin.withheld
        return True

    def _edits(self, text: _Text, found: Mapping[Ask, Findings | None]) -> list[_Edit]:
        edits: list[_Edit] = []
        for leaf, ask in text.leaves:
            findings = found[ask]
            if findings is None:
                text.failed = True
                return []
            for finding in findings:
                whole = leaf.kind is LeafKind.NUMBER
                start, end = leaf.span(0, len(leaf.text)) if whole else leaf.span(finding.start, finding.end)
                edits.append((finding._replace(start=start, end=end), leaf, finding))
        if text.alone and not self.rules.hide_lone_places:
            personal = {leaf.document for finding, leaf, _ in edits if finding.entity not in _IMPERSONAL}
            text.is_personal = 0 in personal
            if text.begin is not None and text.begin.is_personal:
                personal.add(0)
            kept = [edit for edit in edits if edit[0].entity != PLACE or edit[1].document in personal]
            text.has_lone_places = len(kept) < len(edits) and any(
                edit[1].document == 0 and edit[0].entity == PLACE and 0 not in personal for edit in edits
            )
            edits = kept
        return _disjoint(text.body, edits)

    def _write(self, text: _Text, edits: list[_Edit], project: str) -> None:
        pieces: list[str] = []
        notes: list[_Note] = []
        names: set[str] = set()
        place = 0
        for edit, leaf, finding in edits:
            raw = leaf.text[finding.start : finding.end]
            if finding.entity == UNREAD:
                text.withheld = True
                pieces.extend((text.body[place : edit.start], leaf.written(WITHHELD)))
                place = edit.end
                if len(notes) < MAX_NOTES:
                    notes.append((_segments(leaf.pointer), UNREAD, WITHHOLD, finding.why))
                continue
            operator, label = self.rules.treatment(finding.entity, (text.key, leaf.key))
            if operator is Operator.KEEP:
                continue
            if finding.entity == "PERSON" and _is_full_name(raw):
                names.add(raw)
            token = self._token(project, operator, label, raw)
            pieces.extend((text.body[place : edit.start], leaf.written(token)))
            place = edit.end
            if len(notes) < MAX_NOTES:
                notes.append((_segments(leaf.pointer), finding.entity, operator.value, finding.why))
        pieces.append(text.body[place:])
        text.clean, text.notes, text.names = "".join(pieces), tuple(notes), frozenset(names)

    def _make_token(self, project: str, operator: Operator, entity: str, value: str) -> str:
        if operator is Operator.REMOVE:
            return removed(entity)
        return pseudonym(entity, value, self._key_for(project), digits=self.rules.token_digits)

    def _propagate(self, items: Sequence[Item], trees: Sequence[_Tree], project: str) -> None:
        """Hide a person's full name, found anywhere in a span, in every other text of that span."""
        if self.rules.entities.get("PERSON", Operator.KEEP) is Operator.KEEP:
            return
        names: dict[int, set[str]] = {}
        for item, tree in zip(items, trees, strict=True):
            for text in tree.texts:
                if text.names:
                    names.setdefault(item.group, set()).update(text.names)
        for item, tree in zip(items, trees, strict=True):
            if item.group in names:
                for index, text in enumerate(tree.texts):
                    tree.texts[index] = self._hide(text, names[item.group], project)

    def _hide(self, text: _Text, names: Iterable[str], project: str) -> _Text:
        clean, notes = text.clean, list(text.notes)
        if text.number or text.scope is Scope.IDENTIFIER or text.failed:
            return text
        for name in sorted(names, key=lambda name: (-len(name), name)):
            for spelling in dict.fromkeys((name, _json_spelling(name))):
                if spelling not in clean:
                    continue
                operator, label = self.rules.treatment("PERSON", (text.key,))
                if operator is Operator.KEEP:
                    continue
                token = self._token(project, operator, label, name)
                clean, times = re.subn(rf"(?<!\w){re.escape(spelling)}(?!\w)", token, clean)
                notes.extend([((), "PERSON", operator.value, Why.SAME_SPAN.value)] * min(times, MAX_NOTES))
        if clean == text.clean:
            return text
        return _Text(
            text.text, text.key, text.scope, text.number, text.alone, clean, tuple(notes), withheld=text.withheld
        )


@dataclass(slots=True)
class _Tree:
    """A value with its texts taken out: `shape` refers to `texts` by index."""

    shape: _Shape
    texts: list[_Text] = field(default_factory=list)
    paths: list[tuple[str, ...]] = field(default_factory=list)
    too_deep: bool = False
    judged_alone: list[_Text] = field(default_factory=list)
    """In a structured value, the same texts each judged as a whole value; chosen where none speaks of a person."""

    def settle(self) -> None:
        """A structured value is one document, as its JSON in a string would be: its places stay if nobody is in it."""
        if self.judged_alone and not any(text.is_personal for text in self.judged_alone):
            self.texts = self.judged_alone


_Shape = tuple[str, object]
"""One of ("text", index), ("number" or "blob", (index, what it was)), ("plain", value), ("list", shapes), ("map", [(index or key, shape)])."""


class _Batch:
    """All texts of one call, equal ones once."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, str, Scope, bool, bool], _Text] = {}
        self._series = ""

    def plant(self, item: Item) -> _Tree:
        """Take the texts out of a value."""
        tree = _Tree(("plain", None))
        self._series = item.series
        tree.shape = self._shape(item.value, item.key, _SCOPES[item.field], (), tree, 0)
        return tree

    def harvest(self, item: Item, tree: _Tree) -> Cleaned:
        """Put the clean texts back."""
        if tree.too_deep:
            return Cleaned(WITHHELD, (), failed=True)
        notes: list[RedactionNote] = []
        for text, path in zip(tree.texts, tree.paths, strict=True):
            for inner, entity, operator, why in text.notes:
                notes.append(RedactionNote(item.path + _pointer((*path, *inner)), entity, operator, why))
        failed = any(text.failed or text.withheld for text in tree.texts)
        return Cleaned(_restored(tree.shape, tree.texts), tuple(notes[:MAX_NOTES]), failed)

    def _shape(self, value: Value, key: str, scope: Scope, path: tuple[str, ...], tree: _Tree, depth: int) -> _Shape:
        if isinstance(value, str):
            return ("text", self._add(value, key, scope, path, tree))
        if value is None or isinstance(value, (bool, float)):
            return ("plain", value)
        if isinstance(value, int):
            digits = str(value)
            if value < 0 or not 7 <= len(digits) <= 19:
                return ("plain", value)
            return ("number", (self._add(digits, key, scope, path, tree, number=True), value))
        if depth > MAX_DEPTH:
            tree.too_deep = True
            return ("plain", None)
        if isinstance(value, Mapping):
            if len(value) == 1 and BYTES_TAG in value and (blob := read_blob(value)) is not None:
                # In what is left of binary data words stand beside each other by chance: no names are guessed there.
                wanted = scope if blob.is_text else min(scope, Scope.RULES)
                return (
                    ("blob", (self._add(blob.text, key, wanted, path, tree), blob)) if blob.text else ("plain", value)
                )
            return ("map", [self._member(name, inner, scope, path, tree, depth) for name, inner in value.items()])
        return (
            "list",
            [self._shape(inner, key, scope, (*path, str(index)), tree, depth + 1) for index, inner in enumerate(value)],
        )

    def _member(
        self, name: str, value: Value, scope: Scope, path: tuple[str, ...], tree: _Tree, depth: int
    ) -> tuple[int | str, _Shape]:
        here = (*path, name)
        kept: int | str = name
        if not is_plain_key(name):
            kept = self._add(name, "", _key_scope(name, scope), path, tree)
        return kept, self._shape(value, name, scope, here, tree, depth + 1)

    def _add(
        self, text: str, key: str, scope: Scope, path: tuple[str, ...], tree: _Tree, *, number: bool = False
    ) -> int:
        tree.texts.append(self._once(text, key, scope, alone=not path, number=number))
        if path:
            tree.judged_alone.append(self._once(text, key, scope, alone=True, number=number))
        tree.paths.append(path)
        return len(tree.texts) - 1

    def _once(self, text: str, key: str, scope: Scope, *, alone: bool, number: bool) -> _Text:
        identity = (text, key, scope, number, alone)
        known = self.texts.get(identity)
        if known is None:
            known = self.texts[identity] = _Text(text, key, scope, number, alone, series=self._series)
        return known


def _restored(shape: _Shape, texts: Sequence[_Text]) -> Value:
    kind, content = shape
    if kind == "text":
        return texts[content].clean  # type: ignore[call-overload,no-any-return]
    if kind == "number":
        index, number = content  # type: ignore[misc]
        return number if texts[index].clean == texts[index].text else texts[index].clean  # type: ignore[has-type]
    if kind == "blob":
        index, blob = content  # type: ignore[misc]
        return blob.cleaned(texts[index].clean)  # type: ignore[has-type,no-any-return]
    if kind == "list":
        return [_restored(inner, texts) for inner in content]  # type: ignore[attr-defined]
    if kind == "map":
        return _members(content, texts)  # type: ignore[arg-type]
    return content  # type: ignore[return-value]


def _members(members: list[tuple[int | str, _Shape]], texts: Sequence[_Text]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, shape in members:
        key = name if isinstance(name, str) else texts[name].clean
        while key in found:
            key += "'"  # two names that became one token must not hide one value
        found[key] = _restored(shape, texts)
    return found


def _cut(text: _Text) -> list[Leaf]:
    if text.scope is Scope.IDENTIFIER and len(text.text) > MAX_IDENTIFIER and text.text.lstrip()[:1] in "{[":
        text.scope = Scope.FULL
    if text.number:
        return [Leaf(text.text, text.key, Frame(), 0, LeafKind.TEXT, None)]
    return cut(text.text, text.key)


def _ask(leaf: Leaf, scope: Scope) -> Ask:
    if leaf.kind is not LeafKind.TEXT:
        scope = _key_scope(leaf.text, scope)
    elif scope is Scope.IDENTIFIER and _is_no_identifier(leaf.text):
        scope = Scope.PROSE
    return Ask(leaf.text, context_word(leaf.key), scope)


def _is_no_identifier(text: str) -> bool:
    """Whatever class its key has, a sentence is a sentence: an unknown emitter may put content anywhere."""
    return len(text) > MAX_IDENTIFIER or text.count(" ") > MAX_IDENTIFIER_SPACES


def _key_scope(text: str, scope: Scope) -> Scope:
    """A name may be a key only if it has a space: `{"Maria Gonzalez": 3}`."""
    return scope if " " in text else min(scope, Scope.RULES)


def _disjoint(text: str, edits: list[_Edit]) -> list[_Edit]:
    """Edits in order without overlaps; a text that is read twice (plain and URL-decoded) can have them."""
    edits.sort(key=lambda edit: (edit[0].start, edit[0].end))
    if all(left[0].end <= right[0].start for left, right in pairwise(edits)):
        return edits
    whole: dict[Finding, _Edit] = {}
    for edit in edits:
        whole.setdefault(edit[0], edit)
    return [whole.get(chosen) or _rest(text, chosen, edits) for chosen in resolve(text, whole)]


def _rest(text: str, piece: Finding, edits: list[_Edit]) -> _Edit:
    """The edit for what a stronger finding left of another: it stands for itself, as it is written in the value."""
    key, pointer = next(
        (leaf.key, leaf.pointer)
        for edit, leaf, _ in edits
        if edit.entity == piece.entity and edit.start <= piece.start and piece.end <= edit.end
    )
    raw = text[piece.start : piece.end]
    leaf = Leaf(raw, key, Frame(), piece.start, LeafKind.TEXT, pointer)
    return piece, leaf, piece._replace(start=0, end=len(raw))


def _segments(pointer: Pointer | None) -> tuple[str, ...]:
    """A path below its value. Segments that could hold a value themselves are not repeated in notes."""
    return tuple(segment if is_plain_key(segment) else "*" for segment in pointer_keys(pointer))


def _pointer(segments: tuple[str, ...]) -> str:
    safe = (segment if is_plain_key(segment) else "*" for segment in segments)
    return "".join(f"/{segment.replace('~', '~0').replace('/', '~1')}" for segment in safe)


def _is_full_name(name: str) -> bool:
    words = name.split()
    return len(words) > 1 and len(name) >= 6 and all(len(word) > 1 for word in words) and not is_token(name)


def _json_spelling(name: str) -> str:
    if name.isascii():
        return name
    return "".join(letter if letter.isascii() else f"\\u{ord(letter):04x}" for letter in name)


_CHECK_NEEDLES: Mapping[str, str] = {
    "PERSON": "Tobias Achterberg",
    "EMAIL_ADDRESS": "t.achterberg@example.net",
    "CREDIT_CARD": "4111 1111 1111 1111",
    "IBAN_CODE": "DE89 3704 0044 0532 0130 00",
    "PHONE_NUMBER": "+44 20 7946 0958",
    "SECRET": "AKIAIOSFODNN7EXAMPLE",
}
_CHECK_KEPT = "gpt-4o-mini-2024-07-18 called lookup_customer for ORD-88213"
_CHECK_ITEMS = (
    Item(
        "Please ask Tobias Achterberg (t.achterberg@example.net, +44 20 7946 0958) about card 4111 1111 1111 1111.",
        "content", FieldClass.CONTENT, "/0",
    ),
    Item('{"iban": "DE89 3704 0044 0532 0130 00", "key": "AKIAIOSFODNN7EXAMPLE"}', "arguments", FieldClass.CONTENT, "/1"),
    Item(_CHECK_KEPT, "content", FieldClass.CONTENT, "/2"),
)  # fmt: skip
