"""Taking what was deleted off the disk.

Lucene drops deleted records when segments are merged, and Elasticsearch keeps them for copies that lag behind until it
has noted, twice a minute, that there are none. So a deletion leaves a note, and later somebody merges what holds
deleted records.
"""

from __future__ import annotations

import time

from elasticsearch import ConflictError, Elasticsearch

from .elastic_mapping import Indexes

NOTE = "erased"
LATER = 40.0  # seconds; Elasticsearch looks at its copies every 30


def mark_erased(client: Elasticsearch, indexes: Indexes) -> None:
    """Note that something was deleted now."""
    client.index(
        index=indexes.chunks,
        id=NOTE,
        routing=NOTE,
        document={"kind": NOTE, "written": time.time_ns() // 1000},
        require_alias=True,
    )


def expunge_erased(client: Elasticsearch, indexes: Indexes, later: float = LATER) -> bool:
    """Take off the disk what was deleted some time ago; False when there was nothing to do yet."""
    note = client.options(ignore_status=404).get(index=indexes.chunks, id=NOTE, routing=NOTE)
    if not note.get("found") or time.time() - note["_source"]["written"] / 1e6 < later:
        return False
    merge_deleted(client, indexes)
    try:  # deleted again meanwhile: the note stays for the next round
        client.delete(
            index=indexes.chunks,
            id=NOTE,
            routing=NOTE,
            if_seq_no=note["_seq_no"],
            if_primary_term=note["_primary_term"],
        )
    except ConflictError:
        return False
    return True


def merge_deleted(client: Elasticsearch, indexes: Indexes) -> None:
    """Write the segments that hold deleted records anew, and empty the log of operations."""
    index = indexes.all
    client.indices.flush(index=index, force=True, wait_if_ongoing=True)
    client.options(request_timeout=1800).indices.forcemerge(index=index, only_expunge_deletes=True)
    client.indices.flush(index=index, force=True, wait_if_ongoing=True)
