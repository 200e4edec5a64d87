"""What a visitor sees behind the link of a mail, the file for their own calendar, and the tenant's feed."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape

from sqlalchemy import select

from webchatagent.core.api import (
    Route,
    RouteRequest,
    RouteResponse,
    SetupValue,
    Tenant,
    ToolFailed,
    WebChatAgentError,
    now,
    page_response,
)

from .booking import NotFree, cancel, find_appointment, find_slots, move
from .ics import write_ics
from .mails import host_of, id_of, title_of, token_of
from .models import Appointment
from .words import said, say, table

FEED = "calendar-feed"
ICS = "text/calendar; charset=utf-8"


def routes() -> list[Route]:
    """The plugin's pages."""
    return [
        Route("appointment/<token>", show, ("GET", "POST")),
        Route("appointment/<token>/event.ics", event_file),
        Route("feed/<token>/appointments.ics", feed),
    ]


def show(tenant: Tenant, request: RouteRequest) -> RouteResponse:
    """The appointment of a signed link; a POST moves or cancels it, so that a mail scanner changes nothing."""
    row = _opened(tenant, request)
    if row is None:
        return page_response(request.language, say("page_unknown", request.language), "", status=404)
    message = _act(tenant, row, request.form()) if request.method == "POST" else ""
    return page_response(row.language, *_content(tenant, find_appointment(tenant, row.public_id) or row, message))


def _opened(tenant: Tenant, request: RouteRequest) -> Appointment | None:
    public_id = id_of(tenant, request.parts["token"])
    return find_appointment(tenant, public_id) if public_id else None


def _act(tenant: Tenant, row: Appointment, form: dict[str, str]) -> str:
    language = row.language
    try:
        if form.get("do") == "cancel":
            cancel(tenant, row)
            return say("cancelled", language, when=said(row.starts_at, row.zone, language))
        start = datetime.fromisoformat(form.get("start", ""))
        if start.tzinfo is None:
            raise ValueError("no zone")
        move(tenant, row, start)
        return say("moved", language, when=said(row.starts_at, row.zone, language))
    except NotFree as error:
        others = "; ".join(said(s, row.zone, language) for s in error.others)
        return say("taken" if others else "taken_all", language, next=others)
    except ToolFailed:
        return say("unreachable", language)
    except (ValueError, WebChatAgentError):
        return say("page_over", language)


def _content(tenant: Tenant, row: Appointment, message: str) -> tuple[str, str]:
    language, title = row.language, title_of(tenant, row.language)
    when = said(row.starts_at, row.zone, language)
    parts = [f'<p role="status">{escape(message)}</p>'] if message else []
    if row.state == "cancelled":
        return title, "".join(parts or [f"<p>{escape(say('cancelled', language, when=when))}</p>"])
    parts.append(f"<p>{escape(when)}</p>")
    if row.state != "booked" or row.starts_at <= now():
        return title, "".join([*parts, f"<p>{escape(say('page_over', language))}</p>"])
    parts.append(
        f'<p><a class="file" href="{token_of(tenant, row)}/event.ics">{escape(say("page_file", language))}</a></p>'
    )
    parts.append(_button("cancel", "cancel", say("page_cancel", language)))
    return title, "".join([*parts, _choices(tenant, row)])


def _choices(tenant: Tenant, row: Appointment) -> str:
    today = now().date()
    try:
        slots = find_slots(tenant, today, today + timedelta(days=60), 12)
    except ToolFailed:
        slots = []
    if not slots:
        return ""
    buttons = "".join(_button("start", s.isoformat(), said(s, row.zone, row.language)) for s in slots)
    return (
        f"<h2>{escape(say('page_move', row.language))}</h2><p>{escape(say('page_choose', row.language))}</p>{buttons}"
    )


def _button(name: str, value: str, label: str) -> str:
    name = "do" if name == "cancel" else name
    return f'<form method="post"><button name="{name}" value="{escape(value)}">{escape(label)}</button></form>'


def event_file(tenant: Tenant, request: RouteRequest) -> RouteResponse:
    """One appointment as a file."""
    row = _opened(tenant, request)
    if row is None:
        return RouteResponse("", 404)
    return RouteResponse(write_ics([row], title_of(tenant, row.language), host_of(tenant)), content_type=ICS)


def feed_token(tenant: Tenant) -> str:
    """What opens the tenant's feed."""
    return tenant.platform.secret_box.digest(str(tenant.id), FEED)


def setup_values(tenant: Tenant) -> list[SetupValue]:
    """The feed's address; whoever knows it reads the appointments."""
    path = f"/x/calendar/{tenant.slug}/feed/{feed_token(tenant)}/appointments.ics"
    return [SetupValue(table()["feed_label"], path, path=True)]


def feed(tenant: Tenant, request: RouteRequest) -> RouteResponse:
    """All appointments of the last month and to come, for the tenant's own calendar program."""
    if not tenant.platform.secret_box.matches(str(tenant.id), request.parts["token"], FEED):
        return RouteResponse("", 404)
    with tenant.read() as db:
        rows = list(
            db.scalars(
                select(Appointment)
                .where(Appointment.state.in_(("booked", "cancelled")), Appointment.ends_at > now() - timedelta(days=30))
                .where(~Appointment.restricted)
                .order_by(Appointment.starts_at)
                .limit(5000)
            )
        )
    return RouteResponse(
        write_ics(rows, title_of(tenant, tenant.locale), host_of(tenant), names=True), content_type=ICS
    )
