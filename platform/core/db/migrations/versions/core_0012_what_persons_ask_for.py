"""What persons ask for, and the notices that were published"""

import sqlalchemy as sa
from alembic import op

from webchatagent.core.db import base

revision = "core_0012"
down_revision = "core_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rights_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=True),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("receipt", sa.JSON(), nullable=False),
        sa.Column("missing", sa.String(length=500), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("handled_by", sa.String(length=120), nullable=False),
        sa.Column("due_at", base.UtcDateTime(), nullable=False),
        sa.Column("created_at", base.UtcDateTime(), nullable=False),
        sa.Column("closed_at", base.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_rights_request_tenant_id_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rights_request")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rights_request_public_id")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_rights_request_tenant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_rights_request_tenant_id"), "rights_request", ["tenant_id"], unique=False)
    op.create_index("ix_rights_request_due", "rights_request", ["tenant_id", "state", "due_at"], unique=False)
    op.create_table(
        "notice_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("published_by", sa.String(length=120), nullable=False),
        sa.Column("published_at", base.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_notice_version_tenant_id_tenant"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_version")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_notice_version_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_notice_version_tenant_id_number")),
    )
    op.create_index(op.f("ix_notice_version_tenant_id"), "notice_version", ["tenant_id"], unique=False)


def downgrade() -> None:
    op.drop_table("notice_version")
    op.drop_table("rights_request")
