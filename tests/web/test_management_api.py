"""The management API as programs use it."""

from __future__ import annotations

import base64
import io
import json

import pytest


@pytest.fixture
def who(program, acme):
    """A program of the first tenant that may do everything."""
    return program(acme)


def text(name, body="The shop opens at nine in the morning."):
    return {"id": name, "text": body}


# -- bots ---------------------------------------------------------------------------------------------------------


def test_a_bot_is_made_changed_and_answers(who, client, run_jobs):
    made = who.post("/bots", json={"slug": "shop", "name": " Shop ", "settings": {"accent": "#112233"}})
    bot = made.get_json()
    assert made.status_code == 201 and bot["name"] == "Shop" and bot["settings"]["accent"] == "#112233"
    who.post(f"/bots/{bot['id']}/documents", json=text("hours"))
    run_jobs()
    answer = client.post("/api/chat", json={"message": "When does the shop open?", "chatbotId": bot["id"]}).get_json()
    assert "nine" in answer["reply"]
    changed = who.patch(f"/bots/{bot['id']}", json={"greeting": "Hi!", "settings": {"theme": "dark"}}).get_json()
    assert changed["greeting"] == "Hi!" and changed["name"] == "Shop"
    assert changed["settings"]["theme"] == "dark" and changed["settings"]["accent"] == "#112233"
    assert client.get(f"/api/bots/{bot['id']}/config").get_json()["greeting"] == "Hi!"


@pytest.mark.seed("SR-123", "SR-161")
def test_a_deleted_bot_is_forgotten_with_all_that_hangs_on_it(who, client, acme, bot, platform, run_jobs):
    canary = "zebra-canary-4711"
    kept = who.post("/bots", json={"slug": "kept", "name": "Kept"}).get_json()["id"]
    for its, word in ((bot.public_id, canary), (kept, "elephant")):
        who.post(f"/bots/{its}/documents", json=text(word, f"The {word} sleeps at nine."))
        sent = {"file": (io.BytesIO(f"# {word}".encode()), f"{word}.md")}
        who.post(f"/bots/{its}/files", data=sent)
        run_jobs()
        client.post("/api/chat", json={"message": f"When does the {word} sleep?", "chatbotId": its})
    assert who.delete(f"/bots/{bot.public_id}").status_code == 204
    run_jobs()
    assert client.get(f"/api/bots/{bot.public_id}/config").status_code == 404
    for path in platform.settings.folder.rglob("*"):
        assert not path.is_file() or canary.encode() not in path.read_bytes(), path.name
    assert len(who.get(f"/bots/{kept}/documents?show=searchable").get_json()["data"]) == 2
    assert [c["bot"] for c in who.get("/conversations").get_json()["data"]] == [kept]
    assert who.post(f"/bots/{kept}/search", json={"query": "elephant"}).get_json()["data"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"slug": "x"}, "name"),
        ({"slug": "No Slug", "name": "x"}, "slug"),
        ({"slug": "x", "name": " "}, "name"),
        ({"slug": "x", "name": "x", "tenantId": 2}, "tenantId"),
        ({"slug": "x", "name": "x", "tenant_id": 2}, "tenant_id"),
        ({"slug": "x", "name": "x", "id": 1}, "id"),
        ({"slug": "x", "name": 5}, "name"),
        ({"slug": "x", "name": "x", "locale": "xx"}, "locale"),
        ({"slug": "x", "name": "x", "settings": {"accent": "red"}}, "settings.accent"),
        ({"slug": "x", "name": "x", "settings": {"max_message": 500}}, "settings.max_message"),
        (
            {"slug": "x", "name": "x", "settings": {"allowedOrigins": ["javascript:alert(1)"]}},
            "settings.allowedOrigins.0",
        ),
        (
            {"slug": "x", "name": "x", "settings": {"allowedOrigins": ["https://a.example/path"]}},
            "settings.allowedOrigins.0",
        ),
        ({"slug": "x", "name": "x", "settings": {"suggestions": ["a"] * 5}}, "settings.suggestions"),
    ],
)
def test_a_wrong_field_is_named(who, body, field):
    answer = who.post("/bots", json=body)
    assert answer.status_code == 422 and answer.get_json()["error"]["field"] == field
    assert who.get("/bots").get_json()["data"] == []


def test_a_taken_slug_is_a_conflict(who):
    assert who.post("/bots", json={"slug": "a", "name": "A"}).status_code == 201
    again = who.post("/bots", json={"slug": "a", "name": "A"})
    assert again.status_code == 409 and again.get_json()["error"]["code"] == "slug_taken"


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b'"x"', b"[" * 100_000, b'{"slug":"\xff"}', b'{"slug":"\\ud800","name":"x"}']
)
def test_what_is_no_json_object_is_refused(who, data):
    answer = who.post("/bots", data=data, content_type="application/json")
    assert answer.status_code == 422 and answer.get_json()["error"]["code"] == "invalid_request"


def test_another_content_type_is_refused(who, bot):
    assert who.post("/bots", data="slug=x&name=x", content_type="application/x-www-form-urlencoded").status_code == 415
    assert who.post("/bots", data=json.dumps({"slug": "x", "name": "x"}), content_type="text/plain").status_code == 415
    assert who.post(f"/bots/{bot.public_id}/files", json={}).status_code == 415


def test_a_body_that_is_too_large_is_refused(who, bot):
    answer = who.post(f"/bots/{bot.public_id}/documents", json=text("x", "a" * 300_000))
    assert answer.status_code == 413


# -- sources and documents ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/etc/passwd", "-", "~", "file:///etc/passwd", ".", "C:\\", "README.md", "x\x00y"])
def test_a_program_cannot_make_the_server_read_its_own_files(who, bot, target):
    answer = who.post(f"/bots/{bot.public_id}/sources", json={"target": target})
    assert answer.status_code == 422
    assert who.get(f"/bots/{bot.public_id}/sources").get_json()["data"] == []


def test_whether_a_file_exists_cannot_be_told(who, bot):
    there, not_there = (
        who.post(f"/bots/{bot.public_id}/sources", json={"target": t}).text.replace(t, "")
        for t in ("/etc/passwd", "/etc/passwx")
    )
    assert there == not_there


@pytest.mark.parametrize(
    "target", ["http://localhost/", "http://2130706433/", "http://x@example.org/", "http://[", "https://a.example:99/"]
)
def test_an_address_that_is_not_public_is_refused_at_once(who, bot, target):
    answer = who.post(f"/bots/{bot.public_id}/sources", json={"target": target})
    assert answer.status_code == 422 and answer.get_json()["error"]["code"] == "fetch_refused"


def test_a_website_is_added_once_and_read_again(who, bot):
    path = f"/bots/{bot.public_id}/sources"
    first = who.post(path, json={"target": "https://www.example.org/"}).get_json()
    assert first["state"] == "syncing" and first["kind"] == "website"
    assert who.post(path, json={"target": "https://www.example.org/"}).get_json()["id"] == first["id"]
    assert who.post(f"/sources/{first['id']}/sync").status_code == 202
    assert who.delete(f"/sources/{first['id']}").status_code == 204
    assert who.get(f"/sources/{first['id']}").status_code == 404


def test_a_text_becomes_searchable_is_replaced_and_is_gone(who, bot, run_jobs):
    path = f"/bots/{bot.public_id}"
    first = who.post(f"{path}/documents", json=text("hours")).get_json()["documents"][0]
    assert first["state"] == "queued"
    run_jobs()
    assert who.get(f"/documents/{first['id']}").get_json()["state"] == "searchable"
    found = who.post(f"{path}/search", json={"query": "When does the shop open?", "limit": 1}).get_json()["data"]
    assert found[0]["documentId"] == first["id"] and found[0]["rank"] == 1 and found[0]["legs"]
    again = who.post(f"{path}/documents", json=text("hours")).get_json()
    assert again["documents"] == [] and again["unchanged"] == 1
    other = who.post(f"{path}/documents", json=text("hours", "The shop opens at ten.")).get_json()["documents"][0]
    assert other["id"] == first["id"]
    assert who.delete(f"/documents/{first['id']}").status_code == 204
    run_jobs()
    assert who.post(f"{path}/search", json={"query": "When does the shop open?"}).get_json()["data"] == []


@pytest.mark.parametrize(("name", "shown"), [("a.md", "a.md"), ("../../etc/x.md", "etc/x.md"), ("/abs.md", "abs.md")])
def test_a_file_keeps_its_name_without_what_climbs(who, bot, name, shown):
    sent = {"file": (io.BytesIO(b"# Returns\n\nWithin thirty days."), name)}
    answer = who.post(f"/bots/{bot.public_id}/files", data=sent)
    assert answer.status_code == 202 and answer.get_json()["documents"][0]["externalId"] == shown


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"file": "text"},
        {"file": (io.BytesIO(b"x"), "a.md"), "other": "x"},
        {"other": (io.BytesIO(b"x"), "a.md")},
        {"file": [(io.BytesIO(b"x"), "a.md"), (io.BytesIO(b"x"), "b.md")]},
        {"file": (io.BytesIO(b"x"), "..")},
    ],
)
def test_an_upload_that_is_not_one_file_is_refused(who, bot, data):
    answer = who.post(f"/bots/{bot.public_id}/files", data=data, content_type="multipart/form-data")
    assert answer.status_code == 422 and answer.get_json()["error"]["field"] in ("file", "other")


def test_only_uploads_may_be_large():
    from webchatagent.app import PUBLIC_BODY, UPLOAD_BODY, largest_body

    assert largest_body("/api/v1/bots/x/files") == UPLOAD_BODY
    for path in ("/api/chat", "/api/v1/bots", "/api/v1/bots/x/documents", "/files", "/api/v1/files", "/xx/files"):
        assert largest_body(path) == PUBLIC_BODY


def test_a_file_may_be_larger_than_a_message(who, bot, client):
    big = b"a sentence of some words.\n" * 40_000
    answer = who.post(f"/bots/{bot.public_id}/files", data={"file": (io.BytesIO(big), "big.txt")})
    assert answer.status_code == 202 and answer.get_json()["documents"][0]["size"] == len(big)


# -- conversations ------------------------------------------------------------------------------------------------


@pytest.mark.seed("SR-161")
def test_a_conversation_is_read_and_deleted_completely(who, client, bot, platform):
    canary = "zebra-canary-4711"
    client.post("/api/chat", json={"message": f"Where is {canary}?", "chatbotId": bot.public_id})
    listed = who.get("/conversations").get_json()["data"][0]
    assert listed["bot"] == bot.public_id and listed["messages"] == 2 and listed["opening"].startswith("Where is")
    whole = who.get(f"/conversations/{listed['id']}").get_json()
    assert [m["role"] for m in whole["messages"]] == ["visitor", "bot"] and whole["messages"][1]["refused"]
    assert who.delete(f"/conversations/{listed['id']}").status_code == 204
    assert who.get("/conversations").get_json()["data"] == []
    for path in platform.settings.folder.rglob("*"):
        assert not path.is_file() or canary.encode() not in path.read_bytes(), path.name


def test_of_a_restricted_conversation_no_text_is_handed_out(who, client, bot, acme):
    from webchatagent.core.privacy import Subject
    from webchatagent.core.rights import restrict

    client.post("/api/chat", json={"message": "A secret question?", "chatbotId": bot.public_id})
    number = who.get("/conversations").get_json()["data"][0]["id"]
    restrict(acme, Subject(session_id=number), True)
    for answer in (who.get("/conversations"), who.get(f"/conversations/{number}")):
        assert "secret" not in answer.text and '"restricted":true' in answer.text


# -- pages --------------------------------------------------------------------------------------------------------


@pytest.fixture
def many(who, acme, bot, add_texts, client):
    """Seven of everything."""
    from webchatagent.core.bots import create_bot
    from webchatagent.core.sources import ensure_source

    add_texts(bot, {f"text {n}": f"Sentence number {n}." for n in range(7)})
    for n in range(6):
        create_bot(acme, f"bot-{n}", f"Bot {n}")
        ensure_source(acme, bot.id, "website", f"https://{n}.example.org")
    for _ in range(7):
        client.post("/api/chat", json={"message": "Hello there", "chatbotId": bot.public_id})
    return {
        "bot": "/bots",
        "source": f"/bots/{bot.public_id}/sources",
        "document": f"/bots/{bot.public_id}/documents",
        "conversation": "/conversations",
    }


@pytest.mark.parametrize("kind", ["bot", "source", "document", "conversation"])
def test_pages_have_everything_once_in_order(who, many, kind):
    whole = [row["id"] for row in who.get(many[kind]).get_json()["data"]]
    assert len(whole) == 7 and who.get(f"{many[kind]}?limit=7").get_json()["next"] is None
    got, cursor, pages = [], "", 0
    while cursor is not None:
        page = who.get(f"{many[kind]}?limit=3&cursor={cursor}").get_json()
        got += [row["id"] for row in page["data"]]
        cursor, pages = page["next"], pages + 1
    assert got == whole and pages == 3


def test_a_row_that_is_deleted_does_not_disturb_the_next_page(who, many):
    first = who.get(f"{many['document']}?limit=3").get_json()
    who.delete(f"/documents/{first['data'][-1]['id']}")
    second = who.get(f"{many['document']}?limit=10&cursor={first['next']}").get_json()
    assert len(second["data"]) == 4 and not {d["id"] for d in first["data"]} & {d["id"] for d in second["data"]}


def encoded(plain):
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "====",
        "%00",
        "bot:1",
        "'--",
        "é",
        "-1",
        *map(
            encoded,
            [
                b"bot:0",
                b"bot:-1",
                b"bot:1e3",
                b"bot: 1",
                b"bot:01",
                b"source:1",
                b"bot:99999999999",
                b"bot:4294967296",
                b"bot:1 or 1=1",
                "bot:١".encode(),
                b"\xff\xff",
                b"bot:1\n",
                b"{}",
            ],
        ),
        encoded(b"bot:1") + "=",
        encoded(b"bot:1") + "\n",
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(who, cursor):
    answer = who.get("/bots", query_string={"cursor": cursor})
    assert answer.status_code == 422 and answer.get_json()["error"]["field"] == "cursor"


def test_a_cursor_of_another_tenant_shows_only_own_rows(who, many, program, globex, foreign_bot):
    cursor = who.get("/bots?limit=1").get_json()["next"]
    shown = program(globex).get(f"/bots?cursor={cursor}").get_json()["data"]
    assert [b["id"] for b in shown] in ([], [foreign_bot.public_id])


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=-1", "limit=1&limit=2", "unknown=1", "limit="]
)
def test_a_wrong_query_is_refused(who, query):
    assert who.get(f"/bots?{query}").status_code == 422


def test_documents_are_filtered(who, bot, run_jobs):
    path = f"/bots/{bot.public_id}/documents"
    who.post(path, json=text("hours"))
    run_jobs()
    who.post(path, json=text("100%_returns", "Goods can be returned."))
    ids = lambda query: [d["externalId"] for d in who.get(f"{path}?{query}").get_json()["data"]]  # noqa: E731
    assert ids("show=searchable") == ["hours"] and ids("show=passing") == ["100%_returns"] and ids("show=trouble") == []
    assert ids("q=%25_") == ["100%_returns"] and ids("q=HOUR") == ["hours"]
