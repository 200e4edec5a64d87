"""Adding sources and watching them; bots; the overview."""

from __future__ import annotations

import errno
import io
from typing import Any

import pytest
from sqlalchemy import select

from webchatagent.admin.botforms import origin_of, slug_of
from webchatagent.admin.fab import session as request_session
from webchatagent.core import sources
from webchatagent.core.bots import find_bot
from webchatagent.core.db.sources import Document, Source
from webchatagent.core.errors import InvalidRequest


@pytest.fixture(scope="module")
def owner(house: Any) -> Any:
    """The owner of the first tenant."""
    return house.browser("owner@example.org")


def upload(browser: Any, bot: int, name: str, data: bytes) -> Any:
    """One file as the page's script sends it."""
    browser.get("/")
    return browser.client.post(
        f"/sources/{bot}/upload",
        data={"name": name, "file": (io.BytesIO(data), "blob")},
        headers={"X-Requested-With": "XMLHttpRequest", "X-CSRFToken": browser.token},
    )


def test_an_uploaded_file_becomes_searchable(house: Any, owner: Any) -> None:
    page = owner.get(f"/sources/{house.bot.id}/").text
    assert "Drop files or folders here" in page
    answer = upload(
        owner, house.bot.id, "handbook/opening.txt", b"We are open from nine to five on every day of the week."
    )
    assert answer.status_code == 200 and answer.json == {"documents": 1, "unchanged": 0}
    state = owner.get(f"/sources/{house.bot.id}/state").json
    assert state["busy"] is True
    assert "Waiting" in state["rows"][0]["html"]
    house.run_jobs()
    state = owner.get(f"/sources/{house.bot.id}/state").json
    assert state["busy"] is False
    assert "Searchable" in state["rows"][0]["html"] and "handbook/opening.txt" in state["rows"][0]["html"]
    again = upload(
        owner, house.bot.id, "handbook/opening.txt", b"We are open from nine to five on every day of the week."
    )
    assert again.json == {"documents": 0, "unchanged": 1}


def test_two_uploads_at_once_do_not_wait_for_each_other(house: Any) -> None:
    import threading

    codes: list[int] = []

    def send(n: int) -> None:
        browser = house.browser("owner@example.org")
        codes.extend(
            upload(browser, house.bot.id, f"many-{n}-{i}.txt", b"Some text that says enough.").status_code
            for i in range(4)
        )

    threads = [threading.Thread(target=send, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert codes == [200] * 12


@pytest.mark.parametrize(
    "name, clean", [("../../etc/passwd", "etc/passwd"), ("a\\b.txt", "a/b.txt"), ("/x/./y.txt", "x/y.txt")]
)
def test_names_cannot_climb(house: Any, owner: Any, name: str, clean: str) -> None:
    assert upload(owner, house.bot.id, name, f"text of {name}".encode()).status_code == 200
    with house.acme.read() as db:
        assert db.scalar(select(Document).where(Document.external_id == clean)) is not None


def test_a_full_disk_is_said(house: Any, owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sources, "upload_file", full)
    answer = upload(owner, house.bot.id, "x.txt", b"x")
    assert answer.status_code == 507
    assert answer.json["error"]["code"] == "no_space" and "no space left" in answer.json["error"]["message"]


def test_a_crash_says_nothing_of_its_cause(house: Any, owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any) -> None:
        raise RuntimeError("SELECT secret FROM table")

    monkeypatch.setattr(sources, "upload_file", crash)
    answer = upload(owner, house.bot.id, "x.txt", b"x")
    assert answer.status_code == 500 and "secret" not in answer.text


def test_too_large_and_empty_uploads_are_said(house: Any, owner: Any) -> None:
    answer = upload(owner, house.bot.id, "big.txt", b"x" * 51_500_000)
    assert answer.status_code == 413 and "50 MB" in answer.json["error"]["message"]
    owner.get("/")
    answer = owner.post(f"/sources/{house.bot.id}/upload", headers={"X-Requested-With": "XMLHttpRequest"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "url",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "uploads",
        "docs",
        "ftp://example.org/",
        "http://",
        "https://u:p@example.org",
        "a b.org",
        "",
    ],
)
def test_only_web_addresses_are_websites(house: Any, owner: Any, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "add_source", lambda *_: pytest.fail("it reached core"))
    owner.get("/")
    answer = owner.post(f"/sources/{house.bot.id}/website", {"url": url}, follow_redirects=True)
    assert "Please enter a web address" in answer.text


def test_a_website_is_queued_and_shown(house: Any, owner: Any) -> None:
    owner.get("/")
    answer = owner.post(f"/sources/{house.bot.id}/website", {"url": "shop.example.com"}, follow_redirects=True)
    assert "The website is being read" in answer.text
    with house.acme.read() as db:
        row = db.scalar(select(Source).where(Source.target == "https://shop.example.com"))
    assert row is not None and row.state == "syncing"
    assert "Being read" in owner.get(f"/sources/{house.bot.id}/state").json["cards"]
    owner.post(f"/sources/{house.bot.id}/source/{row.id}", {"do": "delete"})
    with house.acme.read() as db:
        assert db.get(Source, row.id) is None


def test_uploads_are_never_read_anew_from_this_server(house: Any, owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "request_sync", lambda *_: pytest.fail("it reached core"))
    upload(owner, house.bot.id, "one.txt", b"One text.")
    with house.acme.read() as db:
        row = db.scalar(select(Source).where(Source.target == "uploads"))
    assert owner.post(f"/sources/{house.bot.id}/source/{row.id}", {"do": "sync"}).status_code == 404


def test_documents_are_retried_and_deleted(house: Any, owner: Any) -> None:
    upload(owner, house.bot.id, "twice.txt", b"A text that failed once.")
    house.run_jobs()
    with house.acme.write() as db:
        row = db.scalar(select(Document).where(Document.external_id == "twice.txt"))
        row.state, row.error = "broken", "The document could not be processed. (try again, or send it to support)"
    page = owner.get(f"/sources/{house.bot.id}/?show=trouble&q=twice").text
    assert "Damaged" in page and "could not be processed" in page
    assert (
        "1 document is being read again"
        in owner.post(
            f"/sources/{house.bot.id}/documents", {"do": "retry", "id": str(row.id)}, follow_redirects=True
        ).text
    )
    house.run_jobs()
    assert "Searchable" in owner.get(f"/sources/{house.bot.id}/?q=twice").text
    owner.post(f"/sources/{house.bot.id}/documents", {"do": "delete", "id": str(row.id)})
    with house.acme.read() as db:
        assert db.get(Document, row.id) is None


def test_many_documents_have_pages(house: Any, owner: Any) -> None:
    from webchatagent.core.bots import create_bot

    bot = create_bot(house.acme, "many", "Many")
    source = sources.ensure_source(house.acme, bot.id, "website", "https://many.example.org/")
    with house.acme.write() as db:
        db.add_all(
            Document(
                source_id=source,
                bot_id=bot.id,
                external_id=f"p{n:04}",
                title=f"Page {n:04}",
                state="searchable",
                chunks=2,
                vectors=n % 3,
            )
            for n in range(512)
        )
    page = owner.get(f"/sources/{bot.id}/").text
    assert "1 to 50 of 512" in page and "Page 0511" in page and "meaning: 1 of 2" in page
    page = owner.get(f"/sources/{bot.id}/?page=11").text
    assert "501 to 512 of 512" in page and "Page 0000" in page
    assert "Page 0007" in owner.get(f"/sources/{bot.id}/?q=0007").text


def test_a_bot_is_made_and_set(house: Any, owner: Any) -> None:
    owner.get("/bots/add")
    answer = owner.post("/bots/add", {"name": "Größe & Maß", "locale": "de", "greeting": "Hallo"})
    assert answer.status_code == 302
    bot = find_bot(house.platform, "acme/groesse-mass")
    page = owner.get(answer.headers["Location"].removeprefix("/admin")).text
    assert f"data-bot=&#34;{bot.public_id}&#34; defer" in page and f"/chat/{bot.public_id}" in page
    assert owner.get(f"/bots/edit/{bot.id}").status_code == 200
    form = {
        "name": "Maß",
        "locale": "hi",
        "greeting": "",
        "accent": "#123456",
        "theme": "dark",
        "position": "left",
        "close_behaviour": "end",
        "teaser": "Questions?",
        "teaser_seconds": "12",
        "open_seconds": "0",
        "suggestions": "One?\n\nTwo?",
        "unknown_answer": "Ask us.",
        "instructions": "",
        "allowed_origins": "www.Example.org/path\nhttp://localhost:3000",
        "max_message": "500",
        "session_days": "3650",
        "api_key_required": "y",
    }
    assert owner.post(f"/bots/edit/{bot.id}", form).status_code == 302
    bot = find_bot(house.platform, "acme/groesse-mass")
    assert (bot.name, bot.locale, bot.settings.suggestions) == ("Maß", "hi", ["One?", "Two?"])
    assert bot.settings.allowed_origins == ["https://www.example.org", "http://localhost:3000"]
    assert (bot.settings.teaser, bot.settings.teaser_seconds, bot.settings.open_seconds) == ("Questions?", 12, 0)
    assert (bot.settings.max_message, bot.settings.session_days, bot.settings.api_key_required) == (500, 3650, True)
    assert bot.settings.accent == "#123456" and bot.settings.close_behaviour == "end"


@pytest.mark.parametrize(
    "field, value, says",
    [
        ("name", "  ", "Please fill in"),
        ("accent", "red", "choose a colour"),
        ("allowed_origins", "javascript:alert(1)", "Please write each address"),
        ("teaser", "x" * 141, "too long"),
        ("teaser_seconds", "3601", "from 0 to 3600"),
        ("open_seconds", "soon", "from 0 to 3600"),
        ("max_message", "99", "from 100 to 4000"),
        ("max_message", "4001", "from 100 to 4000"),
        ("session_days", "3651", "from 0 to 3650"),
        ("suggestions", "1\n2\n3\n4\n5", "four questions at most"),
    ],
)
def test_wrong_settings_are_said_at_the_field(house: Any, owner: Any, field: str, value: str, says: str) -> None:
    owner.get("/")
    form = {
        "name": "N",
        "locale": "en",
        "accent": "#123456",
        "theme": "dark",
        "position": "left",
        "close_behaviour": "end",
        field: value,
    }
    answer = owner.post(f"/bots/edit/{house.bot.id}", form)
    assert answer.status_code == 200 and says in answer.text


def test_a_taken_name_gets_a_number_and_a_taken_slug_too(house: Any, owner: Any) -> None:
    for _ in range(2):
        owner.get("/bots/add")
        assert owner.post("/bots/add", {"name": "Same", "locale": "en"}).status_code == 302
    assert find_bot(house.platform, "acme/same-2").name == "Same"


def test_slugs_and_origins() -> None:
    assert [slug_of(n) for n in ("Café Zürich!", "साइकिल", "  -- ")] == ["cafe-zuerich", "bot", "bot"]
    assert [
        origin_of(t)
        for t in (
            "example.org",
            "HTTPS://A.example.org:8443/x?y",
            "https://a b",
            "ftp://x.org",
            "localhost:1",
            "https://x@y.org",
            "http://[::1",
        )
    ] == ["https://example.org", "https://a.example.org:8443", None, None, "https://localhost:1", None, None]


def test_the_overview_tells_what_to_do_first(house: Any) -> None:
    from webchatagent.admin.accounts import create_user
    from webchatagent.core.tenants import create_tenant

    fresh = create_tenant(house.platform, "fresh", "Fresh")
    create_user(house.platform, "fresh@example.org", tenant=fresh, role="owner", password="a long enough secret")
    browser = house.browser("fresh@example.org")
    assert "Make your first bot" in browser.get("/").text
    browser.get("/bots/add")
    browser.post("/bots/add", {"name": "First", "locale": "en"})
    assert "Add the first source" in browser.get("/").text


def test_without_an_embedding_model_it_is_said(house: Any, owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from webchatagent.admin.views import home

    assert "Search by words and by meaning" in owner.get("/").text
    monkeypatch.setattr(home, "embedding_model", lambda _: None)
    assert "Search by words only" in owner.get("/").text


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/bots/list/",
        "/bots/show/{bot}",
        "/bots/edit/{bot}",
        "/bots/add",
        "/sources/{bot}/",
        "/sources/{bot}/state",
        "/conversations/",
        "/conversations/{talk}",
        "/papers/list/",
        "/account/",
    ],
)
def test_pages_cost_ten_statements_at_most(house: Any, owner: Any, statements: list[str], path: str) -> None:
    path = path.format(**house.ids["acme"])
    owner.get(path)
    statements.clear()
    assert owner.get(path).status_code == 200
    print(f"\nSQL {len(statements):2} {path}")
    assert len(statements) <= 10, statements


def test_a_page_needs_a_tenant(house: Any) -> None:
    with house.app.test_request_context("/"), pytest.raises(RuntimeError):
        request_session.tenant()


def test_explanations_of_core_errors_have_codes() -> None:
    from webchatagent.admin.views.sources import nothing_reads

    assert nothing_reads(InvalidRequest("x", field="target")).code == "nothing_reads"
