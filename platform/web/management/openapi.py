"""The OpenAPI 3.1 document of the management API, made from the table of routes and the models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Literal

import orjson
from flask import Response
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from ...core.apikeys import SCOPES
from . import bots, conversations, sources
from .routes import PREFIX, REPLAYED, ROUTES, Route, api
from .shapes import Empty, ErrorBody, Upload

TAGS = {"bots": bots, "sources": sources, "conversations": conversations}
REFERENCE = "#/components/schemas/"
INTRODUCTION = """Manage a tenant's bots, sources, documents and conversations, and search its passages.

Send `Authorization: Bearer` with a key of the tenant. A key has scopes; an operation names the one that it wants.
A request with an `Idempotency-Key` is done once, and its answer is given again for a day."""
ERRORS = {
    401: "The key is missing, unknown, revoked or over.",
    403: "The key lacks the scope.",
    404: "There is no such thing for this tenant.",
    409: "It exists already, the same request is still being served, or a model that is named is not offered.",
    413: "The request is too large.",
    415: "The body has another type than JSON, or for a file than multipart/form-data.",
    422: "The request is wrong; `field` says where.",
    429: "Too many requests; `Retry-After` says how long to wait.",
    503: "Something did not answer; try again.",
}
PATTERNS = {"bot": {"type": "string", "description": "The bot's public id."}}


class Plain(GenerateJsonSchema):
    """Schemas without titles: they would only repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never."""
        return False


NUMBER = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}


@api.get("/openapi.json")
def openapi() -> Response:
    """The document; it holds nothing of any tenant, so it needs no key."""
    return Response(_served(), headers={"Content-Type": "application/json", "Cache-Control": "public, max-age=300"})


@lru_cache(maxsize=1)
def _served() -> bytes:
    return orjson.dumps(document())


def document() -> dict[str, Any]:
    """The whole document."""
    schemas, components = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for found in ROUTES:
        paths.setdefault(url_of(found), {})[found.method.lower()] = _operation(found, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "WebChatAgent management API",
            "version": version("webchatagent"),
            "description": INTRODUCTION,
        },
        "servers": [{"url": PREFIX}],
        "security": [{"key": []}],
        "tags": [{"name": name, "description": module.__doc__} for name, module in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {str(status): _error(text, schemas) for status, text in ERRORS.items()},
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key of the tenant. Scopes:\n\n"
                    + "\n".join(f"- `{name}`: {text}" for name, text in SCOPES.items()),
                }
            },
        },
    }


def url_of(found: Route) -> str:
    """A route's path as OpenAPI writes it."""
    return re.sub(r"<(?:int:)?(\w+)>", r"{\1}", found.path)


def tag_of(found: Route) -> str:
    """The group of a route: the module that it stands in."""
    return found.view.__module__.rsplit(".", 1)[-1]


def _schemas() -> tuple[dict[tuple[type[BaseModel], str], Any], dict[str, Any]]:
    """References to the schemas of all models, and the schemas."""
    wanted: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [(ErrorBody, "serialization")]
    for found in ROUTES:
        wanted += [(found.body, "validation")] if found.body is not None else []
        wanted += [(found.answer, "serialization")] if found.answer is not Empty else []
    references, rest = models_json_schema(
        list(dict.fromkeys(wanted)), ref_template=REFERENCE + "{model}", schema_generator=Plain
    )
    return dict(references), rest["$defs"]  # type: ignore[arg-type]


def _operation(found: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    ids = re.findall(r"<((?:int:)?)(\w+)>", found.path)
    made: dict[str, Any] = {
        "operationId": found.name,
        "summary": found.summary,
        "description": f"Scope: `{found.scope}`.",
        "tags": [tag_of(found)],
        "security": [{"key": [found.scope]}],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": NUMBER if number else PATTERNS[name]}
            for number, name in ids
        ]
        + list(_query(found))
        + ([_idempotency()] if found.repeatable else []),
        "responses": {str(found.status): _success(found, schemas)}
        | {str(status): {"$ref": f"#/components/responses/{status}"} for status in _errors(found)},
    }
    if found.body is not None:
        kind = "multipart/form-data" if found.body is Upload else "application/json"
        made["requestBody"] = {"required": True, "content": {kind: {"schema": schemas[found.body, "validation"]}}}
    return made


def _query(found: Route) -> Iterator[dict[str, Any]]:
    if found.query is not None:
        for name, schema in found.query.model_json_schema(schema_generator=Plain)["properties"].items():
            text = schema.pop("description", "")
            yield {"name": name, "in": "query", "schema": schema} | ({"description": text} if text else {})


def _idempotency() -> dict[str, Any]:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Up to 255 characters, best a UUID: the request is done once however often it is sent.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    }


def _success(found: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    if found.answer is Empty:
        return {"description": "Done."}
    schema = schemas[found.answer, "serialization"]
    made: dict[str, Any] = {"description": "As asked.", "content": {"application/json": {"schema": schema}}}
    if found.repeatable:
        made["headers"] = {
            REPLAYED: {"description": "`true` when the answer is one given before.", "schema": {"type": "string"}}
        }
    return made


def _errors(found: Route) -> list[int]:
    left_out = set()
    if "<" not in found.path:
        left_out |= {404} if found.name != "list_conversations" else set()
    if not found.repeatable and found.name != "change_bot":
        left_out |= {409}
    if found.body is None:
        left_out |= {415}
    return [status for status in ERRORS if status not in left_out]


def _error(text: str, schemas: dict[Any, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schemas[ErrorBody, "serialization"]}}}
