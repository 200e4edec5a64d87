"""Requests of persons by right (GDPR Art. 15 to 21, 7(3)): taken, settled over core and every plugin, and logged.

A plugin that fails makes a request incomplete and never done: what is missing is named and tried again by a job. One
that is off is asked too, since what it keeps is still here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from . import audit, jobs
from .clock import now
from .consents import withdraw_consent
from .db.desk import RightsRequest
from .errors import Conflict, InvalidRequest, NotFound
from .privacy import ErasureReport, ExportPart, Subject
from .registry import HookFailed, Hooks
from .rights import FIELDS
from .tenants import Tenant

KINDS = ("export", "rectify", "erase", "restrict", "release", "object", "withdraw")
"""Access and portability, rectification, erasure, restriction and its end, objection, withdrawal of consents."""
CHANNELS = ("widget", "email", "desk")
DUE = timedelta(days=30)
"""Art. 12(3): without undue delay, within a month at the latest."""
KEPT = timedelta(days=3 * 366)
"""A settled request is proof for as long as somebody could claim that it was not (three years from the end of its year,
German Civil Code 195 and 199, at least)."""
AGAIN = 300.0
"""Seconds until what is missing is asked again."""


def hooks_of(tenant: Tenant) -> Hooks:
    """The hooks of everything that is installed: a plugin that is off still keeps what it kept."""
    return tenant.platform.registry.enabled(tenant.platform.registry.manifests)


def file_request(
    tenant: Tenant,
    kind: str,
    subject: Subject,
    *,
    channel: str,
    changes: Mapping[str, str] | None = None,
    purpose: str = "",
    received_at: datetime | None = None,
) -> int:
    """Take a request; returns its id. Raises InvalidRequest for an unknown kind, or changes of what cannot be corrected."""
    if kind not in KINDS:
        raise InvalidRequest("There is no such request.", f"use one of: {', '.join(KINDS)}", field="kind")
    wrong = [name for name in changes or {} if name not in FIELDS]
    if kind == "rectify" and (wrong or not changes):
        raise InvalidRequest("Say what is to be corrected.", f"use {', '.join(FIELDS)}", field="changes")
    at = received_at or now()
    if at > now():
        raise InvalidRequest("It cannot have come later than now.", "correct it", code="date_wrong", field="received")
    with tenant.write() as db:
        row = RightsRequest(
            kind=kind,
            channel=channel,
            session_id=subject.session_id,
            contact_id=subject.contact_id,
            email=subject.email.strip().lower()[:254],
            changes={name: str(value)[:500] for name, value in (changes or {}).items()},
            purpose=purpose[:60],
            created_at=at,
            due_at=at + DUE,
        )
        db.add(row)
        db.flush()
        audit.record(db, audit.current_actor(), "request.filed", f"request:{row.id}", kind=kind, channel=channel)
        return row.id


def find_request(tenant: Tenant, request_id: int) -> RightsRequest:
    """A request. Raises NotFound."""
    with tenant.read() as db:
        row: RightsRequest | None = db.get(RightsRequest, request_id)
    if row is None:
        raise NotFound("There is no such request.", code="request_not_found")
    return row


def subject_of(row: RightsRequest) -> Subject:
    """The person of a request."""
    return Subject(row.session_id, row.contact_id, row.email)


def settle_request(tenant: Tenant, request_id: int) -> RightsRequest:
    """Do what is asked, over core and every plugin; also the job behind one that is incomplete.

    Safe to repeat; one that is settled stays as it is.

    Raises NotFound.
    """
    row = find_request(tenant, request_id)
    if row.state in ("done", "refused"):
        return row
    receipt, missing = _done(tenant, row)
    ring: list[str] = []
    with tenant.write() as db:
        kept: RightsRequest | None = db.get(RightsRequest, request_id)
        if kept is None or kept.state in ("done", "refused"):
            return kept or row
        kept.receipt, kept.handled_by = {**(kept.receipt or {}), **receipt}, audit.current_actor()
        kept.state, kept.missing = ("incomplete" if missing else "done"), " ".join(missing)[:500]
        if missing:
            ring = [jobs.add_job(db, jobs.SETTLE, f"settle:{request_id}", delay=AGAIN, request_id=request_id)]
        else:
            _close(kept)
        action = "request.incomplete" if missing else "request.done"
        audit.record(db, audit.current_actor(), action, f"request:{request_id}", kind=kept.kind)
        row = kept
    tenant.platform.ring(ring)
    return row


def refuse_request(tenant: Tenant, request_id: int, reason: str) -> None:
    """Refuse with a reason that the person is told (Art. 12(4)). Raises NotFound, InvalidRequest, Conflict."""
    reason = " ".join(reason.split())[:2000]
    if len(reason) < 3:
        raise InvalidRequest("Say why.", "write a sentence", code="reason_missing", field="reason")
    with tenant.write() as db:
        row = db.get(RightsRequest, request_id)
        if row is None:
            raise NotFound("There is no such request.", code="request_not_found")
        if row.state == "done":
            raise Conflict("This request is done already.", code="request_done")
        row.state, row.reason, row.handled_by = "refused", reason, audit.current_actor()
        _close(row)
        audit.record(db, audit.current_actor(), "request.refused", f"request:{request_id}", kind=row.kind)


def _close(row: RightsRequest) -> None:
    """Nothing that names the person stays."""
    row.closed_at, row.email, row.changes, row.session_id, row.contact_id = now(), "", {}, None, None


def _done(tenant: Tenant, row: RightsRequest) -> tuple[dict[str, Any], list[str]]:
    """What was done, by plugin, and which plugins failed."""
    subject = subject_of(row)
    if row.kind == "withdraw":
        return _withdrawn(tenant, row, subject), []
    if row.kind == "export":
        parts, missing = gather(tenant, subject, "subject_locate")
        found: dict[str, Any] = {}
        for plugin, part in parts:
            found.setdefault(plugin, {"done": {}, "kept": {}})["done"][part.name] = part.count
        return found, missing
    calls: dict[str, dict[str, Any]] = {
        "erase": {},
        "rectify": {"changes": dict(row.changes or {})},
        "restrict": {"restricted": True},
        "object": {"restricted": True},
        "release": {"restricted": False},
    }
    name = {"object": "restrict", "release": "restrict"}.get(row.kind, row.kind)
    reports, missing = _called(tenant, f"subject_{name}", subject=subject, **calls[row.kind])
    return {plugin: _plain(report) for plugin, report in reports}, missing


def _withdrawn(tenant: Tenant, row: RightsRequest, subject: Subject) -> dict[str, Any]:
    proof = "" if row.channel == "widget" else f"request {row.id}"
    try:
        number = withdraw_consent(tenant, subject, row.purpose or "every", channel=row.channel, proof=proof)
    except NotFound:  # nothing is in force, which is what was asked for
        number = 0
    return {"core": {"done": {"consents": number}, "kept": {}}}


def _plain(report: ErasureReport) -> dict[str, Any]:
    return {"done": dict(report.done), "kept": dict(report.kept)}


def gather(
    tenant: Tenant, subject: Subject, hook: str = "subject_export"
) -> tuple[Sequence[tuple[str, ExportPart]], list[str]]:
    """What core and every plugin keep on a person, and which of them failed to say it."""
    found, missing = _called(tenant, hook, subject=subject)
    return [(plugin, part) for plugin, parts in found for part in parts], missing


def _called(tenant: Tenant, hook: str, **arguments: Any) -> tuple[list[tuple[str, Any]], list[str]]:
    try:
        return hooks_of(tenant).call(hook, tenant=tenant, **arguments), []
    except HookFailed as error:
        return error.results, sorted({plugin for plugin, _ in error.failures})


def list_requests(tenant: Tenant, *, subject: Subject | None = None) -> Sequence[RightsRequest]:
    """The newest 500 requests, those that are open first, the one that is due next at the top."""
    wanted = select(RightsRequest).order_by(
        RightsRequest.closed_at.is_not(None), RightsRequest.due_at, RightsRequest.id
    )
    if subject is not None:
        wanted = wanted.where(RightsRequest.session_id == subject.session_id)
    with tenant.read() as db:
        return list(db.scalars(wanted.limit(500)))


def purge_requests(tenant: Tenant, at: datetime) -> int:
    """Delete settled requests after three years; returns how many."""
    with tenant.write() as db:
        old = delete(RightsRequest).where(RightsRequest.closed_at < at - KEPT)
        done = db.execute(old.execution_options(synchronize_session=False))
    return int(getattr(done, "rowcount", 0))
