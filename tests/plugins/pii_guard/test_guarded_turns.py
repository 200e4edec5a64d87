"""Whole turns with a provider: what it is sent, what the visitor sees, what is stored and logged."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time

import pytest
from sqlalchemy import select

from webchatagent.core import accept, plugins
from webchatagent.core.accept import accept_turn
from webchatagent.core.bots import change_settings, find_bot
from webchatagent.core.db.chats import Contact, ContactLink, Message
from webchatagent.core.errors import Unavailable
from webchatagent.core.hookspecs import hookimpl
from webchatagent.core.loop import run
from webchatagent.core.placeholders import fold_signs, pattern
from webchatagent.core.prompting import PLACEHOLDERS
from webchatagent.core.registry import Registry
from webchatagent.core.retrieval import Found
from webchatagent.core.tenants import load_tenant
from webchatagent.core.turns import TurnRunner
from webchatagent.testing.scripted_server import head, scripted_server

from .conftest import PHRASES, People

TURNS, EACH = 500, 10
SAID = "Ask <NAME_1>, write to <EMAIL_1> or call <PHONE_1>, it is open from nine. <TELEFON_1> [1]"
MODELS = json.dumps(
    {"data": [{"id": "m", "object": "model", "created": 1, "owned_by": "x"}], "object": "list"}
).encode()
SQUEEZED = {"phone", "phone, Devanagari", "IBAN", "card", "tax id", "VAT id", "Aadhaar", "GSTIN", "PAN"}


def squeeze(text):
    return re.sub(r"[^0-9a-z]", "", fold_signs(text).lower())


def reply_of(text):
    """A whole answer in OpenAI's form, a few signs a piece."""
    pieces = [text[i : i + 4] for i in range(0, len(text), 4)]
    events = [{"choices": [{"index": 0, "delta": {"content": p}, "finish_reason": None}]} for p in pieces]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return b"".join(b"data: " + json.dumps(e).encode() + b"\n\n" for e in events) + b"data: [DONE]\n\n"


@pytest.fixture
def server():
    with scripted_server() as server:
        yield server


@pytest.fixture
def asked_remotely(bot, server):
    """A bot that a provider answers for; `say(text)` is its next answer."""
    server.script(head(200, "application/json"), MODELS)
    plugins.configure(
        bot.tenant,
        "llm_openai",
        {"api_key": "sk-test", "base_url": f"{server.url}/v1", "chat_models": ["m"]},
    )
    server.script(head(200, "application/json"), MODELS)
    plugins.enable(bot.tenant, "llm_openai")
    change_settings(bot.tenant, bot.id, chat_model="openai:m")
    server.asked.clear()
    return find_bot(bot.tenant.platform, f"{bot.tenant.slug}/{bot.slug}")


async def ask(runner, bot, key, message):
    """One turn: (turn, reply)."""
    turn = await asyncio.to_thread(accept_turn, bot, key, message)
    return turn, await runner.reply(turn)


def identify(tenant, session_id, name, email, phone):
    """Say who a session's visitor is."""
    with tenant.write() as db:
        contact = Contact(name=name, email=email, phone=phone)
        db.add(contact)
        db.flush()
        db.add(ContactLink(session_id=session_id, contact_id=contact.id))


@pytest.mark.seed("SR-062", "SR-063", "SR-065")
def test_nothing_of_a_person_is_sent_in_five_hundred_turns(asked_remotely, add_texts, server, people, caplog):
    caplog.set_level(logging.DEBUG)
    bot, kinds, known = asked_remotely, list(PHRASES), []

    def value(kind):
        known.append((kind, PHRASES[kind][0](people)))
        return known[-1][1]

    texts = {}
    for number in range(30):
        lines = [f"Opening hours of branch {number}: nine to five. The branch opens in the morning."]
        lines += [PHRASES[k][1][0].format(value(k)) for k in (kinds[number % len(kinds)], "e-mail", "phone")]
        texts[f"branch {number}"] = "\n".join(lines)
    add_texts(bot, texts)

    async def talk():
        runner, replies = TurnRunner(), []
        for number in range(TURNS):
            if number % EACH == 0:
                key, contact = None, [value(k) for k in ("cued name", "e-mail", "phone")]
            kind = kinds[number % len(kinds)]
            told = PHRASES[kind][1][number % len(PHRASES[kind][1])].format(value(kind))
            server.script(head(), reply_of(SAID))
            question = f"When does branch {number % 30} open in the morning? {told}"
            if number % EACH == 1:
                question += f" My name is {contact[0]}, {contact[1]}, call {contact[2]}"
            turn, reply = await ask(runner, bot, key, question)
            key = turn.session.key
            if number % EACH == 0:
                await asyncio.to_thread(identify, bot.tenant, turn.session.id, *contact)
            replies.append(reply)
        return replies

    replies = run(talk())
    bodies = [json.dumps(a.json, ensure_ascii=False) for a in server.asked]
    sent, squeezed = "\n".join(bodies), squeeze("\n".join(bodies))
    leaked = [(k, v) for k, v in known if v in sent or (k in SQUEEZED and squeeze(v) in squeezed)]
    assert len(bodies) == TURNS and len(known) > 300
    assert leaked == [], [sent[max(0, sent.find(v) - 60) : sent.find(v) + 40] for _, v in leaked][:8]
    assert all("<PHONE_" in body and PLACEHOLDERS[:40] in body for body in bodies)

    shown = "\n".join(r.text for r in replies)
    assert not pattern().search(shown.replace("[…]", "")) and "[…]" in shown
    with bot.tenant.read() as db:
        stored = "\n".join(db.scalars(select(Message.text)))
    assert not pattern().search(stored)
    assert sum(v in stored for k, v in known) > 200
    assert not [v for _, v in known if v in caplog.text] and not pattern().search(caplog.text)


@pytest.mark.seed("SR-064", "SR-065")
def test_the_visitor_sees_values_and_equal_ones_have_one_placeholder(asked_remotely, add_texts, server):
    add_texts(
        asked_remotely, {"contact": "For questions about returns write to help@shop.example or call 0521 448125."}
    )
    server.script(head(), reply_of("Write to <EMAIL_1> or call <PHONE_1>. [1]"))

    async def talk():
        runner = TurnRunner()
        turn, first = await ask(runner, asked_remotely, None, "Where do I ask questions about returns?")
        server.script(head(), reply_of("Yes, <EMAIL_1> it is."))
        _, second = await ask(runner, asked_remotely, turn.session.key, "Questions about returns to help@shop.example?")
        return first, second

    first, second = run(talk())
    assert first.text == "Write to help@shop.example or call 0521 448125. [1]"
    assert second.text == "Yes, help@shop.example it is."
    assert first.sources[0]["excerpt"].startswith("For questions about returns write to help@shop.example")
    messages = server.asked[1].json["messages"]
    assert [m["content"] for m in messages[1:3]] == [
        "Where do I ask questions about returns?",
        "Write to <EMAIL_1> or call <PHONE_1>. [1]",
    ]
    assert messages[3]["content"].startswith("Questions about returns to <EMAIL_1>?")


@pytest.mark.seed("SR-064")
@pytest.mark.parametrize(
    ("end", "shown"), [("EMAIL_1", "help@shop.example"), ("<EMAI", "…"), ("<EMAIL_1>", "help@shop.example")]
)
def test_the_last_word_of_an_answer_is_no_placeholder_either(asked_remotely, add_texts, server, end, shown):
    add_texts(asked_remotely, {"contact": "For questions about returns write to help@shop.example."})
    server.script(head(), reply_of(f"[1] Write to {end}"))
    _, reply = run(ask(TurnRunner(), asked_remotely, None, "Where do I ask questions about returns?"))
    assert reply.text == f"[1] Write to {shown}"


@pytest.mark.seed("SR-065")
def test_a_name_that_was_said_once_is_known_when_it_comes_without_its_cue(asked_remotely, add_texts, server):
    add_texts(asked_remotely, {"hours": "The shop opens at nine in the morning. Ansprechpartner ist Ole Weber."})
    questions = [
        "My name is Anna Schmidt. When does the shop open?",
        *["When does the shop open?"] * 4,
        "Open, Ole Weber?",
    ]

    async def talk():
        runner, key = TurnRunner(), None
        for question in questions:
            server.script(head(), reply_of("<NAME_2>: at nine, <NAME_1> or <NAME_2>. [1]"))
            turn, reply = await ask(runner, asked_remotely, key, question)
            key = turn.session.key
        return reply

    reply = run(talk())
    assert reply.text == "Anna Schmidt: at nine, Ole Weber or Anna Schmidt. [1]"
    told = [m["content"] for m in server.asked[-1].json["messages"]]
    assert not [t for t in told if "Anna" in t or "Weber" in t] and "My name" not in "".join(told)
    assert told[-1].startswith("Open, <NAME_1>?")


@pytest.mark.seed("SR-065")
def test_a_name_that_an_answer_took_from_a_passage_is_replaced_when_that_passage_is_gone(
    asked_remotely, add_texts, server, monkeypatch
):
    add_texts(asked_remotely, {"returns": "For the returns desk: Ansprechpartner ist Ole Weber."})

    async def talk():
        runner = TurnRunner()
        server.script(head(), reply_of("Ole? It is <NAME_1>."))
        turn, first = await ask(runner, asked_remotely, None, "Who is at the returns desk?")
        monkeypatch.setattr(accept, "retrieve", lambda *args, language: Found(language, [], False, 0.0, 1.0))
        server.script(head(), reply_of("Nine."))
        await ask(runner, asked_remotely, turn.session.key, "When does the museum open?")
        return first

    assert run(talk()).text == "Ole? It is Ole Weber."
    assert [m["content"] for m in server.asked[-1].json["messages"]][2] == "Ole? It is <NAME_1>."


def test_the_rule_about_placeholders_is_sent_when_there_are_some_only(asked_remotely, add_texts, server):
    add_texts(asked_remotely, {"hours": "The shop opens at nine in the morning."})

    async def talk():
        runner = TurnRunner()
        for question in ("When does the shop open?", "When does the shop open? I am me@x.de"):
            server.script(head(), reply_of("Nine. [1]"))
            await ask(runner, asked_remotely, None, question)

    run(talk())
    assert [PLACEHOLDERS in a.json["messages"][0]["content"] for a in server.asked] == [False, True]


@pytest.mark.seed("SR-066")
@pytest.mark.parametrize(("mode", "sent"), [("off", "me@x.de"), ("standard", "<EMAIL_1>"), ("strict", "<EMAIL_1>")])
def test_the_mode_is_the_tenants(asked_remotely, globex, add_texts, server, mode, sent):
    plugins.configure(asked_remotely.tenant, "pii_guard", {"mode": mode})
    add_texts(asked_remotely, {"hours": "The shop opens at nine in the morning."})
    bot = find_bot(asked_remotely.tenant.platform, "acme/bot")
    server.script(head(), reply_of("Nine. [1]"))
    run(ask(TurnRunner(), bot, None, "When does the shop open? Tell me@x.de"))
    assert f"Tell {sent}" in server.asked[0].json["messages"][-1]["content"]
    assert globex.vault().mask("me@x.de") == "<EMAIL_1>", "another tenant's mode is its own"


def test_the_offline_answer_is_in_the_words_of_the_source(bot, add_texts):
    text = "The returns desk answers at help@shop.example. It is open at nine."
    add_texts(bot, {"returns": text})
    _, reply = run(ask(TurnRunner(), bot, None, "Where does the returns desk answer?"))
    assert "The returns desk answers at help@shop.example." in reply.text and reply.sources[0]["excerpt"] == text


def test_a_private_key_in_a_source_is_never_shown(bot, add_texts):
    add_texts(bot, {"setup": "The key of the returns desk is sk-live4f9a8b7c6d5e4f3a."})
    _, reply = run(ask(TurnRunner(), bot, None, "What is the key of the returns desk?"))
    assert "sk-live4f9a" not in reply.text + str(reply.sources)
    assert "[•••]" in reply.text and reply.sources[0]["excerpt"].endswith("is [•••].")


@pytest.mark.seed("SR-069")
def test_a_remote_embedder_sees_kinds_only_and_a_local_one_the_text(bot, add_texts, remote_vectors):
    from webchatagent.core import retrieval
    from webchatagent.core.embedding_switch import choose_space

    text = "The returns desk answers at help@shop.example or call 0521 448125."
    add_texts(bot, {"before": text})
    choose_space(bot.tenant, remote_vectors.space.id)
    add_texts(bot, {"after": text}, "later")
    retrieval.retrieve(load_tenant(bot.tenant.platform, slug="acme"), bot.id, "Does help@shop.example answer?")
    told = "\n".join(remote_vectors.seen)
    assert len(remote_vectors.seen) == 3 and remote_vectors.seen[-1] == "Does <EMAIL> answer?"
    assert "help@shop.example" not in told and "448125" not in told
    assert told.count("<EMAIL>") == 3 and told.count("<PHONE>") == 2


def test_hook_find_personal_data_asks_every_plugin_and_fails_closed(bot, add_texts):
    platform = bot.tenant.platform
    known = platform.registry
    guard = type("Guard", (), {})()

    def find_personal_data(tenant, text, language):
        if "broken" in text:
            raise ValueError(text)
        return [(text.index("blue"), text.index("blue") + 4, "OTHER")] if "blue" in text else []

    guard.find_personal_data = hookimpl(find_personal_data)
    found = {n: (m, known.module(n)) for n, m in known.manifests.items()}
    found["website"] = (known.manifests["website"], guard)
    platform.registry = Registry(found, known._always)
    tenant = load_tenant(platform, slug=bot.tenant.slug)
    assert tenant.vault().mask("my blue eyes, me@x.de") == "my <OTHER_1> eyes, <EMAIL_1>"
    with pytest.raises(Unavailable) as caught:
        tenant.vault().mask("broken")
    assert "website" in caught.value.cure and "broken" not in caught.value.message
    plugins.disable(tenant, "website")
    plugins.disable(tenant, "pii_guard")
    assert load_tenant(platform, slug=tenant.slug).vault().mask("my blue eyes, me@x.de") == "my blue eyes, me@x.de"


PROSE = (
    "The reading room is open to everybody who holds a card of the library, and to guests who ask at the desk. "
    "Books may be taken home for four weeks, and for two more when nobody else has asked for them meanwhile. "
)


def test_masking_six_passages_of_prose_costs_less_than_a_millisecond(acme):
    from webchatagent.core.vault import Part

    passages = [PROSE * 5 + f"This is passage number {n}." for n in range(6)]
    parts = [Part("When is the reading room open?", "en")]
    parts += [Part(text, "en", "source") for p in passages for text in ("Library > Reading room", p)]
    acme.vault().mask_all(parts)
    best = 1.0
    for _ in range(7):
        began = time.process_time()
        for _ in range(20):
            acme.vault().mask_all(parts)
        best = min(best, (time.process_time() - began) / 20)
    assert best < 1e-3, f"{best * 1e3:.2f} ms"


def test_the_people_of_these_tests_have_every_kind():
    assert len(PHRASES) == 19 and all(make(People(2)) for make, _ in PHRASES.values())


@pytest.mark.seed("SR-066")
def test_the_notice_says_what_is_replaced_and_what_remains(asked_remotely):
    from webchatagent.core.notice import compose
    from webchatagent.core.texts import LANGUAGES, say

    def sentences(language):
        tenant = load_tenant(asked_remotely.tenant.platform, slug="acme")
        return [s for section in compose(tenant, language).sections for s in section.sentences]

    assert all(sentences(language).count(say("notice_masked", language)) == 1 for language in LANGUAGES)
    plugins.configure(asked_remotely.tenant, "pii_guard", {"mode": "off"})
    assert say("notice_masked", "en") not in sentences("en")
