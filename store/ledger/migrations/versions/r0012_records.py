"""What had left before an erasure was asked for, and the class that is kept for six months at least."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("erasures", sa.Column("left_before", sa.Text, nullable=False, server_default="[]"))
    op.add_column("retention_periods", sa.Column("is_record", sa.Integer, nullable=False, server_default="0"))
    op.add_column("retention_periods", sa.Column("override", sa.Text, nullable=False, server_default=""))
