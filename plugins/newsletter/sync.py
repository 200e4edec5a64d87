"""Carrying what was said here to Mailchimp, and what was said there to here. Only jobs do this.

What is carried is decided by how the address stands on both sides, so that a repeated job changes nothing. Nobody is
`subscribed` there whom this side did not confirm, and nobody who left there comes back by us: an earlier leaving turns
into Mailchimp's own question (`pending`), a later one ends it here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import select

from webchatagent.core.api import Tenant, Unavailable, now, start_job

from .config import Config
from .mailchimp import Mailchimp, MailchimpRefused, member_id
from .mails import leave_link
from .models import Campaign, Removal, Subscriber
from .signup import end, end_all
from .webhook import address_of

ROUNDS = 3
LOOK_BACK = timedelta(days=3)
Step = Literal["subscribe", "ask", "leave", "end_here", "unsubscribe"]


def plan(state: str, confirmed_at: datetime | None, remote: str, changed: datetime | None) -> Step:
    """What has to be done for an address that stands as `state` here and as `remote` there (empty: not known there)."""
    if state == "unsubscribed":
        return "unsubscribe" if remote in ("subscribed", "pending") else "leave"
    if state != "confirmed" or confirmed_at is None:
        return "leave"
    if remote in ("", "subscribed"):
        return "subscribe"
    if remote == "pending":
        return "leave"
    if remote != "transactional" and changed is not None and changed > confirmed_at:
        return "end_here"
    return "ask"


def push(tenant: Tenant, subscriber_id: int) -> None:
    """The job for one address, until what was carried is what is stored. Raises Unavailable; it is tried again."""
    config = tenant.config(Config)
    if not config.hands_on:
        return
    client = Mailchimp(config)
    for _ in range(ROUNDS):
        with tenant.read() as db:
            row: Subscriber | None = db.get(Subscriber, subscriber_id)
        if row is None or row.state == "pending" or (row.restricted and row.state == "confirmed"):
            return
        step, remote, trouble = _carry(tenant, client, config, row)
        if step == "end_here":
            end_all(tenant, (Subscriber.id == row.id) & (Subscriber.version == row.version), "mailchimp")
            continue
        if _note(tenant, row, remote, trouble):
            return
    raise Unavailable("The address changes faster than it can be carried.", "it is tried again")


def _carry(tenant: Tenant, client: Mailchimp, config: Config, row: Subscriber) -> tuple[Step, str, str]:
    """Do it; what was done, how the address stands there now, and why it could not be done."""
    digest = member_id(row.email)
    remote, changed = client.member(digest)
    step = plan(row.state, row.confirmed_at, remote, changed)
    try:
        if step == "subscribe":
            remote = _subscribe(client, row, _fields(tenant, config, row))
        elif step == "ask":
            remote = client.put(row.email, {"status": "pending", "status_if_new": "pending"})
        elif step == "unsubscribe":
            client.unsubscribe(digest)
            remote = "unsubscribed"
        if row.state == "confirmed" and row.tags and step in ("subscribe", "ask"):
            client.tag(digest, [str(tag) for tag in row.tags])
    except MailchimpRefused as error:
        if error.answered in (401, 403):
            raise Unavailable("Mailchimp does not take the key.", "enter a new one") from None
        return step, remote, _trouble(error)
    return step, remote, ""


def _subscribe(client: Mailchimp, row: Subscriber, fields: dict[str, Any]) -> str:
    """`status_if_new` alone: one who is there already keeps their state, whatever happened since we looked."""
    try:
        return client.put(row.email, {"status_if_new": "subscribed", **fields})
    except MailchimpRefused as error:
        if "compliance" not in error.title.lower():
            raise
        return client.put(row.email, {"status": "pending", "status_if_new": "pending"})


def _fields(tenant: Tenant, config: Config, row: Subscriber) -> dict[str, Any]:
    """Our proof, the language, and the link to unsubscribe here."""
    fields: dict[str, Any] = {"language": row.language, "timestamp_signup": _said(row.asked_at)}
    if row.confirmed_at:
        fields["timestamp_opt"] = _said(row.confirmed_at)
    if config.unsubscribe_field:
        fields["merge_fields"] = {config.unsubscribe_field: leave_link(tenant, row.public_id)}
    return fields


def _said(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _trouble(error: MailchimpRefused) -> str:
    title = error.title.lower()
    return "compliance" if "compliance" in title else "forgotten" if "forgotten" in title else "refused"


def _note(tenant: Tenant, seen: Subscriber, remote: str, trouble: str) -> bool:
    """Write what was carried; False when the row changed meanwhile, so that it has to be carried again."""
    ring: list[str] = []
    with tenant.write() as db:
        row = db.get(Subscriber, seen.id)
        if row is None:  # erased meanwhile: what was just put there must go again
            ring = remove_later(db, tenant, seen.email)
        elif row.version != seen.version:
            return False
        else:
            row.pushed, row.remote, row.trouble = seen.version, remote[:16], trouble
    tenant.platform.ring(ring)
    return True


def push_gave_up(tenant: Tenant, subscriber_id: int) -> None:
    """It failed for the last time: somebody here reads that, and the hourly job begins anew."""
    with tenant.write() as db:
        row = db.get(Subscriber, subscriber_id)
        if row is not None:
            row.trouble = "unreachable"


def remove_later(db: Any, tenant: Tenant, email: str) -> list[str]:
    """Have Mailchimp delete an address for good, in the caller's transaction; returns the jobs to ring."""
    config = tenant.config(Config)
    if not config.hands_on or not email:
        return []
    digest, audience = member_id(email), config.audience_id
    row = db.scalar(select(Removal).where(Removal.digest == digest, Removal.audience_id == audience))
    if row is None:
        row = Removal(digest=digest, audience_id=audience)
        db.add(row)
        db.flush()
    return start_job(db, "newsletter.remove", f"newsletter.remove:{row.id}", removal_id=row.id)


def remove(tenant: Tenant, removal_id: int) -> None:
    """The job that deletes one for good. Raises Unavailable, MailchimpRefused; it is tried again."""
    config = tenant.config(Config)
    with tenant.read() as db:
        row = db.get(Removal, removal_id)
    if row is None or not config.api_key.get_secret_value():
        return
    Mailchimp(config, row.audience_id).forget(row.digest)
    with tenant.write() as db:
        found = db.get(Removal, removal_id)
        if found is not None:
            db.delete(found)


def reconcile(tenant: Tenant) -> None:
    """Every hour: who left there leaves here, what was not carried is carried, and the web hook is there."""
    config = tenant.config(Config)
    if not config.hands_on:
        return
    client = Mailchimp(config)
    ring: list[str] = []
    for email, changed in client.left_since(now() - LOOK_BACK):
        with tenant.write() as db:
            row = db.scalar(select(Subscriber).where(Subscriber.email == email, Subscriber.state == "confirmed"))
            if row is not None and row.confirmed_at and changed and changed > row.confirmed_at:
                ring += end(db, tenant, row, "mailchimp")
    with tenant.write() as db:
        stale = select(Subscriber).where(
            Subscriber.pushed != Subscriber.version,
            Subscriber.state.in_(("confirmed", "unsubscribed")),
            Subscriber.trouble.in_(("", "unreachable")),
        )
        for row in list(db.scalars(stale.order_by(Subscriber.id).limit(500))):
            ring += start_job(db, "newsletter.push", f"newsletter.push:{row.id}", subscriber_id=row.id)
    tenant.platform.ring(ring)
    address = address_of(tenant)
    if address.startswith("https://") or config.api_url:  # it does not call a machine that has no address
        client.watch(address)
    if config.statistics:
        _count(tenant, client)


def _count(tenant: Tenant, client: Mailchimp) -> None:
    """Keep the sums of the latest campaigns."""
    found = client.reports()
    with tenant.write() as db:
        known = {row.campaign_id: row for row in db.scalars(select(Campaign))}
        for report in found:
            name = str(report.get("id", ""))[:40]
            row = known.get(name)
            if row is None:
                row = Campaign(campaign_id=name)
                db.add(row)
            row.title = str(report.get("campaign_title", ""))[:200]
            row.sent = int(report.get("emails_sent") or 0)
            row.opens = int((report.get("opens") or {}).get("opens_total") or 0)
            row.clicks = int((report.get("clicks") or {}).get("clicks_total") or 0)
            sent_at = report.get("send_time")
            row.sent_at = datetime.fromisoformat(str(sent_at)) if sent_at else None
