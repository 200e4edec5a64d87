"""The plugin's jobs: answering a person in order, what a process left, and how the number is."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import select, update

from webchatagent.core.api import IndexUnavailable, PluginJob, Tenant, now

from .config import Config
from .handle import handle, leave
from .models import Incoming, Outgoing
from .outbox import Later, flush
from .status import look
from .webhook import start_answer

log = logging.getLogger(__name__)
TRIES = 4
QUIET = timedelta(seconds=45)
ANSWER = {"en": "Answer on WhatsApp", "de": "Auf WhatsApp antworten", "hi": "WhatsApp पर उत्तर देना"}
SWEEP = {"en": "Look after waiting messages", "de": "Wartende Nachrichten aufnehmen", "hi": "रुके संदेश संभालना"}
LOOK = {"en": "Look at the WhatsApp number", "de": "WhatsApp-Nummer ansehen", "hi": "WhatsApp नंबर देखना"}


def jobs() -> list[PluginJob]:
    """What is done later or regularly. One person's messages are answered one after another."""
    return [
        PluginJob("answer", answer, ANSWER, priority=1, lease_seconds=180, attempts=5, serial=True),
        PluginJob("sweep", sweep, SWEEP, every_seconds=60),
        PluginJob("look", look, LOOK, every_seconds=21_600),
    ]


def answer(tenant: Tenant, person_id: int) -> None:
    """Answer everything that waits for a person, in the order in which it was said; each answer is sent first."""
    try:
        while True:
            flush(tenant, person_id)
            with tenant.read() as db:
                row = db.scalar(
                    select(Incoming)
                    .where(Incoming.person_id == person_id, Incoming.state == "waiting")
                    .order_by(Incoming.said_at, Incoming.id)
                    .limit(1)
                )
            if row is None:
                return
            _try(tenant, person_id, row)
    except Later as later:
        with tenant.write() as db:
            ring = start_answer(db, person_id, later.seconds)
        tenant.platform.ring(ring)


def _try(tenant: Tenant, person_id: int, row: Incoming) -> None:
    """Handle one message; after four failures it is left, so that those behind it are answered."""
    last = row.attempts + 1 >= TRIES
    try:
        handle(tenant, person_id, row, last=last)
    except IndexUnavailable:  # it comes back; the ledger waits and counts no attempt
        raise
    except Exception as error:  # of a model, a tool or a file: whatever it was, it is tried again or left
        if last:
            log.exception("a message was left after %s attempts", TRIES)
            return leave(tenant, person_id, row, type(error).__name__[:80])
        with tenant.write() as db:
            values = {"attempts": row.attempts + 1, "error": type(error).__name__[:80]}
            change = update(Incoming).where(Incoming.id == row.id).values(**values)
            db.execute(change.execution_options(synchronize_session=False))
        raise


def sweep(tenant: Tenant) -> None:
    """Start what waits and nobody does: its process was killed, or Redis forgot it."""
    limit = now() - QUIET
    with tenant.write() as db:
        waiting = set(
            db.scalars(
                select(Incoming.person_id)
                .where(Incoming.state == "waiting", Incoming.created_at < limit)
                .distinct()
                .limit(500)
            )
        )
        unsent = (Outgoing.state.in_(("waiting", "sending")), Outgoing.changed_at < limit)
        waiting |= set(db.scalars(select(Outgoing.person_id).where(*unsent).distinct().limit(500)))
        ring = [
            i for person_id in sorted(waiting) if tenant.config(Config).complete for i in start_answer(db, person_id)
        ]
    tenant.platform.ring(ring)
