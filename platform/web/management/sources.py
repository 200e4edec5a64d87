"""Sources and documents."""

from __future__ import annotations

from typing import Any

from ...core import sources
from ...core.apikeys import Caller
from ...core.bots import find_own_bot
from ...core.db.sources import Document as DocumentRow
from ...core.document_list import (
    SourceLine,
    documents_before,
    read_document,
    read_documents,
    read_source,
    sources_after,
)
from ...core.documents import FoundDocument
from ...core.errors import InvalidRequest
from .cursors import cut, read_cursor
from .routes import route
from .shapes import (
    Document,
    DocumentPage,
    DocumentQuery,
    Empty,
    NewDocument,
    NewSource,
    Paged,
    Source,
    SourcePage,
    Taken,
    Upload,
)


def show_source(line: SourceLine) -> Source:
    """A source as callers see it."""
    s, counts = line.source, line.counts
    return Source(
        id=s.id,
        kind=s.kind,
        target=s.target,
        title=s.title,
        state=s.state,
        error=s.error,
        states=counts.states,
        chunks=counts.chunks,
        vectors=counts.vectors,
        created_at=s.created_at,
        synced_at=s.synced_at,
    )


def show_document(d: DocumentRow) -> Document:
    """A document as callers see it: no bytes, no text."""
    return Document(**{name: getattr(d, name) for name in Document.model_fields})


def show_taken(caller: Caller, added: sources.Added) -> Taken:
    """What a program sent, as documents."""
    return Taken(
        source_id=added.source_id,
        documents=[show_document(d) for d in read_documents(caller.tenant, added.documents)],
        unchanged=added.unchanged,
    )


@route("GET", "/bots/<bot>/sources", "sources:read", SourcePage, query=Paged)
def list_sources(caller: Caller, bot: str, query: Paged) -> SourcePage:
    """The sources of a bot, the oldest first."""
    found = find_own_bot(caller.tenant, bot)
    lines = sources_after(caller.tenant, found.id, read_cursor("source", query.cursor), query.limit + 1)
    data, following = cut("source", [(line.source.id, show_source(line)) for line in lines], query.limit)
    return SourcePage(data=data, next=following)


@route("POST", "/bots/<bot>/sources", "sources:write", Source, body=NewSource, status=202, action="source.added")
def add_source(caller: Caller, bot: str, body: NewSource) -> Source:
    """Add a website, or read it again when it is there. Its pages appear as documents."""
    found = find_own_bot(caller.tenant, bot)
    added = sources.add_address(caller.tenant, found.id, body.target, title=body.title)
    return show_source(read_source(caller.tenant, added.source_id))


@route("GET", "/sources/<int:source>", "sources:read", Source)
def read_one_source(caller: Caller, source: int) -> Source:
    """One source."""
    return show_source(read_source(caller.tenant, source))


@route("POST", "/sources/<int:source>/sync", "sources:write", Source, status=202, action="source.synced")
def sync_source(caller: Caller, source: int) -> Source:
    """Read a website again. Files are sent again instead."""
    sources.request_sync(caller.tenant, source, local=False)
    return show_source(read_source(caller.tenant, source))


@route("DELETE", "/sources/<int:source>", "sources:write", action="source.deleted")
def delete_source(caller: Caller, source: int) -> Empty:
    """Delete a source with all its documents, passages and bytes."""
    sources.delete_source(caller.tenant, source)
    return Empty()


@route("GET", "/bots/<bot>/documents", "sources:read", DocumentPage, query=DocumentQuery)
def list_documents(caller: Caller, bot: str, query: DocumentQuery) -> DocumentPage:
    """The documents of a bot, the newest first."""
    rows = documents_before(
        caller.tenant,
        find_own_bot(caller.tenant, bot).id,
        read_cursor("document", query.cursor),
        query.limit + 1,
        group=query.show,
        source_id=query.source,
        search=query.q,
    )
    data, following = cut("document", [(d.id, show_document(d)) for d in rows], query.limit)
    return DocumentPage(data=data, next=following)


@route("POST", "/bots/<bot>/documents", "sources:write", Taken, body=NewDocument, status=202, action="document.added")
def add_document(caller: Caller, bot: str, body: NewDocument) -> Taken:
    """Add a text, or replace the one with the same id."""
    found = find_own_bot(caller.tenant, bot)
    document = FoundDocument(
        body.id,
        title=body.title or body.id,
        text=body.text,
        url=body.url,
        language=body.lang or "",
        media_type="text/markdown",
    )
    return show_taken(caller, sources.add_text(caller.tenant, found.id, document))


@route("POST", "/bots/<bot>/files", "sources:write", Taken, body=Upload, status=202, action="document.uploaded")
def upload_document_file(caller: Caller, bot: str, body: Any) -> Taken:
    """Upload a file, or replace the one with the same name. A `.jsonl` file holds a document a line."""
    found = find_own_bot(caller.tenant, bot)
    name = sources.clean_name(body.filename)
    if not name:
        raise InvalidRequest("The file has no name.", "give it one", field="file")
    return show_taken(caller, sources.upload_file(caller.tenant, found.id, name, body.read()))


@route("GET", "/documents/<int:document>", "sources:read", Document)
def read_one_document(caller: Caller, document: int) -> Document:
    """One document."""
    return show_document(read_document(caller.tenant, document))


@route("POST", "/documents/<int:document>/retry", "sources:write", Document, status=202, action="document.retried")
def retry_document(caller: Caller, document: int) -> Document:
    """Index a document again that is not searchable."""
    read_document(caller.tenant, document)
    sources.retry_documents(caller.tenant, [document])
    return show_document(read_document(caller.tenant, document))


@route("DELETE", "/documents/<int:document>", "sources:write", action="document.deleted")
def delete_document(caller: Caller, document: int) -> Empty:
    """Delete a document with its passages and bytes."""
    read_document(caller.tenant, document)
    sources.delete_documents(caller.tenant, [document])
    return Empty()
