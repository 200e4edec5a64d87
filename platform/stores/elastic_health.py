"""How the cluster is, in one sentence and with what helps."""

from __future__ import annotations

from elasticsearch import ApiError, Elasticsearch, TransportError

from ..core.tenants import Health
from .elastic_mapping import Indexes


def look(client: Elasticsearch, indexes: Indexes) -> Health:
    """The health of the indexes of this installation."""
    asking = client.options(request_timeout=2.0)
    try:
        made = asking.indices.exists_alias(name=indexes.chunks)
        status = asking.cluster.health(index=f"{indexes.chunks}*,{indexes.spaces}")["status"]
    except TransportError:
        return Health("down", "Elasticsearch does not answer; questions cannot be answered now.", "start Elasticsearch")
    except ApiError as error:
        return Health("down", f"Elasticsearch refuses: {error.error}.", "see its log and the settings of the login")
    if status == "red":
        return Health(
            "down", "A part of the index is missing (red).", "bring the lost node back; see docs/operations.md"
        )
    if not made:
        return Health(
            "degraded", "The index is not there yet.", "it is made, and filled from the stored texts, within a minute"
        )
    if status == "yellow":
        return Health("degraded", "The index has fewer copies than it should (yellow).", "add a node")
    return Health("ok", "Elasticsearch answers.")
