"""The calendar at Google: a server made of Google's own description, and a real provider of permissions."""

from __future__ import annotations

import json
import socket
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import inspect, select

from webchatagent.core.actions import decide
from webchatagent.core.api import LoginFailed, ToolFailed, ToolUnsure
from webchatagent.core.bots import find_bot
from webchatagent.core.db.records import BackgroundJob
from webchatagent.core.sessions import locate_session
from webchatagent.core.tenants import load_tenant
from webchatagent.plugins.calendar import admin, client, tokens
from webchatagent.plugins.calendar.booking import NotFree, Visitor, book, cancel, find_slots, finish_held, move
from webchatagent.plugins.calendar.connect import API_SCOPES, GoogleConnection
from webchatagent.plugins.calendar.google import Disconnected, find_google, link_of
from webchatagent.plugins.calendar.models import Appointment, GoogleLink, Revocation
from webchatagent.plugins.calendar.provider import provider_of
from webchatagent.plugins.calendar.status import alerts

from ...identity.running import CONNECT
from .google_stub import DISCOVERY, serving

pytestmark = pytest.mark.skipif(not DISCOVERY.exists(), reason="Google's discovery document is absent")
pytest.importorskip("googleapiclient")
ADA = Visitor("Ada Example", "ada@example.org", "About the roof")
ANN = {"sub": "google-7", "email": "ann@example.org", "email_verified": True, "name": "Ann"}
TUESDAY = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
DAY = date(2026, 12, 1)


@pytest.fixture
def google(monkeypatch, identity_provider):
    with serving() as (server, url):
        host = f"127.0.0.1:{urlsplit(url).port}"
        monkeypatch.setenv("WEBCHATAGENT_PRIVATE_HOSTS", f"{identity_provider.host},{host}")
        server.url = url
        yield server
        assert server.wrong == [], "every request is one of Google's, to the letter"


@pytest.fixture
def chosen(here, there, switch, google, identity_provider):
    """The first tenant with Google chosen, and not connected."""
    return switch(here, provider="google", api_url=google.url, **identity_provider.config)


def come_back(address):
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def connect(tenant, identity_provider, google):
    """A person permits everything; the calendar server takes the token that they got."""
    ((_, made),) = tenant.hooks.each("connections", tenant=tenant)
    address, kept = made.begin(CONNECT)
    made.finish(come_back(identity_provider.visit(address, ANN)), kept)
    google.tokens.add(tokens.unseal(tenant, "access", link_of(tenant).access_token))
    return made, address


@pytest.fixture
def connected(chosen, google, identity_provider):
    made, _ = connect(chosen, identity_provider, google)
    made.choose("me@x")
    google.calls.clear()
    return chosen


def rows(tenant):
    with tenant.read() as db:
        return list(db.scalars(select(Appointment).order_by(Appointment.id)))


@pytest.mark.seed("SR-040")
def test_before_it_is_connected_nothing_is_offered_and_nobody_is_called(chosen, google, monkeypatch):
    def refused(*args, **kwargs):
        raise AssertionError("a call")

    monkeypatch.setattr(socket.socket, "connect", refused)
    assert provider_of(chosen) is None
    from webchatagent.core.api import ToolContext

    context = ToolContext(1, 1, "en")
    offered = chosen.hooks.each("assistant_tools", tenant=chosen, context=context)
    assert [t.name for p, t in offered if p == "calendar"] == []
    with pytest.raises(ToolFailed):
        find_slots(chosen, DAY, DAY)
    assert google.calls == [] and "not connected" in alerts(chosen)[0].text["en"]


@pytest.mark.seed("SR-041", "SR-042", "SR-045")
def test_hook_connections_asks_for_the_least_and_keeps_the_least(chosen, there, google, identity_provider):
    made, address = connect(chosen, identity_provider, google)
    asked = come_back(address)
    assert set(asked["scope"].split()) == {"openid", "email", *API_SCOPES}
    assert (asked["code_challenge_method"], asked["access_type"], asked["prompt"]) == ("S256", "offline", "consent")
    assert made.choices == [("me@x", "Mine"), ("second@x", "Second")]
    assert "choose the calendar" in alerts(chosen)[0].text["en"]
    made.choose("me@x")
    link = link_of(chosen)
    assert (link.account_id, link.email, link.calendar_id) == ("google-7", "ann@example.org", "me@x")
    assert set(link.scopes.split()) <= {"openid", "email", *API_SCOPES}
    columns = {c.key for c in inspect(GoogleLink).columns}
    assert columns == {
        *("id", "tenant_id", "account_id", "email", "scopes", "refresh_token", "access_token", "access_until"),
        *("refreshing_until", "calendar_id", "zone", "state", "created_at"),
    }
    assert link.refresh_token.startswith("wca1.") and link.access_token.startswith("wca1.")
    assert link_of(there) is None and alerts(chosen) == []


def test_nobody_can_finish_what_another_began(chosen, there, switch, google, identity_provider):
    other = switch(there, provider="google", api_url=google.url, **identity_provider.config)
    made = GoogleConnection(chosen)
    address, kept = made.begin(CONNECT)
    back = come_back(identity_provider.visit(address, ANN))
    for connection, params, session in (
        (GoogleConnection(other), back, kept),
        (made, {**back, "state": "forged"}, kept),
        (made, back, {}),
        (made, {"error": "access_denied", "state": back["state"]}, kept),
        (made, back, {**kept, "verifier": "x" * 50}),
    ):
        with pytest.raises(LoginFailed):
            connection.finish(params, session)
    assert link_of(chosen) is None and link_of(other) is None


@pytest.mark.seed("SR-043", "SR-051")
def test_fifty_listings_read_free_and_busy_alone(connected, google):
    google.busy = [(TUESDAY, TUESDAY + timedelta(hours=1))]
    hosts, watching = set(), True

    def hook(event, arguments):
        if watching and event == "socket.connect" and isinstance(arguments[1], tuple):
            hosts.add(f"{arguments[1][0]}:{arguments[1][1]}")

    sys.addaudithook(hook)
    for _ in range(50):
        found = find_slots(connected, DAY, DAY)
    watching = False
    assert found[0] == TUESDAY + timedelta(hours=1)
    names = google.names()
    print(f"50 listings: {len(names)} calls, methods {sorted(set(names))}, hosts {len(hosts)}")
    assert set(names) == {"calendar.freebusy.query"} and len(names) == 50
    assert hosts == {f"127.0.0.1:{urlsplit(google.url).port}"}


@pytest.mark.seed("SR-044", "SR-046", "SR-048")
def test_booking_moving_and_cancelling_write_one_event_of_the_chosen_calendar(connected, there, google):
    row = book(connected, TUESDAY, ADA, "k")
    ((calendar, event_id), event) = next(iter(google.events.items()))
    assert (calendar, event_id) == ("me@x", row.event_id)
    assert set(event) == {"id", "summary", "start", "end", "attendees", "description"}
    assert event["attendees"] == [{"email": "ada@example.org", "displayName": "Ada Example"}]
    assert book(connected, TUESDAY, ADA, "k").id == row.id and len(google.events) == 1
    row = rows(connected)[0]
    move(connected, row, TUESDAY + timedelta(minutes=30))
    assert google.events["me@x", event_id]["start"]["dateTime"] == "2026-12-01T08:30:00+00:00"
    with pytest.raises(NotFree):
        book(connected, TUESDAY + timedelta(minutes=30), ADA, "other")
    cancel(connected, rows(connected)[0])
    assert google.events == {} and rows(connected)[0].state == "cancelled"
    read = {n for n in google.names() if n.endswith((".list", ".get"))}
    assert read == set(), "no event is ever read"


def test_what_was_written_before_and_what_is_gone_already_is_fine(connected, google):
    google.fail = 503
    with pytest.raises(ToolFailed):
        find_slots(connected, DAY, DAY)
    google.fail = 0
    original = google.calendar_events_insert

    def written_and_lost(values, sent):
        original(values, sent)
        return 503, {"error": {"code": 503, "message": "lost"}}

    google.calendar_events_insert = written_and_lost
    with pytest.raises(ToolUnsure):
        book(connected, TUESDAY, ADA, "k")
    google.calendar_events_insert = original
    assert rows(connected)[0].state == "held" and len(google.events) == 1
    with connected.write() as db:
        db.get(Appointment, rows(connected)[0].id).created_at = datetime(2026, 11, 29, tzinfo=UTC)
    finish_held(connected)
    assert rows(connected)[0].state == "booked" and len(google.events) == 1, "409: it was there"
    google.deleted.add(("me@x", rows(connected)[0].event_id))
    google.events.clear()
    cancel(connected, rows(connected)[0])
    assert rows(connected)[0].state == "cancelled", "410: it was gone"


def test_an_error_of_free_and_busy_is_not_free(connected, google):
    google.errors = True
    with pytest.raises(ToolFailed):
        find_slots(connected, DAY, DAY)
    with pytest.raises(ToolFailed):
        book(connected, TUESDAY, ADA, "k")
    assert rows(connected) == [] and google.events == {}


@pytest.mark.seed("SR-047")
@pytest.mark.parametrize(("zone", "first"), [("Asia/Kolkata", "03:30"), ("America/New_York", "13:00")])
def test_the_zone_is_that_of_the_account_across_the_change_of_clocks(connected, google, clock, zone, first):
    google.zone = zone
    GoogleConnection(connected).choose("second@x")
    clock["now"] = datetime(2026, 10, 20, tzinfo=UTC)
    before = find_slots(connected, date(2026, 10, 30), date(2026, 10, 30))[0]
    after = find_slots(connected, date(2026, 11, 2), date(2026, 11, 2))[0]
    assert before.strftime("%H:%M") == first
    assert after.strftime("%H:%M") == ("14:00" if zone == "America/New_York" else first)


def expire(tenant):
    with tenant.write() as db:
        link = db.get(GoogleLink, link_of(tenant).id)
        link.access_until = datetime(2020, 1, 1, tzinfo=UTC)


def test_twenty_need_a_new_token_and_one_gets_it(connected, google, monkeypatch):
    expire(connected)
    asked, real = [], client.ask_token

    def counted(config, **form):
        asked.append(form["grant_type"])
        found = real(config, **form)
        google.tokens.add(found["access_token"])
        return found

    monkeypatch.setattr(tokens, "ask_token", counted)
    found, gate = [], threading.Barrier(20)

    def work():
        tenant = load_tenant(connected.platform, slug="acme")
        gate.wait()
        found.append(tokens.access_token(tenant, link_of(tenant).id))

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    print(f"20 at once: {len(asked)} refresh")
    assert asked == ["refresh_token"] and len(found) == 20 and len(set(found)) == 1


def test_hook_alerts_says_that_a_permission_was_taken_back_and_it_is_not_tried_again(
    connected, there, google, monkeypatch
):
    link = link_of(connected)
    client.revoke(connected.config(_config()), tokens.unseal(connected, "refresh", link.refresh_token))
    expire(connected)
    with pytest.raises(ToolFailed):
        find_slots(connected, DAY, DAY)
    assert link_of(connected).state == "broken" and find_google(connected) is None
    ((_, said),) = connected.hooks.each("alerts", tenant=connected)
    assert "does not accept" in said.text["en"] and alerts(there) == []
    asked = []
    monkeypatch.setattr(tokens, "ask_token", lambda *a, **k: asked.append(1))
    with pytest.raises(ToolFailed):
        find_slots(connected, DAY, DAY)
    assert asked == []


def _config():
    from webchatagent.plugins.calendar.config import Config

    return Config


@pytest.mark.seed("SR-052", "SR-053")
def test_disconnecting_forgets_at_once_and_tells_google_until_it_heard(connected, google, monkeypatch, run_jobs):
    book(connected, TUESDAY, ADA, "k")
    running = find_google(connected)
    refresh = tokens.unseal(connected, "refresh", link_of(connected).refresh_token)
    before = list(google.calls)
    told, real = [], client.revoke

    def deaf(config, token):
        told.append(token)
        raise LoginFailed("unreachable", "no")

    monkeypatch.setattr("webchatagent.plugins.calendar.connect.revoke", deaf)
    GoogleConnection(connected).disconnect()
    assert link_of(connected) is None
    with pytest.raises(Disconnected):
        running.busy(TUESDAY, TUESDAY + timedelta(hours=1))
    run_jobs()
    with connected.read() as db:
        assert len(list(db.scalars(select(Revocation)))) == 1, "it is kept until Google heard"
    monkeypatch.setattr("webchatagent.plugins.calendar.connect.revoke", real)
    with connected.write() as db:
        for job in db.scalars(select(BackgroundJob).where(BackgroundJob.kind == "calendar.revoke")):
            job.run_at = datetime(2020, 1, 1, tzinfo=UTC)
    run_jobs()
    with connected.read() as db:
        assert list(db.scalars(select(Revocation))) == []
    with pytest.raises(client.TokenRefused):
        client.ask_token(connected.config(_config()), grant_type="refresh_token", refresh_token=refresh)
    assert told == [refresh] and google.calls == before, "no event is touched"
    assert len(google.events) == 1 and rows(connected)[0].state == "booked"


@pytest.mark.seed("SR-048", "SR-049")
def test_the_assistant_finds_books_and_cancels_at_google(connected, there, google, ask, scripted_model):
    bot = find_bot(connected.platform, "acme/bot")
    google.busy = [(TUESDAY, TUESDAY + timedelta(hours=1))]
    key, (part,), _ = ask(bot, "A time on Tuesday, please", None, ("find_slots", '{"day": "Tuesday"}'))
    first = part["days"][0]["slots"][0]
    assert first["label"] == "10:00"
    arguments = json.dumps({"slot": first["id"], "name": "Ada Example", "email": "ada@example.org"})
    _, (card,), _ = ask(bot, f"{first['value']}. Ada Example, ada@example.org", key, ("book", arguments))
    assert google.events == {}, "a proposal writes nothing"
    assert confirm(connected, key, card).state == "done" and len(google.events) == 1
    _, (card,), _ = ask(bot, "Please cancel my appointment", key, ("cancel", "{}"))
    assert confirm(connected, key, card).state == "done" and google.events == {}
    told = "".join(repr(r) for r in scripted_model.requests)
    assert "10:00 (" not in told and "T09:00:00" not in told, "availability goes to no model"


def confirm(tenant, key, card):
    action = card["buttons"][0]["action"].split("/")[3]
    return decide(locate_session(tenant.platform, key), action, confirm=True)


@pytest.mark.seed("SR-048")
def test_the_dashboard_books_and_cancels_at_google(connected, google):
    nine = datetime(2026, 12, 1, 9, 0)
    admin.add(connected, admin.NewAppointment(when=nine, name="Ada", email="ada@example.org"))
    assert len(google.events) == 1
    admin.cancel_all(connected, rows(connected))
    assert google.events == {}
