"""Mailchimp: what reaches it and when, what it tells, and how it fails."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import SecretStr, ValidationError

from webchatagent.core import plugins
from webchatagent.core.api import Subject, Unavailable
from webchatagent.plugins.newsletter import check, disclosures, signup, status, subject, sync, webhook
from webchatagent.plugins.newsletter.config import Config
from webchatagent.plugins.newsletter.mailchimp import Mailchimp, MailchimpRefused, member_id
from webchatagent.plugins.newsletter.models import Campaign, Removal, Subscriber
from webchatagent.web.app import create_public

from .conftest import ADA, subscribers, tokens
from .mailchimp_stub import AUDIENCE, KEY

SECRET = SecretStr(KEY)


def subscribe(tenant, email=ADA):
    signup.ask(tenant, email, True, language="de", channel="page")
    assert signup.confirm(tenant, tokens(tenant, email=email)[-1]) == "confirmed"


def tell(client, tenant, kind, email=ADA, audience=AUDIENCE, secret="", **more):
    """Mailchimp's message."""
    data = {"type": kind, "data[email]": email, "data[list_id]": audience, **more}
    return client.post(f"/x/newsletter/{tenant.slug}/webhook/{secret or webhook.secret_of(tenant)}", data=data)


@pytest.mark.seed("SR-100")
def test_an_address_reaches_mailchimp_after_the_link_only_and_with_our_proof(linked, mailchimp, run_jobs, clock):
    mailchimp.calls.clear()
    signup.ask(linked, ADA, True, language="de", channel="page")
    run_jobs()
    assert mailchimp.members == {} and not [c for c in mailchimp.calls if "members/" in c[1]]
    clock.pass_by(minutes=5)
    signup.confirm(linked, tokens(linked)[0])
    run_jobs()
    member = mailchimp.members[member_id(ADA)]
    assert (member["status"], member["tags"], member["language"]) == ("subscribed", ["chat"], "de")
    assert member["timestamp_opt"] == clock.at.isoformat() and member["timestamp_signup"] < member["timestamp_opt"]
    before = len(mailchimp.moves)
    (row,) = subscribers(linked)
    sync.push(linked, row.id), sync.push(linked, row.id)
    assert len(mailchimp.moves) == before and (row.pushed, row.remote) == (row.version, "subscribed")


@pytest.mark.seed("SR-101")
@pytest.mark.parametrize("how", ["link", "dashboard", "withdrawal"])
def test_who_leaves_here_is_unsubscribed_there(linked, mailchimp, run_jobs, how):
    subscribe(linked)
    run_jobs()
    signup.end_all(linked, Subscriber.email == ADA, how)
    run_jobs()
    assert mailchimp.status(ADA) == "unsubscribed"
    sync.reconcile(linked)
    run_jobs()
    assert mailchimp.status(ADA) == "unsubscribed" and subscribers(linked)[0].state == "unsubscribed"


@pytest.mark.seed("SR-101")
@pytest.mark.parametrize("kind", ["unsubscribe", "cleaned", "upemail"])
def test_who_leaves_there_is_told_by_the_web_hook(platform, linked, there, mailchimp, run_jobs, kind):
    client = create_public(platform).test_client()
    subscribe(linked), subscribe(there)
    run_jobs()
    mailchimp.leave(ADA)
    more = {"data[old_email]": ADA, "data[new_email]": "new@example.org"} if kind == "upemail" else {}
    assert tell(client, linked, kind, secret="wrong").status_code == 404
    assert tell(client, linked, kind, audience="other", **more).status_code == 200
    assert tell(client, linked, "subscribe").status_code == 200
    assert tell(client, linked, kind, audience="", **more).status_code == 200
    assert subscribers(linked)[0].state == "confirmed"
    for _ in range(3):
        assert tell(client, linked, kind, **more).status_code == 200
    assert subscribers(linked)[0].state == "unsubscribed" and subscribers(there)[0].state == "confirmed"
    run_jobs()
    assert mailchimp.status(ADA) == "unsubscribed"
    assert client.get(f"/x/newsletter/acme/webhook/{webhook.secret_of(linked)}").status_code == 200


def test_a_late_message_does_not_undo_a_newer_word(platform, linked, clock):
    client = create_public(platform).test_client()
    subscribe(linked)
    long_ago = (clock.at - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S")
    tell(client, linked, "unsubscribe", fired_at=long_ago)
    assert subscribers(linked)[0].state == "confirmed"
    tell(client, linked, "unsubscribe", fired_at="yesterday")
    assert subscribers(linked)[0].state == "unsubscribed", "what cannot be read must not keep anybody"


@pytest.mark.seed("SR-101")
def test_who_left_there_unheard_is_found_by_the_hourly_look(linked, mailchimp, run_jobs, clock):
    subscribe(linked)
    run_jobs()
    clock.pass_by(hours=3)
    mailchimp.leave(ADA)
    sync.reconcile(linked)
    run_jobs()
    assert subscribers(linked)[0].ended_by == "mailchimp" and mailchimp.status(ADA) == "unsubscribed"
    assert [h["url"] for h in mailchimp.hooks] == [webhook.address_of(linked)]
    sync.reconcile(linked)
    assert len(mailchimp.hooks) == 1


@pytest.mark.parametrize("status", ["unsubscribed", "cleaned", "archived"])
def test_who_left_there_before_and_comes_anew_is_asked_by_mailchimp(linked, mailchimp, run_jobs, clock, status):
    mailchimp.put_there(ADA, status)
    clock.pass_by(days=1)
    subscribe(linked)
    run_jobs()
    assert mailchimp.status(ADA) == "pending" and subscribers(linked)[0].remote == "pending"


def test_a_compliance_state_gets_mailchimps_question_and_who_was_forgotten_gets_none(linked, mailchimp, run_jobs):
    subscribe(linked, "ada@compliance.example")
    mailchimp.forgotten.add(member_id("bob@example.org"))
    subscribe(linked, "bob@example.org")
    run_jobs()
    assert mailchimp.status("ada@compliance.example") == "pending" and mailchimp.status("bob@example.org") == ""
    assert [r.trouble for r in subscribers(linked)] == ["", "forgotten"]
    (alert,) = status.alerts(linked)
    assert "1" in alert.text["hi"]


def test_leaving_during_the_call_wins(linked, mailchimp, run_jobs):
    subscribe(linked)

    def leaves():
        mailchimp.before_put = lambda: None
        signup.end_all(linked, Subscriber.email == ADA, "link")

    mailchimp.before_put = leaves
    (row,) = subscribers(linked)
    sync.push(linked, row.id)
    assert mailchimp.status(ADA) == "unsubscribed", "it was carried again when it had changed"


def test_leaving_there_between_the_look_and_the_call_wins(linked, mailchimp, run_jobs):
    subscribe(linked)
    mailchimp.put_there(ADA, "subscribed")
    mailchimp.before_put = lambda: mailchimp.leave(ADA)
    sync.push(linked, subscribers(linked)[0].id)
    assert mailchimp.status(ADA) == "unsubscribed"


@pytest.mark.parametrize("calls_before", [0, 1], ids=["at the look", "at the call"])
@pytest.mark.parametrize("fault", [500, 503, 429, 502])
def test_an_empty_error_is_no_success(linked, mailchimp, fault, calls_before):
    subscribe(linked)
    mailchimp.faults = [0] * calls_before + [fault]
    with pytest.raises(Unavailable):
        sync.push(linked, subscribers(linked)[0].id)
    assert subscribers(linked)[0].pushed == 0 and mailchimp.members == {}
    sync.push(linked, subscribers(linked)[0].id)
    assert mailchimp.status(ADA) == "subscribed"


@pytest.mark.parametrize("fault", [400, 401, 403, 404])
def test_an_empty_refusal_is_a_refusal(linked, mailchimp, fault):
    mailchimp.faults = [fault]
    with pytest.raises(MailchimpRefused) as caught:
        Mailchimp(linked.config(Config)).audience()
    assert caught.value.answered == fault and KEY not in f"{caught.value!r} {caught.value}"


def test_erasing_deletes_for_good_and_is_tried_until_mailchimp_heard(linked, mailchimp, run_jobs):
    subscribe(linked)
    subscribe(linked, "bob@example.org")
    run_jobs()
    mailchimp.faults = [503]
    report = subject.erase(linked, Subject(email="ADA@example.org"))
    assert report.done == {"newsletter": 1} and "mailchimp" in report.kept
    assert mailchimp.status(ADA) == "subscribed"
    run_jobs()
    assert mailchimp.status(ADA) == "" and member_id(ADA) in mailchimp.forgotten
    assert mailchimp.status("bob@example.org") == "subscribed" and not [c for c in mailchimp.calls if c[0] == "DELETE"]
    with linked.read() as db:
        assert db.query(Removal).count() == 0
    assert subject.erase(linked, Subject(email=ADA)).kept == {}


def test_erasing_during_the_call_leaves_nothing_there(linked, mailchimp, run_jobs):
    subscribe(linked)
    mailchimp.before_put = lambda: subject.erase(linked, Subject(email=ADA))
    sync.push(linked, subscribers(linked)[0].id)
    mailchimp.before_put = lambda: None
    run_jobs()
    assert mailchimp.members == {}


def test_an_address_only_mailchimp_knows_is_erased_there_too(linked, mailchimp, run_jobs):
    mailchimp.put_there(ADA, "subscribed")
    assert subject.erase(linked, Subject(email=ADA)).kept == {}
    assert mailchimp.members == {}


@pytest.mark.seed("SR-102")
def test_statistics_are_sums_of_campaigns_and_off_by_default(linked, mailchimp, switch, acme):
    mailchimp.reports = [
        {
            "id": "c1",
            "list_id": AUDIENCE,
            "campaign_title": "June",
            "emails_sent": 90,
            "opens": {"opens_total": 50},
            "clicks": {"clicks_total": 7},
            "send_time": "2026-06-01T08:00:00+00:00",
        },
        {"id": "c2", "list_id": "another", "campaign_title": "Not ours"},
    ]
    sync.reconcile(linked)
    assert not [c for c in mailchimp.calls if c[1] == "/reports"]
    counting = switch(acme, statistics=True)
    sync.reconcile(counting), sync.reconcile(counting)
    with counting.read() as db:
        assert [(c.title, c.sent, c.opens, c.clicks) for c in db.query(Campaign)] == [("June", 90, 50, 7)]
    columns = {c.name for c in Campaign.__table__.columns}
    assert not columns & {
        "email",
        "subscriber_id",
        "contact_id",
        "session_id",
    } and not Campaign.__table__.foreign_keys - {
        key for key in Campaign.__table__.foreign_keys if key.parent.name == "tenant_id"
    }


def test_settings_are_tried_before_they_are_saved(mailchimp, acme, switch):
    config = Config(api_key=SECRET, audience_id=AUDIENCE, api_url=mailchimp.url)
    assert check.problems(config) == []
    assert check.problems(Config(api_key=SECRET))[0].field == "audience_id"
    assert check.problems(Config(audience_id=AUDIENCE))[0].field == "api_key"
    mailchimp.faults = [401]
    assert check.problems(config)[0].field == "api_key"
    assert (
        check.problems(Config(api_key=SECRET, audience_id="unknown1", api_url=mailchimp.url))[0].field == "audience_id"
    )
    mailchimp.faults = [503]
    with pytest.raises(plugins.PluginProblems):
        switch(acme, api_key=KEY, audience_id=AUDIENCE, api_url=mailchimp.url)
    assert Config(api_key=SECRET).base == "https://us6.api.mailchimp.com/3.0"


@pytest.mark.parametrize("values", [{"api_key": "no-dash-here"}, {"audience_id": "../x"}, {"unsubscribe_field": "a b"}])
def test_settings_that_mean_nothing_are_refused(values):
    with pytest.raises(ValidationError):
        Config(**values)


@pytest.mark.seed("SR-103")
def test_the_form_and_the_notice_name_mailchimp_while_addresses_go_there(linked, there):
    from webchatagent.plugins.newsletter.words import consent_text

    assert all("Mailchimp" in consent_text(linked, spoken) for spoken in ("en", "de", "hi"))
    assert "Mailchimp" not in consent_text(there, "en")
    told = {(d.recipient, d.country, d.basis) for d in disclosures.disclosures(linked)}
    assert told == {("", "", "consent"), ("Intuit Inc. (Mailchimp)", "US", "consent")}
    assert len(disclosures.disclosures(there)) == 1
