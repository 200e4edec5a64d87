"""What visitors and programs of a closed tenant see, and that another tenant notices nothing."""

from __future__ import annotations

import pytest

from webchatagent.core import closing
from webchatagent.core.apikeys import create_key

HEADER = "X-Chat-Session-Id"


@pytest.fixture
def closed(client, bot, foreign_bot, add_texts):
    """The first tenant, closed in the middle of a conversation; returns the visitor's session."""
    add_texts(bot, {"a": "The shop opens at nine."})
    session = ask(client, bot).headers[HEADER]
    closing.close_tenant(bot.tenant)
    from webchatagent.web.parts import KEY

    client.application.extensions[KEY].bots.forget()
    return session


def ask(client, bot, **headers):
    """A question."""
    return client.post(
        "/api/chat", json={"message": "When does the shop open?", "chatbotId": bot.public_id}, headers=headers
    )


@pytest.mark.parametrize(("language", "word"), [("de", "geschlossen"), ("hi", "बंद"), ("en", "closed")])
def test_a_visitor_reads_that_the_chat_is_closed(client, bot, closed, language, word):
    answer = ask(client, bot, **{"Accept-Language": language})
    assert answer.status_code == 410
    assert answer.json["error"]["code"] == "tenant_closed" and word in answer.json["error"]["message"]
    config = client.get(f"/api/bots/{bot.public_id}/config").json
    assert word in config["greeting"][language]
    assert not config["suggestions"] and not config["teaser"] and not config["autoOpen"]


def test_the_conversation_is_not_shown_but_can_be_erased(client, bot, closed, run_jobs):
    assert client.get("/api/chat/history", headers={HEADER: closed}).status_code == 410
    assert client.post("/api/chat/end", json={"erase": True}, headers={HEADER: closed}).json == {"ended": True}
    run_jobs()
    from sqlalchemy import func, select

    from webchatagent.core.db.chats import ChatSession

    with bot.tenant.read() as db:
        assert db.scalar(select(func.count(ChatSession.id))) == 0


def test_the_notice_stays_while_data_are_here(client, closed):
    assert client.get("/t/acme/privacy").status_code == 200


def test_keys_of_a_closed_tenant_open_nothing(client, bot, closed):
    key = create_key(bot.tenant, "shop", ["bots:read"], actor="system").secret
    answer = client.get("/api/v1/bots", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 410 and answer.json["error"]["code"] == "tenant_closed"


def test_another_tenant_goes_on(client, foreign_bot, closed):
    assert ask(client, foreign_bot).status_code == 200
    key = create_key(foreign_bot.tenant, "shop", ["bots:read"], actor="system").secret
    assert client.get("/api/v1/bots", headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_an_undone_closing_brings_all_of_it_back(client, bot, closed):
    closing.reopen_tenant(bot.tenant)
    from webchatagent.web.parts import KEY

    client.application.extensions[KEY].bots.forget()
    assert ask(client, bot).status_code == 200
    assert client.get("/api/chat/history", headers={HEADER: closed}).json["messages"]
