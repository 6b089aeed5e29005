"""Log records are forwarded too, the journal is bounded, and what had gone before it could be sent is counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns; what waits already are spans, each record by itself."""
    op.add_column("forward_journal", sa.Column("signal", sa.Text, nullable=False, server_default="spans"))
    op.add_column("forward_journal", sa.Column("until_ns", sa.BigInteger, nullable=False, server_default="0"))
    for name in ("gone", "gone_from_ns", "gone_until_ns"):
        op.add_column("forward_state", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
