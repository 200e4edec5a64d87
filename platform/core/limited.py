"""Answering where a cap is reached: with a polite refusal, or by the models that cost nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

from .errors import Unavailable
from .models import CannotAnswer, ModelEvent, ModelInfo, ModelRequest, TextDelta
from .resolver import Candidate, candidates
from .texts import say
from .turn import Turn


class Refusal:
    """Says one sentence of the platform, as an answer without sources."""

    info = ModelInfo("", "", local=True)

    def __init__(self, text: str) -> None:
        self._text = text

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """See ChatModel.stream."""
        yield CannotAnswer()
        yield TextDelta(self._text, fixed=True)


def answer_limited(turn: Turn) -> bool:
    """Choose who answers a turn that a cap keeps from its model; True when no passages are needed for that."""
    caps = turn.bot.caps if turn.bot.caps.limits else turn.bot.tenant.caps
    if caps.at_limit == "offline":
        turn.models = _free(turn)
        if turn.models:
            return False
    turn.models = [Candidate("", Refusal(say("limit_reached", turn.language)))]
    turn.request = ModelRequest("", turn.bot.tenant.vault().mask(""), language=turn.language)
    return True


def _free(turn: Turn) -> list[Candidate]:
    """The models that answer in the house and are on by themselves."""
    try:
        found = candidates(turn.bot, named=False)
    except Unavailable:
        return []
    manifests = turn.bot.tenant.platform.registry.manifests
    return [c for c in found if c.model.info.local and manifests[c.plugin].default]
