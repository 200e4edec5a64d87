"""Saying a question in full that leans on the one before, by one short call to the model. Runs on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from .breaker import Breakers
from .errors import WebChatAgentError
from .models import ModelRequest, TextDelta, TokenUsage
from .resolver import Candidate, stream_answer
from .turn import Turn

log = logging.getLogger(__name__)
SECONDS = 4.0
"""Longer than this nobody waits for a better search; the question is then looked for with the one before it."""
MOST_TOKENS = 80
MOST_SIGNS = 400
RULES = (
    "Write the visitor's last message as one question that is understood without the conversation, in the language of "
    "the message. Replace words such as `it` and `there` by what they stand for, and copy placeholders of the form "
    "<TYPE_1> exactly. Do not answer. Write the question and nothing else."
)


async def condense(turn: Turn, order: Sequence[Candidate], breakers: Breakers) -> tuple[str, TokenUsage]:
    """The question in full, as the visitor would have written it, and what it cost; empty when it cannot be had.

    It goes with the conversation, masked by the turn's vault, and without passages and tools.
    """
    spent, said = TokenUsage(), ""
    if turn.request is None or order[0].model.info.quotes:
        return "", spent
    request = ModelRequest(
        RULES,
        turn.request.question,
        history=turn.request.history,
        language=turn.language,
        max_tokens=MOST_TOKENS,
        temperature=0.0,
        streamed=False,
        bare=True,
    )
    try:
        async with (
            asyncio.timeout(SECONDS),
            contextlib.aclosing(stream_answer(turn.bot, order[:1], request, breakers)) as events,
        ):
            async for _, event in events:
                if isinstance(event, TokenUsage):
                    spent = event
                elif isinstance(event, TextDelta):
                    said += event.text
    except (WebChatAgentError, TimeoutError) as error:  # the turn goes on without
        log.info("turn %s: no condensed question (%s)", turn.public_id, type(error).__name__)
        return "", spent
    question = turn.vault.restore(said).strip().strip('"')
    return (question if 0 < len(question) <= MOST_SIGNS else ""), spent
