"""What people overrule: prices of models and names of workflows, from files and from the pages, kept at hand in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable

from runs.pricing import PriceBook
from spans.naming import NamingRule, NamingRules
from spans.prices import PriceRow
from store.ledger import Ledger
from tracetape.override_files import FileRule, read_prices, read_rules
from tracetape.settings import ServeSettings


class Overrides:
    """Rows of files never change while `serve` runs; those of the pages are read again when `changed` is called.

    Raises:
        SettingsError: a file cannot be read; one sentence.
    """

    def __init__(self, ledger: Ledger, settings: ServeSettings) -> None:
        self._ledger = ledger
        self.file_prices: tuple[PriceRow, ...] = read_prices(settings.prices) if settings.prices else ()
        self.file_rules: tuple[FileRule, ...] = read_rules(settings.workflow_rules) if settings.workflow_rules else ()
        self._lock = threading.Lock()
        self._book: PriceBook | None = None
        self._rules: dict[str, NamingRules] = {}

    def changed(self) -> None:
        """Somebody changed a price or a rule: read them again when they are needed next."""
        with self._lock:
            self._book = None
            self._rules.clear()

    def book(self) -> PriceBook:
        """Prices in force: of the pages and of the file, the latest start winning, then the bundled list."""
        with self._lock:
            if self._book is None:
                self._book = PriceBook((*self.file_prices, *self._ledger.prices.list()))
            return self._book

    def naming(self, project: str) -> NamingRules:
        """Rules in force in a project: those of the file first."""
        with self._lock:
            known = self._rules.get(project)
            if known is None:
                known = NamingRules((*self.rules_of_file(project), *self._ledger.naming.rules(project).rules))
                self._rules[project] = known
            return known

    def rules_of_file(self, project: str) -> tuple[NamingRule, ...]:
        """Rules of the file for a project."""
        return tuple(one.rule for one in self.file_rules if one.project in {"*", project})


NamingOf = Callable[[str], NamingRules]
"""Project → its rules for workflow names."""
