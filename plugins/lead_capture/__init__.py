"""Leads: a form in the chat, consent by box, a pipeline, tables to take along, and a signed message to your service."""

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
    Subject,
    Tenant,
    Tool,
    ToolContext,
    hookimpl,
)


@hookimpl
def assistant_tools(tenant: Tenant, context: ToolContext) -> list[Tool]:
    """Showing the form, and handing on what was written in the chat."""
    from . import tools

    return tools.tools(tenant, context)


@hookimpl
def answer_parts(tenant: Tenant, context: ToolContext, refused: bool, answers: int) -> list[dict[str, Any]]:
    """The form under an answer that is none."""
    from . import tools

    return tools.parts_beside(tenant, context, refused, answers)


@hookimpl
def routes(tenant: Tenant) -> list[Route]:
    """Where the form is sent to."""
    from . import pages

    return pages.routes()


@hookimpl
def jobs() -> list[PluginJob]:
    """Telling the tenant's own service."""
    from . import webhook

    return webhook.jobs()


@hookimpl
def plugin_check(tenant: Tenant, config: Any) -> list[Problem]:
    """Whether messages can be signed."""
    from .status import problems

    return problems(config)


@hookimpl
def alerts(tenant: Tenant) -> list[Alert]:
    """That the tenant's own service did not take messages."""
    from . import status

    return status.alerts(tenant)


@hookimpl
def admin_views() -> list[AdminView]:
    """Leads and messages."""
    from . import admin

    return admin.views()


@hookimpl
def privacy_disclosures(tenant: Tenant) -> list[Disclosure]:
    """What is kept here."""
    from .status import disclosures

    return disclosures(tenant)


@hookimpl
def consent_withdrawn(tenant: Tenant, subject: Subject, purpose: str) -> None:
    """Take them off the list for marketing."""
    from . import subject as person

    person.withdraw(tenant, subject, purpose)


@hookimpl
def subject_locate(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """How many leads a person has."""
    from . import subject as person

    return person.locate(tenant, subject)


@hookimpl
def subject_export(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """A person's leads."""
    from . import subject as person

    return person.export(tenant, subject)


@hookimpl
def subject_rectify(tenant: Tenant, subject: Subject, changes: dict[str, str]) -> ErasureReport:
    """Correct name, address and phone number."""
    from . import subject as person

    return person.rectify(tenant, subject, changes)


@hookimpl
def subject_restrict(tenant: Tenant, subject: Subject, restricted: bool) -> ErasureReport:
    """Tell nobody, or again."""
    from . import subject as person

    return person.restrict(tenant, subject, restricted)


@hookimpl
def subject_erase(tenant: Tenant, subject: Subject) -> ErasureReport:
    """Delete them."""
    from . import subject as person

    return person.erase(tenant, subject)


@hookimpl
def retention_purge(tenant: Tenant, now: datetime) -> ErasureReport:
    """What nobody touched for long."""
    from . import subject as person

    return person.purge(tenant, now)


@hookimpl
def tenant_erase(tenant: Tenant) -> ErasureReport:
    """Everything."""
    from . import subject as person

    return person.erase_all(tenant)
