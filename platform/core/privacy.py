"""What plugins and core declare about personal data, and the rights of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from .tenants import Tenant

Role = Literal["processor", "controller", "joint", "none"]
Basis = Literal["contract", "consent", "legitimate_interest", "legal_duty"]
DATA = (
    *("messages", "session_id", "language", "time", "contact", "address_truncated", "browser", "documents", "account"),
    *("phone", "files", "delivery"),
)
PURPOSES = (
    *("answer", "index", "operate", "abuse", "leads", "account", "appointments", "google_calendar"),
    *("billing", "whatsapp", "newsletter", "consent", "statistics", "marketing", "offers"),
)


@dataclass(frozen=True)
class Disclosure:
    """One way personal data goes: what, why, on which ground, to whom, for how long.

    `data` and `purpose` come from closed lists (`DATA`, `PURPOSES`), so that a notice can be written in any language.
    `recipient` is empty when nothing leaves the house; else name and `country` (ISO code) are those of `plugin.toml`.
    `transfer` is the ISO code of a country outside of the EU that the recipient passes it on to, or empty.
    `retention_days` of 0 means until the person or the tenant deletes it.
    """

    id: str
    data: tuple[str, ...]
    purpose: str
    basis: Basis
    retention_days: int
    recipient: str = ""
    country: str = ""
    role: Role = "none"
    privacy_url: str = ""
    hosts: tuple[str, ...] = ()
    transfer: str = ""

    def __post_init__(self) -> None:
        wrong = [d for d in self.data if d not in DATA]
        if wrong or self.purpose not in PURPOSES:
            raise ValueError(f"disclosure {self.id}: unknown {wrong or self.purpose}")


def disclose(
    tenant: Tenant,
    plugin: str,
    id: str,
    data: tuple[str, ...],
    purpose: str,
    days: int,
    *urls: str,
    basis: Basis = "contract",
) -> Disclosure:
    """What a plugin sends to the recipient of its manifest, at the hosts of `urls`, on the ground of the contract."""
    recipient = tenant.platform.registry.manifests[plugin].recipient
    assert recipient is not None, f"{plugin} names no recipient in its plugin.toml"
    hosts = tuple(urlsplit(url).hostname or "" for url in urls)
    return Disclosure(
        id,
        data,
        purpose,
        basis,
        days,
        recipient.name,
        recipient.country,
        recipient.role,
        recipient.privacy,
        hosts,
    )


@dataclass(frozen=True)
class Subject:
    """A person: known by a session, by a contact, or by an e-mail address."""

    session_id: int | None = None
    contact_id: int | None = None
    email: str = ""


@dataclass(frozen=True)
class ExportPart:
    """A part of a person's data: rows of one kind, with why they are kept, for how long and who else has them."""

    name: str
    count: int
    rows: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    purpose: str = "answer"
    retention_days: int = 0
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True)
class ErasureReport:
    """A receipt: how many items of each kind were changed or deleted, and what must be kept, with the reason."""

    done: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
