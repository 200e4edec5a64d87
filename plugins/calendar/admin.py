"""The list of appointments in the admin: booking, moving and cancelling by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from webchatagent.core.api import AdminAction, AdminView, InvalidRequest, Tenant, new_uuid, rights

from .booking import NotFree, Visitor, book, calendar_of, cancel, move
from .models import Appointment
from .words import said

WHO = ("owner", "editor", "agent", "operator")


class NewAppointment(BaseModel):
    """An appointment that somebody enters for a visitor; the time is the calendar's own."""

    model_config = ConfigDict(frozen=True)
    when: datetime
    name: str = Field(min_length=1, max_length=200)
    email: str = Field("", max_length=254, pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$")
    note: str = Field("", max_length=1000)


class MovedAppointment(BaseModel):
    """The new time of an appointment, in its calendar's zone."""

    model_config = ConfigDict(frozen=True)
    when: datetime


def _moment(tenant: Tenant, when: datetime) -> datetime:
    """A wall time of the calendar as a moment. Raises InvalidRequest for one that its clock skips."""
    rules, _, _ = calendar_of(tenant)
    local = when.replace(tzinfo=rules.zone) if when.tzinfo is None else when
    moment = local.astimezone(ZoneInfo("UTC"))
    if when.tzinfo is None and moment.astimezone(rules.zone).replace(tzinfo=None) != when:
        raise InvalidRequest("This time does not exist on that day.", "choose another", field="when")
    return moment


def _refused(tenant: Tenant, error: NotFree) -> InvalidRequest:
    _, zone, _ = calendar_of(tenant)
    others = "; ".join(said(s, zone, tenant.locale) for s in error.others)
    return InvalidRequest(
        "This time is not free.",
        f"choose one of: {others}" if others else "choose another day",
        field="when",
        status=409,
    )


def add(tenant: Tenant, form: NewAppointment) -> int:
    """Book by hand: the same test as for a visitor. Raises InvalidRequest."""
    person = Visitor(form.name, form.email, form.note, tenant.locale)
    try:
        return book(tenant, _moment(tenant, form.when), person, f"admin:{new_uuid()}").id
    except NotFree as error:
        raise _refused(tenant, error) from None


def change(tenant: Tenant, row: Appointment, form: MovedAppointment) -> None:
    """Move by hand. Raises InvalidRequest."""
    try:
        move(tenant, row, _moment(tenant, form.when))
    except NotFree as error:
        raise _refused(tenant, error) from None


def fill(row: Appointment) -> dict[str, Any]:
    """The time as the form shows it."""
    return {"when": row.starts_at.astimezone(ZoneInfo(row.zone)).replace(tzinfo=None).isoformat()}


def cancel_all(tenant: Tenant, rows: list[Appointment]) -> None:
    """Cancel those that were chosen. Raises InvalidRequest for one that is over."""
    for row in rows:
        cancel(tenant, row)


def views() -> list[AdminView]:
    """One screen."""
    return [
        AdminView(
            id="appointments",
            model=Appointment,
            title={"en": "Appointments", "de": "Termine", "hi": "अपॉइंटमेंट"},
            intro={
                "en": "Booked by visitors, or here by hand. Who cancels or moves one lets the visitor know by mail.",
                "de": "Von Besuchern gebucht oder hier von Hand. Absagen und Verschieben gehen per Mail an die Besucher.",
                "hi": "आगंतुकों की बुक की हुई, या यहाँ हाथ से जोड़ी गई। रद्द करने या समय बदलने पर आगंतुक को मेल जाती है।",
            },
            icon="clock",
            list_columns=("when", "name", "email", "state"),
            show_columns=("when", "name", "email", "note", "state", "provider", "created_at"),
            labels=LABELS,
            formats={"created_at": "time"},
            values={"state": STATES, "provider": PROVIDERS},
            filters=("state",),
            order=("starts_at", "desc"),
            rights=rights(read=(*WHO, "viewer"), write=WHO),
            actions=(AdminAction("cancel", CANCEL, cancel_all, CONFIRM),),
            add_title={"en": "Book an appointment", "de": "Termin buchen", "hi": "अपॉइंटमेंट बुक करें"},
            edit_title={"en": "Move the appointment", "de": "Termin verschieben", "hi": "अपॉइंटमेंट का समय बदलें"},
            add_form=NewAppointment,
            add=add,
            edit_form=MovedAppointment,
            fill=fill,
            change=change,
            empty_title={"en": "No appointments yet", "de": "Noch keine Termine", "hi": "अभी कोई अपॉइंटमेंट नहीं"},
        )
    ]


LABELS = {
    "name": {"en": "Name", "de": "Name", "hi": "नाम"},
    "email": {"en": "E-mail", "de": "E-Mail", "hi": "ईमेल"},
    "note": {"en": "Note", "de": "Anmerkung", "hi": "टिप्पणी"},
    "state": {"en": "State", "de": "Zustand", "hi": "स्थिति"},
    "provider": {"en": "Calendar", "de": "Kalender", "hi": "कैलेंडर"},
    "created_at": {"en": "Made", "de": "Angelegt", "hi": "बनाई गई"},
    "when": {"en": "When", "de": "Wann", "hi": "कब"},
}
STATES = {
    "held": {"en": "Being booked", "de": "Wird gebucht", "hi": "बुक हो रही है"},
    "booked": {"en": "Booked", "de": "Gebucht", "hi": "बुक"},
    "cancelled": {"en": "Cancelled", "de": "Abgesagt", "hi": "रद्द"},
}
PROVIDERS = {
    "local": {"en": "Built-in", "de": "Eingebaut", "hi": "अंतर्निहित"},
    "google": {"en": "Google Calendar", "de": "Google Kalender", "hi": "Google Calendar"},
}
CANCEL = {"en": "Cancel", "de": "Absagen", "hi": "रद्द करें"}
CONFIRM = {
    "en": "Cancel these appointments? The visitors are told by mail.",
    "de": "Diese Termine absagen? Die Besucher werden per Mail benachrichtigt.",
    "hi": "ये अपॉइंटमेंट रद्द करें? आगंतुकों को मेल से बताया जाएगा।",
}
