"""Plans, where tenants stand at Stripe, events and invoices"""

import sqlalchemy as sa
from alembic import op

from webchatagent.core.api import UtcDateTime

revision = "stripe_0001"
down_revision = None
branch_labels = ("stripe_billing",)
depends_on = "core_0010"


def upgrade() -> None:
    op.create_table(
        "stripe_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.String(length=80), nullable=False),
        sa.Column("subscription_id", sa.String(length=80), nullable=False),
        sa.Column("item_id", sa.String(length=80), nullable=False),
        sa.Column("price_id", sa.String(length=80), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("period_end", UtcDateTime(), nullable=True),
        sa.Column("trial_end", UtcDateTime(), nullable=True),
        sa.Column("failed_at", UtcDateTime(), nullable=True),
        sa.Column("ends", sa.Boolean(), nullable=False),
        sa.Column("several", sa.Boolean(), nullable=False),
        sa.Column("trialed", sa.Boolean(), nullable=False),
        sa.Column("brand", sa.String(length=20), nullable=False),
        sa.Column("last4", sa.String(length=4), nullable=False),
        sa.Column("expires", sa.String(length=7), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_account")),
        sa.UniqueConstraint("customer_id", name=op.f("uq_stripe_account_customer_id")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_stripe_account_tenant_id")),
    )
    op.create_index(op.f("ix_stripe_account_tenant_id"), "stripe_account", ["tenant_id"], unique=False)
    op.create_table(
        "stripe_customer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.String(length=80), nullable=False),
        sa.Column("whose", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_customer")),
        sa.UniqueConstraint("tenant_id", "customer_id", name=op.f("uq_stripe_customer_tenant_id_customer_id")),
    )
    op.create_index(op.f("ix_stripe_customer_tenant_id"), "stripe_customer", ["tenant_id"], unique=False)
    op.create_table(
        "stripe_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("customer_id", sa.String(length=80), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_event")),
        sa.UniqueConstraint("tenant_id", "event_id", name=op.f("uq_stripe_event_tenant_id_event_id")),
    )
    op.create_index(op.f("ix_stripe_event_tenant_id"), "stripe_event", ["tenant_id"], unique=False)
    op.create_table(
        "stripe_invoice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.String(length=80), nullable=False),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("day", UtcDateTime(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_invoice")),
        sa.UniqueConstraint("tenant_id", "invoice_id", name=op.f("uq_stripe_invoice_tenant_id_invoice_id")),
    )
    op.create_index(op.f("ix_stripe_invoice_tenant_id"), "stripe_invoice", ["tenant_id"], unique=False)
    op.create_table(
        "stripe_kept_invoice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.String(length=80), nullable=False),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("day", UtcDateTime(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("keep_until", UtcDateTime(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_kept_invoice")),
        sa.UniqueConstraint("tenant_id", "invoice_id", name=op.f("uq_stripe_kept_invoice_tenant_id_invoice_id")),
    )
    op.create_index(op.f("ix_stripe_kept_invoice_tenant_id"), "stripe_kept_invoice", ["tenant_id"], unique=False)
    op.create_table(
        "stripe_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("summary", sa.String(length=300), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("month_price", sa.String(length=80), nullable=False),
        sa.Column("month_amount", sa.Integer(), nullable=False),
        sa.Column("year_price", sa.String(length=80), nullable=False),
        sa.Column("year_amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("trial_days", sa.Integer(), nullable=False),
        sa.Column("bots", sa.Integer(), nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("plugins", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_plan")),
        sa.UniqueConstraint("tenant_id", "public_id", name=op.f("uq_stripe_plan_tenant_id_public_id")),
    )
    op.create_index(op.f("ix_stripe_plan_tenant_id"), "stripe_plan", ["tenant_id"], unique=False)


def downgrade() -> None:
    op.drop_table("stripe_plan")
    op.drop_table("stripe_kept_invoice")
    op.drop_table("stripe_invoice")
    op.drop_table("stripe_event")
    op.drop_table("stripe_customer")
    op.drop_table("stripe_account")
