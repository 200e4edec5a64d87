"""What is kept on a person: shown, corrected, restricted, erased, and deleted in time; and booking by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from webchatagent.core import rights
from webchatagent.core.api import InvalidRequest, Subject
from webchatagent.core.db.accounts import OutboxMail
from webchatagent.core.texts import say
from webchatagent.plugins.calendar import admin, subject
from webchatagent.plugins.calendar.booking import Visitor, book
from webchatagent.plugins.calendar.config import Config
from webchatagent.plugins.calendar.models import Appointment

ADA = Visitor("Ada Example", "ada@example.org", "About the roof", session_id=77)
TUESDAY = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
PERSON = Subject(email="ADA@example.org ")


def rows(tenant):
    with tenant.read() as db:
        return list(db.scalars(select(Appointment).order_by(Appointment.id)))


def told(tenant):
    with tenant.read() as db:
        return [m.kind for m in db.scalars(select(OutboxMail).order_by(OutboxMail.id))]


@pytest.fixture
def booked(here, there):
    book(here, TUESDAY, ADA, "k")
    book(there, TUESDAY, ADA, "k")
    return here


@pytest.mark.seed("SR-050")
def test_thirty_days_after_its_end_only_id_and_time_stay(booked, there):
    end = TUESDAY + timedelta(minutes=30)
    assert subject.purge(booked, end + timedelta(days=29)).done == {"appointments": 0}
    assert rows(booked)[0].email == "ada@example.org"
    assert subject.purge(booked, end + timedelta(days=31)).done == {"appointments": 1}
    assert subject.purge(booked, end + timedelta(days=31)).done == {"appointments": 0}
    (row,) = rows(booked)
    assert (row.name, row.email, row.note, row.session_id) == ("", "", "", 0)
    assert row.starts_at == TUESDAY and row.public_id
    assert rows(there)[0].email == "ada@example.org"


def test_a_person_known_by_their_contact_is_found(here, bot):
    from webchatagent.core.accept import accept_turn
    from webchatagent.core.db.chats import Contact, ContactLink

    session = accept_turn(bot, None, "Hello?").session.id
    with here.write() as db:
        contact = Contact(name="Ada")
        db.add(contact)
        db.flush()
        db.add(ContactLink(session_id=session, contact_id=contact.id))
        number = contact.id
    book(here, TUESDAY, Visitor("Ada Example", "", "", session_id=session), "k")
    assert subject.locate(here, Subject(contact_id=number))[0].count == 1
    assert subject.locate(here, Subject(contact_id=number + 1))[0].count == 0


def test_a_person_sees_corrects_and_restricts(booked, there):
    (part,) = subject.export(booked, PERSON)
    assert part.count == 1 and part.rows[0]["note"] == "About the roof"
    assert subject.locate(booked, Subject(session_id=77))[0].count == 1
    assert subject.locate(booked, Subject(email="other@example.org"))[0].count == 0
    subject.rectify(booked, PERSON, {"name": "Ada B."})
    subject.restrict(booked, PERSON, True)
    assert (rows(booked)[0].name, rows(booked)[0].restricted) == ("Ada B.", True)
    assert subject.purge(booked, TUESDAY + timedelta(days=90)).done == {"appointments": 0}
    assert rows(there)[0].name == "Ada Example"


def test_erasing_cancels_without_a_mail_and_empties(booked, there):
    before = told(booked)
    assert subject.erase(booked, PERSON).done == {"appointments": 1}
    (row,) = rows(booked)
    assert (row.state, row.name, row.email, row.note) == ("cancelled", "", "", "")
    assert told(booked) == before
    assert rows(there)[0].state == "booked"
    assert subject.erase(booked, PERSON).done == {"appointments": 0}


def test_erasing_a_tenant_leaves_nothing_and_the_other_alone(booked, there):
    booked.hooks.call("tenant_erase", tenant=booked)
    rights.erase_tenant(booked)
    with there.read() as db:
        assert len(list(db.scalars(select(Appointment)))) == 1


def test_the_notice_names_appointments_while_the_plugin_is_on(here, there, switch):
    found = [d for _, d in here.hooks.each("privacy_disclosures", tenant=here)]
    assert "calendar.appointment" in {d.id for d in found}
    assert not any(d.recipient.startswith("Google") for d in found), "the built-in calendar sends nothing to Google"
    pytest.importorskip("googleapiclient")
    google = switch(there, provider="google", client_id="c", client_secret="s")
    found = [d for _, d in google.hooks.each("privacy_disclosures", tenant=google) if d.recipient]
    assert {(d.recipient, d.transfer, d.purpose) for d in found} == {("Google Ireland Ltd.", "US", "google_calendar")}
    assert "User Data Policy" in say("purpose_google_calendar", "en")


@pytest.mark.seed("SR-048")
def test_the_dashboard_books_moves_and_cancels_by_the_same_rules(here, there):
    nine = datetime(2026, 12, 1, 9, 0)
    number = admin.add(here, admin.NewAppointment(when=nine, name="Ada", email="ada@example.org"))
    (row,) = rows(here)
    assert (row.id, row.starts_at, row.state) == (number, TUESDAY, "booked")
    assert admin.fill(row) == {"when": "2026-12-01T09:00:00"}
    with pytest.raises(InvalidRequest, match="not free") as caught:
        admin.add(here, admin.NewAppointment(when=nine, name="Eve"))
    assert "09:30" in caught.value.cure
    admin.change(here, row, admin.MovedAppointment(when=nine + timedelta(hours=1)))
    assert rows(here)[0].starts_at == TUESDAY + timedelta(hours=1)
    admin.cancel_all(here, rows(here))
    assert rows(here)[0].state == "cancelled" and rows(there) == []
    assert told(here) == ["calendar_booked", "calendar_moved", "calendar_cancelled"]


@pytest.mark.parametrize(
    "values",
    [
        {"monday": "9-17"},
        {"monday": "12:00-09:00"},
        {"monday": "09:00-12:00, 11:00-13:00"},
        {"timezone": "Mars/Olympus"},
        {"exceptions": ["Christmas"]},
        {"exceptions": ["2026-12-25..2026-12-01"]},
        {"notify": "nobody"},
    ],
)
def test_settings_that_mean_nothing_are_refused(values):
    with pytest.raises(ValidationError):
        Config(**values)


def test_settings_are_read():
    rules = Config(
        monday="09:00-12:00, 13:00-24:00", exceptions=["2026-12-24 10:00-11:00", "2026-12-25..2026-12-26"]
    ).rules()
    assert rules.weekly[0] == ((540, 720), (780, 1440))
    assert sorted(len(r) for r in rules.exceptions.values()) == [0, 0, 1]
