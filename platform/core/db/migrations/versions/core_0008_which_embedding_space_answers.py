"""Which embedding space answers"""

import sqlalchemy as sa
from alembic import op

from webchatagent.core.db import base

revision = "core_0008"
down_revision = "core_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "embedding_choice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("space", sa.String(length=200), nullable=False),
        sa.Column("next_space", sa.String(length=200), nullable=False),
        sa.Column("kept_space", sa.String(length=200), nullable=False),
        sa.Column("kept_until", base.UtcDateTime(), nullable=True),
        sa.Column("started_at", base.UtcDateTime(), nullable=True),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("changed_at", base.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_embedding_choice_tenant_id_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embedding_choice")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_embedding_choice_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_embedding_choice_tenant_id")),
    )
    op.create_index(op.f("ix_embedding_choice_tenant_id"), "embedding_choice", ["tenant_id"])


def downgrade() -> None:
    op.drop_table("embedding_choice")
