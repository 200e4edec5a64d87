"""What visitors of a website are asked, what is handed out for which answer, and what the ledger keeps."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy import select

from webchatagent.core import plugins
from webchatagent.core.clock import now
from webchatagent.core.consents import purge_consents, record_consent
from webchatagent.core.db.chats import ChatSession
from webchatagent.core.db.records import ConsentRecord
from webchatagent.core.hookspecs import hookimpl, needs_consent
from webchatagent.core.privacy import Subject
from webchatagent.core.registry import Hooks, PluginRefused
from webchatagent.core.tenants import load_tenant
from webchatagent.plugins.consent.choices import asked, wording
from webchatagent.web.app import create_public

NUMBER = "0123456789abcdef0123456789abcdef0123"


@pytest.fixture
def switch(platform):
    """A function that switches plugins on for a tenant, with settings by plugin, and gives the tenant as it is then."""

    def on(tenant, **settings):
        for plugin, values in settings.items():
            plugins.configure(tenant, plugin, values)
            plugins.enable(tenant, plugin)
        return load_tenant(platform, slug=tenant.slug)

    return on


GTM, PIXEL = {"container_id": "gtm-abc1234"}, {"pixel_id": "1234567890"}


@pytest.fixture
def here(acme, bot, switch):
    """The first tenant, with everything."""
    return switch(acme, consent={}, tag_manager=GTM, facebook_pixel=PIXEL)


@pytest.fixture
def there(globex, foreign_bot, switch):
    """The second one, which has nothing to ask."""
    return switch(globex, consent={}, tag_manager={})


@pytest.fixture
def web(platform):
    """The public app."""
    return create_public(platform).test_client()


def ledger(tenant):
    with tenant.read() as db:
        return list(db.scalars(select(ConsentRecord).order_by(ConsentRecord.id)))


def answer(web, tenant, bot, choices, more=()):
    """A visitor's answer, as the layer sends it."""
    versions = {name: a.version for name, a in asked(tenant).items()}
    body = {"id": NUMBER, "choices": choices, "versions": versions, **dict(more)}
    path = f"/x/consent/{tenant.slug}/choice/de?chatbotId={bot.public_id}"
    return web.post(path, data=json.dumps(body), headers={"Origin": "http://localhost", "Content-Type": "text/plain"})


def test_hook_site_purposes_gives_what_is_set_up(here, there):
    assert {n: [s.service for s in a.services] for n, a in asked(here).items()} == {
        "statistics": ["Google Tag Manager"],
        "marketing": ["Meta Pixel"],
    }
    assert asked(there) == {}


def test_hook_site_tags_is_not_called_without_its_consent(here, web):
    def tags(purposes):
        return web.get(f"/x/consent/acme/tags/{purposes}.js").text

    assert "GTM-ABC1234" in tags("statistics") and "1234567890" not in tags("statistics")
    assert "1234567890" in tags("marketing") and "GTM-ABC1234" not in tags("marketing")
    both = tags("marketing.statistics")
    assert "1234567890" in both and both.index("'default'") < both.index("'update'") < both.index("gtm.js?id=")
    for wrong in ("", "all", "statistics.all", "statistics,marketing", "%20"):
        assert web.get(f"/x/consent/acme/tags/{wrong}.js").status_code == 404
    layer = web.get("/x/consent/acme/consent.js")
    assert (
        "GTM-ABC1234" not in layer.text
        and "googletagmanager" not in layer.text
        and "connect.facebook" not in layer.text
    )
    assert web.get("/x/consent/globex/consent.js").status_code == 404


def module(function):
    """A plugin of one hook."""
    made = ModuleType("tester")
    setattr(made, function.__name__, function)
    return made


def test_a_hook_about_a_person_asks_the_ledger(bot, foreign_bot):
    tenant, called = bot.tenant, []

    @needs_consent("marketing")
    @hookimpl
    def subject_locate(tenant, subject):
        called.append(tenant.slug)
        return []

    hooks = Hooks({"tester": module(subject_locate)}, "tenant")
    talks = {}
    for its in (bot, foreign_bot):
        with its.tenant.write() as db:
            talk = ChatSession(bot_id=its.id, key_hash=str(its.id).rjust(64, "0"))
            db.add(talk)
            db.flush()
            talks[its.tenant.slug] = talk.id

    def call(its):
        hooks.call("subject_locate", tenant=its.tenant, subject=Subject(session_id=talks[its.tenant.slug]))

    call(bot)
    for granted in (True, False):
        with tenant.write() as db:
            record_consent(db, "marketing", granted, "w", session_id=talks["acme"])
            record_consent(db, "statistics", True, "w", session_id=talks["acme"])
        call(bot), call(foreign_bot)
    assert called == ["acme"], "once, while the yes was the last word"


def test_a_hook_about_nobody_cannot_be_bound():
    @needs_consent("marketing")
    @hookimpl
    def routes(tenant):
        return []

    with pytest.raises(PluginRefused, match="nobody who could consent"):
        Hooks({"tester": module(routes)}, "tenant")


def test_an_answer_is_kept_with_its_text_and_leads_to_nobody(here, web, bot, foreign_bot):
    assert answer(web, here, bot, {"statistics": True, "marketing": False}).json == {"ok": True}
    rows = ledger(here)
    assert [(r.purpose, r.granted, r.channel) for r in rows] == [
        ("marketing", False, "site"),
        ("statistics", True, "site"),
    ]
    from webchatagent.core.consents import wording_hash

    assert rows[1].wording == wording_hash(wording(here, asked(here)["statistics"], "de"))
    assert all(r.session_id is r.contact_id is None and NUMBER not in r.proof and len(r.proof) == 72 for r in rows)
    assert purge_consents(here, now() + timedelta(days=1000)) == 0
    assert purge_consents(here, now() + timedelta(days=1100)) == 2
    assert ledger(foreign_bot.tenant) == []


@pytest.mark.parametrize(
    "change",
    [
        {"choices": {"statistics": "true"}},
        {"choices": {"statistics": 1}},
        {"choices": {"everything": True}},
        {"choices": {}},
        {"choices": ["statistics"]},
        {"choices": None},
        {"versions": {}},
        {"versions": {"statistics": "0" * 16}},
        {"versions": "x"},
        {"id": "short"},
        {"id": 5},
        {"id": "<script>alert(1)</script>"},
    ],
)
def test_answers_that_were_tampered_with_are_no_answers(here, web, bot, change):
    assert answer(web, here, bot, {"statistics": True}, change).status_code in (409, 422)
    assert ledger(here) == []


def test_another_page_cannot_answer(here, web, bot, foreign_bot):
    path = "/x/consent/acme/choice"
    for query, origin in ((f"?chatbotId={bot.public_id}", "https://evil.example"), ("", "https://evil.example")):
        assert web.post(path + query, data="{}", headers={"Origin": origin}).status_code == 403
    assert web.post(f"{path}?chatbotId={foreign_bot.public_id}", data="{}").status_code == 404


def test_the_same_is_there_below_api(here, there, web, bot, foreign_bot):
    told = web.get(f"/api/consent?chatbotId={bot.public_id}").json
    assert [p["name"] for p in told["purposes"]] == ["statistics", "marketing"] and set(told["texts"]) == {
        "en",
        "de",
        "hi",
    }
    versions = {p["name"]: p["version"] for p in told["purposes"]}
    body = {"chatbotId": bot.public_id, "id": NUMBER, "choices": {"statistics": True}, "versions": versions}
    assert web.post("/api/consent", json=body).json == {"ok": True} and len(ledger(here)) == 1
    assert web.get(f"/api/consent?chatbotId={foreign_bot.public_id}").json["purposes"] == []
    assert web.get("/api/consent").status_code == 404 and web.post("/api/leads", json=body).status_code == 404


def test_only_another_service_is_another_question(here, switch, acme):
    before = {name: a.version for name, a in asked(here).items()}
    same = {name: a.version for name, a in asked(switch(acme, consent={"text": "Other words"})).items()}
    more = asked(switch(acme, tag_manager={"advertising": True}))
    assert same == before
    assert more["statistics"].version == before["statistics"] and more["marketing"].version != before["marketing"]


@pytest.mark.parametrize("plugin", ["tag_manager", "facebook_pixel"])
def test_without_the_layer_somebody_is_told_that_nothing_is_loaded(globex, switch, plugin):
    tenant = switch(globex, **{plugin: GTM if plugin == "tag_manager" else PIXEL})
    ((_, alert),) = tenant.hooks.each("alerts", tenant=tenant)
    assert set(alert.text) == {"en", "de", "hi"}
    tenant = switch(globex, consent={})
    assert tenant.hooks.each("alerts", tenant=tenant) == []


def test_the_notice_names_who_sees_visitors(here, there):
    def told(tenant):
        found = [d for _, d in tenant.hooks.each("privacy_disclosures", tenant=tenant)]
        return {d.recipient for d in found if d.purpose in ("statistics", "marketing") and d.basis == "consent"}

    assert told(here) == {"Google Ireland Ltd.", "Meta Platforms Ireland Ltd."} and told(there) == set()


@pytest.mark.parametrize("values", [{"container_id": "GTM-1'};x"}, {"container_id": "UA-12345"}])
def test_a_container_cannot_hold_code(acme, values):
    with pytest.raises(plugins.PluginProblems):
        plugins.configure(acme, "tag_manager", values)
    with pytest.raises(plugins.PluginProblems):
        plugins.configure(acme, "facebook_pixel", {"pixel_id": "1'//"})


def test_a_tenants_words_are_words_in_the_script(acme, switch, web):
    switch(acme, consent={"text": "</script><img src=x>\u2028'\"`${1}"}, tag_manager=GTM)
    code = web.get("/x/consent/acme/consent.js").text
    assert "</script>" not in code and "\u2028" not in code and re.search(r"\\u003c/script>", code)
