"""The privacy notice and the imprint of a tenant, composed from what its plugins and core declare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from .db.tenants import TenantRow
from .privacy import Disclosure
from .tenants import Tenant
from .texts import say

CONTROLLER = ("name", "address", "country", "email", "phone")


@dataclass(frozen=True)
class Section:
    """A heading with its sentences."""

    heading: str
    sentences: list[str]


@dataclass(frozen=True)
class Notice:
    """A notice in one language: who is responsible, what happens with which data, which rights there are."""

    title: str
    controller: Sequence[str]
    sections: Sequence[Section]


def disclosures(tenant: Tenant) -> list[tuple[str, Disclosure]]:
    """What core and every plugin that is on declare, as (plugin, disclosure)."""
    found: list[tuple[str, Disclosure]] = tenant.hooks.each("privacy_disclosures", tenant=tenant)
    return found


def controller(tenant: Tenant) -> dict[str, str]:
    """Who is responsible, as the tenant entered it; the tenant's name where nothing was."""
    with tenant.read() as db:
        stored = db.scalar(select(TenantRow.controller).where(TenantRow.id == tenant.id)) or {}
    return {"name": tenant.name, **{k: str(v) for k, v in stored.items() if k in CONTROLLER and v}}


def compose(tenant: Tenant, language: str) -> Notice:
    """The notice of a tenant in a language, from what is switched on now."""
    sections = [
        Section(
            say("notice_widget_heading", language),
            [say("notice_cookieless", language), say("notice_session", language), say("notice_end", language)],
        )
    ]
    if tenant.platform.settings.data_region:
        sections[0].sentences.append(say("notice_hosted", language, country=tenant.platform.settings.data_region))
    masked = tenant.vault().guarded
    for plugin, d in disclosures(tenant):
        sections.append(_section(tenant, plugin, d, language, masked))
    sections.append(
        Section(
            say("notice_rights_heading", language),
            [say("notice_rights", language), say("notice_objection", language), say("notice_complaint", language)],
        )
    )
    who = controller(tenant)
    return Notice(say("notice_title", language), [who[k] for k in CONTROLLER if k in who], sections)


def _section(tenant: Tenant, plugin: str, d: Disclosure, language: str, masked: bool) -> Section:
    manifest = tenant.platform.registry.manifests.get(plugin)
    key = f"notice_about_{d.id.partition(':')[0]}"
    heading = say(key, language) if plugin == "core" else (manifest.name if manifest else plugin)
    data = ", ".join(say(f"data_{name}", language) for name in d.data)
    sentences = [
        say("notice_data", language, data=data),
        say(f"purpose_{d.purpose}", language),
        say(f"basis_{d.basis}", language),
        say("notice_kept_days", language, days=d.retention_days)
        if d.retention_days
        else say("notice_kept_until", language),
        say("notice_recipient", language, name=d.recipient, country=d.country)
        if d.recipient
        else say("notice_no_recipient", language),
    ]
    if d.recipient and d.privacy_url:
        sentences.append(say("notice_policy", language, url=d.privacy_url))
    if d.transfer:
        sentences.append(say("notice_transfer", language, country=d.transfer))
    if masked and d.recipient and d.purpose in ("answer", "index"):
        sentences.append(say("notice_masked", language))
    return Section(heading, sentences)


def imprint(tenant: Tenant, language: str) -> Notice:
    """Who is behind a tenant's site."""
    who = controller(tenant)
    return Notice(say("imprint_title", language), [who[k] for k in CONTROLLER if k in who], [])
