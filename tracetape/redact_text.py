"""Redaction outside the flow: a dry run over one text, and the pseudonym of one value. Stores nothing."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from collector.pseudonym_key import NAME, ensure_root_key, project_key
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
    rules = load_rules(settings.redaction_rules) if settings.redaction_rules else RedactionRules.default()
    if settings.redaction != Mode.FULL.value:
        rules = replace(rules, mode=Mode(settings.redaction))
    root = _root_key(folder) or secrets.token_bytes(32)
    redactor = Redactor(rules, lambda name: project_key(root, name))
    text = raw.decode("utf-8", "replace")
    clean = redactor.redact([Item(text, key, FieldClass.CONTENT, "")], project)[0]
    return DryRun(str(clean.value), clean.notes, rules.fingerprint)


def pseudonym_of(value: str, entity: str, folder: DataFolder, project: str) -> str:
    """The token that stands for a value in a project.

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
    root = _root_key(folder)
    if root is None:
        raise SettingsError(f"{folder.root} has no pseudonym key yet; it is made when `tracetape serve` first starts.")
    return pseudonym(entity, value, project_key(root, project))


def _root_key(folder: DataFolder) -> bytes | None:
    return ensure_root_key(folder.keys) if (folder.keys / NAME).exists() else None
