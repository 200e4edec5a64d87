"""Which model answers: the named one, its fallbacks, within the rule of residency, and never two in one answer."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from webchatagent.core import breaker, resolver
from webchatagent.core.bots import BotSettings
from webchatagent.core.breaker import Breakers
from webchatagent.core.egress import caller
from webchatagent.core.errors import Unavailable
from webchatagent.core.loop import run
from webchatagent.core.models import ModelFailed, ModelInfo, TextDelta

DOWN = ModelFailed("unreachable", "down")


class Model:
    """Says or raises what a test enqueued; notes who called it."""

    def __init__(self, name, region="world", *answers):
        self.info = ModelInfo(name, name, local=region == "house", region=region)
        self.answers, self.asked, self.callers, self.closed = list(answers), 0, [], 0

    async def stream(self, request):
        self.asked += 1
        self.callers.append(caller())
        try:
            for piece in self.answers.pop(0) if self.answers else [f"{self.info.id} says"]:
                if isinstance(piece, Exception):
                    raise piece
                yield TextDelta(piece)
        finally:
            self.closed += 1


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    async def at_once(seconds):
        waited.append(seconds)

    waited = []
    monkeypatch.setattr(resolver.asyncio, "sleep", at_once)
    return waited


@pytest.fixture
def make_bot():
    """A function that makes a bot of a tenant whose plugins offer models."""

    def make(models, tenant_id=1, **settings):
        hooks = SimpleNamespace(each=lambda name, tenant: [(f"llm_{m.info.id}", m) for m in models])
        manifests = {f"llm_{m.info.id}": SimpleNamespace(default=m.info.id == "offline") for m in models}
        platform = SimpleNamespace(registry=SimpleNamespace(manifests=manifests))
        tenant = SimpleNamespace(id=tenant_id, hooks=hooks, platform=platform)
        return SimpleNamespace(tenant=tenant, locale="en", settings=BotSettings(**settings))

    return make


def answer(bot, breakers=None):
    """(model ids in the order of their events, text)."""

    async def read():
        texts, order = [], []
        async for candidate, event in resolver.stream_answer(
            bot, resolver.candidates(bot), object(), breakers or Breakers()
        ):
            order.append(candidate.model.info.id)
            texts.append(event.text)
        return order, "".join(texts)

    return run(read())


def names(bot):
    return [c.model.info.id for c in resolver.candidates(bot)]


def test_the_named_model_answers_alone(make_bot):
    a, b = Model("a"), Model("b")
    assert answer(make_bot([a, b], chat_model="b")) == (["b"], "b says")
    assert a.asked == 0


def test_without_a_name_what_somebody_switched_on_comes_before_the_default(make_bot):
    assert names(make_bot([Model("offline", "house"), Model("a")])) == ["a", "offline"]


def test_a_named_model_that_is_switched_off_is_replaced(make_bot):
    assert names(make_bot([Model("offline", "house")], chat_model="gone")) == ["offline"]


@pytest.mark.parametrize(("rule", "allowed"), [("any", ["w", "e", "h"]), ("eu", ["e", "h"]), ("house", ["h"])])
def test_residency_holds_for_fallbacks_too(make_bot, rule, allowed):
    models = [Model("w"), Model("e", "eu"), Model("h", "house")]
    assert names(make_bot(models, chat_model="w", fallback_models=["e", "h"], residency=rule)) == allowed


def test_no_model_at_all_is_said(make_bot):
    with pytest.raises(Unavailable) as caught:
        names(make_bot([Model("w")], residency="house"))
    assert caught.value.code == "no_model"


def test_a_failure_before_the_first_word_is_followed_by_the_next_model(make_bot):
    a, b = Model("a", "world", [DOWN], [DOWN]), Model("b")
    assert answer(make_bot([a, b], chat_model="a", fallback_models=["b"])) == (["b"], "b says")
    assert (a.asked, a.closed) == (2, 2)


def test_a_short_fault_is_tried_again_at_the_same_model(make_bot, no_pauses):
    a, b = Model("a", "world", [ModelFailed("busy", "no", retry_after=1)]), Model("b")
    assert answer(make_bot([a, b], chat_model="a", fallback_models=["b"])) == (["a"], "a says")
    assert no_pauses == [1]


def test_a_long_retry_after_is_not_waited_for(make_bot, no_pauses):
    a, b = Model("a", "world", [ModelFailed("busy", "no", retry_after=120)]), Model("b")
    assert answer(make_bot([a, b], chat_model="a", fallback_models=["b"]))[0] == ["b"]
    assert (a.asked, no_pauses) == (1, [])


@pytest.mark.parametrize("trouble", ["key", "odd", "too_long", "filtered"])
def test_what_will_not_heal_is_not_tried_again(make_bot, trouble):
    a = Model("a", "world", [ModelFailed(trouble, "no")])
    with pytest.raises(ModelFailed):
        answer(make_bot([a], chat_model="a"))
    assert a.asked == 1


def test_after_the_first_word_no_other_model_begins_anew(make_bot):
    a, b = Model("a", "world", ["It opens ", DOWN]), Model("b")
    with pytest.raises(ModelFailed):
        answer(make_bot([a, b], chat_model="a", fallback_models=["b"]))
    assert (a.asked, b.asked) == (1, 0)


def test_a_refused_key_of_one_tenant_does_not_keep_another_waiting(make_bot):
    breakers = Breakers()
    bad = Model("a", "world", [ModelFailed("key", "no")])
    with pytest.raises(ModelFailed):
        answer(make_bot([bad], 1, chat_model="a"), breakers)
    with pytest.raises(Unavailable) as caught:
        answer(make_bot([bad], 1, chat_model="a"), breakers)
    assert caught.value.code == "try_again" and bad.asked == 1
    assert answer(make_bot([Model("a")], 2, chat_model="a"), breakers) == (["a"], "a says")


def test_the_time_for_all_attempts_is_bounded(make_bot, monkeypatch):
    monkeypatch.setattr(resolver, "DEADLINE", -1)
    with pytest.raises(Unavailable):
        answer(make_bot([Model("a")], chat_model="a"))


def test_a_model_is_called_in_its_plugins_name(make_bot):
    a = Model("a")
    answer(make_bot([a], 7))
    assert a.callers == [("llm_a", 7)]
    assert caller() == ("", None)


def test_a_reader_who_leaves_closes_the_model_and_counts_as_no_failure(make_bot):
    a = Model("a", "world", ["one ", "two"])
    breakers = Breakers()

    async def leave():
        stream = resolver.stream_answer(make_bot([a]), resolver.candidates(make_bot([a])), object(), breakers)
        await anext(stream)
        await stream.aclose()

    for _ in range(breaker.FAILURES + 1):
        a.answers = [["one ", "two"]]
        run(leave())
    assert a.closed == a.asked and breakers.allows((1, "llm_a", "a"))
