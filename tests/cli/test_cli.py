"""The `webchatagent` command as people and scripts use it: contract section 2."""

from __future__ import annotations

import errno
import functools
import http.server
import json
import os
import re
import threading
import xml.etree.ElementTree as ElementTree

import pytest
from click.testing import CliRunner

from webchatagent.cli.main import COMMANDS, main

LINES = [
    {"id": "opening", "title": "Opening", "text": "The swimming pool opens at nine in the morning."},
    {"id": "returns", "title": "Returns", "text": "Goods can be returned within thirty days with the receipt."},
]


def test_every_command_of_the_table_explains_itself():
    runner = CliRunner()
    for name in COMMANDS:
        result = runner.invoke(main, [name, "--help"])
        assert result.exit_code == 0 and "Usage:" in result.output, name
    assert runner.invoke(main, ["--version"]).exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("tenant", "create"),
        ("source", "add", "acme/bot"),
        ("search",),
        ("tenant", "create", "x", "--name", "X", "--locale", "xx"),
        ("source", "sync", "x"),
    ],
)
def test_wrong_usage_is_two(cli, arguments):
    assert cli(*arguments).exit_code == 2


def test_a_tenant_is_made_with_its_plugins_and_listed(ok, refused):
    made = ok("tenant", "create", "acme", "--name", "Acme", "--locale", "de", "--json")
    assert made["slug"] == "acme" and {"files", "website", "offline", "embeddings_local"} <= set(made["plugins"])
    assert [t["slug"] for t in ok("tenant", "list", "--json")] == ["acme", "platform"]
    assert "Acme" in ok("tenant", "list")
    assert "exists already" in refused("tenant", "create", "acme", "--name", "Again")
    assert "slug" in refused("tenant", "create", "Not A Slug", "--name", "x")


def test_a_bot_is_made_with_its_snippet(ok, refused, two):
    made = ok("bot", "create", "acme", "help", "--name", "Help", "--json")
    assert (
        re.fullmatch(r"[0-9a-f-]{36}", made["id"]) and made["id"] in made["snippet"] and "loader.js" in made["snippet"]
    )
    refused("bot", "create", "acme", "help", "--name", "Again")
    refused("bot", "create", "nobody", "help", "--name", "x")


def test_people_are_made_with_a_password_given_or_made(ok, cli, refused, two):
    made = ok("user", "create", "a@example.org", "--tenant", "acme", "--role", "editor", "--json")
    assert len(made["password"]) >= 12
    given = ok(
        "user", "create", "b@example.org", "--tenant", "acme", "--password-stdin", input="correct horse battery 9\n"
    )
    assert "correct horse" not in given
    ok("user", "create", "o@example.org", "--operator")
    refused("user", "create", "c@example.org")
    refused("user", "create", "c@example.org", "--operator", "--tenant", "acme")
    again = ok("user", "create", "a@example.org", "--tenant", "globex", "--json")  # works for two; keeps the password
    assert again["id"] == made["id"] and "password" not in again
    assert cli("user", "create", "d@example.org", "--tenant", "acme", "--role", "king").exit_code == 2


def test_a_jsonl_file_is_added_updated_searched_and_answered_from(ok, two, lines):
    first = ok("source", "add", "acme/bot", lines, "--wait", "--json")
    assert first["states"] == {"searchable": 2} and first["failed"] == []
    lines.write_text(json.dumps(LINES[0] | {"text": "The swimming pool opens at ten in the morning."}) + "\n")
    again = ok("source", "add", "acme/bot", lines, "--wait", "--json")
    assert again["sources"] == first["sources"] and again["states"] == {"searchable": 1}
    hits = ok("search", "acme/bot", "When does the pool open?", "--json")
    assert hits[0]["document"] == "opening" and "ten" in hits[0]["text"] and hits[0]["legs"]["stem"][0] == 1
    assert "stem #1" in ok("search", "acme/bot", "pool")
    answer = ok("ask", "acme/bot", "When does the swimming pool open in the morning?", "--json")
    assert "ten" in answer["answer"] and answer["sources"][0]["n"] == 1 and answer["refused"] is False
    assert "[1] Opening" in ok("ask", "acme/bot", "When does the swimming pool open in the morning?")
    assert ok("search", "globex/bot", "pool", "--json") == [] and "nothing found" in ok("search", "globex/bot", "pool")


def test_a_folder_a_file_and_standard_input_are_sources(ok, two, tmp_path):
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "नाम.txt").write_text("The walrus sleeps.")
    single = tmp_path / "single.md"
    single.write_text("# Ostrich\n\nThe ostrich runs.")
    found = ok("source", "add", "acme/bot", folder, single, "--wait", "--json")
    assert len(found["sources"]) == 2 and found["states"] == {"searchable": 2}
    ok("source", "add", "acme/bot", "-", "--wait", input="The okapi hides.")
    listed = ok("source", "list", "acme/bot", "--json")
    assert [d["external_id"] for s in listed for d in s["documents"]] == ["deep/नाम.txt", "single.md", "stdin"]
    shown = ok("source", "list", "acme/bot")
    assert "searchable" in shown and "deep/नाम.txt" in shown
    for word in ("walrus", "ostrich", "okapi"):
        assert ok("search", "acme/bot", word, "--json")


def test_what_cannot_be_read_is_reported_by_the_exit_code(cli, two, tmp_path):
    (tmp_path / "faq.jsonl").write_text('{"id": "a", "text": "walrus"}\n{broken')
    result = cli("source", "add", "acme/bot", tmp_path / "faq.jsonl", "--wait", "--json")
    assert result.exit_code == 1 and json.loads(result.stdout)["states"] == {"searchable": 1, "broken": 1}
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    assert cli("source", "add", "acme/bot", empty, "--wait").exit_code == 0
    strict = cli("source", "add", "acme/bot", empty, "--wait", "--strict")
    assert strict.exit_code == 1 and "no_text" in strict.stdout


def test_a_source_is_read_anew_and_deleted(ok, refused, two, lines, data):
    source = ok("source", "add", "acme/bot", lines, "--wait", "--json")["sources"][0]
    lines.write_text(lines.read_text() + "\n" + json.dumps({"id": "new", "text": "The walrus sleeps."}))
    assert ok("source", "sync", source, "--wait", "--json")["states"] == {"searchable": 3}
    ok("source", "delete", source)
    assert ok("source", "list", "acme/bot", "--json") == [] and ok("search", "acme/bot", "walrus", "--json") == []
    kept = b"".join(p.read_bytes() for p in data.rglob("*") if p.is_file())
    assert b"walrus sleeps" not in kept and b"swimming pool opens" not in kept
    for command in ("sync", "delete"):
        refused("source", command, "999")


@pytest.fixture
def site(tmp_path):
    """A small website on this machine; gives its address and host:port."""
    folder = tmp_path / "site"
    folder.mkdir()
    body = (
        "<html><head><title>Zoo</title></head><body><main><h1>Zoo</h1><p>The walrus of the zoo is fed at noon every day, "
        "and visitors may watch from the terrace above the basin.</p></main></body></html>"
    )
    (folder / "index.html").write_text(body)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    handler.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_website_is_read_when_its_private_host_is_allowed(ok, cli, two, site, monkeypatch):
    url, host = site
    closed = cli("source", "add", "acme/bot", url, "--wait", "--json")
    assert closed.exit_code == 1, closed.output
    monkeypatch.setenv("WEBCHATAGENT_PRIVATE_HOSTS", host)
    found = ok("source", "add", "globex/bot", url, "--wait", "--json")
    assert found["states"].get("searchable") == 1, found
    assert ok("search", "globex/bot", "When is the walrus fed?", "--json")[0]["document"] == url


def test_a_run_over_a_file_of_queries(ok, refused, two, lines, tmp_path):
    ok("source", "add", "acme/bot", lines, "--wait")
    queries, out = tmp_path / "q.jsonl", tmp_path / "run.jsonl"
    queries.write_text('{"id": "1", "text": "swimming pool"}\n{"id": "2", "text": "receipt"}\n\n')
    ok("search", "acme/bot", "--queries", queries, "--out", out)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert (
        [r["id"] for r in rows] == ["1", "2"]
        and rows[0]["doc_ids"][0] == "opening"
        and rows[1]["doc_ids"][0] == "returns"
    )
    assert all(len(r["doc_ids"]) == len(set(r["doc_ids"])) for r in rows)
    for text in ("{broken", "[]", '{"id": "1"}', '{"text": "x"}'):
        queries.write_text(text)
        assert "line 1" in refused("search", "acme/bot", "--queries", queries)
    queries.write_bytes(b"\xff\xfe")
    refused("search", "acme/bot", "--queries", queries)
    refused("search", "acme/bot", "--queries", tmp_path / "missing.jsonl")
    refused("search", "acme/bot")
    queries.write_text('{"id": "1", "text": "x"}')
    refused("search", "acme/bot", "--queries", queries, "--out", tmp_path / "no" / "such" / "folder.jsonl")


def test_an_evaluation_measures_and_writes_its_files(ok, two, lines, tmp_path):
    ok("source", "add", "acme/bot", lines, "--wait")
    questions = tmp_path / "q.jsonl"
    questions.write_text(
        "\n".join(
            json.dumps(q)
            for q in [
                {
                    "id": "1",
                    "text": "When does the swimming pool open in the morning?",
                    "relevant_ids": ["opening"],
                    "answers": ["nine"],
                    "answerable": True,
                },
                {
                    "id": "2",
                    "text": "Who won the football championship yesterday evening?",
                    "relevant_ids": [],
                    "answerable": False,
                },
            ]
        )
    )
    out, junit = tmp_path / "out", tmp_path / "junit.xml"
    figures = ok("evaluate", "acme/bot", questions, "--out", out, "--junit", junit, "--json")
    assert figures["questions"] == 2 and figures["recall@1"] == 1 and figures["answers_supported"] == 1
    assert figures["refused_rightly"] == 1 and figures["refused_wrongly"] == 0
    answers = json.loads((out / "answers.json").read_text())
    assert (
        answers["1"]["cited"] == ["opening"] and "[1]" not in answers["1"]["text"] and answers["2"]["refused"] is True
    )
    assert json.loads((out / "retrieval.jsonl").read_text().splitlines()[0])["doc_ids"][0] == "opening"
    assert ElementTree.parse(junit).getroot().get("tests") == "2"


def test_plugins_are_listed_switched_tried_and_configured(ok, refused, two):
    def on(tenant):
        return {p["id"] for p in ok("plugin", "list", tenant, "--json")["plugins"] if p["on"]}

    assert "website" in on("acme") and "PLUGIN" in ok("plugin", "list")
    ok("plugin", "disable", "acme", "website")
    assert "website" not in on("acme") and "website" in on("globex")
    refused("source", "add", "acme/bot", "http://127.0.0.1:9/")
    ok("plugin", "enable", "acme", "website")
    ok("plugin", "check", "acme", "website")
    ok("plugin", "set", "acme", "website", "max_pages=7")
    for values in (["max_pages=0"], ["max_pages=many"], ["nonsense=1"], ["max_pages"], ["max_pages=@/no/such/file"]):
        refused("plugin", "set", "acme", "website", *values)
    refused("plugin", "enable", "acme", "nonsense")
    refused("plugin", "list", "nobody")


def test_a_persons_rights(ok, refused, two, lines, data):
    from webchatagent.app import build_platform
    from webchatagent.core.accept import accept_turn
    from webchatagent.core.bots import find_bot
    from webchatagent.core.db.chats import Contact, ContactLink
    from webchatagent.core.settings import load_settings
    from webchatagent.core.tenants import load_tenant

    platform = build_platform(load_settings({}, data=str(data)))
    for slug in ("acme", "globex"):
        turn = accept_turn(find_bot(platform, f"{slug}/bot"), None, f"canary question of {slug}")
        with load_tenant(platform, slug=slug).write() as db:
            contact = Contact(name="Anna", email="anna@example.org")
            db.add(contact)
            db.flush()
            db.add(ContactLink(session_id=turn.session.id, contact_id=contact.id))
    platform.database.close()

    def exported(*who):
        return {p["name"]: p["rows"] for p in ok("privacy", "export", "acme", *who, "--json")}

    assert exported("--email", "ANNA@example.org")["messages"][0]["text"] == "canary question of acme"
    ok("privacy", "rectify", "acme", "--email", "anna@example.org", "--set", "email=anna.new@example.org")
    assert exported("--email", "anna.new@example.org")["contacts"][0]["email"] == "anna.new@example.org"
    ok("privacy", "restrict", "acme", "--email", "anna.new@example.org")
    ok("privacy", "restrict", "acme", "--email", "anna.new@example.org", "--lift")
    assert "FIELD=VALUE" in refused("privacy", "rectify", "acme", "--email", "anna.new@example.org", "--set", "name")
    assert "corrected" in refused("privacy", "rectify", "acme", "--email", "anna.new@example.org", "--set", "shoe=44")
    refused("privacy", "export", "acme")
    refused("privacy", "export", "acme", "--session", "x" * 43)
    refused("privacy", "erase", "acme", "--email", "anna.new@example.org")
    ok("privacy", "erase", "acme", "--email", "anna.new@example.org", "--yes")
    assert exported("--email", "anna.new@example.org") == {
        "contacts": [],
        "sessions": [],
        "messages": [],
        "consents": [],
        "attachments": [],
        "mails": [],
        "actions": [],
    }
    kept = b"".join(p.read_bytes() for p in data.rglob("*") if p.is_file())
    assert b"anna.new@example.org" not in kept and b"canary question of acme" not in kept
    assert b"canary question of globex" in kept


def test_an_erased_tenant_leaves_no_byte_and_no_other_is_touched(ok, refused, two, lines, data):
    ok("source", "add", "acme/bot", lines, "--wait")
    other = lines.with_name("other.jsonl")
    other.write_text(json.dumps({"id": "g", "text": "The walrus of globex sleeps."}))
    ok("source", "add", "globex/bot", other, "--wait")
    refused("tenant", "erase", "acme")
    ok("tenant", "erase", "acme", "--yes")
    kept = b"".join(p.read_bytes() for p in data.rglob("*") if p.is_file())
    assert b"swimming pool opens" not in kept and b"thirty days" not in kept
    assert ok("search", "globex/bot", "walrus", "--json")
    refused("tenant", "erase", "acme", "--yes")
    ok("tenant", "create", "acme", "--name", "Another")
    ok("bot", "create", "acme", "bot", "--name", "Bot")
    assert ok("search", "acme/bot", "pool", "--json") == []


def test_migrating_and_looking_at_every_part(ok, data):
    assert ok("migrate", "--json") == {"applied": []}
    rows = ok("doctor", "--json")
    assert {r["name"]: r["state"] for r in rows} == {
        "data folder": "ok",
        "database": "ok",
        "plugins": "ok",
        "embeddings_local": "degraded",
    }
    assert "HOW TO REPAIR" in ok("doctor")


def test_a_fresh_folder_is_made_and_migrated(tmp_path):
    folder = tmp_path / "new" / "data"
    result = CliRunner().invoke(main, ["migrate", "--data", str(folder), "--json"])
    assert result.exit_code == 0 and len(json.loads(result.stdout)["applied"]) >= 2
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("command", [("doctor",), ("tenant", "list"), ("serve",), ("migrate",), ("worker", "--burst")])
def test_a_data_folder_that_cannot_be_is_one_line(tmp_path, command):
    (tmp_path / "file").write_text("in the way")
    result = CliRunner().invoke(main, [*command, "--data", str(tmp_path / "file" / "data")])
    assert result.exit_code == 1 and re.fullmatch(
        r"error: The data folder .+ cannot be written: .+ \(.+\)\n", result.stderr
    )


@pytest.mark.parametrize("name", ["nobody/bot", "acme/nobody", "11111111-2222-3333-4444-555555555555", "", "x"])
def test_a_bot_that_is_not_there_is_one_line(refused, two, name):
    refused("search", name, "x")
    refused("ask", name, "x")


def test_an_empty_question_is_one_line(refused, two):
    refused("ask", "acme/bot", "  ")


def test_a_target_that_nothing_reads_is_one_line(refused, two):
    refused("source", "add", "acme/bot", "/no/such/file")


def test_a_disk_that_is_full_is_one_line_and_nothing_is_half_done(cli, ok, two, tmp_path, monkeypatch):
    (tmp_path / "walrus.txt").write_text("The walrus sleeps.")

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("webchatagent.stores.blobs.os.fsync", full)
        result = cli("source", "add", "acme/bot", tmp_path / "walrus.txt", "--wait")
    assert result.exit_code == 1 and re.fullmatch(r"error: .+ \(free some disk space.+\)\n", result.stderr)
    assert [s["documents"] for s in ok("source", "list", "acme/bot", "--json")] in ([], [[]])
    assert ok("source", "add", "acme/bot", tmp_path / "walrus.txt", "--wait", "--json")["states"] == {"searchable": 1}


def test_a_database_that_is_full_is_one_line(cli, two, monkeypatch):
    import sqlite3

    from sqlalchemy.exc import OperationalError

    def full(*_, **__):
        raise OperationalError("insert into secret", {}, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr("webchatagent.cli.tenants.create_tenant", full)
    result = cli("tenant", "create", "x", "--name", "X")
    assert (
        result.exit_code == 1
        and result.stderr == "error: database or disk is full (free some disk space and run it again)\n"
    )
