"""That an account may be entered with a sign-in at another company."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "admin_0003"
down_revision = "admin_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "external_login",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=100), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=128), server_default="", nullable=False),
        sa.Column("name", sa.String(length=128), server_default="", nullable=False),
        sa.Column("picture", sa.String(length=500), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name="fk_external_login_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_external_login"),
        sa.UniqueConstraint("provider", "issuer", "subject", name="uq_external_login_subject"),
        sa.UniqueConstraint("user_id", "provider", name="uq_external_login_user_id"),
    )


def downgrade() -> None:
    op.drop_table("external_login")
