"""Redaction outside the flow: a dry run over one text, and the pseudonym of one value. Stores nothing."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from collector.pseudonym_key import PseudonymKey, PseudonymKeys, has_key, load_keys
from redaction.engine import Item, Redactor
from redaction.rules import DEFAULT_ENTITIES, Mode, RedactionRules, load_rules
from spans.clean import RedactionNote
from spans.errors import SettingsError
from spans.fields import FieldClass
from spans.pseudonym import pseudonym
from tracetape.folder import DataFolder
from tracetape.settings import ServeSettings

MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DryRun:
    """A text as it would be stored."""

    text: str
    notes: tuple[RedactionNote, ...]
    fingerprint: str


def dry_run(raw: bytes, folder: DataFolder, settings: ServeSettings, *, project: str, key: str) -> DryRun:
    """Redact one text with the rules in force.

    Without a data folder a passing key makes the pseudonyms: right in shape, different at each call.

    Raises:
        SettingsError: the rules cannot be used, or the text is too large.
    """
    if len(raw) > MAX_BYTES:
        raise SettingsError(f"The text is larger than {MAX_BYTES // 1024 // 1024} MiB, the limit of one request.")
    rules = _rules(settings)
    if settings.redaction != Mode.FULL.value:
        rules = replace(rules, mode=Mode(settings.redaction))
    keys = _keys(folder) or PseudonymKeys(PseudonymKey(secrets.token_bytes(32)))
    redactor = Redactor(rules, keys.current.of_project)
    text = raw.decode("utf-8", "replace")
    clean = redactor.redact([Item(text, key, FieldClass.CONTENT, "")], project)[0]
    return DryRun(str(clean.value), clean.notes, rules.fingerprint)


@dataclass(frozen=True, slots=True)
class Token:
    """A pseudonym and the id of the key it was made with."""

    text: str
    key_id: str


def pseudonyms_of(
    value: str, entity: str, folder: DataFolder, settings: ServeSettings, project: str
) -> tuple[Token, ...]:
    """The tokens that stand for a value in a project: after its entity, then by the labels that the rules give to fields.

    Each stands under the key in force first, then under every retired one.

    Raises:
        SettingsError: no value, an unknown entity, or a folder that has no key yet.
    """
    if not value:
        raise SettingsError(
            "No value came on standard input; try: echo 'Maria Gonzalez' | tracetape pseudonym --entity PERSON."
        )
    if entity not in DEFAULT_ENTITIES or entity == "SECRET":
        known = ", ".join(name for name in DEFAULT_ENTITIES if name != "SECRET")
        raise SettingsError(f"The entity {entity!r} has no pseudonyms; use one of {known}.")
    keys = _keys(folder)
    if keys is None:
        raise SettingsError(f"{folder.root} has no pseudonym key yet; it is made when `tracetape serve` first starts.")
    rules = _rules(settings)
    return tuple(
        Token(pseudonym(name, value, key.of_project(project), digits=rules.token_digits), key.key_id)
        for name in rules.token_names(entity)
        for key in keys.all
    )


def _rules(settings: ServeSettings) -> RedactionRules:
    return load_rules(settings.redaction_rules) if settings.redaction_rules else RedactionRules.default()


def _keys(folder: DataFolder) -> PseudonymKeys | None:
    return load_keys(folder.keys) if has_key(folder.keys) else None
