"""Closing a tenant, and undoing the deletion of bots and sources"""

import sqlalchemy as sa
from alembic import op

from webchatagent.core.db import base

revision = "core_0006"
down_revision = "core_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("tenant") as batch_op:
        batch_op.add_column(sa.Column("closed_at", base.UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("erase_at", base.UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("erased", sa.JSON(), nullable=False, server_default="{}"))
    for table in ("bot", "source", "document"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column("discarded_at", base.UtcDateTime(), nullable=True))


def downgrade() -> None:
    for table in ("document", "source", "bot"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("discarded_at")
    with op.batch_alter_table("tenant") as batch_op:
        for column in ("erased", "erase_at", "closed_at"):
            batch_op.drop_column(column)
