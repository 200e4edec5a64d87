"""The only module of the platform that a plugin imports."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .addresses import truncate_address
from .admin_views import AdminAction, AdminExport, AdminView
from .analysis import detect_language, stems, trigrams, words
from .audit import current_actor
from .audit import record as audit_record
from .billing import Billing, BillingStatus, Invoice, PlanOffer, Price
from .clock import new_uuid, now
from .connections import Alert, Connection
from .consents import is_granted, record_consent, wording_hash
from .contacts import SavedLead, contact_of, read_email, typed_contact
from .cores import all_cores
from .db.base import NEVER_REUSED, Base, UtcDateTime, belongs_to, own_key
from .documents import Blob, Connector, ExtractedText, Failed, Finding, FoundDocument, SourceSpec, State, Unchanged
from .egress import EgressRefused
from .entitlements import LIMITS, Entitlements, set_entitlements
from .errors import DocumentProblem, InvalidRequest, NotFound, Unavailable, WebChatAgentError, cause_of
from .hookspecs import hookimpl, needs_consent
from .kept import KeptClients
from .login import Identity, LoginFailed, LoginMethod
from .mail import post_mail, put_mail
from .modelchecks import missing_models, try_vectors
from .models import (
    CannotAnswer,
    ChatModel,
    EmbeddingModel,
    EmbeddingSpace,
    MaskedPassage,
    ModelEvent,
    ModelFailed,
    ModelInfo,
    ModelRequest,
    TextDelta,
    TokenUsage,
    ToolCall,
    ToolSpec,
    ToolStep,
    Vectors,
    unit_vectors,
)
from .placeholders import fold_signs
from .plugin_jobs import PluginJob, start_job
from .plugin_pages import page_response, public_address
from .plugin_texts import PluginTexts
from .privacy import Disclosure, ErasureReport, ExportPart, Subject, disclose
from .prompting import chat_messages
from .roles import rights
from .routes import Route, RouteRequest, RouteResponse
from .sandbox import run_limited
from .site_tags import SITE_PURPOSES, SitePurpose, SiteTag, site_purpose
from .sources import refresh_sources
from .tenancy import TenantOwned, TenantSession, insert_row
from .tenants import OPERATOR, Health, HealthCheck, Problem, Tenant, all_tenants, operator_tenant, own_tenant
from .tools import Prepared, Tool, ToolContext, ToolFailed, ToolUnsure, WithParts
from .vault import Masked, PersonalSpan

if TYPE_CHECKING:
    from .fetch import Fetched, Fetcher, FetchFailed, FetchRefused

__all__ = [
    "LIMITS",
    "NEVER_REUSED",
    "OPERATOR",
    "SITE_PURPOSES",
    "AdminAction",
    "AdminExport",
    "AdminView",
    "Alert",
    "Base",
    "Billing",
    "BillingStatus",
    "Blob",
    "CannotAnswer",
    "ChatModel",
    "Connection",
    "Connector",
    "Disclosure",
    "DocumentProblem",
    "EgressRefused",
    "EmbeddingModel",
    "EmbeddingSpace",
    "Entitlements",
    "ErasureReport",
    "ExportPart",
    "ExtractedText",
    "Failed",
    "FetchFailed",
    "FetchRefused",
    "Fetched",
    "Fetcher",
    "Finding",
    "FoundDocument",
    "Health",
    "HealthCheck",
    "Identity",
    "InvalidRequest",
    "Invoice",
    "KeptClients",
    "LoginFailed",
    "LoginMethod",
    "Masked",
    "MaskedPassage",
    "ModelEvent",
    "ModelFailed",
    "ModelInfo",
    "ModelRequest",
    "NotFound",
    "PersonalSpan",
    "PlanOffer",
    "PluginJob",
    "PluginTexts",
    "Prepared",
    "Price",
    "Problem",
    "Route",
    "RouteRequest",
    "RouteResponse",
    "SavedLead",
    "SitePurpose",
    "SiteTag",
    "SourceSpec",
    "State",
    "Subject",
    "Tenant",
    "TenantOwned",
    "TenantSession",
    "TextDelta",
    "TokenUsage",
    "Tool",
    "ToolCall",
    "ToolContext",
    "ToolFailed",
    "ToolSpec",
    "ToolStep",
    "ToolUnsure",
    "Unavailable",
    "Unchanged",
    "UtcDateTime",
    "Vectors",
    "WebChatAgentError",
    "WithParts",
    "all_cores",
    "all_tenants",
    "audit_record",
    "belongs_to",
    "cause_of",
    "chat_messages",
    "contact_of",
    "current_actor",
    "detect_language",
    "disclose",
    "fold_signs",
    "hookimpl",
    "insert_row",
    "is_granted",
    "make_fetcher",
    "missing_models",
    "needs_consent",
    "new_uuid",
    "now",
    "operator_tenant",
    "own_key",
    "own_tenant",
    "page_response",
    "post_mail",
    "public_address",
    "put_mail",
    "read_email",
    "record_consent",
    "refresh_sources",
    "rights",
    "run_limited",
    "set_entitlements",
    "site_purpose",
    "start_job",
    "stems",
    "trigrams",
    "truncate_address",
    "try_vectors",
    "typed_contact",
    "unit_vectors",
    "wording_hash",
    "words",
]
_LAZY = frozenset({"Fetched", "Fetcher", "FetchFailed", "FetchRefused"})


def make_fetcher(**options: Any) -> Fetcher:
    """A Fetcher that may call the operator's WEBCHATAGENT_PRIVATE_HOSTS; options as of `Fetcher`."""
    from .fetch import Fetcher

    listed = os.environ.get("WEBCHATAGENT_PRIVATE_HOSTS", "").split(",")
    return Fetcher(frozenset(h.strip() for h in listed if h.strip()), **options)


def __getattr__(name: str) -> Any:
    # Fetching brings urllib3 along; a process that only reads files does without.
    if name in _LAZY:
        from . import fetch

        return getattr(fetch, name)
    raise AttributeError(name)
