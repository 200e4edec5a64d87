"""Support visits, service notices, further recipients, proof of withdrawals"""

import sqlalchemy as sa
from alembic import op

from webchatagent.core.db import base

revision = "core_0007"
down_revision = "core_0006"
branch_labels = None
depends_on = None


def _make(name: str, *columns: sa.schema.SchemaItem, own: bool = True, **options: bool) -> None:
    """A tenant's table with its keys; `own`: its first foreign key is the tenant itself."""
    of_tenant = sa.ForeignKeyConstraint(
        ["tenant_id"], ["tenant.id"], name=op.f(f"fk_{name}_tenant_id_tenant"), ondelete="CASCADE"
    )
    op.create_table(
        name,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        *columns,
        *([of_tenant] if own else []),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f(f"uq_{name}_tenant_id_id")),
        **options,
    )
    op.create_index(op.f(f"ix_{name}_tenant_id"), name, ["tenant_id"])


def upgrade() -> None:
    _make(
        "support_visit",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("operator", sa.String(length=320), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("begun_at", base.UtcDateTime(), nullable=False),
        sa.Column("until", base.UtcDateTime(), nullable=False),
        sa.Column("ended_at", base.UtcDateTime(), nullable=True),
    )
    op.create_index("ix_support_visit_user", "support_visit", ["user_id", "until"])
    _make(
        "service_notice",
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", base.UtcDateTime(), nullable=False),
        sa.Column("begun_at", base.UtcDateTime(), nullable=True),
        sa.Column("finished_at", base.UtcDateTime(), nullable=True),
        sqlite_autoincrement=True,
    )
    _make(
        "notice_recipient",
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("mailed_at", base.UtcDateTime(), nullable=True),
        sa.UniqueConstraint("notice_id", "user_id", name=op.f("uq_notice_recipient_notice_id_user_id")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "notice_id"],
            ["service_notice.tenant_id", "service_notice.id"],
            name=op.f("fk_notice_recipient_tenant_id_notice_id_service_notice"),
            ondelete="CASCADE",
        ),
        own=False,
    )
    _make(
        "other_recipient",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("privacy_url", sa.Text(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", base.UtcDateTime(), nullable=False),
    )
    with op.batch_alter_table("consent_record") as batch_op:
        batch_op.add_column(sa.Column("proof", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("recorded_by", sa.String(length=120), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("received_at", base.UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("consent_record") as batch_op:
        for column in ("received_at", "recorded_by", "proof"):
            batch_op.drop_column(column)
    for table in ("other_recipient", "notice_recipient", "service_notice", "support_visit"):
        op.drop_table(table)
