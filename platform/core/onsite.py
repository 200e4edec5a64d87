"""Is the bot on a page? Reads the page and looks for the embed snippet."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from .egress import calling
from .errors import Forbidden
from .tenants import Tenant

Answer = Literal["here", "other_bot", "missing"]
SECONDS, MAX_BYTES = 10.0, 2_000_000
READER = "website"
"""The plugin whose right to call the addresses that a tenant enters is used."""
_TAG = re.compile(r"<script\b[^>]*\bsrc\s*=\s*[\"']?[^\"'>\s]*/widget/v1/loader\.js[^>]*>", re.I)


def look_for_bot(tenant: Tenant, address: str, public_id: str) -> Answer:
    """Whether the page at `address` embeds the bot. Takes ten seconds at most.

    Raises Forbidden while the plugin that reads websites is off, and what `Fetcher.get` raises.
    """
    from .fetch import Fetcher

    if READER not in tenant.enabled:
        raise Forbidden("The plugin that reads websites is off.", "switch it on", code="reader_off")
    host = (urlsplit(address).hostname or "").removeprefix("www.")
    fetcher = Fetcher(tenant.platform.settings.private_hosts, deadline=SECONDS, max_bytes=MAX_BYTES)
    with calling(READER, tenant, frozenset({host, f"www.{host}"})):
        found = fetcher.get(address)
    tags = _TAG.findall(found.body.decode("utf-8", "replace"))
    if any(public_id in tag for tag in tags):
        return "here"
    return "other_bot" if tags else "missing"
