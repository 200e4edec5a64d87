"""Bots: making them, finding them fast, and what a tenant sets on them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import delete, select

from . import audit
from .caps import NO_CAPS, Caps
from .db.chats import ChatSession
from .db.records import ConsentRecord
from .db.sources import Document
from .db.tenants import Bot
from .entitlements import check_open, check_room
from .errors import Conflict, InvalidRequest, NotFound
from .offered import check_models
from .sources import delete_rows
from .tenancy import see_discarded, system_scope
from .tenants import Platform, Tenant, check_slug, load_tenant
from .versions import keep_version, part_of

FRESH_SECONDS = 2.0


class BotSettings(BaseModel):
    """What a tenant sets on a bot; every field has a default that is right for most."""

    model_config = ConfigDict(extra="forbid")
    allowed_origins: list[str] = Field(default_factory=list)
    max_message: int = Field(4000, ge=100, le=4000, description="Characters of a visitor's message.")
    session_days: int = Field(0, ge=0, description="0: a session never expires")
    close_behaviour: Literal["minimise", "end", "end_and_erase"] = "minimise"
    accent: str = Field("#4f46e5", pattern="^#[0-9a-fA-F]{6}$")
    theme: Literal["auto", "light", "dark"] = "auto"
    position: Literal["left", "right"] = "right"
    suggestions: list[str] = Field(default_factory=list, max_length=4)
    teaser: str = Field("", max_length=140, description="A line beside the button of the chat; empty for none.")
    teaser_seconds: int = Field(5, ge=0, le=3600, description="When the teaser comes.")
    open_seconds: int = Field(
        0, ge=0, le=3600, description="Opens the chat by itself after so long, once the visitor scrolls; 0 for never."
    )
    instructions: str = Field("", max_length=8000)
    unknown_answer: str = Field("", max_length=1000)
    strict: bool = Field(False, description="An answer that cites no passage is withdrawn.")
    chat_model: str = ""
    fallback_models: list[str] = Field(default_factory=list, max_length=4)
    residency: Literal["any", "eu", "house"] = "any"
    temperature: float = Field(0.2, ge=0, le=2)
    max_tokens: int = Field(800, ge=50, le=8000)
    api_key_required: bool = False


@dataclass(frozen=True)
class LiveBot:
    """A bot as the chat needs it, with its tenant."""

    id: int
    public_id: str
    slug: str
    name: str
    locale: str
    greeting: str
    settings: BotSettings
    tenant: Tenant
    version: int = 1
    caps: Caps = NO_CAPS


def create_bot(
    tenant: Tenant,
    slug: str,
    name: str,
    locale: str = "",
    greeting: str = "",
    settings: BotSettings | None = None,
) -> LiveBot:
    """Make a bot. Raises InvalidRequest for a bad slug or a model that is not offered, Conflict for a taken slug."""
    check_slug(slug)
    found = settings or BotSettings.model_validate({})
    _check_changed(tenant, BotSettings.model_validate({}), found)
    with tenant.write() as db:
        check_room(db, tenant, "bots")
        see_discarded(db)  # one that can come back keeps its slug
        if db.scalar(select(Bot.id).where(Bot.slug == slug)):
            raise Conflict(
                f"The bot {tenant.slug}/{slug} exists already.", "choose another slug", code="slug_taken", field="slug"
            )
        row = Bot(slug=slug, name=name, locale=locale or tenant.locale, greeting=greeting, settings=_plain(settings))
        db.add(row)
        db.flush()
        keep_version(db, row, None, found)
        audit.record(db, audit.current_actor(), "bot.created", slug)
        return _live(row, tenant)


def _plain(settings: BotSettings | None) -> dict[str, Any]:
    """Settings as they are stored: only what differs from the defaults."""
    return settings.model_dump(mode="json", exclude_defaults=True) if settings else {}


def change_settings(tenant: Tenant, bot_id: int, **changes: object) -> None:
    """Change some of a bot's settings. Raises InvalidRequest naming the field that is wrong."""
    save_settings(tenant, bot_id, changes)


def save_settings(
    tenant: Tenant, bot_id: int, changes: Mapping[str, object], *, note: str = "", expected: int = 0, restored: int = 0
) -> int:
    """Change some of a bot's settings; returns the number of the version that is in force then.

    `note` says why, `restored` which version comes back. Raises InvalidRequest naming the field that is wrong, NotFound,
    and Conflict when the version is not the `expected` one any more: somebody else was faster.
    """
    check_open(tenant)
    stored = find_row(tenant, bot_id).settings
    _check_changed(tenant, _merged(stored, {}), _merged(stored, changes))  # asks plugins, so before the transaction
    with tenant.write() as db:
        row = db.get(Bot, bot_id)
        if row is None:
            raise NotFound("There is no such bot.", code="bot_not_found")
        if expected and row.version != expected:
            raise Conflict(
                "Somebody else changed this bot meanwhile.", "look at the newest version first", code="version_passed"
            )
        before, found = _merged(row.settings, {}), _merged(row.settings, changes)
        row.settings = _plain(found)
        kept = keep_version(db, row, before, found, note, restored)
        action = "bot.version_restored" if restored and kept else "bot.changed"
        detail = {"version": row.version} if kept else {}
        audit.record(db, audit.current_actor(), action, row.slug, fields=sorted(changes), **detail)
        number = int(row.version)
    tenant.platform.forget()
    return number


def _merged(stored: Mapping[str, Any] | None, changes: Mapping[str, object]) -> BotSettings:
    """Stored settings with some of them changed. Raises InvalidRequest naming the field."""
    try:
        return BotSettings.model_validate({**(stored or {}), **changes})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidRequest(str(first["msg"]), field=".".join(str(p) for p in first["loc"])) from None


def _check_changed(tenant: Tenant, before: BotSettings, after: BotSettings) -> None:
    """Check the models when something of them changes: a bot whose model was switched off can be changed otherwise."""
    old, new = part_of(before), part_of(after)
    if any(old[field] != new[field] for field in new if field != "instructions"):
        check_models(load_tenant(tenant.platform, tenant_id=tenant.id), after)  # with what is switched on by now


def change_caps(tenant: Tenant, bot_id: int, caps: Caps) -> None:
    """Set how much a bot may use. Raises NotFound."""
    with tenant.write() as db:
        row = db.get(Bot, bot_id)
        if row is None:
            raise NotFound("There is no such bot.", code="bot_not_found")
        before, row.caps = row.caps or {}, caps.model_dump(mode="json", exclude_defaults=True)
        changed = sorted(k for k in before.keys() | row.caps.keys() if before.get(k) != row.caps.get(k))
        if changed:
            audit.record(db, audit.current_actor(), "bot.caps_changed", row.slug, fields=changed)
    tenant.platform.forget()


def find_row(tenant: Tenant, bot_id: int) -> Bot:
    """A tenant's bot by its row id, as it is stored. Raises NotFound."""
    with tenant.read() as db:
        row: Bot | None = db.get(Bot, bot_id)
    if row is None:
        raise NotFound("There is no such bot.", "check its id", code="bot_not_found")
    return row


def own_bot(tenant: Tenant, bot_id: int) -> LiveBot:
    """A tenant's bot by its row id, fresh. Raises NotFound."""
    return _live(find_row(tenant, bot_id), tenant)


def list_bots(tenant: Tenant) -> list[LiveBot]:
    """The tenant's bots, by slug."""
    with tenant.read() as db:
        return [_live(row, tenant) for row in db.scalars(select(Bot).order_by(Bot.slug))]


def taken_slugs(tenant: Tenant) -> set[str]:
    """The slugs that a new bot cannot have: those of bots that can be brought back, too."""
    with tenant.read() as db:
        see_discarded(db)
        return set(db.scalars(select(Bot.slug)))


def find_own_bot(tenant: Tenant, public_id: str) -> LiveBot:
    """A tenant's own bot by its public id. Raises NotFound, also for another tenant's."""
    with tenant.read() as db:
        row = db.scalar(select(Bot).where(Bot.public_id == public_id))
    if row is None:
        raise NotFound("There is no such bot.", "check its id", code="bot_not_found")
    return _live(row, tenant)


def _live(row: Bot, tenant: Tenant) -> LiveBot:
    return LiveBot(
        row.id,
        row.public_id,
        row.slug,
        row.name,
        row.locale,
        row.greeting,
        BotSettings.model_validate(row.settings or {}),
        tenant,
        row.version,
        Caps.model_validate(row.caps) if row.caps else NO_CAPS,
    )


class BotFinder:
    """Finds bots by public id or `tenant/bot`, and keeps them for two seconds, so that a chat message costs no query."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._kept: dict[str, tuple[float, LiveBot]] = {}
        self._lock = Lock()

    def find(self, name: str) -> LiveBot:
        """The bot. Raises NotFound with the code `bot_not_found`."""
        with self._lock:
            kept = self._kept.get(name)
        if kept and kept[0] > time.monotonic():
            return kept[1]
        bot = find_bot(self._platform, name)
        with self._lock:
            if len(self._kept) > 1000:
                self._kept.clear()
            self._kept[name] = (time.monotonic() + FRESH_SECONDS, bot)
        return bot

    def find_row(self, tenant: Tenant, bot_id: int) -> LiveBot:
        """A tenant's bot by its row id. Raises NotFound."""
        return own_bot(tenant, bot_id)

    def forget(self) -> None:
        """Read everything anew: something was changed in this process."""
        with self._lock:
            self._kept.clear()


def find_bot(platform: Platform, name: str) -> LiveBot:
    """A bot by public id or `tenant-slug/bot-slug`. Raises NotFound with the code `bot_not_found`."""
    missing = NotFound("There is no such bot.", "check its id", code="bot_not_found")
    tenant_slug, _, bot_slug = name.partition("/")
    if bot_slug:
        tenant = load_tenant(platform, slug=tenant_slug)
        with tenant.read() as db:
            row = db.scalar(select(Bot).where(Bot.slug == bot_slug))
    else:
        with system_scope("find a bot's tenant by its public id"), platform.database.read() as db:
            row = db.scalar(select(Bot).where(Bot.public_id == name, Bot.discarded_at.is_(None)))
    if row is None:
        raise missing
    return _live(row, load_tenant(platform, tenant_id=row.tenant_id))


def change_bot(tenant: Tenant, bot_id: int, *, name: str, locale: str, greeting: str, settings: BotSettings) -> None:
    """Write what a person set on a bot. Raises NotFound with the code `bot_not_found`, InvalidRequest for a model."""
    check_open(tenant)
    _check_changed(tenant, BotSettings.model_validate(find_row(tenant, bot_id).settings or {}), settings)
    with tenant.write() as db:
        row = db.get(Bot, bot_id)
        if row is None:
            raise NotFound("There is no such bot.", "check its id", code="bot_not_found")
        before = {**(row.settings or {}), "name": row.name, "locale": row.locale, "greeting": row.greeting}
        row.name, row.locale, row.greeting = name, locale, greeting
        old = BotSettings.model_validate(row.settings or {})
        row.settings = _plain(settings)
        keep_version(db, row, old, settings)
        after = {**row.settings, "name": name, "locale": locale, "greeting": greeting}
        changed = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
        audit.record(db, audit.current_actor(), "bot.changed", row.slug, fields=changed)
    tenant.platform.forget()


def delete_bot(tenant: Tenant, bot_id: int, *, discarded: bool = False) -> None:
    """Delete a bot with its sources, documents, passages and conversations, for good. Raises NotFound.

    One that was discarded is deleted with `discarded` only. Its rows go at once, in one transaction; passages and bytes
    by a job of that transaction. How much it was used stays.
    """
    with tenant.write() as db:
        see_discarded(db)
        row = db.get(Bot, bot_id)
        if row is None or (row.discarded_at is not None) != discarded:
            raise NotFound("There is no such bot.", "check its id", code="bot_not_found")
        job = delete_rows(db, list(db.scalars(select(Document).where(Document.bot_id == bot_id))))
        talks = select(ChatSession.id).where(ChatSession.bot_id == bot_id)
        db.execute(
            delete(ConsentRecord)
            .where(ConsentRecord.session_id.in_(talks))
            .execution_options(synchronize_session=False)
        )
        db.flush()
        audit.record(db, audit.current_actor(), "bot.deleted", row.slug)
        db.delete(row)  # sources, sessions, messages and turns hang on it
    tenant.platform.ring(job)
    tenant.platform.database.forget_deleted()
