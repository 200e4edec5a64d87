"""What the tests of the management API share: two tenants with one thing of each kind, and programs with keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from webchatagent.core.apikeys import SCOPES, create_key
from webchatagent.core.conversations import conversations_before
from webchatagent.core.document_list import documents_before


@dataclass(frozen=True)
class Program:
    """A program with a key: sends requests to the API."""

    client: Any
    key: str

    def send(self, method: str, path: str, *, headers: dict[str, str] | None = None, **rest: Any) -> Any:
        """One request; the path is below `/api/v1`."""
        headers = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **rest)

    def get(self, path: str, **rest: Any) -> Any:
        return self.send("GET", path, **rest)

    def post(self, path: str, **rest: Any) -> Any:
        return self.send("POST", path, **rest)

    def patch(self, path: str, **rest: Any) -> Any:
        return self.send("PATCH", path, **rest)

    def delete(self, path: str, **rest: Any) -> Any:
        return self.send("DELETE", path, **rest)


@pytest.fixture
def program(client):
    """A function that makes a program of a tenant, by default with every scope."""

    def make(tenant, *scopes: str, days: int = 0) -> Program:
        return Program(client, create_key(tenant, "test", scopes or SCOPES, days=days, actor="test").secret)

    return make


@pytest.fixture
def things(client, acme, globex, bot, foreign_bot, add_texts):
    """The ids of one thing of each kind, by tenant slug; every text of a tenant holds its slug in capitals."""
    found = {}
    for tenant, its in ((acme, bot), (globex, foreign_bot)):
        mark = f"{tenant.slug.upper()}-ONLY"
        source = add_texts(its, {f"{mark} hours": f"{mark}: the shop opens at nine in the morning."})
        client.post("/api/chat", json={"message": f"{mark}: when does it open?", "chatbotId": its.public_id})
        found[tenant.slug] = {
            "bot": its.public_id,
            "source": source,
            "document": documents_before(tenant, its.id, 0, 1)[0].id,
            "conversation": conversations_before(tenant, 0, 1)[0].id,
        }
    return found
