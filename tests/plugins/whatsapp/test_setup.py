"""Setting WhatsApp up: what the check says, the guide, what is copied, alerts, templates, and who may see what."""

from __future__ import annotations

import pytest

from webchatagent.core import plugins
from webchatagent.core.errors import Forbidden, InvalidRequest
from webchatagent.core.tenants import load_tenant
from webchatagent.plugins.whatsapp import begin, status
from webchatagent.plugins.whatsapp.webhook import verify_token

from .conftest import ANN, BUSINESS, NUMBER, number

READY = {"token": "token-of-acme", "app_secret": "secret-of-acme"}
TEMPLATE = {
    "name": "news",
    "language": "en",
    "status": "APPROVED",
    "category": "MARKETING",
    "components": [{"type": "BODY", "text": "Hello {{1}}, {{2}} is here."}],
}


def asked(tenant, graph, **values):
    """The problems of some settings."""
    return plugins.check(tenant, "whatsapp", {"api_url": graph.url, **values})


def test_the_check_leads_through_what_is_missing(acme, bot, graph):
    def field(**values):
        (problem,) = asked(acme, graph, **values)
        return problem.field, problem.cure

    assert field()[0] == "token"
    assert field(token="x")[0] == "app_secret"
    assert field(**READY, bot="nobody")[0] == "bot"
    assert field(**READY) == ("business_id", f"enter one of: {BUSINESS}")
    place, cure = field(**READY, business_id=BUSINESS)
    assert place == "phone_number_id" and f"{NUMBER} (+1 555-078-3881, Acme)" in cure
    assert field(token="wrong", app_secret="x", business_id=BUSINESS)[0] == "token"
    graph.numbers = [number(NUMBER, status="PENDING", code_verification_status="NOT_VERIFIED")]
    assert "WhatsApp Manager" in field(**READY, business_id=BUSINESS, phone_number_id=NUMBER)[1]
    assert graph.subscribed == []
    graph.numbers = [number(NUMBER)]
    assert asked(acme, graph, **READY, business_id=BUSINESS, phone_number_id=NUMBER) == []
    assert graph.subscribed == [BUSINESS], "the app hears of the messages from now on"


def test_hook_setup_values_and_alerts(here, there, client, seen):
    values = {v.label["en"]: v.value for v in here.hooks.each("setup_values", tenant=here) for v in [v[1]]}
    assert values["Callback URL"] == "/x/whatsapp/acme/webhook" and values["Verify token"] == verify_token(here)
    assert values["Number"] == "+1 555-078-3881 Acme · good quality"
    assert verify_token(there) not in values.values()
    assert [a.text["en"] for a in status.alerts(here)] == [
        "Meta has not called yet: enter the callback URL and the verify token there."
    ]
    query = {"hub.mode": "subscribe", "hub.verify_token": verify_token(here), "hub.challenge": "1"}
    assert client.get("/x/whatsapp/acme/webhook", query_string=query).text == "1"
    assert status.alerts(here) == [] and status.alerts(there) != []


def test_metas_notice_on_the_account_is_an_alert_until_it_works_again(here, meta, client):
    def notice(value):
        payload = meta.envelope({}, "account_update")
        payload["entry"][0]["changes"][0]["value"] = value
        assert meta.post(payload).status_code == 200

    def troubled():
        return any("restricted" in a.text["en"] for a in status.alerts(here))

    notice({"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "ADULT"}})
    assert troubled()
    notice({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}})
    assert not troubled()


def test_the_number_is_looked_at_by_the_clock(here, graph, seen):
    graph.numbers = [number(NUMBER, quality_rating="RED")]
    status.look(here)
    assert any("quality" in a.text["en"] for a in status.alerts(here))
    graph.token = "another"
    status.look(here)
    assert any("access token" in a.text["en"] for a in status.alerts(here))


@pytest.mark.seed("SR-138")
@pytest.mark.parametrize(
    ("language", "word"), [("en", "Set up WhatsApp"), ("de", "WhatsApp einrichten"), ("hi", "सेट करें")]
)
def test_hook_guides_is_public_localised_and_shows_nothing_of_a_tenant(here, client, language, word):
    page = client.get(f"/integrations/whatsapp?lang={language}")
    assert page.status_code == 200 and word in page.text and f'lang="{language}"' in page.text
    assert (
        "/x/whatsapp/acme" not in page.text and verify_token(here) not in page.text and "acme" not in page.text.lower()
    )
    assert client.get("/integrations/calendar").status_code == client.get("/integrations/x").status_code == 404


@pytest.mark.seed("SR-135")
def test_nobody_is_written_to_first_without_an_optin_and_an_approved_template(
    acme, bot, switch, meta, graph, seen, run_jobs, scripted_model
):
    tenant = switch(acme, optin_text="News twice a month.")
    graph.templates = [TEMPLATE, {**TEMPLATE, "language": "de", "status": "REJECTED"}]

    def send(phone=f"+{ANN}", language="en", proof="", values=("Ann", "spring")):
        return begin.send_template(tenant, phone, "news", language, values, proof)

    with pytest.raises(Forbidden) as caught:
        send()
    assert caught.value.code == "optin_missing"
    meta.say("Hello")
    run_jobs()
    with pytest.raises(Forbidden):
        send()  # the window is open, but nobody agreed to marketing
    for wrong in ({"language": "de"}, {"language": "fr"}, {"values": ("Ann",)}, {"phone": "12"}):
        with pytest.raises(InvalidRequest):
            send(**wrong, proof="signed form, folder 7")
    meta.say("START")
    run_jobs()
    send()
    run_jobs()
    assert graph.sent[-1]["template"]["name"] == "news"
    assert seen(tenant, "message")[-1].text == "Hello Ann, spring is here."
    meta.say("STOP")
    run_jobs()
    with pytest.raises(Forbidden) as caught:
        send(proof="an old form")
    assert caught.value.code == "optin_withdrawn"
    send(phone="+91 98 1234 5678", proof="signed form, folder 7")
    run_jobs()
    assert graph.sent[-1]["to"] == "919812345678" and graph.sent[-1]["type"] == "template"


def test_a_template_that_waits_is_not_sent_after_stop(acme, bot, switch, meta, graph, seen, run_jobs, scripted_model):
    tenant = switch(acme)
    graph.templates = [TEMPLATE]
    begin.send_template(tenant, ANN, "news", "en", ("Ann", "spring"), "signed form")
    with tenant.write() as db:
        db.query(status.Number).update({"trouble": ""})
        from webchatagent.plugins.whatsapp.models import Person

        db.query(Person).update({"stopped": True})
    run_jobs()
    assert graph.sent == [] and [o.reason for o in seen(tenant)] == ["why_stopped"]


def test_another_server_must_be_named_in_full_and_ids_are_numbers():
    from pydantic import ValidationError

    from webchatagent.plugins.whatsapp.config import Config

    for values in ({"api_url": "graph.facebook.com"}, {"business_id": "12 34"}, {"phone_number_id": "+49"}):
        with pytest.raises(ValidationError):
            Config(**values)
    assert Config(api_url="https://graph.facebook.com/v23.0").api_url.endswith("/")


def test_off_the_values_can_still_be_copied(here):
    plugins.disable(here, "whatsapp")
    tenant = load_tenant(here.platform, slug="acme")
    assert tenant.hooks.each("setup_values", tenant=tenant) == []
    alone = tenant.platform.registry.alone("whatsapp").each("setup_values", tenant=tenant)
    assert next(v.value for _, v in alone) == "/x/whatsapp/acme/webhook"
