"""Bots: the list, a new one, its settings, its page with the embed snippet."""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from wtforms import Field

from webchatagent.core.admin_views import AdminView
from webchatagent.core.bots import BotSettings, change_bot, create_bot
from webchatagent.core.conversations import list_conversations
from webchatagent.core.db.tenants import Bot
from webchatagent.core.discarded import discard_bot
from webchatagent.core.document_list import StateCounts, count_documents
from webchatagent.core.errors import InvalidRequest
from webchatagent.core.tenants import Tenant

from ..botforms import BotForm, NewBotForm, free_slug
from ..formats import ago
from ..languages import LANGUAGES
from ..roles import rights


def text(field: Field) -> str:
    """What was typed, without blanks around it; empty for a field that did not come."""
    return str(field.data if field.data is not None else "").strip()  # a number of the row, when it was not sent


def add(tenant: Tenant, form: NewBotForm) -> int:
    """Make a bot of the form; its slug comes from its name."""
    slug = free_slug(tenant, text(form.slug) or text(form.name))
    return create_bot(tenant, slug, text(form.name), form.locale.data, text(form.greeting)).id


def fill(row: Bot) -> dict[str, Any]:
    """The values of the form from a bot."""
    found = BotSettings.model_validate(row.settings or {})
    return {
        **found.model_dump(),
        "name": row.name,
        "locale": row.locale,
        "greeting": row.greeting,
        "allowed_origins": "\n".join(found.allowed_origins),
        "suggestions": "\n".join(found.suggestions),
    }


def change(tenant: Tenant, row: Bot, form: BotForm) -> None:
    """Write the form to the bot; what the form does not show stays."""
    values = BotSettings.model_validate(row.settings or {}).model_dump()
    for name in ("accent", "theme", "position", "close_behaviour", "instructions", "unknown_answer", "teaser"):
        values[name] = text(form[name])
    for name in ("teaser_seconds", "open_seconds", "max_message", "session_days"):
        values[name] = int(text(form[name]) or values[name])
    for name in ("strict", "api_key_required"):
        values[name] = bool(form[name].data)
    for name in ("allowed_origins", "suggestions"):
        values[name] = [line.strip() for line in text(form[name]).splitlines() if line.strip()]
    try:
        found = BotSettings.model_validate(values)
    except ValueError:
        raise InvalidRequest("A setting is wrong.", code="settings_wrong") from None
    change_bot(
        tenant, row.id, name=text(form.name), locale=form.locale.data, greeting=text(form.greeting), settings=found
    )


def public_url() -> str:
    """The address visitors use: the setting, else the one this request came by."""
    chosen: str = current_app.extensions["wca_platform"].settings.public_url
    return (chosen or request.host_url).rstrip("/")


def show(tenant: Tenant, row: Bot) -> dict[str, Any]:
    """What the page of a bot shows beside its row."""
    counts = count_documents(tenant).get(row.id, StateCounts())
    recent, total = list_conversations(tenant, bot_id=row.id, size=5)
    snippet = f'<script src="{public_url()}/widget/v1/loader.js" data-bot="{row.public_id}" defer></script>'
    return {
        "counts": counts,
        "recent": recent,
        "conversations": total,
        "snippet": snippet,
        "chat_url": f"{public_url()}/chat/{row.public_id}",
        "settings": BotSettings.model_validate(row.settings or {}),
    }


def name_link(row_name: Any) -> Any:
    """The name as it stands; the row itself is the link."""
    return Markup("<strong>{}</strong>").format(row_name)


BOTS = AdminView(
    id="bots",
    model=Bot,
    title=_("Bots"),
    icon="bot",
    intro=_("Each bot answers from its own sources and has its own chat window."),
    list_columns=("name", "slug", "locale", "created_at"),
    show_columns=("name", "locale"),
    search_column="name",
    labels={"name": _("Name"), "slug": _("Short name"), "locale": _("Language"), "created_at": _("Created")},
    formatters={
        "name": name_link,
        "locale": lambda code: LANGUAGES.get(code, code),
        "created_at": ago,
        "slug": lambda slug: Markup("<code>{}</code>").format(slug),
    },
    order=("name", "asc"),
    rights=rights(write=("owner", "editor", "operator")),
    add_title=_("New bot"),
    add_form=NewBotForm,
    add=add,
    edit_form=BotForm,
    fill=fill,
    change=change,
    delete=lambda tenant, row: discard_bot(tenant, row.id),
    said_deleted=_("The bot is deleted. For seven days it can be brought back, under Recently deleted."),
    confirm_delete=_("Delete this bot with its sources and conversations? It answers nobody from now on."),
    show_template="wca/bot.html",
    edit_template="wca/bot_edit.html",
    show_values=show,
    empty_title=_("No bots yet"),
    empty_text=_("Make your first bot, then give it something to read."),
)
