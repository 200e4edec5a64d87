"""Which model answers: the one a bot names, then its fallbacks, as far as they may be asked and do answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Hashable, Sequence
from dataclasses import dataclass

from .bots import LiveBot
from .breaker import SHORT, Breakers
from .egress import calling
from .errors import Unavailable
from .models import ChatModel, ModelEvent, ModelFailed, ModelRequest, TextDelta
from .offered import may_use
from .texts import say

DEADLINE = 45.0  # seconds for all attempts together; a provider's own time-outs bound each
ATTEMPTS = 2


@dataclass(frozen=True)
class Candidate:
    """A model that may answer, and the plugin that offers it."""

    plugin: str
    model: ChatModel


def candidates(bot: LiveBot, *, named: bool = True) -> list[Candidate]:
    """The models that may answer for a bot, in their order. Raises Unavailable when there is none.

    A bot that names none, or only such as are switched off, is answered by those that are on: first what somebody
    switched on, then what is on by itself; so it is for all without `named`. Its rule of residency holds in any case.
    """
    offered = bot.tenant.hooks.each("chat_models", tenant=bot.tenant)
    allowed = [Candidate(p, m) for p, m in offered if may_use(m.info, bot.settings.residency)]
    by_id = {c.model.info.id: c for c in allowed}
    wanted = (bot.settings.chat_model, *bot.settings.fallback_models) if named else ()
    chosen = [by_id[i] for i in dict.fromkeys(wanted) if i in by_id]
    if not (chosen or allowed):
        raise Unavailable(say("no_model", bot.locale), "switch a model on", code="no_model")
    manifests = bot.tenant.platform.registry.manifests
    return chosen or sorted(allowed, key=lambda c: manifests[c.plugin].default)


async def stream_answer(
    bot: LiveBot, order: Sequence[Candidate], request: ModelRequest, breakers: Breakers
) -> AsyncGenerator[tuple[Candidate, ModelEvent], None]:
    """The events of the first model that answers.

    Before the first word a failed model is followed by the next; after it the failure is raised, since another model
    would begin anew. Raises ModelFailed, the last one, or Unavailable when every model is left alone for now.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + DEADLINE
    last: ModelFailed | None = None
    for candidate in order:
        key: Hashable = (bot.tenant.id, candidate.plugin, candidate.model.info.id)
        for attempt in range(1, ATTEMPTS + 1):
            if loop.time() > end or not breakers.allows(key):
                break
            attempted = _Attempt(bot, candidate, key, breakers)
            try:
                async with contextlib.aclosing(attempted.events(request)) as events:
                    async for event in events:
                        yield candidate, event
                return
            except ModelFailed as error:
                last, error.by = error, candidate
                wait = error.retry_after or 0.2
                again = error.trouble in ("busy", "unreachable") and attempt < ATTEMPTS and wait <= SHORT
                if attempted.spoke:
                    raise
                if not again or loop.time() + wait > end:
                    break
                await asyncio.sleep(wait)
    raise last or Unavailable(
        say("model_failed", bot.locale), "try again in a minute", code="try_again", retry_after=30
    )


class _Attempt:
    """One request to one model."""

    def __init__(self, bot: LiveBot, candidate: Candidate, key: Hashable, breakers: Breakers) -> None:
        self._bot, self._candidate, self._key, self._breakers = bot, candidate, key, breakers
        self.spoke = False

    async def events(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        stream = self._candidate.model.stream(request)
        try:
            with calling(self._candidate.plugin, self._bot.tenant):
                async for event in stream:
                    self.spoke = self.spoke or isinstance(event, TextDelta)
                    yield event
            self._breakers.succeeded(self._key)
        except ModelFailed as error:
            self._breakers.failed(self._key, error)
            raise
        except BaseException:  # the reader left, or the plugin has a fault of its own: no verdict on the provider
            self._breakers.gave_up(self._key)
            raise
        finally:
            close = getattr(stream, "aclose", None)
            if close:
                await close()
