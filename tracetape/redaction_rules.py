"""The redaction rules in force, as workers apply them."""

from __future__ import annotations

from dataclasses import replace

from redaction.rules import Mode, RedactionRules, load_rules
from tracetape.settings import ServeSettings


def rules_in_force(settings: ServeSettings) -> RedactionRules:
    """The rules as workers apply them: a setting that asks for less wins over the file."""
    rules = load_rules(settings.redaction_rules) if settings.redaction_rules else RedactionRules.default()
    return rules if settings.redaction == Mode.FULL.value else replace(rules, mode=Mode(settings.redaction))
