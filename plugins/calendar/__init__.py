"""Appointments: free times, booking, moving and cancelling, in a built-in calendar or in one at Google."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from webchatagent.core.api import (
    AdminView,
    Alert,
    Connection,
    Disclosure,
    ErasureReport,
    ExportPart,
    PluginJob,
    Problem,
    Route,
    SetupValue,
    Subject,
    Tenant,
    Tool,
    ToolContext,
    hookimpl,
)


@hookimpl
def assistant_tools(tenant: Tenant, context: ToolContext) -> list[Tool]:
    """Finding, booking, moving and cancelling; nothing while the calendar is not connected."""
    from . import provider, tools

    return tools.tools(tenant, context) if provider.provider_of(tenant) else []


@hookimpl
def prompt_sections(tenant: Tenant, context: ToolContext) -> list[str]:
    """The local date and the hours."""
    from . import provider, section

    return [section.section(tenant)] if provider.provider_of(tenant) else []


@hookimpl
def plugin_check(tenant: Tenant, config: Any) -> list[Problem]:
    """Whether appointments fit into the hours."""
    from .check import problems

    return problems(config)


@hookimpl
def connections(tenant: Tenant) -> list[Connection]:
    """The Google account, while Google is chosen or connected."""
    from . import status

    return status.connections(tenant)


@hookimpl
def alerts(tenant: Tenant) -> list[Alert]:
    """That Google has to be connected, or connected anew."""
    from . import status

    return status.alerts(tenant)


@hookimpl
def setup_values(tenant: Tenant) -> list[SetupValue]:
    """The address of the feed, for the tenant's own calendar program."""
    from . import pages

    return pages.setup_values(tenant)


@hookimpl
def routes(tenant: Tenant) -> list[Route]:
    """The page of a mail's link, files and the feed."""
    from . import pages

    return pages.routes()


@hookimpl
def jobs() -> list[PluginJob]:
    """Reminders, left bookings, and taking a permission back."""
    from . import work

    return work.jobs()


@hookimpl
def admin_views() -> list[AdminView]:
    """The appointments."""
    from . import admin

    return admin.views()


@hookimpl
def privacy_disclosures(tenant: Tenant) -> list[Disclosure]:
    """What is kept here, and what Google gets."""
    from .disclosures import disclosures

    return disclosures(tenant)


@hookimpl
def subject_locate(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """How many appointments a person has."""
    from . import subject as rights

    return rights.locate(tenant, subject)


@hookimpl
def subject_export(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """A person's appointments."""
    from . import subject as rights

    return rights.export(tenant, subject)


@hookimpl
def subject_rectify(tenant: Tenant, subject: Subject, changes: dict[str, str]) -> ErasureReport:
    """Correct name and address."""
    from . import subject as rights

    return rights.rectify(tenant, subject, changes)


@hookimpl
def subject_restrict(tenant: Tenant, subject: Subject, restricted: bool) -> ErasureReport:
    """Send and show nothing, or again."""
    from . import subject as rights

    return rights.restrict(tenant, subject, restricted)


@hookimpl
def subject_erase(tenant: Tenant, subject: Subject) -> ErasureReport:
    """Cancel, delete at the provider, and empty."""
    from . import subject as rights

    return rights.erase(tenant, subject)


@hookimpl
def retention_purge(tenant: Tenant, now: datetime) -> ErasureReport:
    """Empty thirty days after the end."""
    from . import subject as rights

    return rights.purge(tenant, now)


@hookimpl
def tenant_erase(tenant: Tenant) -> ErasureReport:
    """Everything, and the permission at Google."""
    from . import subject as rights

    return rights.erase_all(tenant)
