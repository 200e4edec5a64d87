"""A help centre as a source of answers."""

from datetime import datetime
from typing import Any

from webchatagent.core.api import (
    Connector,
    Disclosure,
    ErasureReport,
    ExportPart,
    Problem,
    Subject,
    Tenant,
    hookimpl,
)


@hookimpl
def plugin_check(tenant: Tenant, config: Any) -> list[Problem]:
    """Ask the help centre with the token."""
    from .check import problems

    return problems(config)


@hookimpl
def connectors(tenant: Tenant) -> list[Connector]:
    """The kind of source `help_center`."""
    from .articles import connector

    return [connector(tenant)]


@hookimpl
def privacy_disclosures(tenant: Tenant) -> list[Disclosure]:
    """Articles come in, and may name their authors; nothing about visitors leaves."""
    return [Disclosure("articles", ("documents",), "index", "legitimate_interest", 0)]


@hookimpl
def subject_locate(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """How many articles name the person."""
    from .people import export

    return export(tenant, subject, rows=False)


@hookimpl
def subject_export(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """The articles that name the person."""
    from .people import export

    return export(tenant, subject, rows=True)


@hookimpl
def subject_rectify(tenant: Tenant, subject: Subject, changes: dict[str, str]) -> ErasureReport:
    """Correct the author in the help centre; the next reading brings it here."""
    from .people import change

    return change(tenant, subject, "PUT", changes)


@hookimpl
def subject_restrict(tenant: Tenant, subject: Subject, restricted: bool) -> ErasureReport:
    """Nothing is done with authors beside showing the article, which the tenant published."""
    return ErasureReport(kept={"help_center_articles": "the tenant published them under the author's name"})


@hookimpl
def subject_erase(tenant: Tenant, subject: Subject) -> ErasureReport:
    """Take the person's name off every article, in the help centre."""
    from .people import change

    return change(tenant, subject, "DELETE")


@hookimpl
def retention_purge(tenant: Tenant, now: datetime) -> ErasureReport:
    """The plugin keeps nothing of its own that could grow old."""
    return ErasureReport()


@hookimpl
def tenant_erase(tenant: Tenant) -> ErasureReport:
    """The documents are the platform's; the help centre is the tenant's own."""
    return ErasureReport()
