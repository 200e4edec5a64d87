"""What is set on answers: checked against the models there are, kept as versions, compared, brought back."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from webchatagent.core import rights
from webchatagent.core.accept import accept_turn
from webchatagent.core.audit import acting
from webchatagent.core.bots import (
    BotSettings,
    change_bot,
    change_settings,
    create_bot,
    find_bot,
    own_bot,
    save_settings,
)
from webchatagent.core.db.chats import TurnRow
from webchatagent.core.db.records import AuditEntry
from webchatagent.core.db.tenants import BotVersion, TenantRow
from webchatagent.core.errors import Conflict, InvalidRequest, NotFound
from webchatagent.core.model_data import export_model_data
from webchatagent.core.prices import Price, Prices
from webchatagent.core.tenancy import system_scope
from webchatagent.core.tenants import change_prices, load_tenant
from webchatagent.core.turns import TurnRunner
from webchatagent.core.versions import compare, list_versions, read_version
from webchatagent.testing.turns import collect

QUESTION = "When does the shop open?"


def ask(client, bot):
    return client.post("/api/chat", json={"message": QUESTION, "chatbotId": bot.public_id})


@pytest.mark.seed("SR-110")
def test_a_change_is_a_version_that_the_next_message_uses_and_that_can_be_undone(asked, scripted_model, client):
    ask(client, asked)  # the bot is in the process's memory now
    with acting("user:7"):
        save_settings(asked.tenant, asked.id, {"instructions": "Be brief.", "temperature": 0.9}, note="Shorter")
    ask(client, asked)
    sent = scripted_model.requests[-1]
    assert "Be brief." in sent.instructions and sent.temperature == 0.9
    new, old = list_versions(asked.tenant, asked.id)
    assert (new.number, new.author, new.note, old.number) == (2, "user:7", "Shorter", 1)
    save_settings(asked.tenant, asked.id, old.settings, restored=1)
    ask(client, asked)
    sent = scripted_model.requests[-1]
    assert "Be brief." not in sent.instructions and sent.temperature == 0.2
    newest = list_versions(asked.tenant, asked.id)[0]
    assert (newest.number, newest.restored, newest.settings) == (3, 1, old.settings)
    with asked.tenant.read() as db:
        assert [r.bot_version for r in db.scalars(select(TurnRow).order_by(TurnRow.id))] == [1, 2, 3]
        actions = list(db.scalars(select(AuditEntry.action).where(AuditEntry.target == asked.slug)))
    assert actions[-2:] == ["bot.changed", "bot.version_restored"]


def test_every_way_to_change_a_bot_keeps_a_version_and_looks_keep_none(asked, scripted_model):
    change_settings(asked.tenant, asked.id, accent="#000000")
    assert len(list_versions(asked.tenant, asked.id)) == 1
    change_settings(asked.tenant, asked.id, max_tokens=300)
    now = own_bot(asked.tenant, asked.id)
    changed = now.settings.model_copy(update={"residency": "house"})
    change_bot(asked.tenant, asked.id, name="New", locale="en", greeting="", settings=changed)
    assert [v.number for v in list_versions(asked.tenant, asked.id)] == [3, 2, 1]


@pytest.mark.seed("SR-113")
@pytest.mark.parametrize(
    "settings, field",
    [({"chat_model": "openai:gpt-5-mini"}, "chat_model"), ({"fallback_models": ["gemini:x"]}, "fallback_models")],
)
def test_a_model_of_a_provider_that_is_not_switched_on_is_refused(asked, scripted_model, settings, field):
    with pytest.raises(InvalidRequest) as caught:
        save_settings(asked.tenant, asked.id, settings)
    assert (caught.value.code, caught.value.field) == ("model_not_offered", field)
    with pytest.raises(InvalidRequest):
        change_bot(
            asked.tenant, asked.id, name="B", locale="en", greeting="", settings=BotSettings.model_validate(settings)
        )
    with pytest.raises(InvalidRequest):
        create_bot(asked.tenant, "other", "Other", settings=BotSettings.model_validate(settings))
    assert len(list_versions(asked.tenant, asked.id)) == 1


def test_a_version_whose_model_is_gone_does_not_come_back_and_other_things_still_change(asked, scripted_model):
    save_settings(asked.tenant, asked.id, {"chat_model": "scripted"})
    scripted_model.info = replace(scripted_model.info, id="renamed")
    with pytest.raises(InvalidRequest):
        save_settings(asked.tenant, asked.id, {"temperature": 0.5})
    change_settings(asked.tenant, asked.id, accent="#123456")
    save_settings(asked.tenant, asked.id, {"instructions": "Be brief."})
    save_settings(asked.tenant, asked.id, {"chat_model": ""})
    with pytest.raises(InvalidRequest):
        save_settings(asked.tenant, asked.id, read_version(asked.tenant, asked.id, 2).settings, restored=2)


@pytest.mark.seed("SR-110")
@pytest.mark.parametrize(
    "values, code",
    [
        ({"temperature": 1.2}, "temperature_high"),
        ({"max_tokens": 501}, "tokens_high"),
        ({"residency": "house"}, "model_outside"),
        ({"fallback_models": ["scripted"]}, "model_twice"),
        ({"temperature": -1}, "invalid_request"),
        ({"max_tokens": 3}, "invalid_request"),
    ],
)
def test_values_are_checked_against_the_model_that_is_chosen(asked, scripted_model, values, code):
    scripted_model.info = replace(scripted_model.info, local=False, hottest=1.0, most_tokens=500)
    save_settings(asked.tenant, asked.id, {"chat_model": "scripted", "max_tokens": 500, "temperature": 1.0})
    with pytest.raises(InvalidRequest) as caught:
        save_settings(asked.tenant, asked.id, values)
    assert caught.value.code == code
    assert own_bot(asked.tenant, asked.id).settings.temperature == 1.0


def test_who_looked_at_an_older_version_does_not_overwrite_a_newer_one(asked, scripted_model):
    assert save_settings(asked.tenant, asked.id, {"temperature": 0.5}, expected=1) == 2
    with pytest.raises(Conflict) as caught:
        save_settings(asked.tenant, asked.id, {"temperature": 0.7}, expected=1)
    assert caught.value.code == "version_passed"
    assert own_bot(asked.tenant, asked.id).settings.temperature == 0.5


def test_a_comparison_names_what_differs_and_the_lines_of_a_text():
    old = {"temperature": 0.2, "instructions": "One\nTwo\nThree", "chat_model": "a"}
    new = {"temperature": 0.3, "instructions": "One\n2\nThree\nFour", "chat_model": "a"}
    text, heat = compare(old, new)
    assert (heat.field, heat.old, heat.new) == ("temperature", 0.2, 0.3)
    said = [(line.kind, line.text) for line in text.lines]
    assert said == [("same", "One"), ("old", "Two"), ("new", "2"), ("same", "Three"), ("new", "Four")]
    assert compare(old, old) == []


def test_a_bot_that_becomes_strict_is_another_version_and_old_versions_were_not_strict(asked):
    save_settings(asked.tenant, asked.id, {"strict": True})
    new, old = list_versions(asked.tenant, asked.id)
    before = {k: v for k, v in old.settings.items() if k != "strict"}  # as it was kept when there was no such field
    assert [(d.field, d.old, d.new) for d in compare(before, new.settings)] == [("strict", False, True)]
    assert compare(before, old.settings) == []


def test_versions_of_another_tenant_are_not_there(asked, scripted_model, foreign_bot):
    for read in (read_version, lambda t, b, n: save_settings(t, b, {"temperature": 0.5}, expected=n)):
        with pytest.raises(NotFound):
            read(foreign_bot.tenant, asked.id, 1)
    assert list_versions(foreign_bot.tenant, asked.id) == []


@pytest.mark.seed("SR-112")
def test_versions_prices_and_records_are_in_the_export_and_go_with_the_tenant(asked, scripted_model, foreign_bot):
    change_prices(asked.tenant, Prices(models={"scripted": Price(tokens_in=1, tokens_out=1)}))
    asyncio.run(collect(TurnRunner(), accept_turn(find_bot(asked.tenant.platform, asked.public_id), None, QUESTION)))
    data = json.loads(json.dumps(export_model_data(load_tenant(asked.tenant.platform, slug="acme"))))
    assert data["prices"]["models"]["scripted"] == {"tokens_in": 1, "tokens_out": 1}
    assert [b["id"] for b in data["bots"]] == [asked.public_id] and len(data["bots"][0]["versions"]) == 1
    assert [(u["bot"], u["model"], u["questions"]) for u in data["use"]] == [(asked.public_id, "scripted", 1)]
    rights.erase_tenant(asked.tenant)
    with system_scope("look for what is left"), asked.tenant.platform.database.read() as db:
        for model in (BotVersion, TurnRow):
            left = db.scalar(select(func.count()).select_from(model).where(model.tenant_id == asked.tenant.id))
            assert left == 0
        assert db.get(TenantRow, asked.tenant.id) is None
        assert db.scalar(select(func.count()).select_from(BotVersion)) == 1  # the other tenant's


@pytest.mark.seed("SR-113")
def test_the_management_api_refuses_a_model_that_is_not_switched_on(asked, scripted_model, client):
    from webchatagent.core.apikeys import create_key

    key = create_key(asked.tenant, "k", ["bots:read", "bots:write"], actor="system").secret
    answer = client.patch(
        f"/api/v1/bots/{asked.public_id}",
        json={"settings": {"chatModel": "openai:gpt-5-mini"}},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert answer.status_code == 409 and answer.json["error"]["code"] == "model_not_offered"
