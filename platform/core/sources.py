"""Sources and their documents: adding, listing, syncing, deleting. Browser, command line and API meet here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta

from sqlalchemy import func, select, update

from . import audit, jobs
from .clock import now
from .db.records import BackgroundJob
from .db.sources import Document, Source
from .documents import PASSING, Connector, Failed, Finding, FoundDocument, SourceSpec, Unchanged
from .egress import calling
from .entitlements import PlanLimit, check_open, room
from .errors import InvalidRequest, NotFound, WebChatAgentError
from .storable import storable
from .tenancy import TenantSession, see_discarded
from .tenants import Tenant
from .texts import say
from .urlcheck import parse_target

MAX_BYTES = 50_000_000


@dataclass
class Added:
    """What adding did: the source, the documents that are new or changed, and those that are as they were.

    `left_out` counts new ones that the tenant's plan has no room for.
    """

    source_id: int
    documents: list[int] = field(default_factory=list)
    unchanged: int = 0
    gone: int = 0
    left_out: int = 0
    jobs: list[str] = field(default_factory=list)


def find_connector(tenant: Tenant, target: str, *, local: bool = True) -> tuple[str, Connector]:
    """The (plugin, connector) that reads a target. Raises InvalidRequest when none of those switched on does.

    Without `local`, those that read this machine are not even asked: their answer would tell which files there are.
    """
    for plugin, connector in tenant.hooks.each("connectors", tenant=tenant):
        if (local or not connector.local) and connector.claims(target):
            return plugin, connector
    raise InvalidRequest(
        f"Nothing here can read {target!r}.",
        "give a file, a folder or an http(s) address" if local else "give an http(s) address, or upload the file",
        field="target",
    )


def connector_of(tenant: Tenant, kind: str) -> tuple[str, Connector]:
    """The (plugin, connector) of a kind. Raises InvalidRequest when its plugin is off."""
    for plugin, connector in tenant.hooks.each("connectors", tenant=tenant):
        if connector.kind == kind:
            return plugin, connector
    raise InvalidRequest(
        f"The plugin that reads {kind} sources is off.", "switch it on in the marketplace", field="kind"
    )


def add_source(tenant: Tenant, bot_id: int, target: str, *, title: str = "") -> Added:
    """Add a target to a bot, or update it when it is there. Local targets are read now, others by a job."""
    return _read_target(tenant, bot_id, target, title, "source.added")


def _read_target(tenant: Tenant, bot_id: int, target: str, title: str, action: str) -> Added:
    check_open(tenant)
    plugin, connector = find_connector(tenant, target)
    source_id = ensure_source(tenant, bot_id, connector.kind, target, title)
    _note(tenant, action, f"source:{source_id}", bot=bot_id, kind=connector.kind)
    if not connector.local:
        added = Added(source_id)
        with tenant.write() as db:
            added.jobs.append(jobs.add_job(db, jobs.SYNC, f"sync:{source_id}", source_id=source_id))
            db.execute(update(Source).where(Source.id == source_id).values(state="syncing", error=""))
        tenant.platform.ring(added.jobs)
        return added
    with calling(plugin, tenant):
        return take_findings(tenant, source_id, connector.find(SourceSpec(target)))


def add_address(tenant: Tenant, bot_id: int, target: str, *, title: str = "") -> Added:
    """As `add_source`, for callers who must not read this machine. Raises InvalidRequest, FetchRefused."""
    _check_address(tenant, target)
    return add_source(tenant, bot_id, target, title=title)


def _check_address(tenant: Tenant, target: str) -> None:
    find_connector(tenant, target, local=False)
    if "://" in target:
        parse_target(target, tenant.platform.settings.private_hosts)


def add_text(tenant: Tenant, bot_id: int, document: FoundDocument) -> Added:
    """Add one document whose text is ready to the bot's `Uploads` source; its external id names it there."""
    check_open(tenant)
    added = _all_fit(take_findings(tenant, ensure_uploads(tenant, bot_id), [document], complete=False))
    _note(tenant, "document.added", f"source:{added.source_id}", bot=bot_id)
    return added


def ensure_uploads(tenant: Tenant, bot_id: int) -> int:
    """The id of the bot's source of single files and texts."""
    return ensure_source(tenant, bot_id, "file", "uploads", "Uploads")


def upload_file(tenant: Tenant, bot_id: int, name: str, data: bytes) -> Added:
    """Add one uploaded file to the bot's `Uploads` source. Raises InvalidRequest when it is too large."""
    if len(data) > MAX_BYTES:
        raise InvalidRequest(
            f"{name} is larger than {MAX_BYTES // 1_000_000} MB.", "split it", code="file_too_large", field="file"
        )
    check_open(tenant)
    source_id = ensure_uploads(tenant, bot_id)
    plugin, connector = connector_of(tenant, "file")
    assert connector.expand is not None
    with calling(plugin, tenant):
        added = _all_fit(take_findings(tenant, source_id, connector.expand(name, data), complete=False))
    _note(tenant, "document.uploaded", f"source:{source_id}", bot=bot_id, count=len(added.documents))
    return added


def _all_fit(added: Added) -> Added:
    """Raise PlanLimit where nothing of what somebody added by hand fitted into the plan."""
    if added.left_out and not added.documents:
        raise PlanLimit("The plan holds no more pages.", "choose a larger plan, or delete some")
    return added


def _note(tenant: Tenant, action: str, target: str, **detail: object) -> None:
    with tenant.write() as db:
        audit.record(db, audit.current_actor(), action, target, **detail)


def clean_name(name: str) -> str:
    """A file's name with the folders it came from, without anything that climbs or hides; empty when nothing is left."""
    parts = [p.strip() for p in storable(name).replace("\\", "/").split("/")]
    return "/".join(p for p in parts if p not in ("", ".", ".."))[-500:]


def ensure_source(tenant: Tenant, bot_id: int, kind: str, target: str, title: str = "") -> int:
    """The id of the bot's source of that kind and target; made when it is missing, brought back when it was discarded."""
    ring: list[str] = []
    with tenant.write() as db:
        see_discarded(db)
        row = db.scalar(select(Source).where(Source.bot_id == bot_id, Source.kind == kind, Source.target == target))
        if row is None:
            row = Source(bot_id=bot_id, kind=kind, target=target, title=title or target)
            db.add(row)
            db.flush()
        elif row.discarded_at is not None:
            mine = (Document.source_id == row.id, Document.discarded_at == row.discarded_at)
            ring = bring_back(db, list(db.scalars(select(Document).where(*mine))))
            row.discarded_at = None
        source_id = row.id
    tenant.platform.ring(ring)
    return source_id


def bring_back(db: TenantSession, rows: list[Document], *, indexed: bool = False) -> list[str]:
    """Undo that documents were discarded; returns the jobs that index them, to be rung.

    With `indexed`, their passages stayed, and only those that were on their way are indexed.
    """
    ring = []
    for row in rows:
        row.discarded_at = None
        if (row.blob or row.text) and (not indexed or row.state in PASSING):
            row.state, row.error, row.chunks, row.vectors = "queued", "", 0, 0
            ring.append(jobs.add_job(db, jobs.INDEX, f"index:{row.id}", document_id=row.id))
    return ring


BATCH = 50


def take_findings(tenant: Tenant, source_id: int, findings: Iterable[Finding], *, complete: bool = True) -> Added:
    """Write what a connector found as documents with jobs, fifty a transaction.

    With `complete`, documents of the source that were not found are gone and deleted. Safe to repeat.
    """
    added, seen = Added(source_id), set[str]()
    batch: list[Finding] = []
    for finding in map(_storable, findings):
        jobs.stop_if_cancelled()
        seen.add(finding.external_id)
        batch.append(finding)
        if len(batch) == BATCH:
            _take(tenant, added, batch)
            batch = []
    _take(tenant, added, batch)
    if complete:
        added.gone = len(_delete_missing(tenant, source_id, seen))
    with tenant.write() as db:
        error = say("pages_left_out", tenant.locale, count=added.left_out) if added.left_out else ""
        db.execute(update(Source).where(Source.id == source_id).values(state="ready", error=error, synced_at=now()))
    return added


def _storable(finding: Finding) -> Finding:
    """A finding whose texts every store can keep."""
    texts = {f.name: storable(v) for f in fields(finding) if isinstance(v := getattr(finding, f.name), str)}
    return replace(finding, **texts)  # type: ignore[arg-type]


def _take(tenant: Tenant, added: Added, batch: list[Finding]) -> None:
    blobs = _store(tenant, batch)
    unused: list[str] = []
    ring: list[str] = []
    with tenant.write() as db:
        source = db.get(Source, added.source_id)
        if source is None:
            unused = [b for b in blobs if b]
        else:
            names = [f.external_id for f in batch]
            rows = db.scalars(select(Document).where(Document.source_id == source.id, Document.external_id.in_(names)))
            known = {row.external_id: row for row in rows}
            left = room(db, tenant, "pages")
            for finding, blob in zip(batch, blobs, strict=True):
                row = known.get(finding.external_id)
                if row is None and left is not None and not isinstance(finding, Failed):
                    if left < 1:
                        added.left_out += 1
                        unused += [blob] if blob else []
                        continue
                    left -= 1
                if row is None:
                    row = Document(
                        source_id=source.id, bot_id=source.bot_id, external_id=finding.external_id, version=0
                    )
                elif isinstance(finding, Failed) and finding.state == "gone":
                    row = _forget(db, row, ring)
                known[finding.external_id] = row
                unused += _apply(db, row, finding, blob, added, ring)
    for blob in unused:
        tenant.platform.blobs.delete(tenant.id, blob)
    added.jobs += ring
    tenant.platform.ring(ring)


def _store(tenant: Tenant, batch: list[Finding]) -> list[str]:
    """Keep the bytes of a batch, all or none. Those of a transaction that fails later are swept in an hour."""
    blobs: list[str] = []
    try:
        for f in batch:
            has_bytes = isinstance(f, FoundDocument) and f.data
            blobs.append(tenant.platform.blobs.put(tenant.id, f.data) if has_bytes else "")  # type: ignore[union-attr, arg-type]
    except WebChatAgentError:
        for blob in filter(None, blobs):
            tenant.platform.blobs.delete(tenant.id, blob)
        raise
    return blobs


def _forget(db: TenantSession, row: Document, ring: list[str]) -> Document:
    """A row without content in the place of a document whose page is gone.

    Deleting the old row is what stops a job that is indexing it at this moment, and an ETag that was kept would hide
    that the page is there again.
    """
    ring += delete_rows(db, [row])
    db.flush()
    return Document(
        source_id=row.source_id, bot_id=row.bot_id, external_id=row.external_id, version=0, title=row.title, url=row.url
    )


def _apply(db: TenantSession, row: Document, finding: Finding, blob: str, added: Added, ring: list[str]) -> list[str]:
    """Bring one document up to date; returns the blobs that nothing needs any more."""
    row.changed_at = now()
    if isinstance(finding, Unchanged):
        row.memory = dict(finding.memory) or row.memory
        added.unchanged += 1
        return []
    if isinstance(finding, Failed):
        if not row.version or row.state not in (*PASSING, "searchable"):  # a page that is down for an hour stays
            row.state = finding.state
        row.error, row.url, row.title = finding.message, finding.url or row.url, row.title or finding.title
        db.add(row)
        db.flush()
        added.documents.append(row.id)
        return []
    digest = hashlib.sha256(finding.data if finding.data is not None else (finding.text or "").encode()).hexdigest()
    row.memory = dict(finding.memory)
    same = row.version and row.content_hash == digest and row.title == (finding.title or row.title)
    if same and (row.state == "searchable" or (row.state in PASSING and _is_on_its_way(db, row))):
        added.unchanged += 1
        return [blob] if blob else []
    old = row.blob
    row.title, row.name, row.url = finding.title[:500] or row.title, finding.name[:500], finding.url
    row.media_type, row.language, row.blob, row.text = finding.media_type, finding.language, blob, finding.text or ""
    row.size = len(finding.data) if finding.data is not None else len((finding.text or "").encode())
    row.content_hash, row.version, row.state, row.error = digest, row.version + 1, "queued", ""
    db.add(row)
    db.flush()
    ring.append(jobs.add_job(db, jobs.INDEX, f"index:{row.id}", document_id=row.id))
    added.documents.append(row.id)
    return [old] if old else []


def _is_on_its_way(db: TenantSession, row: Document) -> bool:
    active = BackgroundJob.state.in_(("queued", "running"))
    return (
        db.scalar(select(BackgroundJob.id).where(BackgroundJob.key == f"index:{row.id}", active).limit(1)) is not None
    )


def _delete_missing(tenant: Tenant, source_id: int, seen: set[str]) -> list[int]:
    with tenant.read() as db:
        rows = db.execute(select(Document.id, Document.external_id).where(Document.source_id == source_id))
        gone = [i for i, name in rows if name not in seen]
    if gone:
        _delete_documents(tenant, gone, "")
    return gone


def delete_documents(tenant: Tenant, document_ids: list[int]) -> None:
    """Delete documents with chunks, vectors and bytes; their rows at once, the rest by a job of the same transaction."""
    _delete_documents(tenant, document_ids, "document.deleted")


def _delete_documents(tenant: Tenant, document_ids: list[int], action: str) -> None:
    with tenant.write() as db:
        rows = list(db.scalars(select(Document).where(Document.id.in_(document_ids))))
        job = delete_rows(db, rows)
        if action and rows:
            audit.record(db, audit.current_actor(), action, f"bot:{rows[0].bot_id}", count=len(rows))
    tenant.platform.ring(job)


def delete_source(tenant: Tenant, source_id: int, *, discarded: bool = False) -> None:
    """Delete a source with all its documents, for good; a discarded one with `discarded` only. Raises NotFound."""
    with tenant.write() as db:
        see_discarded(db)
        source = db.get(Source, source_id)
        if source is None or (source.discarded_at is not None) != discarded:
            raise NotFound(
                f"There is no source {source_id}.", "see `webchatagent source list`", code="source_not_found"
            )
        rows = list(db.scalars(select(Document).where(Document.source_id == source_id)))
        job = delete_rows(db, rows)
        db.flush()
        db.delete(source)
        audit.record(
            db, audit.current_actor(), "source.deleted", f"source:{source_id}", bot=source.bot_id, documents=len(rows)
        )
    tenant.platform.ring(job)


def delete_rows(db: TenantSession, rows: list[Document]) -> list[str]:
    """Delete documents' rows with the session's transaction; returns the job that deletes the rest, to be rung."""
    if not rows:
        return []
    job = jobs.add_job(db, jobs.DELETE, document_ids=[r.id for r in rows], blobs=[r.blob for r in rows if r.blob])
    for row in rows:
        db.delete(row)
    return [job]


def retry_documents(tenant: Tenant, document_ids: list[int]) -> int:
    """Index documents again that ended in another state than searchable; returns how many."""
    ring = []
    with tenant.write() as db:
        ended = Document.state.not_in((*PASSING, "searchable"))
        for row in db.scalars(select(Document).where(Document.id.in_(document_ids), ended)).all():
            if row.blob or row.text:
                row.state, row.error = "queued", ""
                ring.append(jobs.add_job(db, jobs.INDEX, f"index:{row.id}", document_id=row.id))
        if ring:
            audit.record(db, audit.current_actor(), "document.retried", "", count=len(ring))
    tenant.platform.ring(ring)
    return len(ring)


def sync_source(tenant: Tenant, source_id: int) -> Added:
    """Read a source anew (the job behind `source sync`). Raises NotFound."""
    with tenant.read() as db:
        source = db.get(Source, source_id)
        if source is None:
            raise NotFound(f"There is no source {source_id}.", code="source_not_found")
        rows = db.execute(select(Document.external_id, Document.memory).where(Document.source_id == source_id))
        known = {name: dict(memory or {}) for name, memory in rows}
    plugin, connector = connector_of(tenant, source.kind)
    with calling(plugin, tenant, connector.hosts(source.target)):
        return take_findings(
            tenant, source_id, connector.find(SourceSpec(source.target, dict(source.config or {}), known))
        )


def request_sync(tenant: Tenant, source_id: int, *, local: bool = True) -> Added:
    """Ask for a source to be read anew; local ones at once, or refused without `local`.

    Raises NotFound, InvalidRequest.
    """
    with tenant.write() as db:
        source = db.get(Source, source_id)
        if source is None:
            raise NotFound(
                f"There is no source {source_id}.", "see `webchatagent source list`", code="source_not_found"
            )
    if not local:
        _check_address(tenant, source.target)
    return _read_target(tenant, source.bot_id, source.target, "", "source.synced")


def refresh_sources(tenant: Tenant, kind: str, older: timedelta) -> int:
    """Queue the sources of a kind that nobody read, or tried to, since then to be read anew; returns how many."""
    since = now() - older
    with tenant.write() as db:
        tried = select(BackgroundJob.key).where(BackgroundJob.kind == jobs.SYNC.name, BackgroundJob.created_at > since)
        recent = set(db.scalars(tried))
        read = func.coalesce(Source.synced_at, Source.created_at)
        due = list(db.scalars(select(Source.id).where(Source.kind == kind, read <= since).order_by(read)))
        ring = [
            jobs.add_job(db, jobs.SYNC, key, source_id=source_id)
            for source_id in due
            if (key := f"sync:{source_id}") not in recent
        ]
    tenant.platform.ring(ring)
    return len(ring)


def list_sources(tenant: Tenant, bot_id: int) -> list[tuple[Source, list[Document]]]:
    """A bot's sources with their documents, oldest first."""
    with tenant.read() as db:
        rows = list(db.scalars(select(Source).where(Source.bot_id == bot_id).order_by(Source.id)))
        documents = list(db.scalars(select(Document).where(Document.bot_id == bot_id).order_by(Document.id)))
    return [(s, [d for d in documents if d.source_id == s.id]) for s in rows]


def mark_failed(tenant: Tenant, source_id: int) -> None:
    """Say on a source that reading it failed again and again."""
    with tenant.write() as db:
        db.execute(
            update(Source)
            .where(Source.id == source_id)
            .values(state="failed", error="The source could not be read. (check the address and try again)")
        )
