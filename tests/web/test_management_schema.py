"""The management API keeps what its OpenAPI document promises: schemathesis tries what it allows and what it forbids."""

from __future__ import annotations

import os
import shutil
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

try:
    import schemathesis
except ImportError as error:
    if os.environ.get("CI") == "true":
        raise
    pytest.skip(f"schemathesis is not installed: {error}", allow_module_level=True)

from webchatagent.app import build_platform
from webchatagent.core.apikeys import SCOPES, create_key
from webchatagent.core.bots import create_bot
from webchatagent.core.documents import FoundDocument
from webchatagent.core.settings import load_settings
from webchatagent.core.sources import add_text
from webchatagent.core.tenants import create_tenant
from webchatagent.web.app import create_public
from webchatagent.web.management.openapi import document

OPERATIONS = [(path, method) for path, methods in document()["paths"].items() for method in methods]
TRIED = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, migrated_database: Any) -> Any:
    """The document as it is served, a key, and the ids of things that are there."""
    folder = tmp_path_factory.mktemp("schema")
    shutil.copy(migrated_database, folder / "webchatagent.sqlite")
    platform = build_platform(load_settings({}, data=str(folder), rate_limits="off"))
    tenant = create_tenant(platform, "acme", "Acme")
    bot = create_bot(tenant, "bot", "Bot")
    added = add_text(tenant, bot.id, FoundDocument("hours", title="Hours", text="The shop opens at nine."))
    app = create_public(platform)
    app.test_client().post("/api/chat", json={"message": "Hello?", "chatbotId": bot.public_id})
    ids = {"bot": bot.public_id, "source": added.source_id, "document": added.documents[0], "conversation": 1}
    key = create_key(tenant, "schema", SCOPES, actor="test").secret
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    schema.config.checks.negative_data_rejection.expected_statuses.append("413")  # too large is refused as well
    yield schema, {"Authorization": f"Bearer {key}"}, ids
    platform.database.close()
    platform.chunks.close()


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda value: value)
def test_what_the_document_allows_is_taken(house: Any, path: str, method: str) -> None:
    schema, headers, ids = house
    named = {name: value for name, value in ids.items() if f"{{{name}}}" in path}
    operation = schema[path][method]

    @TRIED
    @given(case=operation.as_strategy(schemathesis.GenerationMode.POSITIVE, path_parameters=named))
    def tried(case: Any) -> None:
        case.query.pop("cursor", None)  # only one that the API gave is a cursor
        case.query.pop("bot", None)
        if isinstance(case.body, dict):  # a public address is more than a schema can say
            if "target" in case.body:
                case.body["target"] = "https://www.example.org/"
            (case.body.get("settings") or {}).pop("allowedOrigins", None)
        if "Idempotency-Key" in case.headers:
            case.headers["Idempotency-Key"] = str(uuid.uuid4())  # each request is another one
        case.call_and_validate(headers=headers)

    tried()


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda value: value)
def test_what_the_document_forbids_is_refused(house: Any, path: str, method: str) -> None:
    schema, headers, _ = house
    operation = schema[path][method]

    @TRIED
    @given(case=operation.as_strategy(schemathesis.GenerationMode.NEGATIVE))
    def tried(case: Any) -> None:
        case.call_and_validate(headers=headers)

    tried()
