"""The retention rules in force, put together from settings, overrides and pins."""

from __future__ import annotations

from store.ledger import Ledger
from store.retention import RetentionRules
from tracetape.settings import ServeSettings


def retention_rules(settings: ServeSettings, ledger: Ledger) -> RetentionRules:
    """Periods and pins as they stand now."""
    return RetentionRules(
        settings.content_days,
        settings.metadata_days,
        ledger.periods.list(),
        frozenset((pin.project, str(pin.run_id)) for pin in ledger.pins.list()),
    )
