"""`source`: adding, listing, syncing and deleting what a bot answers from."""

from __future__ import annotations

from collections import Counter

import click

from ..core.bots import find_bot
from ..core.db.sources import Document
from ..core.errors import NotFound
from ..core.sources import Added, add_source, delete_source, list_sources, request_sync
from ..core.tenants import Platform, Tenant, load_tenant
from .context import Context, Result, common, table
from .waiting import wait_for_sources


@click.group()
def source() -> None:
    """What a bot answers from: files, folders, websites."""


@source.command("add")
@click.argument("bot")
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--wait", is_flag=True, help="Return when every document ended, vectors included.")
@click.option("--strict", is_flag=True, help="Exit 1 if any document is not searchable.")
@common
def source_add(context: Context, bot: str, targets: tuple[str, ...], wait: bool, strict: bool) -> Result:
    """Add a URL, a file, a folder or - (standard input); adding it again updates it."""
    found = find_bot(context.platform, bot)
    added = [add_source(found.tenant, found.id, target) for target in targets]
    return _report(context.platform, found.tenant, added, wait=wait, strict=strict)


def _report(platform: Platform, tenant: Tenant, added: list[Added], *, wait: bool, strict: bool) -> Result:
    ids = [a.source_id for a in added]
    documents = wait_for_sources(tenant, ids, wait=wait)
    states = Counter(d.state for d in documents)
    bad = sum(states[s] for s in ("broken", "unreachable"))
    missing = sum(n for s, n in states.items() if s != "searchable")
    data = {
        "sources": ids,
        "states": dict(states),
        "chunks": sum(d.chunks for d in documents),
        "vectors": sum(d.vectors for d in documents),
        "unchanged": sum(a.unchanged for a in added),
        "failed": [_row(d) for d in documents if d.error],
    }
    lines = [f"source {i}" for i in ids] + [f"{n:6d} {state}" for state, n in states.most_common()]
    lines += [f"  {d.state}: {d.external_id}: {d.error}" for d in documents if d.error]
    return Result(data, lines, 1 if bad or (strict and missing) else 0)


def _row(d: Document) -> dict[str, object]:
    return {
        "id": d.id,
        "external_id": d.external_id,
        "title": d.title,
        "state": d.state,
        "chunks": d.chunks,
        "vectors": d.vectors,
        "searchable_since": d.searchable_at,
        "error": d.error,
    }


@source.command("list")
@click.argument("bot")
@common
def source_list(context: Context, bot: str) -> Result:
    """Each source with its documents: state, chunks, searchable since, error."""
    found = find_bot(context.platform, bot)
    sources = list_sources(found.tenant, found.id)
    data = [
        {
            "id": s.id,
            "kind": s.kind,
            "target": s.target,
            "state": s.state,
            "error": s.error,
            "documents": [_row(d) for d in documents],
        }
        for s, documents in sources
    ]
    lines: list[str] = []
    for s, documents in sources:
        lines.append(f"source {s.id}  {s.kind}  {s.target}  {s.state}  {s.error}".rstrip())
        lines += [
            "  " + line
            for line in table(
                [
                    (d.id, d.state, d.chunks, d.vectors, str(d.searchable_at or "-")[:19], d.external_id, d.error)
                    for d in documents
                ],
                ("ID", "STATE", "CHUNKS", "VECTORS", "SINCE", "DOCUMENT", "ERROR"),
            )
        ]
    return Result(data, lines)


def _owner(platform: Platform, source_id: int) -> Tenant:
    from ..core.db.sources import Source
    from ..core.tenancy import system_scope

    with system_scope("find a source's tenant for the operator"), platform.database.read() as db:
        row = db.get(Source, source_id)
    if row is None:
        raise NotFound(
            f"There is no source {source_id}.", "see `webchatagent source list BOT`", code="source_not_found"
        )
    return load_tenant(platform, tenant_id=row.tenant_id)


@source.command("sync")
@click.argument("source_id", metavar="SOURCE", type=int)
@click.option("--wait", is_flag=True, help="Return when every document ended, vectors included.")
@common
def source_sync(context: Context, source_id: int, wait: bool) -> Result:
    """Read a source anew."""
    tenant = _owner(context.platform, source_id)
    return _report(context.platform, tenant, [request_sync(tenant, source_id)], wait=wait, strict=False)


@source.command("delete")
@click.argument("source_id", metavar="SOURCE", type=int)
@common
def source_delete(context: Context, source_id: int) -> Result:
    """Delete a source with all its documents."""
    from ..jobs.worker import Worker

    tenant = _owner(context.platform, source_id)
    delete_source(tenant, source_id)
    Worker(context.platform).run_due()
    return Result({"deleted": source_id}, [f"source {source_id} is deleted"])
