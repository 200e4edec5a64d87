"""The screens of the admin, one module per noun: declarative specs and small pages."""

from __future__ import annotations

from webchatagent.core.admin_views import AdminView

from ..fab.views import Page
from .account import AccountPage
from .audit import AuditPage
from .bots import BOTS
from .closing import ClosingPage
from .connections import ConnectionsPage
from .contacts import CONTACTS
from .conversations import ConversationsPage
from .discarded import DiscardedPage
from .embed import EmbedPage
from .embedding import EmbeddingPage
from .health import HealthPage
from .home import HomePage
from .installed import InstalledPage
from .invitation import InvitationPage
from .keys import KeysPage
from .marketplace import MarketplacePage
from .members import MembersPage
from .model import ModelPage
from .notices import NoticesPage
from .outbox import OutboxPage
from .people import PeoplePage
from .plan import PlanPage
from .playground import PlaygroundPage
from .preview import PreviewPage
from .prices import PricesPage
from .privacy_notice import PrivacyNoticePage
from .recipients import RECIPIENTS
from .register import RegisterPage
from .requests import RequestsPage
from .reset import ResetPage
from .second_step import SecondStepPage
from .sent import SentPage
from .sign_in import SignInPage
from .sources import SourcesPage
from .statistics import StatisticsPage
from .support import SupportPage
from .tenants import TenantsPage
from .withdrawals import WithdrawalsPage
from .workspace import WorkspacePage

PAGES: tuple[type[Page], ...] = (
    HomePage,
    ConversationsPage,
    SourcesPage,
    MarketplacePage,
    ConnectionsPage,
    PlanPage,
    MembersPage,
    KeysPage,
    DiscardedPage,
    PrivacyNoticePage,
    RequestsPage,
    AuditPage,
    OutboxPage,
    WorkspacePage,
    EmbeddingPage,
    EmbedPage,
    ModelPage,
    PlaygroundPage,
    PreviewPage,
    SentPage,
    StatisticsPage,
    PricesPage,
    TenantsPage,
    PeoplePage,
    HealthPage,
    InstalledPage,
    NoticesPage,
    WithdrawalsPage,
    AccountPage,
    ClosingPage,
    SupportPage,
    InvitationPage,
    RegisterPage,
    ResetPage,
    SecondStepPage,
    SignInPage,
)
"""The first is the home page."""
SPECS: tuple[AdminView, ...] = (BOTS, CONTACTS, RECIPIENTS)

BY_HAND: dict[str, tuple[type[Page], str]] = {
    "NoticeVersion": (PrivacyNoticePage, "it is published from what is switched on, and never changed"),
    "RightsRequest": (RequestsPage, "is settled over every plugin, with a receipt"),
    "ApiKey": (KeysPage, "its secret is shown once, when it is made"),
    "AuditEntry": (AuditPage, "it names people by their address, and is only read"),
    "BotVersion": (ModelPage, "it is compared and brought back, never changed"),
    "Attachment": (ConversationsPage, "it stands below the message that it came with"),
    "ChatSession": (ConversationsPage, "the list counts messages and ratings"),
    "ContactLink": (ConversationsPage, "it is shown as the conversations of a contact"),
    "Document": (SourcesPage, "the list follows what is being read"),
    "EmbeddingChoice": (EmbeddingPage, "it is one row, changed by switching"),
    "Invitation": (MembersPage, "it is made and withdrawn beside the members"),
    "Message": (ConversationsPage, "it is a line of a transcript"),
    "NoticeRecipient": (NoticesPage, "it is counted there; a list of addresses is nobody's business"),
    "OutboxMail": (OutboxPage, "its text is sealed"),
    "PluginSwitch": (MarketplacePage, "it holds secrets; the form comes from the plugin"),
    "StoredReply": (KeysPage, "it is the memory of a key for repeated requests, and ends after a day"),
    "ServiceNotice": (NoticesPage, "it is written, read again and sent once"),
    "Source": (SourcesPage, "adding one reads files or a website"),
    "TurnRow": (ConversationsPage, "it is the way of an answer, shown as the message it became"),
}
"""Tenant-owned tables without a generated view: the page that shows them, and why it is made by hand."""
