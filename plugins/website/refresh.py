"""Websites are read anew by the clock, so that answers follow the pages."""

from __future__ import annotations

from datetime import timedelta

from webchatagent.core.api import PluginJob, Tenant, refresh_sources

from .config import Config

EVERY_SECONDS = 900
TITLE = {"en": "Read websites anew", "de": "Websites neu lesen", "hi": "वेबसाइटें फिर से पढ़ना"}


def refresh(tenant: Tenant) -> None:
    """Queue the websites whose time has come."""
    hours = tenant.config(Config).refresh_hours
    if hours:
        refresh_sources(tenant, "website", timedelta(hours=hours))


JOBS = [PluginJob("refresh", refresh, TITLE, priority=8, every_seconds=EVERY_SECONDS)]
