"""Bots and search."""

from __future__ import annotations

from ...core import bots
from ...core.apikeys import Caller
from ...core.bots import BotSettings, LiveBot
from ...core.retrieval import search
from ..parts import parts
from .cursors import cut, read_cursor
from .routes import route
from .shapes import (
    Bot,
    BotChange,
    BotPage,
    Empty,
    Leg,
    NewBot,
    Paged,
    Passage,
    Passages,
    Question,
    Settings,
)


def show(bot: LiveBot) -> Bot:
    """A bot as callers see it."""
    return Bot(
        id=bot.public_id,
        slug=bot.slug,
        name=bot.name,
        locale=bot.locale,
        greeting=bot.greeting,
        settings=Settings.model_construct(**bot.settings.model_dump()),
    )


def merge(settings: BotSettings, change: Settings | None) -> BotSettings:
    """Settings with those that a request names changed."""
    named = change.model_dump(include=change.model_fields_set) if change else {}
    return BotSettings.model_validate({**settings.model_dump(), **named})


@route("GET", "/bots", "bots:read", BotPage, query=Paged)
def list_bots(caller: Caller, query: Paged) -> BotPage:
    """The tenant's bots, the oldest first."""
    after = read_cursor("bot", query.cursor)
    found = sorted((b for b in bots.list_bots(caller.tenant) if b.id > after), key=lambda b: b.id)
    data, following = cut("bot", [(b.id, show(b)) for b in found[: query.limit + 1]], query.limit)
    return BotPage(data=data, next=following)


@route("POST", "/bots", "bots:write", Bot, body=NewBot, status=201, action="bot.created")
def create_bot(caller: Caller, body: NewBot) -> Bot:
    """Make a bot."""
    settings = merge(BotSettings.model_validate({}), body.settings)
    return show(bots.create_bot(caller.tenant, body.slug, body.name, body.locale or "", body.greeting, settings))


@route("GET", "/bots/<bot>", "bots:read", Bot)
def read_bot(caller: Caller, bot: str) -> Bot:
    """One bot."""
    return show(bots.find_own_bot(caller.tenant, bot))


@route("PATCH", "/bots/<bot>", "bots:write", Bot, body=BotChange, action="bot.changed")
def change_bot(caller: Caller, bot: str, body: BotChange) -> Bot:
    """Change a bot; what is left out stays as it is."""
    old = bots.find_own_bot(caller.tenant, bot)
    bots.change_bot(
        caller.tenant,
        old.id,
        name=old.name if body.name is None else body.name,
        locale=old.locale if body.locale is None else body.locale,
        greeting=old.greeting if body.greeting is None else body.greeting,
        settings=merge(old.settings, body.settings),
    )
    parts().bots.forget()
    return show(bots.find_own_bot(caller.tenant, bot))


@route("DELETE", "/bots/<bot>", "bots:write", action="bot.deleted")
def delete_bot(caller: Caller, bot: str) -> Empty:
    """Delete a bot with its sources, documents and conversations. Nothing of it can be brought back."""
    bots.delete_bot(caller.tenant, bots.find_own_bot(caller.tenant, bot).id)
    parts().bots.forget()
    return Empty()


@route("POST", "/bots/<bot>/search", "search", Passages, body=Question)
def search_bot(caller: Caller, bot: str, body: Question) -> Passages:
    """The best passages for a question, ranked, without a verdict whether they answer it."""
    found = bots.find_own_bot(caller.tenant, bot)
    ranked = search(caller.tenant, found.id, body.query, limit=body.limit, language=body.language or "")
    return Passages(
        data=[
            Passage(
                rank=rank,
                score=round(r.score, 5),
                document_id=r.chunk.key.document_id,
                chunk=r.chunk.number,
                title=r.chunk.title,
                heading=r.chunk.heading,
                text=r.chunk.text,
                url=r.chunk.url,
                page=r.chunk.page,
                language=r.chunk.language,
                legs={leg: Leg(rank=n, score=round(score, 5)) for leg, (n, score) in r.legs.items()},
            )
            for rank, r in enumerate(ranked, 1)
        ]
    )
