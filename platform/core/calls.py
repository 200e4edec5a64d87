"""Every host that this installation may call, with whose it is and where that is; said at each start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from .addresses import is_loopback
from .plugins import entered_hosts
from .tenants import Platform, list_tenants

PARTS = ("database_url", "redis_url", "elasticsearch_url", "smtp_url", "blobs_url")
EU = frozenset("AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE".split())


@dataclass(frozen=True, order=True)
class Call:
    """A host and who is behind it. `country` is empty where nobody said; `plugin` is empty for the platform's parts."""

    host: str
    who: str
    country: str = ""
    plugin: str = ""

    def outside(self, region: str) -> bool:
        """Whether it is somewhere else than the installation: outside of the EU for one inside, else another country."""
        home = EU if region in EU else {region}
        return bool(region) and bool(self.plugin) and self.country not in home

    def sentence(self, region: str) -> str:
        """A line for people."""
        where = self.country or ("unknown country" if self.plugin else "your own part")
        return f"{self.host}  {self.who}  {where}{'  (outside of your region)' if self.outside(region) else ''}"


def list_calls(platform: Platform) -> list[Call]:
    """The parts of this installation, and the hosts of plugins that are on somewhere, entered ones included.

    What a website source reads is not in it: those are the tenants' own sites.
    """
    if platform.settings.egress == "none":
        return sorted(set(_parts(platform)))
    return sorted({*_parts(platform), *_plugins(platform)})


def _parts(platform: Platform) -> Iterator[Call]:
    for name in PARTS:
        host = urlsplit(getattr(platform.settings, name)).hostname
        if host and not is_loopback(host):
            yield Call(host, name.removesuffix("_url"))


def _plugins(platform: Platform) -> Iterator[Call]:
    manifests = platform.registry.manifests
    for tenant in list_tenants(platform):
        for plugin in sorted(tenant.enabled & set(manifests)):
            manifest = manifests[plugin]
            recipient = manifest.recipient
            who, country = (recipient.name, recipient.country) if recipient else (manifest.name, "")
            for host in manifest.egress:
                if host == "*":
                    for entered in entered_hosts(platform, plugin, tenant.id):
                        yield Call(entered.partition(":")[0], f"entered by {tenant.slug}", "", plugin)
                else:
                    yield Call(host, who, country, plugin)


def say_calls(platform: Platform) -> list[str]:
    """The lines of a start: where this installation is, and each host with its country."""
    region = platform.settings.data_region
    calls = list_calls(platform)
    home = f"hosted in {region}" if region else "hosted in a place that WEBCHATAGENT_DATA_REGION does not name"
    if not calls:
        return [f"This installation is {home} and calls no other host."]
    return [
        f"This installation is {home} and may call {len(calls)} hosts:",
        *(f"  {c.sentence(region)}" for c in calls),
    ]
