"""Appointments, the times that were shown, and the connection to Google"""

import sqlalchemy as sa
from alembic import op

from webchatagent.core.api import UtcDateTime

revision = "calendar_0001"
down_revision = None
branch_labels = ("calendar",)
depends_on = "core_0009"


def upgrade() -> None:
    op.create_table(
        "calendar_appointment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("provider", sa.String(length=10), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("when", sa.String(length=100), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("reminded", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_appointment")),
        sa.UniqueConstraint("public_id", name=op.f("uq_calendar_appointment_public_id")),
        sa.UniqueConstraint("tenant_id", "event_id", name=op.f("uq_calendar_appointment_tenant_id_event_id")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_calendar_appointment_tenant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_calendar_appointment_email"), "calendar_appointment", ["email"], unique=False)
    op.create_index(op.f("ix_calendar_appointment_tenant_id"), "calendar_appointment", ["tenant_id"], unique=False)
    op.create_index("ix_calendar_appointment_time", "calendar_appointment", ["tenant_id", "starts_at"], unique=False)
    op.create_table(
        "calendar_google_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("refresh_token", sa.Text(), nullable=False),
        sa.Column("access_token", sa.Text(), nullable=False),
        sa.Column("access_until", UtcDateTime(), nullable=True),
        sa.Column("refreshing_until", UtcDateTime(), nullable=True),
        sa.Column("calendar_id", sa.String(length=254), nullable=False),
        sa.Column("zone", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_google_link")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_calendar_google_link_tenant_id")),
    )
    op.create_index(op.f("ix_calendar_google_link_tenant_id"), "calendar_google_link", ["tenant_id"], unique=False)
    op.create_table(
        "calendar_lock",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_lock")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_calendar_lock_tenant_id")),
    )
    op.create_index(op.f("ix_calendar_lock_tenant_id"), "calendar_lock", ["tenant_id"], unique=False)
    op.create_table(
        "calendar_revocation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_revocation")),
    )
    op.create_index(op.f("ix_calendar_revocation_tenant_id"), "calendar_revocation", ["tenant_id"], unique=False)
    op.create_table(
        "calendar_shown_slot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("word", sa.String(length=12), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_shown_slot")),
        sa.UniqueConstraint(
            "tenant_id", "session_id", "word", name=op.f("uq_calendar_shown_slot_tenant_id_session_id_word")
        ),
    )
    op.create_index(op.f("ix_calendar_shown_slot_tenant_id"), "calendar_shown_slot", ["tenant_id"], unique=False)
