"""The screens of the admin, one module per noun: declarative specs and small pages."""

from __future__ import annotations

from ..fab.views import Page
from ..specs import AdminView
from .account import AccountPage
from .bots import BOTS
from .conversations import ConversationsPage
from .home import HomePage
from .invitation import InvitationPage
from .marketplace import MarketplacePage
from .members import MembersPage
from .outbox import OutboxPage
from .people import PeoplePage
from .sources import SourcesPage

PAGES: tuple[type[Page], ...] = (
    HomePage,
    ConversationsPage,
    SourcesPage,
    MarketplacePage,
    MembersPage,
    OutboxPage,
    PeoplePage,
    AccountPage,
    InvitationPage,
)
"""The first is the home page."""
SPECS: tuple[AdminView, ...] = (BOTS,)
