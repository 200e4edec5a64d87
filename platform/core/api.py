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
from .bots import LiveBot
from .channels import (
    Answered,
    Channel,
    Delivery,
    Guide,
    SetupValue,
    Window,
    answer_message,
    channel_bot,
    keep_file,
    keep_message,
    open_conversation,
    press,
    read_file,
)
from .clock import new_uuid, now
from .connections import Alert, Connection
from .consents import grant_consent, is_granted, record_consent, withdraw_consent, wording_hash
from .contacts import SavedLead, contact_of, read_email, typed_contact
from .cores import all_cores
from .db.base import NEVER_REUSED, Base, UtcDateTime, belongs_to, own_key
from .documents import Blob, Connector, ExtractedText, Failed, Finding, FoundDocument, SourceSpec, State, Unchanged
from .egress import EgressRefused
from .entitlements import LIMITS, Entitlements, set_entitlements
from .errors import (
    Conflict,
    DocumentProblem,
    Forbidden,
    IndexUnavailable,
    InvalidRequest,
    NotFound,
    Unavailable,
    WebChatAgentError,
    cause_of,
)
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
from .privacy import Disclosure, ErasureReport, ExportPart, Subject, disclose
from .prompting import chat_messages
from .rights import person_sessions
from .roles import rights
from .routes import Route, RouteRequest, RouteResponse
from .sandbox import run_limited
from .sessions import Through
from .site_tags import SITE_PURPOSES, SitePurpose, SiteTag, site_purpose
from .sources import refresh_sources
from .storable import storable
from .tenancy import TenantOwned, TenantSession, insert_row
from .tenants import OPERATOR, Health, HealthCheck, Problem, Tenant, all_tenants, operator_tenant, own_tenant
from .texts import Sentences
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
    "Answered",
    "Base",
    "Billing",
    "BillingStatus",
    "Blob",
    "CannotAnswer",
    "Channel",
    "ChatModel",
    "Conflict",
    "Connection",
    "Connector",
    "Delivery",
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
    "Forbidden",
    "FoundDocument",
    "Guide",
    "Health",
    "HealthCheck",
    "Identity",
    "IndexUnavailable",
    "InvalidRequest",
    "Invoice",
    "KeptClients",
    "LiveBot",
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
    "Prepared",
    "Price",
    "Problem",
    "Route",
    "RouteRequest",
    "RouteResponse",
    "SavedLead",
    "Sentences",
    "SetupValue",
    "SitePurpose",
    "SiteTag",
    "SourceSpec",
    "State",
    "Subject",
    "Tenant",
    "TenantOwned",
    "TenantSession",
    "TextDelta",
    "Through",
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
    "Window",
    "WithParts",
    "all_cores",
    "all_tenants",
    "answer_message",
    "audit_record",
    "belongs_to",
    "cause_of",
    "channel_bot",
    "chat_messages",
    "contact_of",
    "current_actor",
    "detect_language",
    "disclose",
    "fold_signs",
    "grant_consent",
    "hookimpl",
    "insert_row",
    "is_granted",
    "keep_file",
    "keep_message",
    "make_fetcher",
    "missing_models",
    "needs_consent",
    "new_uuid",
    "now",
    "open_conversation",
    "operator_tenant",
    "own_key",
    "own_tenant",
    "page_response",
    "person_sessions",
    "post_mail",
    "press",
    "public_address",
    "put_mail",
    "read_email",
    "read_file",
    "record_consent",
    "refresh_sources",
    "rights",
    "run_limited",
    "set_entitlements",
    "site_purpose",
    "start_job",
    "stems",
    "storable",
    "trigrams",
    "truncate_address",
    "try_vectors",
    "typed_contact",
    "unit_vectors",
    "withdraw_consent",
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
