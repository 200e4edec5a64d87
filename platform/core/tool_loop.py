"""The steps of a turn with tools: the model asks, tools answer, the model goes on. Runs on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .actions import propose
from .breaker import Breakers
from .models import ModelEvent, TextDelta, TokenUsage, ToolCall, ToolStep
from .prompting import PLACEHOLDERS
from .resolver import Candidate, stream_answer
from .texts import say
from .tools import Offered, ToolContext, ToolFailed, WithParts, read_arguments, start_tool
from .turn import Turn
from .vault import Masked, Part

STEPS = 4
"""How often the model may call tools in one turn; then it has to answer."""
MOST_CALLS = 8
"""Calls of one step that are run; the others are told that they were too many."""
MOST_PROPOSALS = 3
"""Cards of one turn: a visitor reads three, and clicks twenty away."""
MOST_RESULT = 6000
"""Characters of a result that the model gets."""
SECONDS = 60.0
"""After this long no tool is called any more in this turn."""


@dataclass
class Used:
    """What tools did in a turn: `answered` counts calls that gave something, `texts` are their results as they came,
    `cards` the proposals, in their order."""

    answered: int = 0
    texts: list[str] = field(default_factory=list)
    cards: list[dict[str, Any]] = field(default_factory=list)
    proposed: set[str] = field(default_factory=set)


async def step_events(
    turn: Turn, used: Used, order: Sequence[Candidate], breakers: Breakers
) -> AsyncGenerator[tuple[Candidate, ModelEvent], None]:
    """As `stream_answer`, with the tools of the turn: its events but the calls, over all steps; usage is the sum.

    The model that called first goes on, as long as it answers. Raises as `stream_answer`.
    """
    assert turn.request is not None
    loop, request, spent = asyncio.get_running_loop(), turn.request, TokenUsage()
    end = loop.time() + SECONDS
    for step in range(1, STEPS + 2):
        calls: list[ToolCall] = []
        said, counted = "", TokenUsage()
        async with contextlib.aclosing(stream_answer(turn.bot, order, request, breakers)) as events:
            async for candidate, event in events:
                if isinstance(event, ToolCall):
                    calls.append(event)
                    order = [candidate, *(c for c in order if c is not candidate)]
                elif isinstance(event, TokenUsage):
                    counted = event
                    yield candidate, spent + counted
                else:
                    said += event.text if isinstance(event, TextDelta) else ""
                    yield candidate, event
        if not calls:
            return
        spent += counted
        if request.closed:
            break
        if said.strip():  # what comes next is a new paragraph
            yield order[0], TextDelta("\n\n")
        results = await _results(turn, used, calls)
        request = replace(
            request,
            steps=(*request.steps, ToolStep(tuple(calls), results, said)),
            closed=step >= STEPS or loop.time() > end,
            instructions=_with_placeholders(turn, request.instructions),
        )
    yield order[0], TextDelta(say("tool_limit", turn.language), fixed=True)


def _with_placeholders(turn: Turn, instructions: str) -> str:
    """The rule for placeholders joins when the first one stands in a result."""
    if not turn.vault.used or PLACEHOLDERS in instructions:
        return instructions
    return f"{instructions}\n\n{PLACEHOLDERS}"


async def _results(turn: Turn, used: Used, calls: Sequence[ToolCall]) -> tuple[Masked, ...]:
    """What the model reads of each call, masked. A call that fails is an error for the model, and for nobody else."""
    context = ToolContext(turn.bot.id, turn.session.id, turn.language)
    answers = await asyncio.gather(*(_answer(turn, used, context, call) for call in calls[:MOST_CALLS]))
    answers += [{"error": "Too many calls at once."}] * (len(calls) - len(answers))
    texts = [_written(answer) for answer in answers]
    used.texts += texts
    parts = [Part(text, turn.language, "source") for text in texts]
    return tuple(await asyncio.to_thread(turn.vault.mask_all, parts))


def _written(answer: dict[str, Any]) -> str:
    text = json.dumps(answer, ensure_ascii=False, default=str)
    return text if len(text) <= MOST_RESULT else text[:MOST_RESULT] + " … (cut off)"


async def _answer(turn: Turn, used: Used, context: ToolContext, call: ToolCall) -> dict[str, Any]:
    try:
        offered = turn.tools.get(call.name)
        if offered is None:
            raise ToolFailed("There is no such tool.")
        arguments = read_arguments(offered.tool, call.arguments, turn.vault)
        if offered.tool.writes:
            return await _propose(turn, used, offered, arguments, context)
        future = start_tool(turn.bot.tenant, offered, arguments, context)
        value = await asyncio.wait_for(asyncio.wrap_future(future), offered.tool.seconds)
    except ToolFailed as error:
        return {"error": error.message}
    except TimeoutError:
        return {"error": "The tool did not answer in time."}
    return _given(used, value)


def _given(used: Used, value: Any) -> dict[str, Any]:
    """What the model reads of a value; its parts go to the visitor."""
    used.answered += 1
    if isinstance(value, WithParts):
        used.cards += value.parts
        value = value.result
    return {"result": value}


async def _propose(
    turn: Turn, used: Used, offered: Offered, arguments: dict[str, Any], context: ToolContext
) -> dict[str, Any]:
    facts = None
    if offered.tool.prepare is not None:
        future = start_tool(turn.bot.tenant, offered, arguments, context, prepare=True)
        prepared = await asyncio.wait_for(asyncio.wrap_future(future), offered.tool.seconds)
        if isinstance(prepared, WithParts):
            return _given(used, prepared)
        arguments, facts = prepared.arguments, prepared.facts
    same = json.dumps([offered.name, arguments], sort_keys=True)
    if same not in used.proposed:
        if len(used.proposed) >= MOST_PROPOSALS:
            raise ToolFailed("Too many proposals in one answer. Let the visitor decide about those first.")
        used.proposed.add(same)
        used.cards.append(await asyncio.to_thread(propose, turn, offered, arguments, facts))
    return {"result": "Proposed, and not done. The visitor sees a card with exactly this and confirms or declines it."}
