"""Keys at work: revoking, limits, the audit trail, logs, and bots that want a key."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from webchatagent.core.apikeys import revoke_key
from webchatagent.core.db.records import AuditEntry


@pytest.fixture
def who(program, acme):
    """A program of the first tenant that may do everything."""
    return program(acme)


def text(name, body="The shop opens at nine in the morning."):
    return {"id": name, "text": body}


def test_a_revoked_key_stops_at_once(who, acme):
    assert who.get("/bots").status_code == 200
    revoke_key(acme, who.key.split("_")[1], actor="test")
    answer = who.get("/bots")
    assert answer.status_code == 401 and "revoked" in answer.get_json()["error"]["message"]


def test_every_write_is_in_the_audit_trail_without_content(who, acme, bot, things):
    ids, path = things["acme"], f"/bots/{bot.public_id}"
    who.post("/bots", json={"slug": "shop", "name": "CANARY"})
    who.patch(path, json={"greeting": "CANARY"})
    who.post(f"{path}/sources", json={"target": "https://canary.example.org/"})
    who.post(f"{path}/documents", json=text("CANARY", "CANARY"))
    who.post(f"/documents/{ids['document']}/retry")
    who.delete(f"/documents/{ids['document']}")
    who.delete(f"/sources/{ids['source']}")
    who.delete(f"/conversations/{ids['conversation']}")
    with acme.read() as db:
        entries = list(db.scalars(select(AuditEntry).where(AuditEntry.actor.like("key %"))))
    assert [e.action for e in entries] == [
        "bot.created",
        "bot.changed",
        "source.added",
        "document.added",
        "document.deleted",
        "source.deleted",
        "conversation.deleted",
    ]  # fmt: skip; what is searchable is not read again, so the retry changed nothing
    assert {e.actor for e in entries} == {f"key {who.key.split('_')[1]}"}
    assert not any("canary" in f"{e.target}{e.detail}".lower() for e in entries)


def test_a_refused_write_is_not_in_the_audit_trail(who, acme):
    who.delete("/sources/1")
    who.post("/bots", json={"slug": "?", "name": "x"})
    with acme.read() as db:
        assert not list(db.scalars(select(AuditEntry).where(AuditEntry.actor.like("key %"))))


def test_no_key_and_no_text_reach_a_log(who, bot, platform, caplog):
    caplog.set_level("DEBUG")
    who.get("/bots")
    who.post(f"/bots/{bot.public_id}/search", json={"query": "CANARY"})
    who.get(f"/bots/{bot.public_id}/documents?q=CANARY")
    logs = caplog.text + "".join(p.read_text() for p in (platform.settings.folder / "logs").iterdir())
    assert "/api/v1/bots/<bot>/search" in logs
    assert who.key not in logs and who.key.split("_")[2] not in logs
    assert "CANARY" not in logs and bot.public_id not in logs


def test_a_key_has_a_limit_and_others_go_on(make_platform):
    from webchatagent.core.apikeys import SCOPES, create_key
    from webchatagent.core.tenants import create_tenant
    from webchatagent.web import limits
    from webchatagent.web.app import create_public

    platform = make_platform("limited")
    tenant = create_tenant(platform, "acme", "Acme")
    client = create_public(platform).test_client()
    one, two = (create_key(tenant, "k", SCOPES, actor="t").secret for _ in range(2))
    get = lambda k: client.get("/api/v1/bots", headers={"Authorization": f"Bearer {k}"})  # noqa: E731
    allowed = int(limits.PER_KEY.split()[0])
    codes = [get(one).status_code for _ in range(allowed + 1)]
    assert set(codes[:-1]) == {200} and codes[-1] == 429
    refused = get(one)
    assert refused.get_json()["error"]["code"] == "rate_limited" and 0 < int(refused.headers["Retry-After"]) <= 60
    assert get(two).status_code == 200
    wrong = [get("wca_x").status_code for _ in range(int(limits.REFUSED_PER_ADDRESS.split()[0]) + 1)]
    assert set(wrong[:-1]) == {401} and wrong[-1] == 429


def test_a_browser_of_another_site_gets_no_permission(who):
    answer = who.get("/bots", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/nothing", "/bots/", "/bots/x/y", "/security/login", "/keys"])
def test_what_is_not_there_is_a_plain_404(who, path):
    answer = who.get(path)
    assert answer.status_code == 404 and answer.get_json()["error"]["code"] == "not_found"


@pytest.fixture
def locked(acme, bot):
    """A bot that wants a key of programs."""
    from webchatagent.core.bots import change_settings

    change_settings(acme, bot.id, api_key_required=True, allowed_origins=["https://shop.example"])
    return bot.public_id


def ask(client, bot, **headers):
    return client.post("/api/chat", json={"message": "Hello?", "chatbotId": bot}, headers=headers)


def test_a_program_needs_a_key_of_the_tenant_with_the_scope(client, locked, program, acme, globex):
    bearer = lambda p: {"Authorization": f"Bearer {p.key}"}  # noqa: E731
    refused = ask(client, locked)
    assert refused.status_code == 401 and refused.headers["WWW-Authenticate"]
    assert ask(client, locked, **bearer(program(acme, "chat"))).status_code == 200
    assert ask(client, locked, **bearer(program(acme, "search"))).status_code == 403
    assert ask(client, locked, **bearer(program(globex, "chat"))).status_code == 401
    assert ask(client, locked, Authorization="Bearer wca_x").status_code == 401


def test_nothing_is_stored_for_a_program_that_is_refused(client, locked, who):
    ask(client, locked)
    assert who.get("/conversations").get_json()["data"] == []


def test_visitors_of_an_allowed_site_need_no_key(client, locked):
    assert ask(client, locked, Origin="https://shop.example").status_code == 200
    assert ask(client, locked, Origin="https://evil.example").status_code == 403


def test_a_bot_that_wants_no_key_takes_one_all_the_same(client, bot, program, acme):
    assert ask(client, bot.public_id, Authorization=f"Bearer {program(acme, 'chat').key}").status_code == 200
    assert ask(client, bot.public_id, Authorization="Bearer wca_x").status_code == 401
    assert ask(client, bot.public_id, Authorization="Basic dXNlcjpwYXNz").status_code == 200  # a proxy's, not ours


def test_messages_with_a_key_are_not_limited_by_the_address(make_platform):
    from webchatagent.core.apikeys import create_key
    from webchatagent.core.bots import create_bot
    from webchatagent.core.tenants import create_tenant
    from webchatagent.web.app import create_public

    platform = make_platform("limited")
    tenant = create_tenant(platform, "acme", "Acme")
    client, its = create_public(platform).test_client(), create_bot(tenant, "bot", "Bot").public_id
    bearer = {"Authorization": f"Bearer {create_key(tenant, 'k', ['chat'], actor='t').secret}"}
    assert {ask(client, its, **bearer).status_code for _ in range(32)} == {200}
    assert {ask(client, its).status_code for _ in range(32)} == {200, 429}
