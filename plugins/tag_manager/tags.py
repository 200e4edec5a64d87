"""What the website asks its visitors, and what it loads when they agreed."""

from __future__ import annotations

from pathlib import Path

from webchatagent.core.api import Alert, Disclosure, Sentences, SitePurpose, SiteTag, Tenant, disclose, site_purpose

from .config import Config

COOKIES = ("_ga*", "_gid", "_gat*", "_gcl_*", "_dc_gtm_*")
SERVICE = "Google Tag Manager"


def purposes(tenant: Tenant) -> list[SitePurpose]:
    """Statistics, and marketing when the container holds such tags; nothing without a container."""
    config = tenant.config(Config)
    if not config.container_id:
        return []
    found = [site_purpose(tenant, "tag_manager", "statistics", SERVICE, COOKIES)]
    if config.advertising:
        found.append(site_purpose(tenant, "tag_manager", "marketing", SERVICE, COOKIES))
    return found


def tags(tenant: Tenant) -> list[SiteTag]:
    """The container."""
    config = tenant.config(Config)
    if not config.container_id:
        return []
    code = Path(__file__).with_name("tags.js").read_text(encoding="utf-8")
    return [SiteTag("tag_manager", code, {"container": config.container_id})]


def disclosures(tenant: Tenant) -> list[Disclosure]:
    """That Google sees who visits, after they agreed."""
    return [
        disclose(tenant, "tag_manager", f"tag_manager.{p.purpose}", ("browser", "time"), p.purpose, 0, basis="consent")
        for p in purposes(tenant)
    ]


def alerts(tenant: Tenant) -> list[Alert]:
    """That nothing is loaded while nobody asks visitors."""
    if not purposes(tenant) or "consent" in tenant.enabled:
        return []
    return [Alert(Sentences(__file__).table["alert_no_layer"])]
