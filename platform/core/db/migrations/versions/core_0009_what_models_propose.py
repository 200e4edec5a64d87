"""What models propose"""

import sqlalchemy as sa
from alembic import op

from webchatagent.core.db import base

revision = "core_0009"
down_revision = "core_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "action",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("bot_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("turn_id", sa.Integer(), nullable=False),
        sa.Column("plugin", sa.String(length=40), nullable=False),
        sa.Column("tool", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("expires_at", base.UtcDateTime(), nullable=False),
        sa.Column("created_at", base.UtcDateTime(), nullable=False),
        sa.Column("settled_at", base.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "session_id"],
            ["chat_session.tenant_id", "chat_session.id"],
            name=op.f("fk_action_tenant_id_session_id_chat_session"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action")),
        sa.UniqueConstraint("public_id", name=op.f("uq_action_public_id")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_action_tenant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_action_expiry", "action", ["state", "expires_at"], unique=False)
    op.create_index(op.f("ix_action_tenant_id"), "action", ["tenant_id"], unique=False)
    op.create_index("ix_action_session", "action", ["session_id"], unique=False)


def downgrade() -> None:
    op.drop_table("action")
