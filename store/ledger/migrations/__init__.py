"""Numbered revisions of the ledger; Alembic reads them, nothing imports them."""
