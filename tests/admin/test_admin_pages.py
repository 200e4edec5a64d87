"""The overview with its charts, embedding, the settings of a workspace, and the operator's pages."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from webchatagent.core.bots import find_bot
from webchatagent.core.clock import now
from webchatagent.core.db.records import AuditEntry, BackgroundJob, UsageRow
from webchatagent.core.db.sources import Source
from webchatagent.core.errors import InvalidRequest
from webchatagent.core.overview import daily_questions, list_alerts
from webchatagent.core.tenants import change_tenant, load_tenant


@pytest.fixture
def owner(house: Any) -> Any:
    """The owner of the first tenant."""
    browser = house.browser("owner@example.org")
    browser.get("/")
    return browser


def test_the_overview_counts_questions_and_says_what_needs_a_hand(house: Any, owner: Any) -> None:
    with house.acme.write() as db:
        for meter, amount in (("messages", 12), ("refused", 3)):
            db.add(UsageRow(bot_id=house.bot.id, day=now().date(), meter=meter, amount=amount))
        db.add(BackgroundJob(kind="purge", state="failed", finished_at=now()))
        db.query(Source).first().state = "failed"
    days = daily_questions(house.acme)
    assert len(days) == 14 and (days[-1].asked, days[-1].refused, days[-1].answered) == (12, 3, 9)
    assert [d.asked for d in daily_questions(house.globex)] == [0] * 14
    assert {(a.kind, a.count) for a in list_alerts(house.acme)} == {("source", 1), ("job", 1)}
    assert list_alerts(house.globex) == []
    page = owner.get("/").text
    assert "9 answered, 3 not" in page and 'class="ring"' in page
    assert "1 source could not be read." in page and "1 job failed for good." in page
    assert "1 document needs attention." in page and f"/sources/{house.bot.id}/?show=trouble" in page
    assert "failed for good" not in house.browser("viewer@example.org").get("/").text, "it may not open the jobs"


class Site(BaseHTTPRequestHandler):
    """A website with and without the snippet."""

    bot = ""

    def do_GET(self) -> None:
        """A page by its path."""
        mine = f'<script src="https://chat.example.org/widget/v1/loader.js" data-bot="{self.bot}" defer></script>'
        body = {"/with": mine, "/other": mine.replace(self.bot, "x"), "/commented": self.bot}.get(self.path, "nothing")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"<html><body>{body}</body></html>".encode())

    def log_message(self, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def site(house: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A website that this installation may call, although it is private."""
    server = HTTPServer(("127.0.0.1", 0), Site)
    Site.bot = house.bot.public_id
    Thread(target=server.serve_forever, daemon=True).start()
    place = f"127.0.0.1:{server.server_port}"
    monkeypatch.setitem(house.platform.settings._values, "PRIVATE_HOSTS", place)
    yield f"http://{place}"
    server.shutdown()


@pytest.mark.parametrize(
    "path, said",
    [("/with", "is on this page"), ("/other", "Another bot"), ("/commented", "not on this page"), ("/", "not on this")],
)
def test_is_it_on_my_site(house: Any, owner: Any, site: str, path: str, said: str) -> None:
    page = f"/embed/{house.bot.id}/"
    assert said in owner.post(f"{page}check", {"address": site + path}, follow_redirects=True).text


@pytest.mark.parametrize(
    "address, said",
    [
        ("http://127.0.0.1:1/", "not a public one"),
        ("http://169.254.169.254/latest", "not a public one"),
        ("file:///etc/passwd", "web address"),
        ("no address", "web address"),
    ],
)
def test_only_public_pages_are_looked_at(house: Any, owner: Any, address: str, said: str) -> None:
    answer = owner.post(f"/embed/{house.bot.id}/check", {"address": address}, follow_redirects=True)
    assert said in answer.text


def test_websites_are_allowed_and_taken_away(house: Any, owner: Any) -> None:
    page = f"/embed/{house.bot.id}/"
    owner.post(f"{page}origins", {"add": "www.Example.org/path"})
    owner.post(f"{page}origins", {"add": "https://www.example.org"})
    assert find_bot(house.platform, "acme/bot").settings.allowed_origins == ["https://www.example.org"]
    assert "web address" in owner.post(f"{page}origins", {"add": "<b>"}, follow_redirects=True).text
    text = owner.get(page).text
    assert "https://www.example.org" in text and f"data-bot=&#34;{house.bot.public_id}" in text
    owner.post(f"{page}origins", {"remove": "https://www.example.org"})
    assert find_bot(house.platform, "acme/bot").settings.allowed_origins == []


def test_the_settings_of_a_workspace(house: Any, owner: Any) -> None:
    form = {
        "name": "Acme GmbH",
        "locale": "de",
        "retention_days": "30",
        "responsible": "Acme Holding",
        "address": "Street 1\nTown",
        "email": "privacy@acme.example",
    }
    assert owner.post("/settings/save", form).status_code == 302
    page = owner.get("/settings/").text
    assert 'value="Acme GmbH"' in page and 'value="Acme Holding"' in page and 'value="30"' in page
    assert load_tenant(house.platform, slug="acme").locale == "de"
    with house.acme.read() as db:
        entry = db.query(AuditEntry).order_by(AuditEntry.id.desc()).first()
    assert (entry.action, entry.detail) == (
        "tenant.changed",
        {"fields": ["name", "locale", "retention_days", "controller"]},
    )
    for wrong, said in (
        ({"retention_days": "9999"}, "0 to 3650"),
        ({"retention_days": "x"}, "error"),
        ({"name": " "}, "enter a name"),
    ):
        assert said in owner.post("/settings/save", {**form, **wrong}).text
    with pytest.raises(InvalidRequest):
        change_tenant(house.acme, "x", "en", -1, {})
    assert 'name="retention_days"' in house.browser("privacy@example.org").get("/settings/").text


def test_the_operator_makes_a_tenant_and_invites_its_owner(house: Any) -> None:
    root = house.browser("root@example.org")
    page = root.get("/tenants/").text
    assert "Acme" in page and "Globex" in page and "ACME-ONLY" not in page
    form = {"name": "Initech", "slug": "initech", "locale": "en", "email": "boss@initech.example"}
    assert "name@example.org" in root.post("/tenants/add", {**form, "email": "none"}).text
    assert root.post("/tenants/add", form).status_code == 302
    made = load_tenant(house.platform, slug="initech")
    with made.read() as db:
        assert [e.action for e in db.query(AuditEntry).order_by(AuditEntry.id)] == ["tenant.created", "member.invited"]
    assert "taken" in root.post("/tenants/add", form).text
    assert "Initech" in root.get("/tenants/").text


def test_health_shows_every_part(house: Any) -> None:
    from webchatagent.admin.app import create_admin
    from webchatagent.doctor import look

    from .conftest import House

    app = create_admin(house.platform, doctor=look)
    page = House(house.platform, app, None, None, None, None, {}).browser("root@example.org").get("/health/").text  # type: ignore[arg-type]
    assert "The database answers (" in page and "lacking" in page and "Works with less" in page
    assert str(house.platform.settings.folder) not in page


def test_a_key_is_made_shown_once_used_and_revoked(house: Any, owner: Any) -> None:
    from webchatagent.core.apikeys import KeyRefused, authenticate

    owner.get("/keys/")
    form = {"name": "Shop <b>", "scopes": ["search", "bots:read"], "days": ""}
    page = owner.post("/keys/add", form).text
    key = page.split('<code id="new-key">')[1].split("<")[0]
    caller = authenticate(house.platform, key)
    assert caller.tenant.id == house.acme.id and caller.scopes == {"search", "bots:read"}
    page = owner.get("/keys/").text
    assert key not in page and "Shop &lt;b&gt;" in page and caller.prefix in page
    assert "api_key" not in page and "GLOBEX-ONLY" not in page
    for wrong in ({"scopes": []}, {"name": ""}, {"days": "9999"}, {"scopes": ["everything"]}):
        assert 'class="error"' in owner.post("/keys/add", {**form, **wrong}).text
    foreign = house.browser("owner@example.net")
    foreign.get("/keys/")
    assert foreign.post(f"/keys/{caller.prefix}/revoke").status_code == 404
    assert owner.post(f"/keys/{caller.prefix}/revoke").status_code == 302
    with pytest.raises(KeyRefused):
        authenticate(house.platform, key)
    page = owner.get("/audit/").text
    assert "made an API key" in page and "revoked an API key" in page and key not in page


@pytest.mark.seed("SR-180")
def test_a_deleted_bot_can_be_brought_back_and_deleted_for_good(house: Any, owner: Any) -> None:
    from webchatagent.core.bots import create_bot

    made = create_bot(house.acme, "short-lived", "Short-lived")
    assert "/bots/delete/" in owner.get(f"/bots/edit/{made.id}").text
    for action in ("bot.discarded", "bot.deleted"):
        assert "under Recently deleted" in owner.post(f"/bots/delete/{made.id}", follow_redirects=True).text
        assert owner.get(f"/bots/show/{made.id}").status_code == 404
        assert "Short-lived" not in owner.get("/bots/list/").text and "Short-lived" in owner.get("/deleted/").text
        assert "Short-lived" not in house.browser("owner@example.net").get("/deleted/").text
        way = "restore" if action == "bot.discarded" else "erase"
        owner.post(f"/deleted/bot/{made.id}/{way}")
        assert (owner.get(f"/bots/show/{made.id}").status_code == 200) == (way == "restore")
    assert "Short-lived" not in owner.get("/deleted/").text
    assert owner.post(f"/deleted/bot/{made.id}/restore").status_code == 404
    with house.acme.read() as db:
        entry = db.query(AuditEntry).order_by(AuditEntry.id.desc()).first()
    assert (entry.action, entry.target) == ("bot.deleted", "short-lived")


@pytest.mark.seed("SR-180")
def test_a_deleted_source_can_be_brought_back(house: Any, owner: Any) -> None:
    from webchatagent.core.sources import upload_file

    added = upload_file(house.acme, house.bot.id, "undone.txt", b"This was deleted by mistake.")
    house.run_jobs()
    path = f"/sources/{house.bot.id}/"
    owner.get(path)
    assert (
        "under Recently deleted"
        in owner.post(f"{path}source/{added.source_id}", {"do": "delete"}, follow_redirects=True).text
    )
    assert "undone.txt" not in owner.get(path).text
    assert f"/deleted/source/{added.source_id}/restore" in owner.get("/deleted/").text
    assert owner.post(f"/deleted/source/{added.source_id}/restore").headers["Location"] == f"/admin{path}"
    house.run_jobs()
    assert "undone.txt" in owner.get(path).text
