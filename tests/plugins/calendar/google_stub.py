"""A calendar server whose routes and schemas are those of Google's discovery document; it keeps events and calls."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema

DISCOVERY = Path(__file__).resolve().parents[4] / "shared/specs/google.calendar.v3.discovery.json"
DROPPED = (
    "description",
    "format",
    "annotations",
    "readOnly",
    "default",
    "enumDescriptions",
    "id",
    "required",
    "deprecated",
)


def schemas(document: dict[str, Any]) -> dict[str, Any]:
    """The document's schemas as JSON Schema that allows no other key."""

    def made(node: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in node:
            return {"$ref": f"#/$defs/{node['$ref']}"}
        out = {
            k: v
            for k, v in node.items()
            if k not in DROPPED and k not in ("properties", "items", "additionalProperties")
        }
        if out.get("type") == "any":
            del out["type"]
        if "properties" in node:
            out["properties"] = {name: made(value) for name, value in node["properties"].items()}
            out["additionalProperties"] = False
        if "items" in node:
            out["items"] = made(node["items"])
        if "additionalProperties" in node:
            out["additionalProperties"] = made(node["additionalProperties"])
        return out

    return {name: made(schema) for name, schema in document["schemas"].items()}


def routes(document: dict[str, Any]) -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    """Each method of the document as (HTTP method, pattern of the path, method)."""
    found = []

    def walk(resources: dict[str, Any]) -> None:
        for resource in resources.values():
            for method in resource.get("methods", {}).values():
                pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", method["path"])
                found.append((method["httpMethod"], re.compile(f"/calendar/v3/{pattern}"), method))
            walk(resource.get("resources", {}))

    walk(document["resources"])
    return found


class Google:
    """The server's memory. `token` is the access token that it takes; `busy` what its calendars are."""

    def __init__(self) -> None:
        self.document = json.loads(DISCOVERY.read_text())
        self.routes, self.defs = routes(self.document), schemas(self.document)
        self.calls: list[tuple[str, dict[str, str], Any]] = []
        self.wrong: list[str] = []
        self.tokens: set[str] = set()
        self.busy: list[tuple[datetime, datetime]] = []
        self.events: dict[tuple[str, str], dict[str, Any]] = {}
        self.deleted: set[tuple[str, str]] = set()
        self.zone, self.errors, self.fail = "Europe/Berlin", False, 0
        self.lock = threading.Lock()

    def names(self) -> list[str]:
        """The ids of the methods that were called."""
        return [name for name, _, _ in self.calls]

    def answer(self, method: str, target: str, token: str, body: bytes) -> tuple[int, Any]:
        """What the server says: (status, JSON or None)."""
        parts = urlsplit(target)
        matches = ((p.fullmatch(parts.path), m) for verb, p, m in self.routes if verb == method)
        match, known = next(((found, m) for found, m in matches if found), (None, {}))
        if match is None:
            self.wrong.append(f"no method: {method} {parts.path}")
            return 404, {"error": {"code": 404, "message": "no method"}}
        query = dict(parse_qsl(parts.query))
        values = {k: unquote(v) for k, v in match.groupdict().items()}
        sent = json.loads(body) if body else None
        self._check(known, query, sent)
        with self.lock:
            self.calls.append((known["id"], values, sent))
            if token not in self.tokens:
                return 401, {"error": {"code": 401, "message": "Invalid Credentials"}}
            if self.fail:
                return self.fail, {"error": {"code": self.fail, "message": "asked for"}}
            return getattr(self, known["id"].replace(".", "_"))(values, sent)

    def _check(self, known: dict[str, Any], query: dict[str, str], sent: Any) -> None:
        allowed = {*known.get("parameters", {}), *self.document["parameters"]}
        self.wrong += [f"{known['id']}: query {name}" for name in query if name not in allowed]
        if sent is not None:
            schema = {"$defs": self.defs, "$ref": f"#/$defs/{known['request']['$ref']}"}
            self.wrong += [
                f"{known['id']}: {e.message}" for e in jsonschema.Draft202012Validator(schema).iter_errors(sent)
            ]

    def calendar_calendarList_list(self, values: dict[str, str], sent: Any) -> tuple[int, Any]:
        return 200, {
            "items": [{"id": "second@x", "summary": "Second"}, {"id": "me@x", "summary": "Mine", "primary": True}]
        }

    def calendar_settings_get(self, values: dict[str, str], sent: Any) -> tuple[int, Any]:
        return 200, {"id": "timezone", "value": self.zone}

    def calendar_freebusy_query(self, values: dict[str, str], sent: Any) -> tuple[int, Any]:
        low, high = (datetime.fromisoformat(sent[n].replace("Z", "+00:00")) for n in ("timeMin", "timeMax"))
        found = {}
        for item in sent["items"]:
            if self.errors:
                found[item["id"]] = {"errors": [{"domain": "global", "reason": "internalError"}], "busy": []}
                continue
            taken = [*self.busy]
            for (calendar, _), event in self.events.items():
                if calendar == item["id"]:
                    taken.append(tuple(datetime.fromisoformat(event[e]["dateTime"]) for e in ("start", "end")))
            inside = [(s, e) for s, e in sorted(taken) if s < high and e > low]
            found[item["id"]] = {"busy": [{"start": _z(s), "end": _z(e)} for s, e in inside]}
        return 200, {"calendars": found}

    def calendar_events_insert(self, values: dict[str, str], sent: Any) -> tuple[int, Any]:
        key = (values["calendarId"], sent["id"])
        if not re.fullmatch("[a-v0-9]{5,1024}", sent["id"]):
            self.wrong.append(f"event id {sent['id']}")
        if key in self.events or key in self.deleted:
            return 409, {"error": {"code": 409, "message": "The requested identifier already exists."}}
        self.events[key] = sent
        return 200, sent

    def calendar_events_patch(self, values: dict[str, str], sent: Any) -> tuple[int, Any]:
        key = (values["calendarId"], values["eventId"])
        if key not in self.events:
            return 404, {"error": {"code": 404, "message": "Not Found"}}
        self.events[key] = {**self.events[key], **sent}
        return 200, self.events[key]

    def calendar_events_delete(self, values: dict[str, str], sent: Any) -> tuple[int, Any]:
        key = (values["calendarId"], values["eventId"])
        if key in self.deleted:
            return 410, {"error": {"code": 410, "message": "Resource has been deleted"}}
        if self.events.pop(key, None) is None:
            return 404, {"error": {"code": 404, "message": "Not Found"}}
        self.deleted.add(key)
        return 204, None


def _z(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def serving() -> Iterator[tuple[Google, str]]:
    """The server on a free port, until the block ends."""
    google = Google()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            status, value = google.answer(self.command, self.path, token, body)
            data = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

        def log_message(self, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield google, f"http://127.0.0.1:{server.server_address[1]}/calendar/v3/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
