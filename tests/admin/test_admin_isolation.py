"""Two tenants: the second's owner gets nothing of the first, by any way in."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

MARK = "ACME-ONLY"


@pytest.fixture(scope="module")
def mallory(house: Any) -> Any:
    """The owner of the other tenant."""
    return house.browser("owner@example.net")


def document(house: Any, tables: Any, tenant: Any, number: int) -> Any:
    """A row behind the screens."""
    with tenant.read() as db:
        return db.get(tables["document"], number)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/bots/list/",
        "/bots/list/?_flt_2_name=ACME",
        "/bots/list/?_flt_0_tenant_id=1",
        "/bots/list/?psize_BotsView=100",
        "/conversations/",
        "/papers/list/",
        "/papers/list/?_flt_2_title=ACME",
        "/papers/add",
        "/account/",
    ],
)
def test_lists_filters_and_drop_downs_show_nothing_foreign(mallory: Any, path: str) -> None:
    answer = mallory.get(path)
    assert answer.status_code == 200
    assert MARK not in answer.text


def test_filters_and_drop_downs_have_the_own_rows(mallory: Any) -> None:
    assert "GLOBEX-ONLY Hilfe" in mallory.get("/papers/add").text
    assert "GLOBEX-ONLY-DOC" in mallory.get("/papers/list/?_flt_2_title=GLOBEX").text


@pytest.mark.parametrize(
    "path",
    [
        "/bots/show/{bot}",
        "/bots/edit/{bot}",
        "/papers/show/{document}",
        "/papers/edit/{document}",
        "/sources/{bot}/",
        "/sources/{bot}/state",
        "/conversations/{talk}",
        "/papers/list/?source={source}",
    ],
)
def test_nothing_foreign_opens_by_its_number(house: Any, mallory: Any, path: str) -> None:
    answer = mallory.get(path.format(**house.ids["acme"]), headers={"X-Requested-With": "XMLHttpRequest"})
    assert answer.status_code in (200, 404)
    assert MARK not in answer.text
    assert answer.status_code == 404 or "list" in path


def test_the_conversations_of_a_foreign_bot_are_not_filtered_in(house: Any, mallory: Any) -> None:
    assert MARK not in mallory.get(f"/conversations/?bot={house.bot.id}").text


@pytest.mark.parametrize(
    "path, data",
    [
        ("/bots/edit/{bot}", {"name": "Mine", "locale": "en", "accent": "#000000"}),
        ("/papers/edit/{document}", {"title": "Mine"}),
        ("/papers/delete/{document}", {}),
        ("/papers/action/touch/{document}", {}),
        ("/papers/action_post", {"action": "touch", "rowid": "{document}"}),
        ("/sources/{bot}/website", {"url": "https://x.example.org"}),
        ("/sources/{bot}/documents", {"do": "delete", "id": "{document}"}),
        ("/sources/{bot}/source/{source}", {"do": "delete"}),
    ],
)
def test_nothing_foreign_is_written(house: Any, mallory: Any, tables: Any, path: str, data: dict[str, str]) -> None:
    ids = house.ids["acme"]
    mallory.get("/")
    answer = mallory.post(path.format(**ids), {k: v.format(**ids) for k, v in data.items()})
    assert answer.status_code == 404
    assert document(house, tables, house.acme, ids["document"]).title == f"{MARK}-DOC-0"
    with house.acme.read() as db:
        assert db.get(tables["source"], ids["source"]) is not None


def test_an_own_bot_does_not_reach_foreign_documents_or_sources(house: Any, mallory: Any, tables: Any) -> None:
    ids, own = house.ids["acme"], house.ids["globex"]["bot"]
    mallory.get("/")
    mallory.post(f"/sources/{own}/documents", {"do": "delete", "id": str(ids["document"])})
    assert mallory.post(f"/sources/{own}/source/{ids['source']}", {"do": "delete"}).status_code == 404
    assert document(house, tables, house.acme, ids["document"]) is not None


def test_a_foreign_parent_in_a_form_is_refused(house: Any, mallory: Any, tables: Any) -> None:
    ids, own = house.ids["acme"], house.ids["globex"]
    mallory.get("/papers/add")
    for source, bot in ((ids["source"], own["bot"]), (own["source"], ids["bot"])):
        answer = mallory.post(
            "/papers/add", {"title": "PLANTED", "external_id": "p", "source": str(source), "bot": str(bot)}
        )
        assert MARK not in answer.text
    mallory.get(f"/papers/edit/{own['document']}")
    mallory.post(
        f"/papers/edit/{own['document']}", {"title": "MOVED", "source": str(ids["source"]), "bot": str(own["bot"])}
    )
    with house.acme.read() as db:
        assert not db.query(tables["document"]).filter(tables["document"].title.in_(["PLANTED", "MOVED"])).count()
    with house.globex.read() as db:
        assert not db.query(tables["document"]).filter(tables["document"].title == "PLANTED").count()


def test_excluded_columns_are_not_filled_by_the_address(house: Any, mallory: Any, tables: Any) -> None:
    ids, own = house.ids["acme"], house.ids["globex"]
    mallory.get("/papers/add")
    mallory.post(
        f"/papers/add?_flt_0_source={ids['source']}", {"title": "PLANTED2", "external_id": "q", "bot": str(own["bot"])}
    )
    with house.acme.read() as db:
        assert not db.query(tables["document"]).filter(tables["document"].title == "PLANTED2").count()


def test_an_upload_into_a_foreign_bot_is_refused(house: Any, mallory: Any, tables: Any) -> None:
    mallory.get("/")
    answer = mallory.post(
        f"/sources/{house.bot.id}/upload",
        {"name": "planted.txt", "file": (io.BytesIO(b"hello"), "planted.txt")},
        headers={"X-Requested-With": "XMLHttpRequest"},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 404
    assert answer.json["error"]["code"] == "bot_not_found"
    with house.acme.read() as db:
        assert not db.query(tables["document"]).filter(tables["document"].name == "planted.txt").count()


def test_a_forged_tenant_in_the_session_falls_back_to_the_own(house: Any) -> None:
    browser = house.browser("owner@example.net")
    with browser.client.session_transaction() as kept:
        kept["tenant_id"] = house.acme.id
    page = browser.get("/").text
    assert MARK not in page and "GLOBEX-ONLY Hilfe" in page
    browser.post("/account/tenant", {"tenant": str(house.acme.id)})
    assert MARK not in browser.get("/").text


def test_actions_get_the_chosen_rows_of_the_own_tenant(house: Any, mallory: Any) -> None:
    own = house.ids["globex"]["document"]
    mallory.get("/papers/list/")
    assert mallory.post("/papers/action_post", {"action": "touch", "rowid": str(own)}).status_code == 302
    assert mallory.post("/papers/action_post", {"action": "unknown", "rowid": str(own)}).status_code == 404


def test_no_screen_says_sql(house: Any, mallory: Any) -> None:
    own = house.ids["globex"]
    mallory.get("/papers/add")
    for _ in range(2):  # the second breaks a unique constraint
        answer = mallory.post(
            "/papers/add",
            {"title": "T", "external_id": "twice", "source": str(own["source"]), "bot": str(own["bot"])},
            follow_redirects=True,
        )
    assert "already taken" in answer.text
    for path in (
        "/papers/show/9999999999999999999999",
        "/bots/show/x",
        "/papers/list/?page_PapersView=x&_oc_PapersView=nope&_od_PapersView=asc",
        "/papers/list/?_flt_9_title=a",
        "/conversations/?page=-1&bot=x",
        f"/sources/{own['bot']}/?page=99999999999&source=x",
    ):
        answer = mallory.get(path)
        assert answer.status_code in (200, 302, 404), path
        assert not re.search(r"SELECT|INSERT|sqlite|Traceback", answer.text), path


def test_conversation_text_never_becomes_markup(house: Any, mallory: Any) -> None:
    page = mallory.get(f"/conversations/{house.ids['globex']['talk']}").text
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    assert "<img src=x" not in page and "<strong>bold</strong>" in page
    assert 'href="javascript' not in page
