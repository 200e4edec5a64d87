"""People on WhatsApp, what came in, what goes out, who is blocked, and how the number is"""

import sqlalchemy as sa
from alembic import op

from webchatagent.core.api import UtcDateTime

revision = "whatsapp_0001"
down_revision = None
branch_labels = ("whatsapp",)
depends_on = "core_0013"


def upgrade() -> None:
    op.create_table(
        "whatsapp_blocked",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("hint", sa.String(length=20), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_whatsapp_blocked")),
    )
    op.create_index(op.f("ix_whatsapp_blocked_tenant_id"), "whatsapp_blocked", ["tenant_id"], unique=False)
    op.create_table(
        "whatsapp_incoming",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("said_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_whatsapp_incoming")),
        sa.UniqueConstraint("tenant_id", "external_id", name=op.f("uq_whatsapp_incoming_tenant_id_external_id")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_whatsapp_incoming_tenant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_whatsapp_incoming_created", "whatsapp_incoming", ["tenant_id", "created_at"], unique=False)
    op.create_index("ix_whatsapp_incoming_person", "whatsapp_incoming", ["person_id", "state"], unique=False)
    op.create_index(op.f("ix_whatsapp_incoming_tenant_id"), "whatsapp_incoming", ["tenant_id"], unique=False)
    op.create_table(
        "whatsapp_number",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number_id", sa.String(length=40), nullable=False),
        sa.Column("shown", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("quality", sa.String(length=20), nullable=False),
        sa.Column("trouble", sa.String(length=40), nullable=False),
        sa.Column("trouble_at", UtcDateTime(), nullable=True),
        sa.Column("verified_at", UtcDateTime(), nullable=True),
        sa.Column("checked_at", UtcDateTime(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_whatsapp_number")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_whatsapp_number_tenant_id")),
    )
    op.create_index(op.f("ix_whatsapp_number_tenant_id"), "whatsapp_number", ["tenant_id"], unique=False)
    op.create_table(
        "whatsapp_person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("number_id", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.String(length=160), nullable=True),
        sa.Column("wa_id", sa.String(length=40), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("username", sa.String(length=100), nullable=False),
        sa.Column("last_in_at", UtcDateTime(), nullable=True),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("greeted", sa.Boolean(), nullable=False),
        sa.Column("slowed_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "session_id"],
            ["chat_session.tenant_id", "chat_session.id"],
            name=op.f("fk_whatsapp_person_tenant_id_session_id_chat_session"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_whatsapp_person")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_whatsapp_person_tenant_id_id")),
        sa.UniqueConstraint(
            "tenant_id", "number_id", "user_id", name=op.f("uq_whatsapp_person_tenant_id_number_id_user_id")
        ),
        sa.UniqueConstraint(
            "tenant_id", "number_id", "wa_id", name=op.f("uq_whatsapp_person_tenant_id_number_id_wa_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_whatsapp_person_session", "whatsapp_person", ["session_id"], unique=False)
    op.create_index(op.f("ix_whatsapp_person_tenant_id"), "whatsapp_person", ["tenant_id"], unique=False)
    op.create_table(
        "whatsapp_outgoing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("incoming_id", sa.Integer(), nullable=True),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("message", sa.String(length=36), nullable=False),
        sa.Column("meta_id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("error", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "incoming_id"],
            ["whatsapp_incoming.tenant_id", "whatsapp_incoming.id"],
            name=op.f("fk_whatsapp_outgoing_tenant_id_incoming_id_whatsapp_incoming"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "person_id"],
            ["whatsapp_person.tenant_id", "whatsapp_person.id"],
            name=op.f("fk_whatsapp_outgoing_tenant_id_person_id_whatsapp_person"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_whatsapp_outgoing")),
        sa.UniqueConstraint("public_id", name=op.f("uq_whatsapp_outgoing_public_id")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_whatsapp_outgoing_tenant_id_id")),
        sa.UniqueConstraint(
            "tenant_id", "incoming_id", "ordinal", name=op.f("uq_whatsapp_outgoing_tenant_id_incoming_id_ordinal")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_whatsapp_outgoing_meta", "whatsapp_outgoing", ["meta_id"], unique=False)
    op.create_index("ix_whatsapp_outgoing_person", "whatsapp_outgoing", ["person_id", "state"], unique=False)
    op.create_index(op.f("ix_whatsapp_outgoing_tenant_id"), "whatsapp_outgoing", ["tenant_id"], unique=False)


def downgrade() -> None:
    for name in ("outgoing", "person", "incoming", "blocked", "number"):
        op.drop_table(f"whatsapp_{name}")
