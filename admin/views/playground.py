"""The playground: a question with its passages, what would be sent, the answer, and what it took."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from flask import Flask, current_app, render_template, request, url_for
from flask_babel import force_locale, format_decimal, gettext
from flask_babel import lazy_gettext as _

from webchatagent.core.bots import own_bot
from webchatagent.core.breaker import Breakers
from webchatagent.core.errors import InvalidRequest
from webchatagent.core.playground import Trial, bot_of_version, prepare_trial, run_trial
from webchatagent.core.prices import Prices
from webchatagent.core.ranking import Ranked
from webchatagent.core.versions import list_versions

from ..fab.session import tenant
from ..fab.views import Page, page
from ..languages import language_name, spoken
from ..money import milliseconds, money
from ..paging import MAX_NUMBER, asked_number
from ..panelwords import error_words
from ..render import markdown
from ..roles import rights

HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store, no-transform"}
LEGS = {"stem": _("Words"), "trigram": _("Parts of words"), "dense": _("Meaning")}
ROLES = {"system": _("Instructions"), "user": _("Visitor"), "assistant": _("Bot")}


class PlaygroundPage(Page):
    """Trying one version of a bot, or two side by side. Nothing of it is kept as a conversation."""

    route_base = "/playground"
    default_view = "show"
    label = _("Playground")
    rights = rights(read=("owner", "editor", "operator"), write=("owner", "editor", "operator"))

    @page("/<int:bot_id>/")
    def show(self, bot_id: int) -> str:
        """The page; questions are asked by its script."""
        here = tenant()
        bot = own_bot(here, bot_id)
        return self.show_page(
            "wca/playground.html",
            bot=bot,
            versions=list_versions(here, bot_id),
            first=asked_number("a") or bot.version,
            second=asked_number("b"),
        )

    @page("/<int:bot_id>/ask", needs="edit", methods=("POST",))
    def ask(self, bot_id: int) -> Any:
        """Answer a question with a version, as a stream of events."""
        version = request.form.get("version", "0")
        if not version.isdigit() or int(version[:11]) > MAX_NUMBER:
            raise InvalidRequest("A version is a number.", field="version")
        trial = prepare_trial(bot_of_version(tenant(), bot_id, int(version)), request.form.get("question", ""))
        first = {"type": "found", "html": _found(trial)}
        return current_app.extensions["wca_stream"](
            _events(first, trial, _Words(trial.turn.bot.tenant.prices)), HEADERS
        )


def _found(trial: Trial) -> str:
    """Passages with their scores, and what is sent, as a piece of the page."""
    turn = trial.turn
    assert turn.found is not None
    return render_template(
        "wca/playground_found.html",
        found=turn.found,
        passages=[(r, _legs(r)) for r in turn.found.ranked],
        sent=[(ROLES.get(role, role), text) for role, text in trial.sent],
        masked=turn.vault.used,
        guarded=turn.vault.guarded,
        language=language_name(turn.language),
        document=lambda r: url_for("SourcesPage.list", bot_id=turn.bot.id, q=r.chunk.title),
    )


def _legs(ranked: Ranked) -> list[tuple[str, int, str]]:
    """Each leg by its name, with the rank and the score it gave."""
    return [
        (str(LEGS.get(leg, leg)), rank, format_decimal(round(score, 3))) for leg, (rank, score) in ranked.legs.items()
    ]


class _Words:
    """Says how a trial ended, in the language of the request: the stream goes on after the request has ended."""

    def __init__(self, prices: Prices) -> None:
        self._prices, self._language = prices, spoken()
        self._app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def say(self, event: Mapping[str, Any], text: str) -> dict[str, Any]:
        """The last event for the page."""
        with self._app.app_context(), force_locale(self._language):
            return self._failed(event) if event["type"] == "error" else self._done(event, text)

    def _done(self, event: Mapping[str, Any], text: str) -> dict[str, Any]:
        priced = event["model"] in self._prices.models
        figures = [
            (gettext("Model"), event["model"] or "–"),
            (gettext("First word"), milliseconds(event["first_ms"])),
            (gettext("Whole answer"), milliseconds(event["total_ms"])),
            (gettext("Tokens in"), format_decimal(event["tokens_in"])),
            (gettext("Tokens out"), format_decimal(event["tokens_out"])),
            (gettext("Cost"), money(event["cost"], event["currency"]) if priced else gettext("No price entered")),
        ]
        out = {"type": "done", "html": str(markdown(text)), "refused": event["refused"], "figures": figures}
        return {**out, "sources": [f"{s['n']}. {s['title']}" for s in event["sources"]]}

    @staticmethod
    def _failed(event: Mapping[str, Any]) -> dict[str, Any]:
        code = event["error"]["code"]
        words = error_words(code)
        return {"type": "error", "message": event["error"]["message"] if words == code else words}


async def _events(first: dict[str, Any], trial: Trial, words: _Words) -> AsyncIterator[bytes]:
    yield _line(first)
    text = ""
    async for event in run_trial(trial, Breakers()):
        if event["type"] == "delta":
            text += event["delta"]
            yield _line(event)
        else:
            yield _line(words.say(event, text))


def _line(event: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"
