"""Subscribers, whom Mailchimp still has to forget, and counts of campaigns"""

import sqlalchemy as sa
from alembic import op

from webchatagent.core.api import UtcDateTime

revision = "newsletter_0001"
down_revision = None
branch_labels = ("newsletter",)
depends_on = "core_0009"


def upgrade() -> None:
    op.create_table(
        "newsletter_campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_newsletter_campaign")),
        sa.UniqueConstraint("tenant_id", "campaign_id", name=op.f("uq_newsletter_campaign_tenant_id_campaign_id")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_newsletter_campaign_tenant_id_id")),
    )
    op.create_index(op.f("ix_newsletter_campaign_tenant_id"), "newsletter_campaign", ["tenant_id"], unique=False)
    op.create_table(
        "newsletter_removal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("audience_id", sa.String(length=20), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_newsletter_removal")),
        sa.UniqueConstraint(
            "tenant_id", "digest", "audience_id", name=op.f("uq_newsletter_removal_tenant_id_digest_audience_id")
        ),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_newsletter_removal_tenant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_newsletter_removal_tenant_id"), "newsletter_removal", ["tenant_id"], unique=False)
    op.create_table(
        "newsletter_subscriber",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("wording", sa.String(length=64), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("asked_from", sa.String(length=45), nullable=False),
        sa.Column("mailed_at", UtcDateTime(), nullable=True),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("confirmed_from", sa.String(length=45), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=12), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("pushed", sa.Integer(), nullable=False),
        sa.Column("remote", sa.String(length=16), nullable=False),
        sa.Column("trouble", sa.String(length=16), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_newsletter_subscriber")),
        sa.UniqueConstraint("public_id", name=op.f("uq_newsletter_subscriber_public_id")),
        sa.UniqueConstraint("tenant_id", "email", name=op.f("uq_newsletter_subscriber_tenant_id_email")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_newsletter_subscriber_tenant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_newsletter_subscriber_tenant_id"), "newsletter_subscriber", ["tenant_id"], unique=False)
