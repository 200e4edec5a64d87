"""Signing up, confirming and leaving, as a reader and as somebody with bad intent."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from webchatagent.core.api import InvalidRequest, ToolContext, wording_hash
from webchatagent.core.db.records import ConsentRecord
from webchatagent.plugins.newsletter import signup, tools
from webchatagent.plugins.newsletter.words import consent_text
from webchatagent.web.app import create_public

from .conftest import ADA, mails, subscribers, tokens

HOW = {"language": "en", "channel": "page"}
SIGNUP = "/x/newsletter/acme/signup"


def ask(tenant, email=ADA, **more):
    signup.ask(tenant, email, True, **{**HOW, "address": "192.0.2.77", **more})


def ledger(tenant):
    with tenant.read() as db:
        return list(db.scalars(select(ConsentRecord).order_by(ConsentRecord.id)))


@pytest.mark.seed("SR-100", "SR-103")
def test_nobody_is_subscribed_before_the_link_and_the_proof_is_kept(here, there, clock):
    ask(here)
    (row,) = subscribers(here)
    assert (row.state, row.asked_at, row.asked_from, row.confirmed_at) == ("pending", clock.at, "192.0.2.0", None)
    assert ledger(here) == []
    clock.pass_by(hours=2)
    assert signup.confirm(here, tokens(here)[0], "2001:db8:1:2::3") == "confirmed"
    (row,) = subscribers(here)
    assert (row.state, row.confirmed_at, row.confirmed_from) == ("confirmed", clock.at, "2001:db8:1::")
    (proof,) = ledger(here)
    assert proof.granted and proof.wording == row.wording == wording_hash(consent_text(here, "en"))
    assert (proof.purpose, proof.proof) == ("newsletter", f"newsletter:{row.public_id}")
    assert subscribers(there) == [] and [m[0] for m in mails(here)] == ["newsletter_confirm", "newsletter_welcome"]


def test_a_link_works_once_and_a_scanner_of_mails_confirms_nothing(platform, here):
    client = create_public(platform).test_client()
    ask(here)
    link = f"/x/newsletter/acme/confirm/{tokens(here)[0]}"
    assert client.get(link).status_code == 200 and subscribers(here)[0].state == "pending"
    assert "you are subscribed" in client.post(link).text
    assert "already" in client.post(link).text
    signup.end_all(here, signup.Subscriber.email == ADA, "link")
    assert client.post(link).status_code == 410 and subscribers(here)[0].state == "unsubscribed"


def test_links_end_and_are_bound_to_their_tenant_and_newer_ones_replace_them(here, there, clock):
    ask(here)
    first = tokens(here)[0]
    ask(here)
    assert len(tokens(here)) == 1, "a mailbox is not flooded"
    clock.pass_by(minutes=16)
    ask(here)
    first, second = tokens(here)
    assert signup.confirm(here, first) == "over" and signup.confirm(there, second) == "over"
    clock.pass_by(days=7, minutes=1)
    assert signup.confirm(here, second) == "over" and subscribers(here)[0].state == "pending"


@pytest.mark.parametrize(
    "change", [lambda t: t + "0", lambda t: "x" + t, lambda t: t.replace(".", "", 1), lambda t: ""]
)
def test_a_forged_link_opens_nothing(here, change):
    ask(here)
    public_id, random, until, digest = tokens(here)[0].split(".", 3)
    for token in (
        change(tokens(here)[0]),
        f"{public_id}.{random}.{int(until) + 9}.{digest}",
        f"{public_id}.x.1.{digest}",
    ):
        assert signup.confirm(here, token) == "over"
        assert not signup.leave(here, token, "link")
    assert subscribers(here)[0].state == "pending"


@pytest.mark.seed("SR-104")
def test_the_answer_does_not_tell_who_is_subscribed(platform, here):
    client = create_public(platform).test_client()
    sent = {"email": ADA, "agree": True}
    first = client.post(SIGNUP, json=sent)
    signup.confirm(here, tokens(here)[0])
    again = client.post(SIGNUP, json=sent)
    stranger = client.post(SIGNUP, json={**sent, "email": "eve@example.org"})
    assert first.status_code == again.status_code == stranger.status_code == 202
    assert first.json == again.json == stranger.json
    assert [m[1] for m in mails(here)].count(ADA) == 2, "who is subscribed gets no further mail"


@pytest.mark.seed("SR-104")
def test_a_network_can_only_ask_so_often(make_platform, acme):
    from webchatagent.core import plugins

    plugins.enable(acme, "newsletter")
    platform = make_platform("data", rate_limits="on")
    client = create_public(platform).test_client()

    def send(n, network):
        sent = {"email": f"p{n}@example.org", "agree": True}
        return client.post(SIGNUP, json=sent, environ_base={"REMOTE_ADDR": f"{network}.{n + 1}"}).status_code

    codes = [send(n, "198.51.100") for n in range(25)]
    assert codes == [202] * 20 + [429] * 5, "another address of the same network is the same network"
    assert send(1, "203.0.113") == 202


@pytest.mark.parametrize(
    "email",
    [
        *("", "ada", "ada@", "@example.org", "ada@example", "a b@example.org", "ada@example.org, eve@example.org"),
        *(
            "ada@example.org\r\nBcc: eve@example.org",
            "ada@example.org\nX: y",
            "<ada@example.org>",
            "a" * 250 + "@e.org",
        ),
        *(None, 5, ["ada@example.org"], "ada\x00@example.org", "ada@exa\u202emple.org"),
    ],
)
def test_what_is_no_address_is_refused(here, email):
    with pytest.raises(InvalidRequest) as caught:
        signup.ask(here, email, True, **HOW)
    assert caught.value.field == "email" and mails(here) == []


@pytest.mark.parametrize("agreed", [False, None, "true", 1, "on"])
def test_without_the_box_nothing_happens(here, agreed):
    with pytest.raises(InvalidRequest) as caught:
        signup.ask(here, ADA, agreed, **HOW)
    assert caught.value.field == "agree" and subscribers(here) == []


def test_plus_addresses_are_their_own_and_case_is_not(here):
    for email in ("Ada@Example.org ", ADA, "ada+shop@example.org"):
        ask(here, email)
    assert [r.email for r in subscribers(here)] == [ADA, "ada+shop@example.org"]


@pytest.mark.seed("SR-101")
def test_leaving_works_by_link_and_by_one_click_and_is_kept(platform, here, there):
    client = create_public(platform).test_client()
    for email in (ADA, "bob@example.org"):
        ask(here, email)
        signup.confirm(here, tokens(here, email=email)[-1])
    assert all(m[3].startswith("http") and m[3] in m[2] for m in mails(here)), (
        "every mail has the address in its header"
    )
    ada, bob = tokens(here, "unsubscribe", ADA)[-1], tokens(here, "unsubscribe", "bob@example.org")[-1]
    assert client.get(f"/x/newsletter/acme/unsubscribe/{ada}").status_code == 200
    assert [r.state for r in subscribers(here)] == ["confirmed"] * 2, "a scanner of mails ends nothing"
    assert client.post(f"/x/newsletter/globex/unsubscribe/{ada}").status_code == 404
    click = client.post(f"/x/newsletter/acme/unsubscribe/{ada}", data={"List-Unsubscribe": "One-Click"})
    assert click.status_code == 200 and client.post(f"/x/newsletter/acme/unsubscribe/{bob}").status_code == 200
    assert [(r.state, r.ended_by) for r in subscribers(here)] == [
        ("unsubscribed", "one_click"),
        ("unsubscribed", "link"),
    ]
    assert [(c.granted, c.channel) for c in ledger(here)][2:] == [(False, "one_click"), (False, "link")]
    assert client.post(f"/x/newsletter/acme/unsubscribe/{ada}").status_code == 200
    assert len(ledger(here)) == 4, "twice is once"


def test_who_never_confirmed_is_forgotten_by_the_link_of_the_mail(here):
    ask(here)
    assert signup.leave(here, tokens(here, "unsubscribe")[0], "link")
    assert subscribers(here) == [] and ledger(here) == []


def test_the_page_signs_up_and_programs_fall_into_its_trap(platform, here):
    client = create_public(platform).test_client()
    page = client.get("/x/newsletter/acme/form?lang=de")
    assert "Datenschutzerklärung" in page.text and " checked" not in page.text
    assert page.headers["Referrer-Policy"] == "same-origin" and "script" not in page.text
    wrong = client.post("/x/newsletter/acme/form", data={"email": '"><script>', "agree": "yes"})
    assert wrong.status_code == 422 and "<script>" not in wrong.text
    caught = client.post("/x/newsletter/acme/form", data={"email": ADA, "agree": "yes", "website": "x"})
    assert caught.status_code == 200 and subscribers(here) == []
    assert client.post("/x/newsletter/acme/form", data={"email": ADA}).status_code == 422
    fine = client.post("/x/newsletter/acme/form", data={"email": ADA, "agree": "yes"})
    assert fine.status_code == 200 and re.search("role=.status", fine.text)
    assert [(r.email, r.channel) for r in subscribers(here)] == [(ADA, "page")]


def test_the_form_of_the_chat_is_taken_from_the_bots_pages_only(platform, here, bot, foreign_bot):
    client = create_public(platform).test_client()
    part = tools.form_part(here, "de")
    assert part["action"] == "/x/newsletter/acme/signup/de" and part["fields"][1]["required"]
    (tool,) = tools.tools(here, ToolContext(bot.id, 1, "de"))
    assert tool.run({}, ToolContext(bot.id, 1, "hi")).parts[0]["title"] == "न्यूज़लेटर"
    sent = {"email": ADA, "agree": True, "chatbotId": bot.public_id}
    allowed = {"Origin": "http://localhost:3000"}
    answer = client.post(part["action"], json=sent, headers=allowed)
    assert answer.status_code == 202 and answer.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert "unterwegs" in answer.json["message"]
    assert client.options(part["action"], headers=allowed).status_code == 204
    for headers, body in (
        ({"Origin": "https://evil.example"}, sent),
        ({"Origin": "https://evil.example"}, {**sent, "chatbotId": None}),
        (allowed, {**sent, "chatbotId": foreign_bot.public_id}),
        (allowed, {**sent, "chatbotId": {"a": 1}}),
    ):
        refused = client.post(part["action"], json=body, headers=headers)
        assert refused.status_code in (403, 404), body
    (row,) = subscribers(here)
    assert (row.channel, row.wording) == ("widget", wording_hash(consent_text(here, "de")))


def test_a_tenant_without_the_plugin_has_no_form(platform, here, globex):
    client = create_public(platform).test_client()
    assert client.get("/x/newsletter/globex/form").status_code == 404
