"""Appointments at the admin, by its pages: book, refuse what is not free, move, cancel."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from webchatagent.core import plugins
from webchatagent.core.clock import now
from webchatagent.core.tenants import load_tenant
from webchatagent.plugins.calendar.models import Appointment

PATH = "/calendar-appointments"


@pytest.fixture(scope="module")
def owner(house: Any) -> Any:
    """An owner of the first tenant, whose calendar is open at all hours."""
    days = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), "00:00-24:00")
    for tenant in (house.acme, house.globex):
        plugins.configure(tenant, "calendar", {"timezone": "Asia/Kolkata", "notice": 0, **days})
        plugins.enable(tenant, "calendar")
    return house.browser("owner@example.org")


def rows(house: Any, slug: str = "acme") -> list[Appointment]:
    """The appointments of a tenant."""
    with load_tenant(house.platform, slug=slug).read() as db:
        return list(db.scalars(select(Appointment).order_by(Appointment.id)))


def test_booking_moving_and_cancelling(house: Any, owner: Any) -> None:
    day = (now() + timedelta(days=3)).date().isoformat()
    page = owner.get(f"{PATH}/add").text
    assert 'type="datetime-local"' in page and 'name="c_name"' in page
    form = {"c_when": f"{day}T10:00", "c_name": "A visitor", "c_email": "visitor@example.org", "c_note": ""}
    assert "Please fill in this field." in owner.post(f"{PATH}/add", {**form, "c_when": ""}).text
    assert owner.post(f"{PATH}/add", form).status_code == 302
    made = rows(house)[-1]
    assert (made.state, made.starts_at.strftime("%H:%M")) == ("booked", "04:30")
    taken = owner.post(f"{PATH}/add", {**form, "c_name": "Another"})
    assert taken.status_code == 200 and "not free" in taken.text and rows(house)[-1].id == made.id
    path = f"{PATH}/edit/{made.id}"
    assert f'value="{day}T10:00' in owner.get(path).text
    assert owner.post(path, {"c_when": f"{day}T11:00"}).status_code == 302
    assert rows(house)[-1].starts_at.strftime("%H:%M") == "05:30"
    assert owner.post(f"{PATH}/action/cancel/{made.id}").status_code == 302
    assert rows(house)[-1].state == "cancelled" and rows(house, "globex") == []


def test_the_settings_name_the_calendars_and_show_the_feed(house: Any, owner: Any) -> None:
    page = owner.get("/marketplace/calendar/").text
    assert ">Built-in</option>" in page and ">Google Calendar</option>" in page and "`local`" not in page
    found = re.search(r"/x/calendar/acme/feed/[^/]+/appointments\.ics", page)
    assert found and "Subscribe" in page.title()
    assert "/feed/" not in house.browser("viewer@example.org").get("/marketplace/calendar/").text


def test_nobody_reaches_an_appointment_of_another_tenant(house: Any, owner: Any) -> None:
    other = house.browser("owner@example.net")
    day = (now() + timedelta(days=5)).date().isoformat()
    owner.get(f"{PATH}/add")
    owner.post(f"{PATH}/add", {"c_when": f"{day}T10:00", "c_name": "A visitor"})
    number = rows(house)[-1].id
    for answer in (
        other.get(f"{PATH}/show/{number}"),
        other.get(f"{PATH}/edit/{number}"),
        other.post(f"{PATH}/action/cancel/{number}"),
    ):
        assert answer.status_code == 404 and "A visitor" not in answer.text
    viewer = house.browser("viewer@example.org")
    assert viewer.get(f"{PATH}/list/").status_code == 200 and viewer.get(f"{PATH}/add").status_code == 403
