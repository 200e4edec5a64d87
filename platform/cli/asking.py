"""`search` and `ask`: what a bot finds, and what it says."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from ..core import loop
from ..core.accept import accept_turn
from ..core.bots import LiveBot, find_bot
from ..core.db.sources import Document
from ..core.errors import InvalidRequest
from ..core.ranking import Ranked
from ..core.retrieval import search as search_bot
from ..core.turns import Reply, TurnRunner
from .context import Context, Result, common


def external_ids(bot: LiveBot, document_ids: list[int]) -> dict[int, str]:
    """The external id of each document."""
    with bot.tenant.read() as db:
        rows = db.execute(select(Document.id, Document.external_id).where(Document.id.in_(document_ids)))
        return dict(rows.all())


def read_jsonl(path: str) -> list[dict[str, Any]]:
    """The lines of a JSONL file, each with `id` and `text`. Raises InvalidRequest with the line that is wrong."""
    out = []
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}.", "check the path") from None
    except UnicodeDecodeError:
        raise InvalidRequest(f"{path} is not UTF-8.", "save it as UTF-8") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                out.append(json.loads(line))
            except ValueError:
                raise InvalidRequest(f"{path}, line {number} is not JSON.", "one JSON object a line") from None
            if not (isinstance(out[-1], dict) and isinstance(out[-1].get("id"), str) and "text" in out[-1]):
                raise InvalidRequest(f"{path}, line {number} has no id and text.", 'write {"id": "1", "text": "…"}')
    return out


@click.command()
@click.argument("bot")
@click.argument("query", required=False)
@click.option("-k", default=10, help="How many passages, or documents with --queries.")
@click.option("--queries", help='JSONL file of {"id","text"}.')
@click.option("--out", help='JSONL file to write {"id","doc_ids"} to.')
@common
def search(context: Context, bot: str, query: str | None, k: int, queries: str | None, out: str | None) -> Result:
    """Ranked passages with the rank and score of every leg; or one run over a file of queries."""
    found = find_bot(context.platform, bot)
    if queries:
        return _search_file(found, queries, out, k)
    if not query:
        raise InvalidRequest("There is no query.", "give one, or --queries FILE", field="query")
    ranked = search_bot(found.tenant, found.id, query, limit=k)
    names = external_ids(found, [r.chunk.key.document_id for r in ranked])
    data = [
        {
            "document": names.get(r.chunk.key.document_id),
            "chunk": r.chunk.number,
            "title": r.chunk.title,
            "heading": r.chunk.heading,
            "score": round(r.score, 5),
            "legs": r.legs,
            "text": r.chunk.text,
        }
        for r in ranked
    ]
    lines = []
    for n, (r, row) in enumerate(zip(ranked, data, strict=True), 1):
        legs = "  ".join(f"{leg} #{rank} {score:.3f}" for leg, (rank, score) in r.legs.items())
        lines += [f"{n:2d}. {row['document']}  {row['title']}  [{legs}]", "    " + " ".join(r.chunk.text.split())[:160]]
    return Result(data, lines or ["nothing found"])


def documents_found(found: LiveBot, ranked: list[Ranked], k: int) -> list[str]:
    """The external ids of the documents behind chunks, best first, each once."""
    ids = list(dict.fromkeys(r.chunk.key.document_id for r in ranked))[:k]
    names = external_ids(found, ids)
    return [names[i] for i in ids if i in names]


def _search_file(found: LiveBot, queries: str, out: str | None, k: int) -> Result:
    rows = []
    for q in read_jsonl(queries):
        ranked = search_bot(found.tenant, found.id, str(q["text"]), limit=k * 4)
        rows.append({"id": q["id"], "doc_ids": documents_found(found, ranked, k)})
    lines = [json.dumps(r, ensure_ascii=False) for r in rows]
    if out:
        Path(out).write_text("\n".join(lines) + "\n", encoding="utf-8")
        lines = [f"{len(rows)} queries written to {out}"]
    return Result(rows, lines)


async def _reply(found: LiveBot, question: str) -> Reply:
    turn = await asyncio.to_thread(accept_turn, found, None, question)
    return await TurnRunner().reply(turn)


@click.command()
@click.argument("bot")
@click.argument("question")
@common
def ask(context: Context, bot: str, question: str) -> Result:
    """The answer, then its numbered sources."""
    reply = loop.run(_reply(find_bot(context.platform, bot), question))
    sources = [f"[{s['n']}] {s['title']}  {s.get('url', '')}".rstrip() for s in reply.sources]
    return Result(
        {"answer": reply.text.strip(), "sources": reply.sources, "refused": reply.refused},
        [reply.text.strip(), *([""] if sources else []), *sources],
    )
