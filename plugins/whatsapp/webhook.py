"""Where Meta calls: the handshake, and messages that are proven, written down once, and answered by a job."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select, update

from webchatagent.core.api import (
    InvalidRequest,
    LiveBot,
    NotFound,
    Route,
    RouteRequest,
    RouteResponse,
    Tenant,
    TenantSession,
    Unavailable,
    WebChatAgentError,
    insert_row,
    now,
    start_job,
)

from .config import Config
from .models import Incoming, Number, Person
from .payload import FUTURE, OLDEST, Read, Said, Sender, read_payload
from .people import answering_bot, block_list, find, find_or_make, is_blocked
from .receipts import note_statuses

VERIFY = "whatsapp verify"
MOST_BODY = 3_200_000
"""Meta sends up to 3 MB."""
ANSWER = "whatsapp.answer"
HEADER = "x-hub-signature-256"
BANS = ("ACCOUNT_RESTRICTION", "ACCOUNT_VIOLATION", "DISABLED_UPDATE", "ACCOUNT_DELETED", "PARTNER_REMOVED")


class SignatureWrong(WebChatAgentError):
    """A message to the web hook that Meta did not sign with this tenant's app secret."""

    status, code = 401, "signature_wrong"


def routes() -> list[Route]:
    """The one address that Meta is told."""
    return [Route("webhook", verify), Route("webhook", receive, ("POST",), MOST_BODY)]


def verify_token(tenant: Tenant) -> str:
    """What Meta has to say in the handshake; made here, the same each time, and kept nowhere."""
    return tenant.platform.secret_box.digest(str(tenant.id), VERIFY)


def verify(tenant: Tenant, request: RouteRequest) -> RouteResponse:
    """The handshake: the challenge comes back, as text."""
    query = request.query
    right = tenant.platform.secret_box.matches(str(tenant.id), query.get("hub.verify_token", ""), VERIFY)
    if query.get("hub.mode") != "subscribe" or not right:
        return RouteResponse("forbidden", 403, "text/plain; charset=utf-8")
    with tenant.write() as db:
        number_row(db).verified_at = now()
    return RouteResponse(query.get("hub.challenge", "")[:200], content_type="text/plain; charset=utf-8")


def number_row(db: TenantSession) -> Number:
    """The row of the tenant's number, made when there is none."""
    row = db.scalar(select(Number))
    if row is None:
        row = Number()
        db.add(row)
        db.flush()
    return row


def is_signed(secret: str, body: bytes, header: str) -> bool:
    """Whether the header is the HMAC-SHA256 of the raw body; nothing is signed with an empty secret."""
    if not secret:
        return False
    found = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"sha256={found}".encode(), header.strip().lower().encode("utf-8", "replace"))


def receive(tenant: Tenant, request: RouteRequest) -> RouteResponse:
    """Write down what came, and say so: the database alone is needed for that.

    Raises SignatureWrong (raised and not returned, since Meta's addresses serve every tenant, and a wrong secret of one
    must not count against them), InvalidRequest, and Unavailable when it cannot be kept: Meta tries again.
    """
    config = tenant.config(Config)
    if not is_signed(config.app_secret.get_secret_value(), request.body, request.headers.get(HEADER, "")):
        raise SignatureWrong("This is not signed with the app's secret.", "enter the app secret of your Meta app")
    try:
        payload = json.loads(request.body)
    except (ValueError, RecursionError):
        raise InvalidRequest("The request is not JSON.", "send JSON") from None
    found = read_payload(payload, config.phone_number_id)
    try:
        taken = take(tenant, found)
    except NotFound:
        raise Unavailable("There is no bot that answers.", "make one, or choose one in the settings") from None
    return RouteResponse({"taken": taken, "foreign": found.foreign})


def take(tenant: Tenant, found: Read) -> int:
    """Keep what is new, in one transaction; returns how many messages that were."""
    keys = [said.key for said in found.said] + found.bad
    if not (found.statuses or found.wishes or found.notices):
        with tenant.read() as db:  # what comes again waits for nobody's lock
            if not keys or _known(db, keys).issuperset(keys):
                return 0
    bot = answering_bot(tenant) if found.said else None
    with tenant.write() as db:
        known = _known(db, keys)
        new = {said.key: said for said in found.said if said.key not in known}
        ring = _keep(tenant, db, list(new.values()), bot) if bot else []
        for key in dict.fromkeys(key for key in found.bad if key not in known):
            insert_row(db, Incoming, external_id=key, kind="bad", said_at=now(), state="bad", error="unreadable")
        note_statuses(db, found.statuses)
        _note_wishes(tenant, db, found)
        _note_account(db, found)
    tenant.platform.ring(ring)
    return len(new)


def _known(db: TenantSession, keys: list[str]) -> set[str]:
    """Which messages were taken before."""
    known = set[str]()
    for start in range(0, len(keys), 500):
        part = keys[start : start + 500]
        known |= set(db.scalars(select(Incoming.external_id).where(Incoming.external_id.in_(part))))
    return known


def _keep(tenant: Tenant, db: TenantSession, new: list[Said], bot: LiveBot) -> list[str]:
    """Write messages, those of one person together; of what is ignored, the id alone. Returns what to ring."""
    by_sender: dict[Sender, list[Said]] = {}
    for said in new:
        by_sender.setdefault(said.sender, []).append(said)
    blocked = block_list(db) if new else []
    ring: list[str] = []
    for sender, theirs in by_sender.items():
        why = _why_ignored(tenant, db, sender, blocked)
        timely = [said for said in theirs if now() - OLDEST <= said.at <= now() + FUTURE]
        taken = [] if why else timely
        for said in theirs:
            if said not in taken:
                values = {"external_id": said.key, "kind": said.kind, "said_at": said.at}
                insert_row(db, Incoming, **values, state="ignored", error=why or "not of this time")
        if taken:
            ring += _keep_of(db, find_or_make(tenant, db, sender, bot), taken)
    return ring


def _keep_of(db: TenantSession, person: Person, taken: list[Said]) -> list[str]:
    """Write the messages of a person, whose window of 24 hours opens anew."""
    last = min(max(said.at for said in taken), now())
    if person.last_in_at is None or person.last_in_at < last:
        person.last_in_at = last
    for said in taken:
        insert_row(
            db,
            Incoming,
            external_id=said.key,
            person_id=person.id,
            kind=said.kind,
            said_at=said.at,
            payload={"id": said.id, "text": said.text, "data": said.data, "reply_to": said.reply_to},
        )
    return start_answer(db, person.id)


def _why_ignored(tenant: Tenant, db: TenantSession, sender: Sender, blocked: list[str]) -> str:
    """Why nothing of somebody is taken."""
    if is_blocked(tenant, blocked, sender):
        return "blocked"
    row = find(db, tenant.config(Config).phone_number_id, sender)
    return "restricted" if row is not None and row.restricted else ""


def start_answer(db: TenantSession, person_id: int, delay: float = 0.0) -> list[str]:
    """The job that answers a person, one at a time; returns what to ring."""
    return start_job(db, ANSWER, f"{ANSWER}:{person_id}", delay=delay, person_id=person_id)


def _note_wishes(tenant: Tenant, db: TenantSession, found: Read) -> None:
    for wish in found.wishes:
        row: Person | None = find(db, tenant.config(Config).phone_number_id, wish.sender)
        if row is not None:
            change = update(Person).where(Person.id == row.id).values(stopped=wish.stop)
            db.execute(change.execution_options(synchronize_session=False))


def _note_account(db: TenantSession, found: Read) -> None:
    """What Meta says of the account: that it is restricted, or works again."""
    for event in _events(found):
        if event in BANS:
            row = number_row(db)
            row.trouble, row.trouble_at, row.note = "trouble_account", now(), event[:60]
        elif event in ("ACCOUNT_RECONNECTED", "REINSTATE"):
            row = number_row(db)
            row.trouble = "" if row.trouble == "trouble_account" else row.trouble


def _events(found: Read) -> Iterator[str]:
    for name, value in found.notices:
        if name == "account_update":
            ban: Any = value.get("ban_info")
            state = ban.get("waba_ban_state") if isinstance(ban, dict) else None
            yield str(state if state == "REINSTATE" else value.get("event") or "")
