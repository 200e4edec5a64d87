"""The kind of source `website`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from webchatagent.core.api import Connector, Finding, SourceSpec, make_fetcher

from .config import Config
from .urls import bare_host

MAX_BYTES = 20_000_000
SECONDS = 20.0


def claims(target: str) -> bool:
    """Whether the target is a web address."""
    return target.lower().startswith(("http://", "https://"))


def hosts(target: str) -> frozenset[str]:
    """The hosts that reading the target calls: its own, with and without www."""
    try:
        host = bare_host(urlsplit(target).hostname or "")
    except ValueError:
        return frozenset()
    return frozenset({host, f"www.{host}"}) if host else frozenset()


def find(spec: SourceSpec) -> Iterator[Finding]:
    """The pages of the site."""
    from .crawl import Crawl

    return Crawl(spec, make_fetcher(deadline=SECONDS, max_bytes=MAX_BYTES)).run()


CONNECTOR = Connector("website", claims, find, hosts=hosts)


CRAWL = {"max_pages", "max_depth", "crawl_delay"}
"""The settings that a source may set for itself."""


def connector_of(tenant: Any) -> Connector:
    """The kind of source for a tenant: its settings stand where a source sets nothing of its own."""

    def find_for_tenant(spec: SourceSpec) -> Iterator[Finding]:
        return find(replace(spec, config={**tenant.config(Config).model_dump(include=CRAWL), **spec.config}))

    return replace(CONNECTOR, find=find_for_tenant)
