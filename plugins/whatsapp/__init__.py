"""WhatsApp: people write to a number of the WhatsApp Business Platform, and a bot answers as on the website."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from webchatagent.core.api import (
    AdminView,
    Alert,
    Channel,
    Disclosure,
    ErasureReport,
    ExportPart,
    Guide,
    PluginJob,
    Problem,
    Route,
    SetupValue,
    Subject,
    Tenant,
    hookimpl,
)


@hookimpl
def routes(tenant: Tenant) -> list[Route]:
    """Where Meta calls."""
    from . import webhook

    return webhook.routes()


@hookimpl
def jobs() -> list[PluginJob]:
    """Answering, and looking after what waits."""
    from . import work

    return work.jobs()


@hookimpl
def channels(tenant: Tenant) -> list[Channel]:
    """The conversations on WhatsApp."""
    from .channel import channels

    return channels(tenant)


@hookimpl
def guides() -> list[Guide]:
    """How a number is set up."""
    from . import guide

    return guide.guides()


@hookimpl
def setup_values(tenant: Tenant) -> list[SetupValue]:
    """The address and the word for Meta."""
    from . import status

    return status.setup_values(tenant)


@hookimpl
def plugin_check(tenant: Tenant, config: Any) -> list[Problem]:
    """Whether token, account and number belong together."""
    from .check import problems

    return problems(tenant, config)


@hookimpl
def alerts(tenant: Tenant) -> list[Alert]:
    """What has to be repaired."""
    from . import status

    return status.alerts(tenant)


@hookimpl
def admin_views() -> list[AdminView]:
    """Messages, people, the block list."""
    from . import admin

    return admin.views()


@hookimpl
def privacy_disclosures(tenant: Tenant) -> list[Disclosure]:
    """That Meta carries the messages."""
    from .disclosures import disclosures

    return disclosures(tenant)


@hookimpl
def subject_locate(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """What is kept on a person, counted."""
    from . import subject as theirs

    return theirs.locate(tenant, subject)


@hookimpl
def subject_export(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """Who they are on WhatsApp."""
    from . import subject as theirs

    return theirs.export(tenant, subject)


@hookimpl
def subject_rectify(tenant: Tenant, subject: Subject, changes: dict[str, str]) -> ErasureReport:
    """Correct the name."""
    from . import subject as theirs

    return theirs.rectify(tenant, subject, changes)


@hookimpl
def subject_restrict(tenant: Tenant, subject: Subject, restricted: bool) -> ErasureReport:
    """Send and take nothing, or again."""
    from . import subject as theirs

    return theirs.restrict(tenant, subject, restricted)


@hookimpl
def subject_erase(tenant: Tenant, subject: Subject) -> ErasureReport:
    """Forget who they are."""
    from . import subject as theirs

    return theirs.erase(tenant, subject)


@hookimpl
def retention_purge(tenant: Tenant, now: datetime) -> ErasureReport:
    """Forget what came and went."""
    from . import subject as theirs

    return theirs.purge(tenant, now)


@hookimpl
def tenant_erase(tenant: Tenant) -> ErasureReport:
    """Everything."""
    from . import subject as theirs

    return theirs.erase_all(tenant)
