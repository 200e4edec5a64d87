"""Many changes at once, each tried again by itself; and finding what is to be deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

from ..core.errors import IndexUnavailable

Action = dict[str, Any]
PAGE = 1000
_ORDER = [{name: "asc"} for name in ("document", "number", "written", "_index")]
FIRST_PAUSE, LONGEST_PAUSE, TRIES = 0.2, 5.0, 5


def write(client: Elasticsearch, actions: Iterable[Action]) -> int:
    """Send changes in pieces; an item that is refused for now (429) is sent again, later each time.

    What is deleted may be gone already. Returns how many were done. Raises Unavailable when items stay refused.
    """
    done, refused = 0, []
    for ok, item in streaming_bulk(
        client,
        actions,
        chunk_size=500,
        max_chunk_bytes=8 * 1024 * 1024,
        max_retries=TRIES,
        initial_backoff=FIRST_PAUSE,
        max_backoff=LONGEST_PAUSE,
        raise_on_error=False,
    ):
        (result,) = item.values()
        if ok:
            done += 1
        elif result.get("status") != 404 or "delete" not in item:
            refused.append(result)
    if refused:
        kinds = {
            str((r.get("error") or {}).get("type") if isinstance(r.get("error"), dict) else r.get("error"))
            for r in refused
        }
        raise IndexUnavailable(
            f"The index refused {len(refused)} changes ({', '.join(sorted(kinds))[:200]}).", "try again", retry_after=5
        )
    return done


def find(client: Elasticsearch, index: str, routing: str, query: dict[str, Any], fields: Any = False) -> Iterator[Any]:
    """Every record that a query finds, by document and number."""
    after = None
    while True:
        page = client.search(
            index=index,
            routing=routing,
            query=query,
            sort=_ORDER,
            search_after=after,
            size=PAGE,
            source=fields,
            track_total_hits=False,
            ignore_unavailable=True,
        )["hits"]["hits"]
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1]["sort"]


def delete_found(client: Elasticsearch, index: str, routing: str, query: dict[str, Any]) -> int:
    """Delete what a query finds, heads of documents first. Returns how many chunks that were."""
    found: list[tuple[Action, str]] = []
    for hit in find(client, index, routing, query, ["kind"]):
        action = {"_op_type": "delete", "_index": hit["_index"], "_id": hit["_id"], "routing": routing}
        found.append((action, hit["_source"].get("kind", "vector")))
    for heads in (True, False):
        write(client, [action for action, kind in found if (kind == "head") == heads])
    if found:
        client.indices.refresh(index=index, ignore_unavailable=True)
    return sum(kind == "chunk" for _, kind in found)
