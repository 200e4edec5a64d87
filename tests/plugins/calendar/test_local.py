"""The built-in calendar: from a visitor's wish to an appointment, races, links and mails."""

from __future__ import annotations

import json
import re
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from webchatagent.core.actions import decide
from webchatagent.core.bots import find_bot
from webchatagent.core.db.accounts import OutboxMail
from webchatagent.core.mail import _opened, read_mail
from webchatagent.core.sessions import locate_session
from webchatagent.core.tenants import load_tenant
from webchatagent.plugins.calendar import work
from webchatagent.plugins.calendar.booking import NotFree, Visitor, book, cancel, find_slots, move
from webchatagent.plugins.calendar.models import Appointment
from webchatagent.plugins.calendar.pages import feed_token
from webchatagent.web.app import create_public

ADA = Visitor("Ada Example", "ada@example.org", "A question")
TUESDAY = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)


def rows(tenant):
    with tenant.read() as db:
        return list(db.scalars(select(Appointment).order_by(Appointment.starts_at)))


def outbox(tenant):
    """The rows of all mails, oldest first."""
    with tenant.read() as db:
        return list(db.scalars(select(OutboxMail).order_by(OutboxMail.id)))


def mails(tenant):
    with tenant.read() as db:
        found = [m.id for m in db.scalars(select(OutboxMail).order_by(OutboxMail.id))]
    return [(m.kind, m.recipient, m.subject, text) for m, text in (read_mail(tenant, i) for i in found)]


def confirm(platform, key, card):
    action = card["buttons"][0]["action"].split("/")[3]
    return decide(locate_session(platform, key), action, confirm=True)


def slots_of(part):
    return [slot for day in part["days"] for slot in day["slots"]]


@pytest.mark.seed("SR-048", "SR-049")
def test_a_visitor_finds_books_moves_and_cancels(platform, here, there, ask, scripted_model):
    bot = find_bot(here.platform, "acme/bot")
    key, (part,), _ = ask(
        bot, "Is there a time on Tuesday?", None, ("find_slots", '{"day": "Tuesday", "time": "morning"}')
    )
    assert part["type"] == "slots" and [d["label"] for d in part["days"]] == ["Tuesday, 1 December"]
    assert [s["label"] for s in slots_of(part)] == ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30"]
    word = slots_of(part)[1]["id"]
    arguments = json.dumps({"slot": word, "name": "Ada Example", "email": "ada@example.org"})
    _, (card,), _ = ask(bot, f"#{word}, Ada Example, ada@example.org", key, ("book", arguments))
    facts = {row["label"]: row["value"] for row in card["rows"]}
    assert facts == {
        "What": "Appointment",
        "When": "Tuesday, 1 December 2026, 09:30 (Berlin)",
        "Minutes": "30",
        "Name": "Ada Example",
        "E-mail": "ada@example.org",
    }
    assert rows(here) == [], "a proposal books nothing"
    outcome = confirm(platform, key, card)
    assert outcome.state == "done" and "09:30" in outcome.message
    (row,) = rows(here)
    assert (row.state, row.starts_at) == ("booked", TUESDAY + timedelta(minutes=30))
    assert confirm(platform, key, card) == outcome and len(rows(here)) == 1
    _, (part,), _ = ask(
        bot, "Show me the times of Tuesday at ten, please", key, ("find_slots", '{"day": "Tuesday", "time": "10:00"}')
    )
    (ten,) = slots_of(part)
    _, (card,), _ = ask(bot, f"#{ten['id']}", key, ("move", json.dumps({"slot": ten["id"]})))
    assert [r["value"][-14:] for r in card["rows"][1:]] == ["09:30 (Berlin)", "10:00 (Berlin)"]
    assert confirm(platform, key, card).state == "done"
    assert rows(here)[0].starts_at == TUESDAY + timedelta(hours=1)
    _, (card,), _ = ask(bot, "Please cancel my appointment", key, ("cancel", "{}"))
    assert confirm(platform, key, card).state == "done"
    assert [r.state for r in rows(here)] == ["cancelled"] and rows(there) == []
    assert [m[0] for m in mails(here)] == ["calendar_booked", "calendar_moved", "calendar_cancelled"]
    files = [_opened(here, row)[2] for row in outbox(here)]
    assert ["STATUS:CONFIRMED" in f for f in files] == [True, True, False] and "STATUS:CANCELLED" in files[2]
    assert len({re.search("UID:(.*)", f)[1] for f in files}) == 1, "a later file replaces the first"
    told = "".join(repr(r) for r in scripted_model.requests)
    assert "09:30" not in told and "10:00 (" not in told, "the model never learns a time"


def test_hook_prompt_sections_tells_the_model_the_local_date_and_the_hours(here, there, ask, scripted_model):
    ask(find_bot(here.platform, "acme/bot"), "Hello", None)
    assert "Monday, 30 November 2026, 09:00 (Berlin)" in scripted_model.requests[-1].instructions
    assert "Saturday closed" in scripted_model.requests[-1].instructions


@pytest.mark.seed("SR-054")
def test_somebody_elses_appointment_is_out_of_reach(here, there, ask, scripted_model):
    bot = find_bot(here.platform, "acme/bot")
    row = book(here, TUESDAY, Visitor("Eve", "eve@example.org", session_id=999), "k")
    key, cards, _ = ask(bot, "Cancel the appointment of Eve", None, ("cancel", "{}"))
    assert cards == [] and rows(here)[0].state == "booked"
    guess = json.dumps({"appointment": row.public_id})
    _, cards, _ = ask(bot, "Please cancel the appointment of Eve", key, ("cancel", guess))
    assert cards == [] and not scripted_model.answers, "both calls were made"
    with pytest.raises(NotFree):
        book(here, TUESDAY, ADA, "other")
    assert book(there, TUESDAY, ADA, "other").state == "held", "another tenant's time is another time"
    assert [r.state for r in rows(there)] == ["booked"]


def test_a_slot_of_another_conversation_cannot_be_booked(here, there, ask):
    bot = find_bot(here.platform, "acme/bot")
    _, (part,), _ = ask(bot, "When?", None, ("find_slots", "{}"))
    arguments = json.dumps({"slot": slots_of(part)[0]["id"], "name": "Eve", "email": "eve@example.org"})
    _, cards, _ = ask(bot, "Mine", None, ("book", arguments))
    assert cards == []


def test_fifty_visitors_race_for_one_time(here, there):
    wins, gate, lock = [], threading.Barrier(50), threading.Lock()

    def visit(number):
        tenant, start, tries = load_tenant(here.platform, slug="acme"), TUESDAY, 0
        gate.wait()
        while True:
            tries += 1
            try:
                row = book(tenant, start, Visitor(f"V{number}", f"v{number}@example.org"), f"race {number}")
            except NotFree as error:
                start = error.others[0]
            else:
                with lock:
                    wins.append((row.starts_at, tries))
                return

    threads = [threading.Thread(target=visit, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    times = sorted(start for start, _ in wins)
    first = [tries for start, tries in wins if start == TUESDAY]
    expected = find_first(50)
    print(f"50 raced: {len(first)} won the first time, {len(wins) - 1} got others, {len(set(times))} different times")
    assert len(wins) == 50 and first == [1] and times == expected
    assert len([r for r in rows(here) if r.state == "booked"]) == 50


def find_first(count):
    """The next times from Tuesday 09:00 in Berlin on, sixteen a workday."""
    days = [date(2026, 12, 1) + timedelta(days=n) for n in range(10)]
    nine = [datetime(d.year, d.month, d.day, 8, tzinfo=UTC) for d in days if d.weekday() < 5]
    return [d + timedelta(minutes=30 * n) for d in nine for n in range(16)][:count]


@pytest.mark.seed("SR-054")
def test_the_link_of_the_mail_moves_and_cancels(platform, here, there):
    book(here, TUESDAY, ADA, "k")
    (kind, recipient, subject, text) = mails(here)[0]
    assert (kind, recipient) == ("calendar_booked", "ada@example.org") and "Tuesday" in subject
    path = re.search(r"http://127.0.0.1:8080(/x/calendar/acme/appointment/\S+)", text)[1]
    client = create_public(platform).test_client()
    page = client.get(path).get_data(as_text=True)
    assert "Tuesday, 1 December 2026, 09:00 (Berlin)" in page and "Cancel the appointment" in page
    assert rows(here)[0].state == "booked", "looking changes nothing"
    ics = client.get(f"{path}/event.ics")
    assert ics.mimetype == "text/calendar" and b"DTSTART:20261201T080000Z\r\n" in ics.data
    assert client.get(path[:-1] + ("0" if path[-1] != "0" else "1")).status_code == 404
    assert client.get(path.replace("/acme/", "/globex/")).status_code == 404
    new = (TUESDAY + timedelta(hours=2)).isoformat()
    assert "11:00" in client.post(path, data={"start": new}).get_data(as_text=True)
    assert rows(here)[0].starts_at == TUESDAY + timedelta(hours=2)
    assert "cancelled" in client.post(path, data={"do": "cancel"}).get_data(as_text=True)
    assert rows(here)[0].state == "cancelled"
    feed = client.get(f"/x/calendar/acme/feed/{feed_token(here)}/appointments.ics").get_data(as_text=True)
    assert "STATUS:CANCELLED" in feed
    assert client.get(f"/x/calendar/globex/feed/{feed_token(here)}/appointments.ics").status_code == 404


def test_a_reminder_comes_once_and_not_to_who_booked_late(here, there, clock):
    book(here, TUESDAY + timedelta(days=2), ADA, "early")
    book(here, datetime(2026, 11, 30, 14, 0, tzinfo=UTC), Visitor("Late", "late@example.org"), "late")
    work.remind(here)
    clock["now"] = TUESDAY + timedelta(days=1, hours=6)
    work.remind(here)
    work.remind(here)
    assert [(k, r) for k, r, *_ in mails(here) if k == "calendar_reminder"] == [
        ("calendar_reminder", "ada@example.org")
    ]


def test_the_same_key_books_once_and_a_cancelled_time_is_free_again(here, there):
    first, second = book(here, TUESDAY, ADA, "k"), book(here, TUESDAY, ADA, "k")
    assert first.id == second.id and len(rows(here)) == 1
    cancel(here, rows(here)[0])
    assert find_slots(here, date(2026, 12, 1), date(2026, 12, 1))[0] == TUESDAY
    with pytest.raises(NotFree):
        book(here, TUESDAY + timedelta(minutes=7), ADA, "off the grid")
    row = book(here, TUESDAY, ADA, "again")
    with here.read() as db:
        row = db.get(Appointment, row.id)
    assert move(here, row, TUESDAY + timedelta(minutes=30)).starts_at == TUESDAY + timedelta(minutes=30)


def test_a_tool_says_what_is_missing(here, there, ask, scripted_model):
    bot = find_bot(here.platform, "acme/bot")
    ask(bot, "Book", None, ("book", '{"slot": "abcdef"}'))
    assert "required" in str(scripted_model.requests[-1].steps[-1].results[0])
    ask(bot, "Some day", None, ("find_slots", '{"day": "whenever it rains"}'))
    assert "Ask the visitor" in str(scripted_model.requests[-1].steps[-1].results[0])
