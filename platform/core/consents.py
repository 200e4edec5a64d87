"""Consents: the latest word of a person counts, and every word stays in the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select

from . import audit
from .clock import now
from .db.records import ConsentRecord
from .errors import InvalidRequest, NotFound, Unavailable
from .privacy import Subject
from .registry import HookFailed
from .rights import contacts_of, sessions_of
from .tenancy import TenantSession
from .tenants import Tenant


def wording_hash(text: str) -> str:
    """What the ledger keeps of what was asked: its SHA-256, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def record_consent(
    db: TenantSession,
    purpose: str,
    granted: bool,
    wording: str,
    *,
    session_id: int = 0,
    contact_id: int = 0,
    channel: str = "widget",
    proof: str = "",
) -> None:
    """Write what a person said to what they were asked, in the caller's transaction; `wording` is its `wording_hash`.

    `proof` says what shows it, such as `newsletter:<id>`; it holds nothing personal.
    """
    db.add(
        ConsentRecord(
            session_id=session_id or None,
            contact_id=contact_id or None,
            purpose=purpose,
            granted=granted,
            wording=wording,
            channel=channel,
            proof=" ".join(proof.split())[:MAX_PROOF],
        )
    )


EVERY = "every"
"""Instead of a purpose: all of them."""
MAX_PROOF = 500
PROOF_DAYS = 1095
"""How long a word is kept that belongs to nobody: claims end after three years."""


def is_granted(tenant: Tenant, subject: Subject, purpose: str) -> bool:
    """Whether a person's last word on a purpose was yes, wherever they are known."""
    with tenant.read() as db:
        return any(row.purpose == purpose for row in _in_force(db, subject))


def grant_consent(
    tenant: Tenant,
    session_id: int,
    purpose: str,
    asked: str,
    *,
    channel: str = "widget",
    proof: str = "",
) -> None:
    """Record that the person of a conversation consented to a purpose, asked in the words `asked`.

    One that somebody here records for a person needs a `proof`, such as where the signed form is. Raises InvalidRequest.
    """
    proof = " ".join(proof.split())[:MAX_PROOF]
    if channel != "widget" and len(proof) < 3:
        raise InvalidRequest("A consent needs a proof.", "say where it is kept", code="proof_missing", field="proof")
    with tenant.write() as db:
        db.add(
            ConsentRecord(
                session_id=session_id,
                purpose=purpose,
                granted=True,
                wording=wording_hash(asked),
                channel=channel,
                proof=proof,
                recorded_by="" if channel == "widget" else audit.current_actor(),
            )
        )


def list_purposes(tenant: Tenant) -> Sequence[str]:
    """The purposes that the ledger knows."""
    with tenant.read() as db:
        return list(db.scalars(select(ConsentRecord.purpose).distinct().order_by(ConsentRecord.purpose)))


def withdraw_consent(
    tenant: Tenant,
    subject: Subject,
    purpose: str,
    *,
    channel: str = "widget",
    proof: str = "",
    received_at: datetime | None = None,
) -> int:
    """Withdraw what a person consented to, one purpose or `EVERY`; returns how many consents.

    There is one way for all channels: a row that says no, with the wording that was consented to. One that somebody
    here records for a person needs a `proof`, such as where the mail is. Plugins are told first, so that what fails
    can be done again. Raises NotFound when nothing is in force, InvalidRequest for a missing proof or a time to come,
    Unavailable when a plugin could not do it.
    """
    proof = " ".join(proof.split())[:MAX_PROOF]
    if channel != "widget" and len(proof) < 3:
        raise InvalidRequest("A withdrawal needs a proof.", "say where it is kept", code="proof_missing", field="proof")
    if received_at is not None and received_at > now():
        raise InvalidRequest("It cannot have come later than now.", "correct it", code="date_wrong", field="received")
    actor = audit.current_actor()
    with tenant.read() as db:
        given = {row.purpose for row in _in_force(db, subject) if purpose in (EVERY, row.purpose)}
    for name in sorted(given):
        _tell(tenant, subject, name)
    with tenant.write() as db:
        rows = [row for row in _in_force(db, subject) if purpose in (EVERY, row.purpose)]
        if not rows:
            raise NotFound("This person has no consent in force.", "check the address", code="consent_not_found")
        for row in rows:
            db.add(
                ConsentRecord(
                    session_id=row.session_id,
                    contact_id=row.contact_id,
                    purpose=row.purpose,
                    granted=False,
                    wording=row.wording,
                    channel=channel,
                    proof=proof,
                    recorded_by="" if channel == "widget" else actor,
                    received_at=received_at,
                )
            )
        audit.record(db, actor, "consent.withdrawn", channel, count=len(rows))
    return len(rows)


def _tell(tenant: Tenant, subject: Subject, purpose: str) -> None:
    try:
        tenant.hooks.call("consent_withdrawn", tenant=tenant, subject=subject, purpose=purpose)
    except HookFailed as error:
        names = ", ".join(plugin for plugin, _ in error.failures)
        raise Unavailable(f"Not every plugin could do it: {names}.", "try again; what is done stays done") from None


def record_withdrawal(db: TenantSession, purpose: str, proof: str, received_at: datetime | None) -> None:
    """Write that a withdrawal came by mail for what is no consent of a visitor, such as an account."""
    db.add(
        ConsentRecord(
            purpose=purpose,
            granted=False,
            channel="email",
            proof=" ".join(proof.split())[:MAX_PROOF],
            recorded_by=audit.current_actor(),
            received_at=received_at,
        )
    )


def purge_consents(tenant: Tenant, at: datetime) -> int:
    """Delete words that belong to no conversation and no contact after three years; returns how many.

    Those of a conversation or a contact are deleted with it.
    """
    nobodys = (ConsentRecord.session_id.is_(None), ConsentRecord.contact_id.is_(None))
    old = ConsentRecord.created_at < at - timedelta(days=PROOF_DAYS)
    with tenant.write() as db:
        done = db.execute(delete(ConsentRecord).where(*nobodys, old).execution_options(synchronize_session=False))
    return int(getattr(done, "rowcount", 0))


def _in_force(db: TenantSession, subject: Subject) -> list[ConsentRecord]:
    """The last record of each (session, contact, purpose) of a person that says yes."""
    contacts = contacts_of(db, subject)
    sessions = sessions_of(db, subject, contacts)
    mine = or_(ConsentRecord.session_id.in_(sessions), ConsentRecord.contact_id.in_([c.id for c in contacts]))
    last: dict[tuple[int | None, int | None, str], ConsentRecord] = {}
    for row in db.scalars(select(ConsentRecord).where(mine).order_by(ConsentRecord.id)):
        last[row.session_id, row.contact_id, row.purpose] = row
    return [row for row in last.values() if row.granted]
