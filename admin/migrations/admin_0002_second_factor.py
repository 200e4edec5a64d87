"""The second factor of an account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "admin_0002"
down_revision = "admin_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("ab_user") as table:
        table.add_column(sa.Column("totp", sa.String(length=200), server_default="", nullable=False))
        table.add_column(sa.Column("totp_used", sa.Integer(), server_default="0", nullable=False))
        table.add_column(sa.Column("recovery", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("ab_user") as table:
        for name in ("recovery", "totp_used", "totp"):
            table.drop_column(name)
