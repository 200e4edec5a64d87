"""What the website asks its visitors, and what it loads when they agreed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from webchatagent.core.api import Alert, Disclosure, Sentences, SitePurpose, SiteTag, Tenant, disclose, site_purpose

from .config import Config

COOKIES = ("_fbp", "_fbc")


def purposes(tenant: Tenant) -> list[SitePurpose]:
    """Marketing; nothing without a pixel."""
    if not tenant.config(Config).pixel_id:
        return []
    return [site_purpose(tenant, "facebook_pixel", "marketing", "Meta Pixel", COOKIES)]


def tags(tenant: Tenant) -> list[SiteTag]:
    """The pixel."""
    pixel = tenant.config(Config).pixel_id
    code = Path(__file__).with_name("tags.js").read_text(encoding="utf-8")
    return [SiteTag("facebook_pixel", code, {"pixel": pixel})] if pixel else []


def disclosures(tenant: Tenant) -> list[Disclosure]:
    """That Meta sees who visits, after they agreed, and may pass it on to the USA."""
    if not tenant.config(Config).pixel_id:
        return []
    told = disclose(
        tenant, "facebook_pixel", "facebook_pixel.page", ("browser", "time"), "marketing", 0, basis="consent"
    )
    return [replace(told, transfer="US")]


def alerts(tenant: Tenant) -> list[Alert]:
    """That nothing is loaded while nobody asks visitors."""
    if not purposes(tenant) or "consent" in tenant.enabled:
        return []
    return [Alert(Sentences(__file__).table["alert_no_layer"])]
