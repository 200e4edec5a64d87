"""Every hook a plugin may implement. Nothing else in the platform calls into a plugin.

Scopes
    platform  called once per process, for every installed plugin; no `tenant` argument.
    tenant    called for one tenant; only that tenant's enabled plugins run; `tenant` comes first.
    plugin    called on one named plugin only, while it is tried or switched.

Kinds
    collect   every plugin runs; `[(plugin, value), ...]`; a plugin that fails is logged, counted and left out.
    require   as collect, but a failure is raised after every plugin has run (erasure must not be half done).
    first     the first answer that is not None wins; a failure is raised.
    fold      the named argument passes through every plugin in turn; a failure is raised.
    notify    every plugin runs after the commit; the return value is ignored; a failure is logged.

`docs/hooks.md` documents each with its exact signature; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pluggy import HookimplMarker, HookspecMarker

if TYPE_CHECKING:
    from .admin_views import AdminView
    from .billing import Billing
    from .channels import Channel, Guide, SetupValue
    from .connections import Alert, Connection
    from .contacts import SavedLead
    from .documents import Blob, Connector, ExtractedText
    from .login import LoginMethod
    from .models import ChatModel, EmbeddingModel
    from .plugin_jobs import PluginJob
    from .privacy import Disclosure, ErasureReport, ExportPart, Subject
    from .routes import Route
    from .site_tags import SitePurpose, SiteTag
    from .tenants import HealthCheck, Problem, Tenant
    from .tools import Tool, ToolContext
    from .vault import PersonalSpan

PROJECT = "webchatagent"
hookimpl = HookimplMarker(PROJECT)
_hookspec = HookspecMarker(PROJECT)
F = TypeVar("F", bound=Callable[..., Any])
Kind = Literal["collect", "require", "first", "fold", "notify"]
Scope = Literal["platform", "tenant", "plugin"]


@dataclass(frozen=True)
class Spec:
    """How a hook is called: its kind, its scope and, for a fold, the argument that passes through."""

    kind: Kind
    scope: Scope = "tenant"
    fold: str = ""


def hook(kind: Kind, *, scope: Scope = "tenant", fold: str = "") -> Callable[[F], F]:
    """Mark a hook specification with its kind and scope."""

    def mark(function: F) -> F:
        function.spec = Spec(kind, scope, fold)  # type: ignore[attr-defined]
        marked: F = _hookspec(firstresult=kind == "first")(function)
        return marked

    return mark


def needs_consent(purpose: str) -> Callable[[F], F]:
    """Bind a plugin's implementation of a hook to a purpose: it is not called without that consent.

    Whose consent counts is in the hook's arguments: `consented`, the purposes that were agreed to, or `subject`, whose
    last word in the ledger is looked up. Write it above `@hookimpl`.
    """

    def mark(function: F) -> F:
        function.needs_consent = purpose  # type: ignore[attr-defined]
        return function

    return mark


# -- platform: once per process -----------------------------------------------------------------------------


@hook("collect", scope="platform")
def health_checks() -> list[HealthCheck]:
    """Named checks for `/readyz` and `webchatagent doctor`."""


@hook("collect", scope="platform")
def admin_views() -> list[AdminView]:
    """Screens of the admin, declared: tables with their columns, filters, actions and rights."""


@hook("collect", scope="platform")
def jobs() -> list[PluginJob]:
    """Work that the plugin does later or regularly, run by the workers."""


# -- accounts -----------------------------------------------------------------------------------------------


@hook("collect")
def login_methods(tenant: Tenant) -> list[LoginMethod]:
    """Ways to sign in to the admin. Called for the operator's own tenant only. Must not touch the network."""


# -- the web ------------------------------------------------------------------------------------------------


@hook("collect")
def routes(tenant: Tenant) -> list[Route]:
    """Pages and web hooks below `/x/<plugin>/<tenant>/`. Asked for each request there; must not touch the network."""


@hook("collect")
def site_purposes(tenant: Tenant) -> list[SitePurpose]:
    """What visitors of the tenant's website are asked to agree to. Must not touch the network."""


@hook("collect")
def site_tags(tenant: Tenant, consented: frozenset[str]) -> list[SiteTag]:
    """What the tenant's website loads once a visitor agreed to `consented`. Must not touch the network."""


@hook("collect", scope="platform")
def guides() -> list[Guide]:
    """Public pages at `/integrations/<id>` that explain a set-up."""


@hook("collect")
def channels(tenant: Tenant) -> list[Channel]:
    """Ways besides the website on which people write to the tenant's bots. Must not touch the network."""


@hook("collect")
def setup_values(tenant: Tenant) -> list[SetupValue]:
    """What a person copies from the plugin's page in the admin to another company's. Must not touch the network."""


# -- plugin: one plugin, while it is tried ------------------------------------------------------------------


@hook("first", scope="plugin")
def plugin_check(tenant: Tenant, config: Any) -> list[Problem]:
    """Try the configuration for real before it is saved; say what is wrong and how to repair it."""


# -- sources ------------------------------------------------------------------------------------------------


@hook("collect")
def connectors(tenant: Tenant) -> list[Connector]:
    """Kinds of source: each finds documents under a target that a person names."""


@hook("first")
def extract_text(tenant: Tenant, blob: Blob) -> ExtractedText | None:
    """Turn a document's bytes into Markdown, or say nothing to leave it to another plugin."""


# -- models -------------------------------------------------------------------------------------------------


@hook("collect")
def chat_models(tenant: Tenant) -> list[ChatModel]:
    """Chat models the tenant can choose, each able to stream a reply. Must not touch the network."""


@hook("collect")
def embedding_models(tenant: Tenant) -> list[EmbeddingModel]:
    """Embedding models the tenant can choose, each with its space. Must not touch the network."""


# -- tools --------------------------------------------------------------------------------------------------


@hook("collect")
def assistant_tools(tenant: Tenant, context: ToolContext) -> list[Tool]:
    """Functions that a model may call during a turn. Asked for each turn, so it must not touch the network."""


@hook("collect")
def prompt_sections(tenant: Tenant, context: ToolContext) -> list[str]:
    """What a model is told besides its rules, such as the local date. Asked for each turn; must not touch the network."""


@hook("collect")
def answer_parts(tenant: Tenant, context: ToolContext, refused: bool, answers: int) -> list[dict[str, Any]]:
    """What stands under an answer besides it, such as a form. Asked for each turn; must not touch the network."""


@hook("notify")
def lead_saved(tenant: Tenant, subject: Subject, lead: SavedLead) -> None:
    """Somebody left how they can be reached. Bind it to what they agreed to."""


# -- plans --------------------------------------------------------------------------------------------------


@hook("notify")
def tenant_created(tenant: Tenant) -> None:
    """A tenant was made: what it may use, and other things that must not wait for the clock. Must not touch the network."""


@hook("first")
def billing(tenant: Tenant) -> Billing | None:
    """The plans that this tenant can buy, and what was bought. Must not touch the network."""


# -- the tenant's people ------------------------------------------------------------------------------------


@hook("collect")
def alerts(tenant: Tenant) -> list[Alert]:
    """What somebody has to repair. Asked for each view of the admin's overview, so it must not touch the network."""


@hook("collect")
def connections(tenant: Tenant) -> list[Connection]:
    """Accounts at other companies that the tenant connects in the admin. Must not touch the network."""


# -- privacy ------------------------------------------------------------------------------------------------


@hook("require")
def find_personal_data(tenant: Tenant, text: str, language: str) -> list[PersonalSpan] | None:
    """Where a text that is about to leave for a model holds personal data. Called for every text of every turn."""


@hook("collect")
def privacy_disclosures(tenant: Tenant) -> list[Disclosure]:
    """Who receives which data, why, where and for how long: the tenant's privacy notice is built from these."""


@hook("require")
def consent_withdrawn(tenant: Tenant, subject: Subject, purpose: str) -> None:
    """Somebody withdraws their consent to a purpose: stop at once, here and at the provider. Must be safe to repeat."""


@hook("require")
def subject_locate(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """Where something about this person is kept, as parts with counts and without content."""


@hook("require")
def subject_export(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """Everything kept on one person (Art. 15 and 20)."""


@hook("require")
def subject_rectify(tenant: Tenant, subject: Subject, changes: dict[str, str]) -> ErasureReport:
    """Correct name, e-mail or phone in every copy (Art. 16). Must be safe to repeat."""


@hook("require")
def subject_restrict(tenant: Tenant, subject: Subject, restricted: bool) -> ErasureReport:
    """Stop using a person's data, or use it again (Art. 18). Must be safe to repeat."""


@hook("require")
def subject_erase(tenant: Tenant, subject: Subject) -> ErasureReport:
    """Delete or anonymise everything on one person, here and at the provider (Art. 17). Must be safe to repeat."""


@hook("require")
def retention_purge(tenant: Tenant, now: datetime) -> ErasureReport:
    """Delete what is older than the tenant's retention settings. Runs daily."""


@hook("require")
def tenant_erase(tenant: Tenant) -> ErasureReport:
    """Delete everything kept for the tenant, here and at the provider. Must be safe to repeat."""
