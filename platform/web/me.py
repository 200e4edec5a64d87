"""The visitor's own data: seen, taken along, corrected, erased, restricted. The session key is the proof of who asks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, request

from ..core.errors import InvalidRequest
from ..core.privacy import Subject
from ..core.requests import KINDS, file_request, find_request, gather, list_requests, settle_request
from ..core.sessions import Located
from ..core.tenants import Tenant
from ..core.texts import say
from .chat import SESSION, body_json, json_response, located_session
from .pages import page_language
from .parts import parts

me = Blueprint("me", __name__)


def _mine() -> tuple[Located, Subject]:
    """The session of the header, also one of a closed tenant. Raises InvalidRequest where there is none."""
    located = located_session(closed_too=True)
    if located is None:
        raise InvalidRequest("There is no conversation.", "send the session header", field=SESSION)
    if g.get("bot") is not None:
        parts().limits.check(g.bot, request.headers.get(SESSION, ""))
    return located, Subject(session_id=located.session_id)


@me.get("/api/me")
def get_me() -> Response:
    """Everything that is kept on the visitor, part by part, with why, for how long and who else has it."""
    located, subject = _mine()
    found, missing = gather(located.tenant, subject)
    language = page_language(located.tenant.locale)
    shown = [
        {
            "plugin": plugin,
            "name": part.name,
            "title": _title(located.tenant, plugin, part.name, language),
            "count": part.count,
            "purpose": part.purpose,
            "retentionDays": part.retention_days,
            "recipients": list(part.recipients),
            "rows": list(part.rows),
        }
        for plugin, part in found
    ]
    asked = [_shown(row) for row in list_requests(located.tenant, subject=subject)]
    return json_response(
        {"parts": shown, "complete": not missing, "missing": missing, "requests": asked, "rights": KINDS}
    )


@me.post("/api/me/requests")
def post_request() -> Response:
    """Use a right. It is done at once; what a plugin could not do is tried again, and the state says so."""
    body = body_json()
    located, subject = _mine()
    changes = body.get("changes")
    if changes is not None and not (isinstance(changes, dict) and all(isinstance(v, str) for v in changes.values())):
        raise InvalidRequest("`changes` is an object of texts.", 'send {"email": "…"}', field="changes")
    number = file_request(
        located.tenant,
        str(body.get("kind", "")),
        subject,
        channel="widget",
        changes=changes,
        purpose=str(body.get("purpose") or ""),
    )
    public_id = find_request(located.tenant, number).public_id
    row = settle_request(located.tenant, number)
    return json_response({**_shown(row), "id": public_id, "receipt": row.receipt or {}}, 201)


def _title(tenant: Tenant, plugin: str, name: str, language: str) -> str:
    """What a part is called: core's own by its kind, those of a plugin by the plugin."""
    if plugin == "core":
        return say(f"part_{name}", language)
    return tenant.platform.registry.manifests[plugin].words(language).name


def _shown(row: Any) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "kind": row.kind,
        "state": row.state,
        "createdAt": row.created_at.isoformat(),
        "dueAt": row.due_at.isoformat(),
    }
