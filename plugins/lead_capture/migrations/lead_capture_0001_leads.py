"""Leads, and what was told about them"""

import sqlalchemy as sa
from alembic import op

from webchatagent.core.api import UtcDateTime

revision = "lead_capture_0001"
down_revision = None
branch_labels = ("lead_capture",)
depends_on = "core_0009"


def upgrade() -> None:
    op.create_table(
        "lead_capture_lead",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("bot_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("company", sa.String(length=200), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("marketing", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_capture_lead")),
        sa.UniqueConstraint("public_id", name=op.f("uq_lead_capture_lead_public_id")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_lead_capture_lead_tenant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_lead_capture_lead_email", "lead_capture_lead", ["tenant_id", "email"], unique=False)
    op.create_index(op.f("ix_lead_capture_lead_tenant_id"), "lead_capture_lead", ["tenant_id"], unique=False)
    op.create_table(
        "lead_capture_delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("lead_id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lead_id"],
            ["lead_capture_lead.tenant_id", "lead_capture_lead.id"],
            name=op.f("fk_lead_capture_delivery_tenant_id_lead_id_lead_capture_lead"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_capture_delivery")),
        sa.UniqueConstraint("public_id", name=op.f("uq_lead_capture_delivery_public_id")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_lead_capture_delivery_tenant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_lead_capture_delivery_tenant_id"), "lead_capture_delivery", ["tenant_id"], unique=False)
