"""What is typed as a filter, cleaned before it reaches an address, a log or a query; a value that is stored as it stands passes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from redaction.leaves import is_plain_key
from spans.errors import BusyError
from spans.pseudonym import is_token
from store.api import RunQuery
from web.callers import Recent
from web.filters import ATTRIBUTE, TEXT_NAMES
from web.services import Services

MOST_STORED = 5_000
"""Values of a field that are looked through for one that redaction would change, most frequent first."""
MOST_KNOWN = 10_000
"""Clean values that are remembered; then all are forgotten."""


class Typed:
    """Cleans the free filters of a query. May be used by several threads.

    A worker is asked only about values nobody has met. Clean are: our own tokens, what redaction left as it is or made itself,
    and what the store holds: the name of a workflow may look like a person's, and its links must lead to it.
    """

    def __init__(self, services: Services, recent: Recent) -> None:
        self._services = services
        self._recent = recent
        self._known: set[tuple[str, str, str]] = set()

    def clean(self, query: RunQuery) -> RunQuery:
        """The query with every free text as it would have been stored.

        Raises:
            BusyError: no worker can redact yet, and a value is not known.
        """
        project = query.project
        changes: dict[str, object] = {
            name: self.value(project, name, value)
            for name in (*TEXT_NAMES, "environment")
            if (value := getattr(query, name))
        }
        if query.text:
            changes["text"] = self.value(project, "q", query.text)
        if query.attributes:
            keys = {key: self._key(project, key) for key in query.attributes}
            changes["attributes"] = {
                keys[key]: self.value(project, f"{ATTRIBUTE}{keys[key]}", value)
                for key, value in query.attributes.items()
            }
        return replace(query, **changes)  # type: ignore[arg-type]

    def value(self, project: str, name: str, value: str) -> str:
        """One value of a filter, clean.

        Args:
            project: Whose redaction.
            name: The filter's name in an address; `q` for words, which no field holds.
            value: What was typed, or what an address says.

        Raises:
            BusyError: no worker can redact yet, and the value is not known.
        """
        if (project, name, value) in self._known or is_token(value):
            return value
        try:
            made = self._services.redact_text(project, value)
        except BusyError:
            if not self._is_stored(project, name, value):
                raise
            made = value
        if made != value and self._is_stored(project, name, value):
            made = value
        self.note(project, name, (made,))
        return made

    def note(self, project: str, name: str, values: Iterable[str]) -> None:
        """Remember values that the store told, or redaction: they are clean."""
        if len(self._known) > MOST_KNOWN:
            self._known = set()
        self._known.update((project, name, value) for value in values)

    def _key(self, project: str, key: str) -> str:
        return key if is_plain_key(key) else self.value(project, ATTRIBUTE, key)

    def _is_stored(self, project: str, name: str, value: str) -> bool:
        """Looked for here, not in the store: a query would hold the raw value."""
        if name in {"q", ATTRIBUTE}:
            return False
        values = self._services.store.values
        return value in self._recent.get(
            ("stored", project, name),
            lambda: frozenset(found for found, _ in values(RunQuery(project), name, MOST_STORED)),
        )
