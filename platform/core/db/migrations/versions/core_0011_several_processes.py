"""Several processes: who holds a turn, who watches it elsewhere, whose job ended last"""

import sqlalchemy as sa
from alembic import op

from webchatagent.core.db import base

revision = "core_0011"
down_revision = "core_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turn", sa.Column("watched_at", base.UtcDateTime(), nullable=True))
    op.add_column("turn", sa.Column("held_by", sa.String(length=64), nullable=False, server_default=""))
    op.create_index("ix_background_job_served", "background_job", ["tenant_id", "finished_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_background_job_served", table_name="background_job")
    with op.batch_alter_table("turn") as table:
        table.drop_column("held_by")
        table.drop_column("watched_at")
