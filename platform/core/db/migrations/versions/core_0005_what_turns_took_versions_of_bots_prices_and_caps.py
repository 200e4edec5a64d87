"""What turns took, versions of bots, prices and caps"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from webchatagent.core.db import base

revision = "core_0005"
down_revision = "core_0004"
branch_labels = None
depends_on = None

USUAL = {
    "chat_model": "",
    "fallback_models": [],
    "residency": "any",
    "instructions": "",
    "temperature": 0.2,
    "max_tokens": 800,
}
"""The defaults of the fields of a version at this revision."""


def _turn_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("provider", sa.String(length=40), nullable=False, server_default=""),
        sa.Column("model", sa.String(length=100), nullable=False, server_default=""),
        sa.Column("tokens_in", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("tokens_out", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("first_ms", sa.Integer(), nullable=True),
        sa.Column("total_ms", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(length=40), nullable=False, server_default=""),
        sa.Column("cost", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("currency", sa.String(length=3), nullable=False, server_default=""),
        sa.Column("bot_version", sa.Integer(), nullable=False, server_default="0"),
    ]


def upgrade() -> None:
    with op.batch_alter_table("turn") as batch_op:
        for column in _turn_columns():
            batch_op.add_column(column)
    with op.batch_alter_table("tenant") as batch_op:
        batch_op.add_column(sa.Column("prices", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("caps", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("bot") as batch_op:
        batch_op.add_column(sa.Column("caps", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    if op.get_bind().dialect.name != "sqlite":  # whose whole numbers are large anyway
        op.alter_column("usage", "amount", type_=sa.BigInteger())
    _add_versions()


def _add_versions() -> None:
    versions = op.create_table(
        "bot_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bot_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(length=120), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("restored", sa.Integer(), nullable=True),
        sa.Column("created_at", base.UtcDateTime(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bot_id"],
            ["bot.tenant_id", "bot.id"],
            name=op.f("fk_bot_version_tenant_id_bot_id_bot"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bot_version")),
        sa.UniqueConstraint("bot_id", "number", name=op.f("uq_bot_version_bot_id_number")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_bot_version_tenant_id_id")),
    )
    op.create_index(op.f("ix_bot_version_tenant_id"), "bot_version", ["tenant_id"])
    bot = sa.table("bot", sa.column("id"), sa.column("tenant_id"), sa.column("settings", sa.JSON()))
    rows = op.get_bind().execute(sa.select(bot.c.id, bot.c.tenant_id, bot.c.settings)).all()
    first = [
        {
            "tenant_id": tenant_id,
            "bot_id": bot_id,
            "number": 1,
            "settings": {name: (settings or {}).get(name, usual) for name, usual in USUAL.items()},
            "author": "system",
            "note": "",
            "created_at": datetime.now(UTC),
        }
        for bot_id, tenant_id, settings in rows
    ]
    if first:
        op.bulk_insert(versions, first)


def downgrade() -> None:
    op.drop_table("bot_version")
    with op.batch_alter_table("bot") as batch_op:
        batch_op.drop_column("version")
        batch_op.drop_column("caps")
    with op.batch_alter_table("tenant") as batch_op:
        batch_op.drop_column("caps")
        batch_op.drop_column("prices")
    with op.batch_alter_table("turn") as batch_op:
        for column in reversed(_turn_columns()):
            batch_op.drop_column(column.name)
