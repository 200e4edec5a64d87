"""Many changes at once, each tried again by itself; and finding what is to be deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan, streaming_bulk

from ..core.errors import Unavailable

Action = dict[str, Any]
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
        kinds = {str((r.get("error") or {}).get("type") if isinstance(r.get("error"), dict) else r.get("error")) for r in refused}
        raise Unavailable(
            f"The index refused {len(refused)} changes ({', '.join(sorted(kinds))[:200]}).", "try again", retry_after=5
        )
    return done


def find(client: Elasticsearch, index: str, routing: str, query: dict[str, Any], fields: Any = False) -> Iterator[Any]:
    """Every record that a query finds, in no order."""
    yield from scan(
        client,
        index=index,
        routing=routing,
        query={"query": query, "_source": fields},
        size=1000,
        scroll="2m",
        ignore_unavailable=True,
    )


def delete_found(client: Elasticsearch, index: str, routing: str, query: dict[str, Any]) -> int:
    """Delete what a query finds, until it finds nothing; a writer in between is waited for. Returns how many."""
    gone = 0
    while True:
        client.indices.refresh(index=index, ignore_unavailable=True)
        found = [(hit["_index"], hit["_id"]) for hit in find(client, index, routing, query)]
        if not found:
            return gone
        gone += write(client, [{"_op_type": "delete", "_index": i, "_id": n, "routing": routing} for i, n in found])
