"""What a tenant's own website loads from other companies, after its visitor agreed: declared by plugins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .tenants import Tenant

SitePurposeName = Literal["statistics", "marketing"]
SITE_PURPOSES = ("statistics", "marketing")


@dataclass(frozen=True)
class SitePurpose:
    """What a visitor is asked: a service for one of `SITE_PURPOSES`, who receives what it sees, and where to read more.

    `cookies` are the first-party cookies it sets, `*` at the end for any: they are removed when consent is withdrawn.
    """

    purpose: SitePurposeName
    service: str
    recipient: str
    country: str
    privacy_url: str
    cookies: tuple[str, ...] = ()


@dataclass(frozen=True)
class SiteTag:
    """Code that runs on the tenant's website: the body of `function (config, site)`.

    `config` is public. `site.load(url)` loads a script, `site.granted` are the purposes that were agreed to, and
    `site.on(name, run)` hears events of the chat, `lead` and `booking`.
    """

    id: str
    code: str = field(repr=False)
    config: Mapping[str, Any] = field(default_factory=dict)


def site_purpose(
    tenant: Tenant, plugin: str, purpose: SitePurposeName, service: str, cookies: tuple[str, ...]
) -> SitePurpose:
    """A service of a plugin, whose recipient stands in its manifest."""
    recipient = tenant.platform.registry.manifests[plugin].recipient
    assert recipient is not None, f"{plugin} names no recipient in its plugin.toml"
    return SitePurpose(purpose, service, recipient.name, recipient.country, recipient.privacy, cookies)
