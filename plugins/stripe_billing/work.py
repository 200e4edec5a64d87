"""The plugin's jobs: what events tell, and what the clock makes right when none came."""

from __future__ import annotations

from sqlalchemy import select

from webchatagent.core.api import NotFound, PluginJob, Tenant, all_tenants, own_tenant

from .accounts import account_of, read_account
from .entitle import entitle
from .models import Customer

EVENT = {"en": "Take over what Stripe reports", "de": "Übernehmen, was Stripe meldet", "hi": "Stripe की सूचना अपनाना"}
READ = {"en": "Ask Stripe about the plan", "de": "Stripe nach dem Tarif fragen", "hi": "Stripe से योजना पूछना"}
ENTITLE = {"en": "Apply the plans", "de": "Tarife anwenden", "hi": "योजनाएँ लागू करना"}


def jobs() -> list[PluginJob]:
    """What is done later or regularly."""
    return [
        PluginJob("event", take_event, EVENT, priority=2, attempts=12),
        PluginJob("entitle_all", entitle_all, ENTITLE, priority=2),
        PluginJob("entitle", entitle, ENTITLE, every_seconds=600),
        PluginJob("read", read_again, READ, every_seconds=21_600),
    ]


def take_event(operator: Tenant, customer: str) -> None:
    """Read the account of the tenant whose customer it is; that of somebody else is nobody's."""
    with operator.read() as db:
        whose = db.scalar(select(Customer.whose).where(Customer.customer_id == customer))
    if whose is None:
        return
    try:
        tenant = own_tenant(operator, whose)
    except NotFound:
        return
    read_account(tenant)


def entitle_all(operator: Tenant) -> None:
    """Let every tenant have what the plans say now."""
    for tenant in all_tenants(operator):
        entitle(tenant)


def read_again(tenant: Tenant) -> None:
    """Ask anew, for those who have bought: an event may be lost."""
    if account_of(tenant) is not None:
        read_account(tenant)
