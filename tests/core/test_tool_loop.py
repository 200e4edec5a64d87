"""Tools in a turn: what a model may call, what it gets back, and what it never gets done."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from webchatagent.core import plugins, tool_loop
from webchatagent.core import tools as core_tools
from webchatagent.core.accept import accept_turn
from webchatagent.core.bots import find_bot
from webchatagent.core.egress import caller
from webchatagent.core.models import TextDelta, TokenUsage, ToolCall
from webchatagent.core.tools import PERSONAL, Tool, ToolFailed
from webchatagent.core.turns import TurnRunner
from webchatagent.testing.turns import collect, kinds, text_of

QUESTION = "When does the shop open in the morning?"
SCHEMA = {"type": "object", "properties": {"order": {"type": "string", "maxLength": 20}}, "required": ["order"]}


def call(name="tester__status", arguments='{"order": "A-7"}', id="c1", **more):
    return ToolCall(id, name, arguments if isinstance(arguments, str) else json.dumps(arguments), **more)


@pytest.fixture
def ran():
    """What tools were run with."""
    return []


@pytest.fixture
def status(ran):
    """A tool that looks something up."""

    def run(arguments, context):
        ran.append((arguments, context, caller()))
        return {"state": "sent"}

    return Tool("status", "State of an order", SCHEMA, run)


@pytest.fixture
def tooled(asked, tools, status):
    """The bot, with a tool."""
    tools["acme"] = [status]
    return find_bot(asked.tenant.platform, asked.public_id)


def ask(bot, question=QUESTION, key=None):
    return asyncio.run(collect(TurnRunner(), accept_turn(bot, key, question)))


def answers(scripted_model, step=-1):
    """What the model got back, in its latest request."""
    return [json.loads(text) for text in scripted_model.requests[-1].steps[step].results]


def test_hook_assistant_tools_are_offered_by_name_and_schema(tooled, scripted_model):
    ask(tooled)
    (spec,) = scripted_model.requests[0].tools
    assert spec.name == "tester__status" and spec.parameters["required"] == ["order"]
    assert "only proposes" in scripted_model.requests[0].instructions


def test_a_tool_is_run_in_its_plugins_name_and_the_model_goes_on(tooled, scripted_model, ran):
    scripted_model.enqueue("One moment.", TokenUsage(10, 2), call(kept=b"sig"))
    scripted_model.enqueue("It was sent [1].", TokenUsage(20, 5))
    events = ask(tooled)
    assert text_of(events) == "One moment.\n\nIt was sent [1]."
    ((arguments, context, who),) = ran
    assert arguments == {"order": "A-7"} and context.bot_id == tooled.id and not context.action_id
    assert who == ("tester", tooled.tenant.id)
    (step,) = scripted_model.requests[1].steps
    assert step.calls[0].kept == b"sig" and step.text == "One moment."
    assert answers(scripted_model) == [{"result": {"state": "sent"}}]
    with tooled.tenant.read() as db:
        from webchatagent.core.usage import totals

        found = totals(db, tooled.id)
    assert (found["tokens_in"], found["tokens_out"]) == (30, 7), "usage is the sum of the steps"


def test_parallel_calls_are_answered_in_their_order(tooled, scripted_model, tools, ran):
    both = threading.Barrier(2, timeout=5)

    def meet(arguments, context):
        both.wait()
        return arguments["order"]

    tools["acme"] = [Tool("status", "", SCHEMA, meet)]
    scripted_model.enqueue(call(arguments={"order": "1"}), call(arguments={"order": "2"}, id="c2"))
    ask(tooled)
    assert answers(scripted_model) == [{"result": "1"}, {"result": "2"}]


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (call("tester__delete_all"), "no such tool"),
        (call("status"), "no such tool"),
        (call(arguments='{"order": "A'), "not valid JSON"),
        (call(arguments="[" * 5000), "not valid JSON"),
        (call(arguments='{"order": NaN}'), "not valid JSON"),
        (call(arguments="[1]"), "JSON object"),
        (call(arguments="{}"), "required"),
        (call(arguments={"order": 7}), "order does not fit"),
        (call(arguments={"order": "x" * 30}), "order does not fit"),
        (call(arguments={"order": "1", "admin": True}), "additionalProperties"),
        (call(arguments={"order": "x" * 30_000}), "too long"),
    ],
)
def test_a_wrong_call_is_an_error_for_the_model_and_the_chat_goes_on(tooled, scripted_model, ran, made, sentence):
    scripted_model.enqueue(made)
    scripted_model.enqueue("Sorry, at nine [1].")
    events = ask(tooled)
    assert sentence in answers(scripted_model)[0]["error"] and not ran
    assert text_of(events) == "Sorry, at nine [1]." and events[-1]["type"] == "done"


def test_a_value_of_the_visitor_is_not_in_an_error(tooled, scripted_model):
    scripted_model.enqueue(call(arguments={"order": "secret-" * 9}))
    ask(tooled)
    assert "secret" not in answers(scripted_model)[0]["error"]


def test_a_model_that_calls_for_ever_is_stopped_after_four_steps(tooled, scripted_model, ran):
    for _ in range(9):
        scripted_model.enqueue(call())
    events = ask(tooled)
    assert len(ran) == tool_loop.STEPS == 4 and len(scripted_model.requests) == 5
    assert [r.closed for r in scripted_model.requests] == [False] * 4 + [True]
    assert "could not finish" in text_of(events) and events[-1]["type"] == "done"


def test_only_so_many_calls_of_a_step_are_run(tooled, scripted_model, ran, monkeypatch):
    monkeypatch.setattr(core_tools, "MOST_AT_ONCE", 100)
    scripted_model.enqueue(*[call(id=f"c{n}") for n in range(20)])
    ask(tooled)
    found = answers(scripted_model)
    assert len(ran) == tool_loop.MOST_CALLS and len(found) == 20 and "Too many" in found[-1]["error"]


@pytest.mark.parametrize("error", [ValueError("a secret of the plugin"), ToolFailed("Closed today."), SystemExit(1)])
def test_a_tool_that_fails_tells_the_model_and_harms_nobody(tooled, scripted_model, tools, error):
    def fail(arguments, context):
        raise error

    tools["acme"] = [Tool("status", "", SCHEMA, fail)]
    scripted_model.enqueue(call())
    scripted_model.enqueue("At nine [1].")
    events = ask(tooled)
    said = answers(scripted_model)[0]["error"]
    assert said == ("Closed today." if isinstance(error, ToolFailed) else "The tool failed.")
    assert text_of(events) == "At nine [1]."


def test_a_tool_that_hangs_is_left_after_its_time(tooled, scripted_model, tools):
    free = threading.Event()
    tools["acme"] = [Tool("status", "", SCHEMA, lambda a, c: free.wait(20), seconds=0.05)]
    scripted_model.enqueue(call())
    scripted_model.enqueue("At nine [1].")
    try:
        events = ask(tooled)
        assert "in time" in answers(scripted_model)[0]["error"] and text_of(events) == "At nine [1]."
        for _ in range(2):
            scripted_model.enqueue(call(), call(), call())
            scripted_model.enqueue("At nine [1].")
            ask(tooled)
        assert "busy" in answers(scripted_model)[-1]["error"], "threads that hang are counted"
    finally:
        free.set()


def test_a_long_result_is_cut(tooled, scripted_model, tools):
    tools["acme"] = [Tool("status", "", SCHEMA, lambda a, c: "x" * 50_000)]
    scripted_model.enqueue(call())
    ask(tooled)
    (text,) = scripted_model.requests[-1].steps[0].results
    assert len(text) < 6100 and text.endswith("(cut off)")


def test_a_tool_of_another_tenant_does_not_exist(foreign_bot, tooled, scripted_model, ran):
    other = find_bot(foreign_bot.tenant.platform, foreign_bot.public_id)
    scripted_model.enqueue(call())
    ask(other, "Wann öffnet der Laden?")
    assert not ran and not scripted_model.requests[0].tools


def test_a_tool_that_is_not_well_formed_is_left_out(tooled, tools, status, scripted_model):
    wrong = [
        Tool("Bad-Name", "", SCHEMA, status.run),
        Tool("text", "", {"type": "string"}, status.run),
        Tool("status", "again", SCHEMA, status.run),
    ]
    tools["acme"] = [status, *wrong]
    ask(tooled)
    assert [t.description for t in scripted_model.requests[0].tools] == ["State of an order"]


def test_without_tools_a_turn_starts_no_thread_and_no_loop(asked, scripted_model, monkeypatch):
    def never(*_):
        raise AssertionError

    monkeypatch.setattr("webchatagent.core.turns.step_events", never)
    monkeypatch.setattr(core_tools, "_pool", never)
    assert text_of(ask(asked)) == "Yes [1]."
    assert scripted_model.requests[0].tools == ()


# -- personal data ------------------------------------------------------------------------------------------------

PERSON = {
    "type": "object",
    "properties": {"email": {"type": "string", PERSONAL: True}, "note": {"type": "string"}},
}
MINE = "My address is erika@example.org. When does the shop open in the morning?"


@pytest.fixture
def guarded(tooled):
    """The bot, with the guard of personal data."""
    plugins.enable(tooled.tenant, "pii_guard")
    return find_bot(tooled.tenant.platform, tooled.public_id)


@pytest.mark.seed("SR-062", "SR-063")
def test_values_are_put_back_in_personal_fields_only_and_results_are_masked(guarded, scripted_model, tools, ran):
    def run(arguments, context):
        ran.append(arguments)
        return {"email": "erika@example.org", "agent": "support@example.net"}

    tools["acme"] = [Tool("status", "", PERSON, run)]
    scripted_model.enqueue(call(arguments={"email": "<EMAIL_1>", "note": "for <EMAIL_1>"}))
    scripted_model.enqueue("It goes to <EMAIL_1>, from <EMAIL_2> [1].")
    events = ask(guarded, MINE)
    assert ran == [{"email": "erika@example.org", "note": "for <EMAIL_1>"}]
    assert answers(scripted_model) == [{"result": {"email": "<EMAIL_1>", "agent": "<EMAIL_2>"}}]
    assert "example" not in repr(scripted_model.requests)
    assert text_of(events) == "It goes to erika@example.org, from support@example.net [1]."
    assert PERSONAL not in repr(scripted_model.requests[0].tools), "providers refuse keys that they do not know"


def test_a_placeholder_that_stands_for_nothing_is_refused(guarded, scripted_model, tools, ran):
    tools["acme"] = [Tool("status", "", PERSON, lambda a, c: ran.append(a))]
    scripted_model.enqueue(call(arguments={"email": "<EMAIL_7>"}))
    ask(guarded, MINE)
    assert not ran and "placeholder" in answers(scripted_model)[0]["error"]


def test_the_rule_for_placeholders_comes_with_the_first_of_a_result(guarded, scripted_model, tools):
    tools["acme"] = [Tool("status", "", SCHEMA, lambda a, c: "write to support@example.net")]
    scripted_model.enqueue(call())
    scripted_model.enqueue(TextDelta("Write to <EMAIL_1> [1]."))
    events = ask(guarded)
    first, second = scripted_model.requests
    assert "placeholder" not in first.instructions and "<TYPE_1>" in second.instructions
    assert text_of(events) == "Write to support@example.net [1]." and "error" not in kinds(events)
