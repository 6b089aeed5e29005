"""When the rows of an erasure were gone from every answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; nobody noted it before, and what is finished was hidden then."""
    op.add_column("erasures", sa.Column("hidden_ns", sa.BigInteger))
    op.execute("UPDATE erasures SET hidden_ns = finished_ns")
