"""The plugin's jobs: reminders, what a process left half done, and telling Google to forget a token."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from webchatagent.core.api import PluginJob, Tenant, now

from .booking import finish_held
from .config import Config
from .connect import revoke_left
from .mails import tell
from .models import Appointment

REMIND = {"en": "Remind of appointments", "de": "An Termine erinnern", "hi": "अपॉइंटमेंट की याद दिलाना"}
FINISH = {"en": "Finish bookings", "de": "Buchungen abschließen", "hi": "बुकिंग पूरी करना"}
REVOKE = {
    "en": "Take back Google's permission",
    "de": "Googles Erlaubnis zurücknehmen",
    "hi": "Google की अनुमति वापस लेना",
}


def jobs() -> list[PluginJob]:
    """What is done later or regularly."""
    return [
        PluginJob("remind", remind, REMIND, every_seconds=600),
        PluginJob("finish", finish_held, FINISH, every_seconds=600),
        PluginJob("revoke", revoke_left, REVOKE, attempts=12, even_off=True),
    ]


def remind(tenant: Tenant) -> None:
    """Mail those whose appointment is near, each once; not those who booked after that time had come."""
    hours = tenant.config(Config).reminder
    if not hours:
        return
    ahead = timedelta(hours=hours)
    with tenant.write() as db:
        rows = db.scalars(
            select(Appointment).where(
                Appointment.state == "booked",
                ~Appointment.reminded,
                Appointment.starts_at > now(),
                Appointment.starts_at <= now() + ahead,
            )
        )
        ring: list[str] = []
        for row in list(rows):
            db.execute(
                update(Appointment)
                .where(Appointment.id == row.id)
                .values(reminded=True)
                .execution_options(synchronize_session=False)
            )
            if row.created_at <= row.starts_at - ahead:
                ring += tell(db, tenant, "reminder", row)
    tenant.platform.ring(ring)
