"""The chat API of the widget: thin shells over core."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
from flask import Blueprint, Response, g, request

from ..core.accept import accept_turn
from ..core.actions import decide, history_parts
from ..core.bots import LiveBot
from ..core.closing import refuse_closed
from ..core.errors import InvalidRequest, NotFound, Unavailable
from ..core.sessions import Located, end_session, history, locate_session, rate_answer
from ..core.texts import LANGUAGES
from ..core.turn import Turn
from .bridge import later, stream
from .keys import check_chat_key
from .origins import check_origin
from .parts import Parts, parts

chat = Blueprint("chat", __name__)
SESSION = "X-Chat-Session-Id"
STREAM_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
}


def body_json() -> dict[str, Any]:
    """The JSON object of the request. Raises InvalidRequest."""
    try:
        value = orjson.loads(request.get_data(cache=False))
    except orjson.JSONDecodeError:
        raise InvalidRequest("The request is not JSON.", "send a JSON object") from None
    if not isinstance(value, dict):
        raise InvalidRequest("The request is not a JSON object.", "send an object")
    return value


def find_bot(public_id: object, *, closed_too: bool = False) -> LiveBot:
    """The bot of a public id, for a page that may use it. Raises NotFound, Forbidden, TenantClosed."""
    here = parts()
    bot = here.bots.find(public_id) if isinstance(public_id, str) and len(public_id) == 36 else here.bots.find("-")
    g.bot = bot
    check_origin(bot, request, here.platform.settings)
    if not closed_too:
        _refuse_closed(bot)
    return bot


def _refuse_closed(bot: LiveBot) -> None:
    refuse_closed(bot.tenant, request.accept_languages.best_match(LANGUAGES, bot.locale) or bot.locale)


@chat.post("/api/chat")
def post_chat() -> Response:
    """Answer a message, as JSON or as a stream of events."""
    body = body_json()
    if not isinstance(body.get("chatbotId"), str):
        raise InvalidRequest("`chatbotId` is missing.", "send the bot's id", field="chatbotId")
    bot = find_bot(body["chatbotId"])
    here = parts()
    here.limits.check(bot, request.headers.get(SESSION, ""), by_address=not check_chat_key(bot))
    client_id = body.get("clientMessageId")
    if client_id is not None and not (isinstance(client_id, str) and 0 < len(client_id) <= 64):
        raise InvalidRequest("`clientMessageId` is 1 to 64 characters.", "send a UUID", field="clientMessageId")
    visitor = "Origin" in request.headers  # a program reads codes, a person sentences
    turn = accept_turn(bot, request.headers.get(SESSION), body.get("message"), client_id, visitor=visitor)  # type: ignore[arg-type]
    if "text/event-stream" in request.headers.get("Accept", ""):
        return stream(_events(here, turn), {**STREAM_HEADERS, SESSION: turn.session.key})
    return later(lambda: _reply(here, turn))


async def _events(here: Parts, turn: Turn) -> AsyncIterator[bytes]:
    yield b": open\n\n"  # the first byte at once
    async for events in here.runner.events(turn):
        yield b"".join(b"data: " + orjson.dumps(e) + b"\n\n" for e in events) or b": still here\n\n"


async def _reply(here: Parts, turn: Turn) -> Response:
    try:
        reply = await here.runner.reply(turn)
    except Unavailable as error:
        return Response(
            orjson.dumps(error.as_json()),
            503,
            {"Content-Type": "application/json", "Retry-After": "2", SESSION: turn.session.key},
        )
    body = {
        "reply": reply.text.strip(),
        "sources": reply.sources,
        "mode": "bot",
        "status": None,
        "messageId": reply.message_id,
        "refused": reply.refused,
        "parts": reply.parts,
    }
    return Response(
        orjson.dumps(body),
        headers={"Content-Type": "application/json", SESSION: turn.session.key, "Cache-Control": "no-store"},
    )


def located_session(*, closed_too: bool = False) -> Located | None:
    """The session of the request's header, for a page that may use its bot. Raises Forbidden, TenantClosed."""
    here = parts()
    located = locate_session(here.platform, request.headers.get(SESSION))
    if located is not None:
        try:
            g.bot = here.bots.find_row(located.tenant, located.bot_id)
        except NotFound:  # the bot was discarded; its conversations are here for some days
            if closed_too:
                return located
            raise
        check_origin(g.bot, request, here.platform.settings)
        if not closed_too:
            _refuse_closed(g.bot)
    return located


@chat.get("/api/chat/history")
def get_history() -> Response:
    """The session's messages; empty for an unknown one."""
    located = located_session()
    rows = history(located) if located else []
    shown = history_parts(located.tenant, rows) if located else {}
    messages = [
        {
            "id": m.public_id,
            "role": m.role,
            "text": m.text.strip(),
            "sources": m.sources or [],
            "parts": shown.get(m.id, []),
            "createdAt": m.created_at.isoformat(),
            "rating": m.rating or None,
        }
        for m in rows
    ]
    return json_response({"messages": messages})


@chat.post("/api/chat/end")
def post_end() -> Response:
    """End the session; with `erase`, delete it. A closed tenant's visitors keep this right."""
    body = body_json() if request.content_length else {}
    located = located_session(closed_too=True)
    if located:
        end_session(located, erase=body.get("erase") is True)
    return json_response({"ended": True})


@chat.post("/api/actions/<action_id>/confirm")
def post_confirm(action_id: str) -> Response:
    """Do what an answer proposed, once."""
    return _decide(action_id, confirm=True)


@chat.post("/api/actions/<action_id>/decline")
def post_decline(action_id: str) -> Response:
    """Leave what an answer proposed."""
    return _decide(action_id, confirm=False)


def _decide(action_id: str, *, confirm: bool) -> Response:
    located = located_session()
    if located is not None:
        parts().limits.check(g.bot, request.headers.get(SESSION, ""))
    outcome = decide(located, action_id, confirm=confirm)
    return json_response({"state": outcome.state, "message": outcome.message})


@chat.post("/api/chat/feedback")
def post_feedback() -> Response:
    """Keep a rating of an answer."""
    body = body_json()
    located = located_session()
    if located is None:
        raise InvalidRequest("There is no conversation.", "send the session header", field=SESSION)
    rate_answer(located, str(body.get("messageId", "")), str(body.get("rating", "")), str(body.get("comment") or ""))
    return json_response({"ok": True})


def json_response(value: object, status: int = 200) -> Response:
    """A JSON answer that nobody keeps."""
    return Response(orjson.dumps(value), status, {"Content-Type": "application/json", "Cache-Control": "no-store"})
