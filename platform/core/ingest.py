"""From a queued document to a searchable one: extract, split, index by words, then by meaning."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_, select, update

from . import jobs
from .analysis import detect_language
from .chunks import DocumentKey, NewChunk
from .clock import now
from .db.records import BackgroundJob
from .db.sources import Document
from .documents import PASSING, Blob, ExtractedText
from .embedding_switch import drop_space, pin_space
from .errors import DocumentProblem
from .spaces import Judged, embedding_model, offered_model, read_choice
from .splitting import split
from .storable import storable
from .tenants import Tenant

EMBED_BATCH = 16
INDEXED = ("searchable", *PASSING)


def index_document(tenant: Tenant, document_id: int) -> None:
    """Make a document searchable by words and queue its vectors; or end it in the state that says why not.

    Safe to repeat, and to be killed at any moment: chunks are replaced in one step, the state follows. When a newer
    version came meanwhile it is read again: its own job may have been faster, and these chunks are the older ones.
    """
    while not _index_once(tenant, document_id):
        pass


def _index_once(tenant: Tenant, document_id: int) -> bool:
    with tenant.read() as db:
        row = db.get(Document, document_id)
    if row is None:  # deleted meanwhile, perhaps between two attempts of this job
        tenant.platform.chunks.delete_documents(tenant.id, [document_id])
        return True
    try:
        extracted = _extract(tenant, row)
        chunks = _chunks(row, extracted)
        if not chunks:
            raise DocumentProblem("no_text", "The document holds no text.", "add one with text; pictures are not read")
    except DocumentProblem as problem:
        tenant.platform.chunks.delete_documents(tenant.id, [document_id])
        return _end(tenant, row, problem.state, str(problem), 0)
    tenant.platform.chunks.replace_document(tenant.id, DocumentKey(row.bot_id, row.source_id, row.id), chunks)
    row.title = row.title or storable(extracted.title)[:500] or row.name
    row.language = chunks[0].language
    return _end(tenant, row, "searchable", "", len(chunks))


def _extract(tenant: Tenant, row: Document) -> ExtractedText:
    if not row.blob:
        return ExtractedText(row.text, row.title, row.language)
    try:
        data = tenant.platform.blobs.get(tenant.id, row.blob)
    except FileNotFoundError:
        raise DocumentProblem("broken", "The stored file is missing.", "add it again") from None
    blob = Blob(row.name or row.external_id, data, row.media_type)
    text: ExtractedText | None = tenant.hooks.call("extract_text", tenant=tenant, blob=blob)
    if text is None:
        raise DocumentProblem("unsupported", "Files of this kind cannot be read.", "save it as PDF, DOCX or text")
    return text


def _chunks(row: Document, extracted: ExtractedText) -> list[NewChunk]:
    markdown = storable(extracted.markdown)
    language = row.language or extracted.language or detect_language(markdown)
    title = row.title or storable(extracted.title) or row.name
    return [NewChunk(piece.text, title, piece.heading, language, row.url, piece.page) for piece in split(markdown)]


def _end(tenant: Tenant, row: Document, state: str, error: str, chunks: int) -> bool:
    """Write the end of an attempt; False when a newer version of the document came meanwhile."""
    embed = chunks > 0 and embedding_model(tenant) is not None
    ring = []
    with tenant.write() as db:
        done = db.execute(
            update(Document)
            .where(Document.id == row.id, Document.version == row.version)
            .values(
                state=state,
                error=error,
                chunks=chunks,
                vectors=0,
                title=row.title[:500],
                language=row.language,
                searchable_at=now() if state == "searchable" else None,
            )
            .execution_options(synchronize_session=False)
        )
        if getattr(done, "rowcount", 0) and embed:
            ring.append(jobs.add_job(db, jobs.EMBED, f"embed:{row.id}", document_id=row.id))
        written = bool(getattr(done, "rowcount", 0))
        gone = not written and db.scalar(select(Document.id).where(Document.id == row.id)) is None
    if gone:  # deleted while it was being indexed
        tenant.platform.chunks.delete_documents(tenant.id, [row.id])
    tenant.platform.ring(ring)
    return written or gone


def embed_document(tenant: Tenant, document_id: int) -> None:
    """Fill in the vectors of a document, sixteen chunks at a time, and count them. Safe to repeat.

    They are made in the space that answers first, then in the one that is being filled.
    """
    pin_space(tenant)
    choice = read_choice(tenant)
    for space_id in filter(None, (choice.space, choice.next)):
        model = offered_model(tenant, space_id)
        if model is not None:
            _embed(tenant, model, document_id)
            count_vectors(tenant, document_id)
            if space_id not in read_choice(tenant).wanted:  # the switch was cancelled meanwhile
                drop_space(tenant, space_id)


def _embed(tenant: Tenant, model: Judged, document_id: int) -> None:
    store, space_id = tenant.platform.chunks, model.space.id
    store.ensure_space(model.space)
    while missing := store.missing_vectors(tenant.id, space_id, EMBED_BATCH, document_id):
        jobs.stop_if_cancelled()
        rows = model.embed_masked([text for _, text in missing])
        if not store.put_vectors(tenant.id, space_id, [ref for ref, _ in missing], rows):
            break  # the document was deleted meanwhile
        count_vectors(tenant, document_id)


def embed_missing(tenant: Tenant) -> list[str]:
    """Queue the vectors of searchable documents that lack some: a model was switched on later, or its job gave up.

    A document whose job failed within the last hour is left alone. Returns the ids of the jobs.
    """
    if embedding_model(tenant) is None:
        return []
    with tenant.write() as db:
        lacking = list(
            db.scalars(select(Document.id).where(Document.state == "searchable", Document.vectors < Document.chunks))
        )
        waiting = set(
            db.scalars(
                select(BackgroundJob.key).where(
                    BackgroundJob.kind == jobs.EMBED.name,
                    or_(
                        BackgroundJob.state.in_(("queued", "running")),
                        BackgroundJob.finished_at > now() - timedelta(hours=1),
                    ),
                )
            )
        )
        ring = [
            jobs.add_job(db, jobs.EMBED, f"embed:{i}", document_id=i) for i in lacking if f"embed:{i}" not in waiting
        ]
    tenant.platform.ring(ring)
    return ring


def count_vectors(tenant: Tenant, document_id: int) -> None:
    """Write how many vectors a document has in the space that answers."""
    space_id = read_choice(tenant).space
    if space_id:
        found = tenant.platform.chunks.count_vectors(tenant.id, space_id, document_id)
        with tenant.write() as db:
            db.execute(update(Document).where(Document.id == document_id).values(vectors=found))


def delete_stored(tenant: Tenant, document_ids: list[int], blobs: list[str], keep_rows: bool = False) -> None:
    """Delete chunks, vectors and bytes of documents whose rows are gone (or stay, with `keep_rows`). Safe to repeat.

    Documents that were brought back meanwhile are indexed again.
    """
    tenant.platform.chunks.delete_documents(tenant.id, document_ids)
    for blob in blobs:
        tenant.platform.blobs.delete(tenant.id, blob)
    if keep_rows:
        with tenant.write() as db:
            db.execute(update(Document).where(Document.id.in_(document_ids)).values(chunks=0, vectors=0))
    elif not blobs:
        _index_again(tenant, document_ids)
    tenant.platform.database.forget_deleted()


def _index_again(tenant: Tenant, document_ids: list[int]) -> None:
    """Index documents that are there although their passages were just deleted: the deletion was undone."""
    with tenant.write() as db:
        back = db.scalars(select(Document.id).where(Document.id.in_(document_ids), Document.state.in_(INDEXED))).all()
        ring = [jobs.add_job(db, jobs.INDEX, f"index:{i}", document_id=i) for i in back]
    tenant.platform.ring(ring)


def mark_broken(tenant: Tenant, document_id: int) -> None:
    """End a document whose indexing failed again and again for a reason of ours."""
    with tenant.write() as db:
        db.execute(
            update(Document)
            .where(Document.id == document_id, Document.state.in_(tuple(PASSING)))
            .values(state="broken", error="The document could not be processed. (try again, or send it to support)")
        )
