"""What the team sees and does of a conversation: the window of 24 hours, answers by hand, what became of messages."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from webchatagent.core.api import Channel, Conflict, Delivery, Tenant, TenantSession, Window

from .handle import put
from .models import Outgoing, Person
from .outbox import is_open, open_until
from .receipts import RANK
from .webhook import start_answer
from .words import row, sentences
from .writing import text_messages


class WhatsApp:
    """The channel of one tenant."""

    label = "WhatsApp"

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def window(self, session_id: int) -> Window:
        """Open for 24 hours from the person's last message."""
        with self._tenant.read() as db:
            person = db.scalar(select(Person).where(Person.session_id == session_id))
        if person is None or person.restricted:
            return Window(None, row("nobody"))
        return Window(open_until(person)) if is_open(person) else Window(None, row("window_closed"))

    def send(self, db: TenantSession, session_id: int, message: str, text: str) -> list[str]:
        """Behind what is on its way already. Raises Conflict when there is nobody to write to."""
        person = db.scalar(select(Person).where(Person.session_id == session_id))
        if person is None or not is_open(person):
            raise Conflict("The person cannot be written to now.", "wait until they write again", code="window_closed")
        for out in text_messages(text):
            put(db, person.id, out, message)
        return start_answer(db, person.id)

    def deliveries(self, session_id: int) -> Mapping[str, Delivery]:
        """Of a message in several pieces, the one that is least far; a piece that failed is said."""
        with self._tenant.read() as db:
            rows = db.scalars(
                select(Outgoing)
                .join(Person, Person.id == Outgoing.person_id)
                .where(Person.session_id == session_id, Outgoing.message != "")
                .order_by(Outgoing.id)
            )
            least: dict[str, Outgoing] = {}
            for found in rows:
                known = least.get(found.message)
                if known is None or _order(found) < _order(known):
                    least[found.message] = found
        return {message: delivery(found) for message, found in least.items()}


def _order(found: Outgoing) -> int:
    return -1 if found.state == "failed" else RANK[found.state]


def delivery(found: Outgoing) -> Delivery:
    """The state in words; a reason of ours is a key, one of Meta's is Meta's own sentence."""
    known = sentences.table.get(found.reason)
    reason = known["en"] if known else found.reason
    return Delivery(found.state, row(f"state_{found.state}"), f"{reason} ({found.error})" if found.error else reason)


def channels(tenant: Tenant) -> list[Channel]:
    """The one channel."""
    return [WhatsApp(tenant)]
