"""The newsletter: signing up with a confirmed address, leaving at any time, and an audience at Mailchimp."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from webchatagent.core.api import (
    AdminView,
    Alert,
    Disclosure,
    ErasureReport,
    ExportPart,
    PluginJob,
    Problem,
    Route,
    SavedLead,
    Subject,
    Tenant,
    Tool,
    ToolContext,
    hookimpl,
    needs_consent,
)


@hookimpl
def assistant_tools(tenant: Tenant, context: ToolContext) -> list[Tool]:
    """Showing the form."""
    from . import tools

    return tools.tools(tenant, context)


@hookimpl
def plugin_check(tenant: Tenant, config: Any) -> list[Problem]:
    """Whether Mailchimp takes the key and knows the audience."""
    from .check import problems

    return problems(config)


@hookimpl
def alerts(tenant: Tenant) -> list[Alert]:
    """That Mailchimp did not take addresses."""
    from . import status

    return status.alerts(tenant)


@hookimpl
def routes(tenant: Tenant) -> list[Route]:
    """The form, the links of mails, and Mailchimp's web hook."""
    from . import pages

    return pages.routes()


@hookimpl
def jobs() -> list[PluginJob]:
    """Carrying to Mailchimp, and looking there."""
    from . import work

    return work.jobs()


@hookimpl
def admin_views() -> list[AdminView]:
    """Subscribers and campaigns."""
    from . import admin

    return admin.views()


@hookimpl
def privacy_disclosures(tenant: Tenant) -> list[Disclosure]:
    """What is kept here, and what Mailchimp gets."""
    from .disclosures import disclosures

    return disclosures(tenant)


@needs_consent("newsletter_request")
@hookimpl
def lead_saved(tenant: Tenant, subject: Subject, lead: SavedLead) -> None:
    """Send the link to confirm, for they asked for it in the form."""
    from . import signup

    signup.ask_for_lead(tenant, lead)


@hookimpl
def consent_withdrawn(tenant: Tenant, subject: Subject, purpose: str) -> None:
    """End the subscription."""
    from . import subject as person

    person.withdraw(tenant, subject, purpose)


@hookimpl
def subject_locate(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """How many subscriptions a person has."""
    from . import subject as person

    return person.locate(tenant, subject)


@hookimpl
def subject_export(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """A person's subscription."""
    from . import subject as person

    return person.export(tenant, subject)


@hookimpl
def subject_rectify(tenant: Tenant, subject: Subject, changes: dict[str, str]) -> ErasureReport:
    """Ask another address anew."""
    from . import subject as person

    return person.rectify(tenant, subject, changes)


@hookimpl
def subject_restrict(tenant: Tenant, subject: Subject, restricted: bool) -> ErasureReport:
    """Send nothing, or again."""
    from . import subject as person

    return person.restrict(tenant, subject, restricted)


@hookimpl
def subject_erase(tenant: Tenant, subject: Subject) -> ErasureReport:
    """Delete here, and for good at Mailchimp."""
    from . import subject as person

    return person.erase(tenant, subject)


@hookimpl
def retention_purge(tenant: Tenant, now: datetime) -> ErasureReport:
    """What nobody confirmed, and old proof."""
    from . import subject as person

    return person.purge(tenant, now)


@hookimpl
def tenant_erase(tenant: Tenant) -> ErasureReport:
    """Everything kept here."""
    from . import subject as person

    return person.erase_all(tenant)
