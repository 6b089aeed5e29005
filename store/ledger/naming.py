"""Rules for workflow names that people set in the pages, in order, per project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spans.errors import RefusedError
from spans.naming import NamingRule, NamingRules
from spans.values import Value
from store.ledger.settings import Settings

MAX_RULES = 200
_FIELDS = ("workflow", "service", "agent", "name", "named")


class Naming:
    """Rules by project."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def rules(self, project: str) -> NamingRules:
        """The rules of a project; the first that matches wins."""
        kept = self._settings.get(_key(project), [])
        listed = kept if isinstance(kept, list) else []
        return NamingRules(tuple(_from_json(one) for one in listed if isinstance(one, Mapping)))

    def replace(self, project: str, rules: Sequence[NamingRule]) -> None:
        """Set all rules of a project.

        Raises:
            RefusedError: there are too many.
        """
        if len(rules) > MAX_RULES:
            raise RefusedError(f"A project has at most {MAX_RULES} rules for names.")
        self._settings.put(_key(project), [{name: getattr(rule, name) for name in _FIELDS} for rule in rules])


def _key(project: str) -> str:
    return f"workflow_names:{project}"


def _from_json(raw: Mapping[str, Value]) -> NamingRule:
    return NamingRule(**{name: str(raw.get(name, "*")) for name in _FIELDS})
