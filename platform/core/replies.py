"""Doing a repeated request once: the answer to a request that carries an idempotency key is kept for a day."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from .apikeys import Caller
from .clock import now
from .db.access import StoredReply
from .errors import Conflict, InvalidRequest
from .tenants import Tenant

KEPT = timedelta(hours=24)
SERVED = timedelta(minutes=5)
"""A request that is still being served after this long was served by a process that is gone."""
MAX_NAME = 255


@dataclass(frozen=True)
class Reply:
    """An answer to be given again: HTTP status and JSON body."""

    status: int
    body: str


def begin(caller: Caller, name: str, request_hash: str) -> tuple[int, Reply | None]:
    """Take a request up: (id to finish it with, None), or (0, the answer it had).

    `request_hash` tells whether it is the same request. Raises InvalidRequest for another one under the same name, and
    Conflict while the first is still being served.
    """
    if not (0 < len(name) <= MAX_NAME and name.isprintable()):
        raise InvalidRequest(
            f"An idempotency key is 1 to {MAX_NAME} characters.", "send a UUID", field="Idempotency-Key"
        )
    digest = hashlib.sha256(name.encode()).hexdigest()
    try:
        with caller.tenant.write() as db:
            row = StoredReply(key_id=caller.key_id, name_hash=digest, request_hash=request_hash)
            db.add(row)
            db.flush()
            return row.id, None
    except IntegrityError:
        return _repeat(caller, digest, request_hash)


def _repeat(caller: Caller, digest: str, request_hash: str) -> tuple[int, Reply | None]:
    with caller.tenant.write() as db:
        row = db.scalar(select(StoredReply).where(StoredReply.key_id == caller.key_id, StoredReply.name_hash == digest))
        busy = Conflict(
            "This request is still being served.", "try again in a moment", code="request_in_progress", retry_after=1
        )
        if row is None:  # the first one failed just now
            raise busy
        if row.created_at < now() - (KEPT if row.status else SERVED):
            row.request_hash, row.status, row.body, row.created_at = request_hash, 0, "", now()
            return row.id, None
        if row.request_hash != request_hash:
            raise InvalidRequest(
                "This idempotency key belongs to another request.",
                "use a new one for each request",
                code="idempotency_key_reused",
                field="Idempotency-Key",
            )
        if not row.status:
            raise busy
        return 0, Reply(row.status, row.body)


def finish(tenant: Tenant, reply_id: int, status: int, body: str) -> None:
    """Keep the answer of a request that was taken up."""
    with tenant.write() as db:
        db.execute(update(StoredReply).where(StoredReply.id == reply_id).values(status=status, body=body))


def abandon(tenant: Tenant, reply_id: int) -> None:
    """Forget a request that failed, so that it can be tried again under the same name."""
    with tenant.write() as db:
        db.execute(delete(StoredReply).where(StoredReply.id == reply_id))


def purge_replies(tenant: Tenant, at: datetime) -> int:
    """Delete answers that are older than a day; returns how many."""
    with tenant.write() as db:
        done = db.execute(
            delete(StoredReply).where(StoredReply.created_at < at - KEPT).execution_options(synchronize_session=False)
        )
    return int(getattr(done, "rowcount", 0))
