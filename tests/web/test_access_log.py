"""Access logs: what a line holds, what it never holds, and how long it stays."""

from __future__ import annotations

import json
import re
import socket
from datetime import timedelta

import pytest

from webchatagent.core.addresses import truncate_address
from webchatagent.core.clock import now
from webchatagent.core.retention import delete_old_logs, purge_tenant
from webchatagent.web.accesslog import browser_family, system_family

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605 Version/17.5 Mobile Safari/604.1"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 (KHTML, like Gecko) Chrome/125.0 Safari/537 Edg/125.0"
KEYS = {"at", "method", "path", "status", "ms", "address", "browser", "system", "request", "referrer"}


@pytest.fixture
def lines(platform):
    """A function that reads the log: parsed lines, or with `raw` the text."""

    def read(raw: bool = False):
        text = "".join(
            p.read_text(encoding="utf-8") for p in sorted((platform.settings.folder / "logs").glob("access-*.jsonl"))
        )
        return text if raw else [json.loads(line) for line in text.splitlines()]

    return read


@pytest.mark.seed("SR-020")
def test_a_line_holds_what_is_promised_and_nothing_else(client, bot, lines):
    client.get(
        f"/chat/{bot.public_id}?token=geheim",
        environ_base={"REMOTE_ADDR": "203.0.113.77"},
        headers={"User-Agent": FIREFOX, "Referer": "https://shop.example.org/basket?user=anna#top"},
    )
    (line,) = lines()
    assert set(line) == KEYS
    assert (line["method"], line["status"], line["path"]) == ("GET", 200, "/chat/<public_id>")
    assert (line["browser"], line["system"]) == ("Firefox 128", "Linux")
    assert line["address"] == "203.0.113.0" and line["referrer"] == "https://shop.example.org"
    assert line["at"].startswith(now().date().isoformat()) and line["ms"] >= 0


@pytest.mark.seed("SR-020")
def test_no_secret_and_no_text_is_ever_in_the_log(client, bot, lines):
    session = "S" * 43
    client.set_cookie("shop", "cookie-canary")
    client.post(
        "/api/chat?q=query-canary",
        json={"message": "body-canary", "chatbotId": bot.public_id},
        headers={"X-Chat-Session-Id": session, "Authorization": "Bearer auth-canary", "User-Agent": "agent-canary"},
        environ_base={"REMOTE_ADDR": "2001:db8:1:2:3:4:5:6"},
    )
    client.get("/no/such/path-canary")
    text = lines(raw=True)
    assert "canary" not in text and session not in text and "2001:db8:1:2" not in text
    assert [line["path"] for line in lines()] == ["/api/chat", "-"]
    assert lines()[0]["address"] == "2001:db8:1::"


ADDRESSES = {
    "203.0.113.77": "203.0.113.0",
    "10.1.2.3": "10.1.2.0",
    "2001:db8:1:2:3:4:5:6": "2001:db8:1::",
    "::ffff:203.0.113.77": "203.0.113.0",
    "fe80::1%eth0": "fe80::",
    "": "-",
    "unknown": "-",
}


@pytest.mark.seed("SR-020")
@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_are_truncated(address):
    assert truncate_address(address) == ADDRESSES[address]


@pytest.mark.seed("SR-020")
@pytest.mark.parametrize(
    ("agent", "browser", "system"),
    [
        (FIREFOX, "Firefox 128", "Linux"),
        (SAFARI, "Safari 17", "iOS"),
        (EDGE, "Edge 125", "Windows"),
        ("curl/8.5", "curl 8", "other"),
        ("", "other", "other"),
        ("nonsense", "other", "other"),
    ],
)
def test_browsers_are_named_by_family_and_major_version(agent, browser, system):
    assert (browser_family(agent), system_family(agent)) == (browser, system)


@pytest.mark.seed("SR-021")
def test_no_name_is_looked_up_for_an_address(client, lines, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("an address was looked up")

    for name in ("gethostbyaddr", "getnameinfo", "getfqdn", "gethostbyname", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    assert client.get("/healthz", environ_base={"REMOTE_ADDR": "203.0.113.77"}).status_code == 200
    assert lines()[0]["address"] == "203.0.113.0"


@pytest.mark.seed("SR-022")
def test_a_line_cannot_be_joined_with_a_conversation(client, bot, lines, platform):
    from sqlalchemy import select

    from webchatagent.core.db.chats import ChatSession, Message, TurnRow

    answer = client.post("/api/chat", json={"message": "hello", "chatbotId": bot.public_id})
    session = answer.headers["X-Chat-Session-Id"]
    client.get("/api/chat/history", headers={"X-Chat-Session-Id": session})
    client.get(f"/api/bots/{bot.public_id}/config")
    text = lines(raw=True)
    with bot.tenant.read() as db:
        row = db.scalar(select(ChatSession))
        known = {
            session,
            row.key_hash,
            bot.public_id,
            answer.get_json()["messageId"],
            *db.scalars(select(Message.public_id)),
            *db.scalars(select(TurnRow.public_id)),
        }
    assert not [value for value in known if value in text]
    requests = [line["request"] for line in lines()]
    assert len(set(requests)) == 3 and all(re.fullmatch("[0-9a-f]{32}", r) for r in requests)
    assert answer.headers["X-Request-Id"] == requests[0]


@pytest.mark.seed("SR-090")
def test_a_forged_forwarding_header_is_ignored(client, lines):
    client.get("/healthz", environ_base={"REMOTE_ADDR": "203.0.113.77"}, headers={"X-Forwarded-For": "198.51.100.1"})
    assert lines()[0]["address"] == "203.0.113.0"


@pytest.mark.seed("SR-090")
def test_as_many_proxies_are_trusted_as_there_are(make_platform):
    from webchatagent.web.app import create_public

    platform = make_platform("proxied", trusted_proxies="1")
    create_public(platform).test_client().get(
        "/healthz", environ_base={"REMOTE_ADDR": "10.0.0.1"}, headers={"X-Forwarded-For": "192.0.2.9, 198.51.100.1"}
    )
    (file,) = (platform.settings.folder / "logs").glob("access-*.jsonl")
    assert json.loads(file.read_text(encoding="utf-8"))["address"] == "198.51.100.0"


@pytest.fixture
def old_logs(platform):
    """Log files of the last twenty days."""
    folder = platform.settings.folder / "logs"
    folder.mkdir()
    days = [(now() - timedelta(days=n)).date().isoformat() for n in range(20)]
    for day in days:
        (folder / f"access-{day}.jsonl").write_text("{}\n", encoding="utf-8")
    (folder / "other.txt").write_text("stays", encoding="utf-8")
    return folder, days


def kept(folder) -> set[str]:
    """The days whose logs are there."""
    return {p.stem.removeprefix("access-") for p in folder.glob("access-*.jsonl")}


@pytest.mark.seed("SR-023")
def test_the_daily_purge_deletes_logs_after_fourteen_days(old_logs, acme):
    folder, days = old_logs
    for _ in range(2):
        purge_tenant(acme)
        assert kept(folder) == set(days[:15])
    assert (folder / "other.txt").exists()


@pytest.mark.seed("SR-023")
def test_the_schedule_queues_the_daily_purge_once(old_logs, platform, acme, run_jobs):
    from webchatagent.jobs.schedule import tick

    folder, days = old_logs
    tick(platform)
    run_jobs()
    tick(platform)
    run_jobs()
    assert kept(folder) == set(days[:15])


@pytest.mark.seed("SR-023")
def test_the_days_are_a_setting(old_logs):
    folder, days = old_logs
    assert delete_old_logs(folder, 3) == 16
    assert kept(folder) == set(days[:4])


@pytest.mark.seed("SR-023")
def test_a_request_on_a_new_day_deletes_old_logs_too(old_logs, client):
    folder, days = old_logs
    client.get("/healthz")
    assert kept(folder) == set(days[:15])
