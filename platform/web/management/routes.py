"""The table of routes: what each wants (scope, query, body), what it gives, and one way to serve them all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from flask import Blueprint, Response, request
from pydantic import BaseModel, ValidationError

from ...core import audit, replies
from ...core.apikeys import Caller
from ...core.errors import InvalidRequest
from ...core.sources import MAX_BYTES
from ..keys import identify
from .shapes import MAX_ID, Empty, Upload

View = TypeVar("View", bound=Callable[..., BaseModel])
PREFIX = "/api/v1"
MULTIPART_ROOM = 1_000_000
"""What the borders and headers of a multipart body may take, in bytes."""
REPLAYED = "Idempotency-Replayed"
api = Blueprint("management", __name__, url_prefix=PREFIX)


@dataclass(frozen=True)
class Route:
    """One operation. `action` is what the audit trail calls it; an empty one only reads."""

    method: str
    path: str
    scope: str
    view: Callable[..., BaseModel]
    answer: type[BaseModel]
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    status: int
    action: str

    @property
    def name(self) -> str:
        """What the operation is called in the OpenAPI document."""
        return self.view.__name__

    @property
    def summary(self) -> str:
        """Its first sentence."""
        return (self.view.__doc__ or "").strip().splitlines()[0]

    @property
    def repeatable(self) -> bool:
        """Whether an idempotency key has an effect."""
        return bool(self.action) and self.method == "POST"


ROUTES: list[Route] = []


def route(
    method: str,
    path: str,
    scope: str,
    answer: type[BaseModel] = Empty,
    *,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    status: int = 200,
    action: str = "",
) -> Callable[[View], View]:
    """Register a view `(caller, *ids, query=…, body=…)` that gives an `answer`; 204 when it is `Empty`."""

    def register(view: View) -> View:
        made = Route(method, path, scope, view, answer, query, body, 204 if answer is Empty else status, action)
        ROUTES.append(made)
        api.add_url_rule(path, view.__name__, lambda **ids: serve(made, ids), methods=[method])
        return view

    return register


@api.before_request
def _room_for_files() -> None:
    if request.endpoint == "management.upload_document_file":
        request.max_content_length = MAX_BYTES + MULTIPART_ROOM


def serve(found: Route, ids: dict[str, Any]) -> Response:
    """Who is it, may they, is the request right, has it been done before; then do it and write it down."""
    caller = identify(found.scope)
    query = {"query": read_query(found.query)} if found.query else {}
    body = {"body": read_body(found.body)} if found.body else {}
    # An id beyond what a row can have is nobody's; the database would refuse to compare it.
    ids = {name: min(value, MAX_ID) if isinstance(value, int) else value for name, value in ids.items()}

    def run() -> tuple[int, str]:
        with audit.acting(caller.actor):  # core writes down what was done, in the transaction that does it
            answer = found.view(caller, *ids.values(), **query, **body)
        return found.status, "" if found.answer is Empty else answer.model_dump_json(by_alias=True)

    name = request.headers.get("Idempotency-Key")
    if name is None or not found.repeatable:
        return respond(*run())
    return once(caller, name, fingerprint(found, ids), run)


def once(caller: Caller, name: str, request_hash: str, run: Callable[[], tuple[int, str]]) -> Response:
    """Run a request, or give the answer it had. What failed is not kept: it may be tried again."""
    reply_id, kept = replies.begin(caller, name, request_hash)
    if kept is not None:
        response = respond(kept.status, kept.body)
        response.headers[REPLAYED] = "true"
        return response
    try:
        status, text = run()
    except Exception:
        replies.abandon(caller.tenant, reply_id)
        raise
    replies.finish(caller.tenant, reply_id, status, text)
    return respond(status, text)


def read_query(model: type[BaseModel]) -> BaseModel:
    """The query of the request. Raises InvalidRequest."""
    repeated = [name for name, values in request.args.lists() if len(values) > 1]
    if repeated:
        raise InvalidRequest(f"`{repeated[0]}` is given twice.", "give it once", field=repeated[0])
    return _checked(lambda: model.model_validate(request.args.to_dict()))


def read_body(model: type[BaseModel]) -> Any:
    """The body of the request: an object of a model, or for `Upload` the file. Raises InvalidRequest."""
    if model is Upload:
        return read_file()
    if request.mimetype != "application/json":
        raise InvalidRequest("The request is not JSON.", "send Content-Type: application/json", status=415)
    return _checked(lambda: model.model_validate_json(request.get_data() or b""))


def read_file() -> Any:
    """The one file of a multipart request. Raises InvalidRequest."""
    if request.mimetype != "multipart/form-data":
        raise InvalidRequest("The request carries no file.", "send multipart/form-data", status=415)
    unknown = [*(n for n in request.form), *(n for n in request.files if n != "file")]
    if unknown:
        raise InvalidRequest(f"There is no field `{unknown[0]}`.", "send `file` only", field=unknown[0])
    sent = request.files.getlist("file")
    if len(sent) != 1 or not sent[0].filename:
        raise InvalidRequest("One file with a name is wanted.", "send the field `file` once", field="file")
    return sent[0]


def _checked(make: Callable[[], BaseModel]) -> BaseModel:
    try:
        return make()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(p) for p in first["loc"])
        raise InvalidRequest(f"{field}: {first['msg']}" if field else first["msg"], field=field or None) from None


def fingerprint(found: Route, ids: dict[str, Any]) -> str:
    """What tells one request from another: route, ids and content, but not the borders of a multipart body."""
    digest = hashlib.sha256(orjson.dumps([found.method, found.path, {k: str(v) for k, v in ids.items()}]))
    if found.body is Upload:
        sent = request.files["file"]
        digest.update(orjson.dumps([sent.filename]))
        while block := sent.stream.read(1 << 20):
            digest.update(block)
        sent.stream.seek(0)
    else:
        digest.update(request.get_data())
    return digest.hexdigest()


def respond(status: int, text: str) -> Response:
    """A JSON answer that nobody keeps."""
    headers = {"Cache-Control": "no-store"} | ({"Content-Type": "application/json"} if text else {})
    return Response(text, status, headers)
