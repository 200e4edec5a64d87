"""Asking for the newsletter, confirming it and ending it. Every state is reached here and nowhere else.

asks:       (nothing) -> pending;  unsubscribed stays so until the new link is followed;  confirmed stays
confirms:   pending, unsubscribed -> confirmed, by a link that is signed, ends after seven days and works once
ends:       confirmed -> unsubscribed;  pending is forgotten
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from webchatagent.core.api import (
    InvalidRequest,
    SavedLead,
    Tenant,
    TenantSession,
    audit_record,
    contact_of,
    current_actor,
    now,
    read_email,
    record_consent,
    start_job,
    truncate_address,
    wording_hash,
)

from . import mails
from .config import Config
from .models import Subscriber
from .words import consent_text, say

PURPOSE = "newsletter"
DAYS = 7
"""How long a link can be followed, and how long an address that nobody confirms is kept."""
PAUSE = timedelta(minutes=15)
"""A second link to the same address is sent this long after the first, so that nobody can flood a mailbox."""
CONFIRM, LEAVE = "newsletter-confirm", "newsletter-leave"


def read_address(text: object, language: str) -> str:
    """An e-mail address as it is kept. Raises InvalidRequest for anything else, line breaks included."""
    email = read_email(text)
    if not email:
        raise InvalidRequest(say("wrong_email", language), "correct it", field="email")
    return email


def ask(
    tenant: Tenant,
    email: object,
    agreed: object,
    *,
    language: str,
    channel: str,
    address: str = "",
    session_id: int = 0,
    wording: str = "",
) -> None:
    """Somebody asks for the newsletter: a mail with the link to confirm goes out, or nothing happens.

    Whoever asks cannot see which, so it tells nobody who is subscribed. Raises InvalidRequest naming the field.
    """
    email = read_address(email, language)
    if agreed is not True:
        raise InvalidRequest(say("must_agree", language), "tick the box", field="agree")
    values = {
        "language": language[:8],
        "channel": channel,
        "wording": wording or wording_hash(consent_text(tenant, language)),
        "asked_at": now(),
        "asked_from": truncate_address(address),
        "session_id": session_id,
        "tags": list(tenant.config(Config).tags),
        "mailed_at": now(),
    }
    ring: list[str] = []
    try:
        with tenant.write() as db:
            row = db.scalar(select(Subscriber).where(Subscriber.email == email))
            if row is None:
                row = Subscriber(email=email, state="pending")
                db.add(row)
            elif row.state == "confirmed" or row.restricted or (row.mailed_at and row.mailed_at > now() - PAUSE):
                return
            random = secrets.token_urlsafe(24)
            for name, value in {**values, "nonce": _hash(random)}.items():
                setattr(row, name, value)
            db.flush()
            ring = mails.ask_to_confirm(db, tenant, row, _confirm_token(tenant, row.public_id, random))
    except IntegrityError:  # the same address was asked for at the same moment; that one is sent a link
        return
    tenant.platform.ring(ring)


def ask_for_lead(tenant: Tenant, lead: SavedLead) -> None:
    """As `ask`, for who ticked the box in a form of leads; the digest is that of the form's own text."""
    if lead.email:
        wording = lead.wordings.get("newsletter_request", "")
        ask(tenant, lead.email, True, language=lead.language, channel="lead", wording=wording)


def confirm(tenant: Tenant, token: str, address: str = "") -> str:
    """Follow a link of `ask`: `confirmed`, `known` when it was followed before, or `over`."""
    public_id, random, until, digest = [*token.split(".", 3), "", "", "", ""][:4]
    sound = tenant.platform.secret_box.matches(f"{tenant.id}|{public_id}|{random}|{until}", digest, CONFIRM)
    if not sound or not until.isdigit() or datetime.fromtimestamp(int(until), UTC) < now():
        return "over"
    with tenant.write() as db:
        taken = update(Subscriber).where(
            Subscriber.public_id == public_id,
            Subscriber.nonce == _hash(random),
            Subscriber.state != "confirmed",
            ~Subscriber.restricted,
        )
        values = {
            "nonce": "",
            "state": "confirmed",
            "confirmed_at": now(),
            "confirmed_from": truncate_address(address),
            "ended_at": None,
            "ended_by": "",
            "session_id": 0,
            "version": Subscriber.version + 1,
            "trouble": "",
        }
        done = db.execute(taken.values(**values).execution_options(synchronize_session=False))
        row = db.scalar(select(Subscriber).where(Subscriber.public_id == public_id))
        if row is None or not getattr(done, "rowcount", 0):
            return "known" if row is not None and row.state == "confirmed" else "over"
        row.contact_id = contact_of(db, row.email)
        proof = f"newsletter:{row.public_id}"
        record_consent(db, PURPOSE, True, row.wording, contact_id=row.contact_id, channel=row.channel, proof=proof)
        audit_record(db, "visitor", "newsletter.confirmed", row.public_id)
        ring = mails.welcome(db, tenant, row) + push_later(db, tenant, row)
    tenant.platform.ring(ring)
    return "confirmed"


def leave(tenant: Tenant, token: str, by: str) -> bool:
    """Follow the link to unsubscribe; it works as long as the address is known. False for a link that is none of ours."""
    public_id, _, digest = token.partition(".")
    if not tenant.platform.secret_box.matches(f"{tenant.id}|{public_id}", digest, LEAVE):
        return False
    end_all(tenant, Subscriber.public_id == public_id, by)
    return True


def end_all(tenant: Tenant, condition: Any, by: str, *, ledger: bool = True) -> int:
    """End the subscriptions that fit a condition; returns how many. Safe to repeat."""
    ring: list[str] = []
    with tenant.write() as db:
        rows = list(db.scalars(select(Subscriber).where(condition)))
        for row in rows:
            ring += end(db, tenant, row, by, ledger=ledger)
    tenant.platform.ring(ring)
    return len(rows)


def end(db: TenantSession, tenant: Tenant, row: Subscriber, by: str, *, ledger: bool = True) -> list[str]:
    """End one, in the caller's transaction; returns the jobs to ring. One that was never confirmed is forgotten."""
    if row.state == "pending":
        db.execute(delete(Subscriber).where(Subscriber.id == row.id).execution_options(synchronize_session=False))
        return []
    row.nonce = ""  # a link that is on its way does not undo it
    if row.state == "unsubscribed":
        return []
    row.state, row.ended_at, row.ended_by, row.version = "unsubscribed", now(), by, row.version + 1
    if ledger:
        proof = f"newsletter:{row.public_id}"
        record_consent(db, PURPOSE, False, row.wording, contact_id=row.contact_id, channel=by, proof=proof)
    audit_record(db, current_actor(), "newsletter.unsubscribed", row.public_id, by=by)
    return push_later(db, tenant, row)


def push_later(db: TenantSession, tenant: Tenant, row: Subscriber) -> list[str]:
    """The job that carries a row to Mailchimp, if there is one to carry it to."""
    if not tenant.config(Config).hands_on:
        return []
    return start_job(db, "newsletter.push", f"newsletter.push:{row.id}", subscriber_id=row.id)


def leave_token(tenant: Tenant, public_id: str) -> str:
    """What proves that somebody got a newsletter."""
    return f"{public_id}.{tenant.platform.secret_box.digest(f'{tenant.id}|{public_id}', LEAVE)}"


def _confirm_token(tenant: Tenant, public_id: str, random: str) -> str:
    until = int((now() + timedelta(days=DAYS)).timestamp())
    said = f"{tenant.id}|{public_id}|{random}|{until}"
    return f"{public_id}.{random}.{until}.{tenant.platform.secret_box.digest(said, CONFIRM)}"


def _hash(random: str) -> str:
    return hashlib.sha256(random.encode()).hexdigest()
