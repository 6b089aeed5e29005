"""The reason that a pattern of near misses is about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; patterns of before go on speaking of every reason."""
    op.add_column("near_miss_patterns", sa.Column("reason", sa.Text, nullable=False, server_default=""))
