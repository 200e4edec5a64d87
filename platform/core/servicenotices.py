"""Service notices: a mail of the operator to every active account, exactly once, however often the job is begun anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update

from . import audit, jobs, mail
from .clock import now
from .db.operating import NoticeRecipient, ServiceNotice
from .errors import Conflict, InvalidRequest, NotFound
from .tenants import Tenant
from .texts import LANGUAGES, say

BATCH = 50
MAX_SUBJECT, MAX_BODY = 200, 10_000


@dataclass(frozen=True)
class NoticeLine:
    """A notice with its progress: `mailed` of `total` accounts have the mail in the outbox."""

    row: ServiceNotice
    total: int
    mailed: int

    def text(self, language: str) -> dict[str, str]:
        """Subject and body for a reader: in their language, else in the first that was written."""
        return _text(self.row, language)


def write_notice(operator: Tenant, texts: Mapping[str, Mapping[str, str]]) -> int:
    """Keep a draft of `{language: {"subject", "body"}}`; returns its id.

    Raises InvalidRequest when there is no language, or one that is half written or too long.
    """
    kept: dict[str, Any] = {}
    for language in LANGUAGES:
        found = texts.get(language, {})
        subject, body = " ".join(found.get("subject", "").split()), found.get("body", "").strip()
        if not subject and not body:
            continue
        if not subject or not body or len(subject) > MAX_SUBJECT or len(body) > MAX_BODY:
            raise InvalidRequest(
                "A notice has a subject and a text.", "write both", code="notice_half", field=f"subject_{language}"
            )
        kept[language] = {"subject": subject, "body": body}
    if not kept:
        raise InvalidRequest("The notice is empty.", "write it in one language", code="notice_half", field="subject_en")
    with operator.write() as db:
        row = ServiceNotice(texts=kept)
        db.add(row)
        db.flush()
        audit.record(db, audit.current_actor(), "notice.written", f"notice:{row.id}", languages=sorted(kept))
        return row.id


def drop_notice(operator: Tenant, notice_id: int) -> None:
    """Delete a draft. Raises NotFound, also for one that was sent."""
    with operator.write() as db:
        row = db.get(ServiceNotice, notice_id)
        if row is None or row.state != "draft":
            raise NotFound("There is no such draft.", code="notice_not_found")
        db.delete(row)
        audit.record(db, audit.current_actor(), "notice.dropped", f"notice:{notice_id}")


def begin_notice(operator: Tenant, notice_id: int, accounts: Iterable[tuple[int, str, str]]) -> int:
    """Send a draft to `accounts` (id, address, language); returns to how many. A job writes the mails.

    Raises NotFound, and Conflict when it was begun already.
    """
    with operator.write() as db:
        if db.get(ServiceNotice, notice_id) is None:
            raise NotFound("There is no such notice.", code="notice_not_found")
        begun = db.execute(
            update(ServiceNotice)
            .where(ServiceNotice.id == notice_id, ServiceNotice.state == "draft")
            .values(state="sending", begun_at=now())
            .execution_options(synchronize_session=False)
        )
        if not getattr(begun, "rowcount", 0):
            raise Conflict("This notice was sent already.", "write a new one", code="notice_sent")
        people = [NoticeRecipient(notice_id=notice_id, user_id=i, email=e, language=lang) for i, e, lang in accounts]
        db.add_all(people)
        ring = [jobs.add_job(db, jobs.NOTICE, f"notice:{notice_id}", notice_id=notice_id)]
        audit.record(db, audit.current_actor(), "notice.sent", f"notice:{notice_id}", accounts=len(people))
    operator.platform.ring(ring)
    return len(people)


def send_notice(operator: Tenant, notice_id: int) -> None:
    """The job that writes the mails, fifty a transaction. A mail and the mark that it was written are one transaction,
    so that an account gets one mail, however often this is begun anew.
    """
    while _send_batch(operator, notice_id):
        pass


def _send_batch(operator: Tenant, notice_id: int) -> bool:
    with operator.write() as db:
        row = db.get(ServiceNotice, notice_id)
        if row is None:
            return False
        wanted = (NoticeRecipient.notice_id == notice_id, NoticeRecipient.mailed_at.is_(None))
        people = db.scalars(
            select(NoticeRecipient).where(*wanted).order_by(NoticeRecipient.id).limit(BATCH).with_for_update()
        ).all()
        ring: list[str] = []
        for person in people:
            text = _text(row, person.language)
            body = f"{text['body']}\n\n{say('mail_service_notice_end', person.language)}"
            ring += mail.put_mail(db, operator, "service_notice", person.email, text["subject"], body)
            person.mailed_at, person.email = now(), ""
        if not people and row.state == "sending":
            row.state, row.finished_at = "sent", now()
    operator.platform.ring(ring)
    return bool(people)


def _text(row: ServiceNotice, language: str) -> dict[str, str]:
    texts: dict[str, dict[str, str]] = dict(row.texts)
    return texts.get(language) or next(texts[code] for code in LANGUAGES if code in texts)


def list_notices(operator: Tenant) -> Sequence[NoticeLine]:
    """All notices, the latest first, with their progress."""
    with operator.read() as db:
        rows = list(db.scalars(select(ServiceNotice).order_by(ServiceNotice.id.desc())))
        counts = {
            notice: (total, mailed)
            for notice, total, mailed in db.execute(
                select(
                    NoticeRecipient.notice_id, func.count(NoticeRecipient.id), func.count(NoticeRecipient.mailed_at)
                ).group_by(NoticeRecipient.notice_id)
            )
        }
    return [NoticeLine(row, *counts.get(row.id, (0, 0))) for row in rows]
