"""Documents as people look at them: counted by state, and a page at a time, without their text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import defer

from .db.sources import Document, Source
from .documents import PASSING
from .errors import NotFound
from .tenancy import TenantSession
from .tenants import Tenant

GROUPS = ("all", "searchable", "passing", "trouble")
"""`passing` ends by itself, `trouble` stays until somebody does something."""
COUNTED = (Document.state, func.count(Document.id), func.sum(Document.chunks), func.sum(Document.vectors))


@dataclass
class StateCounts:
    """How many documents are in which state; `chunks` and `vectors` are summed."""

    states: dict[str, int] = field(default_factory=dict)
    chunks: int = 0
    vectors: int = 0

    def add(self, state: str, documents: int, chunks: int, vectors: int) -> None:
        """Count documents of one state."""
        self.states[state] = self.states.get(state, 0) + documents
        self.chunks += chunks
        self.vectors += vectors

    def group(self, name: str) -> int:
        """How many documents are in a group of `GROUPS`."""
        return sum(n for state, n in self.states.items() if name in ("all", group_of(state)))


def group_of(state: str) -> str:
    """The group of a state."""
    return "searchable" if state == "searchable" else "passing" if state in PASSING else "trouble"


def count_documents(tenant: Tenant) -> dict[int, StateCounts]:
    """The tenant's documents by bot."""
    out: dict[int, StateCounts] = {}
    with tenant.read() as db:
        for bot, state, documents, chunks, vectors in db.execute(
            select(Document.bot_id, *COUNTED).group_by(Document.bot_id, Document.state)
        ):
            out.setdefault(bot, StateCounts()).add(state, documents, chunks, vectors)
    return out


@dataclass(frozen=True)
class SourceLine:
    """A source with its counts."""

    source: Source
    counts: StateCounts


@dataclass(frozen=True)
class DocumentPage:
    """A page of a bot's documents, its sources, and the counts over all of them. `total` is that of the filter."""

    sources: Sequence[SourceLine]
    counts: StateCounts
    documents: Sequence[Document]
    total: int

    @property
    def busy(self) -> bool:
        """Whether something is under way, so that looking again soon is worth it."""
        unfinished = any(d.state == "searchable" and d.vectors < d.chunks for d in self.documents)
        syncing = any(s.source.state == "syncing" for s in self.sources)
        return bool(self.counts.group("passing")) or unfinished or syncing


def page_documents(
    tenant: Tenant,
    bot_id: int,
    *,
    group: str = "all",
    source_id: int = 0,
    search: str = "",
    page: int = 0,
    size: int = 50,
) -> DocumentPage:
    """A page of a bot's documents, newest first. A group that does not exist means all."""
    with tenant.read() as db:
        lines, counts = _lines(db, Source.bot_id == bot_id, Document.bot_id == bot_id)
        wanted = _wanted(bot_id, group, source_id, search)
        total = db.scalar(select(func.count(Document.id)).where(*wanted)) or 0
        shown = list(
            db.scalars(
                select(Document)
                .options(defer(Document.text))
                .where(*wanted)
                .order_by(Document.id.desc())
                .limit(size)
                .offset(page * size)
            )
        )
    return DocumentPage(lines, counts, shown, total)


def _lines(
    db: TenantSession, of_source: ColumnElement[bool], of_document: ColumnElement[bool]
) -> tuple[list[SourceLine], StateCounts]:
    """Sources, oldest first, with their counts, and the counts of all."""
    sources = db.scalars(select(Source).where(of_source).order_by(Source.id))
    lines = {s.id: SourceLine(s, StateCounts()) for s in sources}
    counts = StateCounts()
    for source, state, documents, chunks, vectors in db.execute(
        select(Document.source_id, *COUNTED).where(of_document).group_by(Document.source_id, Document.state)
    ):
        counts.add(state, documents, chunks, vectors)
        if source in lines:
            lines[source].counts.add(state, documents, chunks, vectors)
    return list(lines.values()), counts


def sources_after(tenant: Tenant, bot_id: int, after: int, size: int) -> list[SourceLine]:
    """The next sources of a bot, oldest first, beginning behind the id `after`."""
    with tenant.read() as db:
        found = select(Source.id).where(Source.bot_id == bot_id, Source.id > after).order_by(Source.id).limit(size)
        ids = list(db.scalars(found))
        return _lines(db, Source.id.in_(ids), Document.source_id.in_(ids))[0]


def read_source(tenant: Tenant, source_id: int) -> SourceLine:
    """One source with its counts. Raises NotFound."""
    with tenant.read() as db:
        lines, _ = _lines(db, Source.id == source_id, Document.source_id == source_id)
    if not lines:
        raise NotFound("There is no such source.", "check its id", code="source_not_found")
    return lines[0]


def documents_before(
    tenant: Tenant, bot_id: int, before: int, size: int, *, group: str = "all", source_id: int = 0, search: str = ""
) -> list[Document]:
    """The next documents of a bot, newest first, beginning below the id `before` (0: with the newest)."""
    wanted = _wanted(bot_id, group, source_id, search)
    if before:
        wanted.append(Document.id < before)
    with tenant.read() as db:
        found = select(Document).options(defer(Document.text)).where(*wanted)
        return list(db.scalars(found.order_by(Document.id.desc()).limit(size)))


def read_documents(tenant: Tenant, ids: Sequence[int]) -> list[Document]:
    """The documents of these ids that the tenant has, in the order of their ids."""
    with tenant.read() as db:
        found = select(Document).options(defer(Document.text)).where(Document.id.in_(ids))
        return list(db.scalars(found.order_by(Document.id)))


def read_document(tenant: Tenant, document_id: int) -> Document:
    """One document. Raises NotFound."""
    found = read_documents(tenant, [document_id])
    if not found:
        raise NotFound("There is no such document.", "check its id", code="document_not_found")
    return found[0]


def _wanted(bot_id: int, group: str, source_id: int, search: str) -> list[ColumnElement[bool]]:
    """The conditions of a filter."""
    wanted: list[ColumnElement[bool]] = [Document.bot_id == bot_id]
    if source_id:
        wanted.append(Document.source_id == source_id)
    if group == "searchable":
        wanted.append(Document.state == "searchable")
    elif group == "passing":
        wanted.append(Document.state.in_(tuple(PASSING)))
    elif group == "trouble":
        wanted.append(Document.state.not_in((*PASSING, "searchable")))
    if search:
        columns = (Document.title, Document.name, Document.external_id)
        wanted.append(or_(*(c.icontains(search, autoescape=True) for c in columns)))
    return wanted
