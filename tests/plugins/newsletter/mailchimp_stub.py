"""A stand-in for Mailchimp on loopback. Its surface is that of the official description where that is given; how it
behaves is what recorded answers show: who was deleted for good cannot be put back, who left is in a compliance state.

`moves` notes every change of how an address stands: (address, before, after, by whom). `faults` are answers that come
instead of the right one: a status with an empty body, or 0 for none.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema

AUDIENCE = "a36b032126"
KEY = "0123456789abcdef0123456789abcdef-us6"
MEMBER = re.compile(rf"/lists/{AUDIENCE}/members/([0-9a-f]{{32}})(/[a-z/-]+)?")


def digest_of(email: str) -> str:
    """What an address is known by."""
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()


class Problem(Exception):
    """A refusal: status and title."""

    def __init__(self, status: int, title: str) -> None:
        super().__init__(title)
        self.status, self.title = status, title


class MailchimpStub:
    """One account with one audience."""

    def __init__(self, spec: dict[str, Any] | None = None) -> None:
        self.members: dict[str, dict[str, Any]] = {}
        self.forgotten: set[str] = set()
        self.moves: list[tuple[str, str, str, str]] = []
        self.calls: list[tuple[str, str, Any]] = []
        self.hooks: list[dict[str, Any]] = []
        self.reports: list[dict[str, Any]] = []
        self.faults: list[int] = []
        self.before_put: Callable[[], None] = lambda: None
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.wrong: list[str] = []
        self.lenient = False
        """Take whatever we send, so that a test sees what Mailchimp would have to refuse."""
        self._spec = spec
        self._lock = threading.RLock()
        self.url = ""

    # -- what people do there --

    def leave(self, email: str, status: str = "unsubscribed") -> None:
        """A reader leaves by Mailchimp's own link, or their address bounces."""
        self._set(self.members[digest_of(email)], status, "reader")

    def status(self, email: str) -> str:
        """How an address stands; empty when it is not there."""
        return str(self.members.get(digest_of(email), {}).get("status", ""))

    def put_there(self, email: str, status: str) -> None:
        """An address that was there before us."""
        self.members[digest_of(email)] = {"email_address": email, "status": "", "tags": []}
        self._set(self.members[digest_of(email)], status, "before")

    def _set(self, member: dict[str, Any], status: str, by: str) -> None:
        if member["status"] != status:
            self.moves.append((member["email_address"], member["status"], status, by))
            member["status"], member["last_changed"] = status, self.clock().isoformat()

    # -- the interface --

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """One call. Raises Problem."""
        if method == "PUT":
            self.before_put()
        with self._lock:
            self.calls.append((method, path, body))
            self._check(method, path, body)
            if path == f"/lists/{AUDIENCE}" and method == "GET":
                return 200, {"name": "Readers"}
            if path == "/reports" and method == "GET":
                return 200, {"reports": self.reports}
            if path == f"/lists/{AUDIENCE}/webhooks":
                return self._webhooks(method, body)
            if path == f"/lists/{AUDIENCE}/members" and method == "GET":
                return 200, {"members": self._left(query)}
            if match := MEMBER.fullmatch(path):
                return self._member(method, match[1], match[2] or "", body)
        raise Problem(404, "Resource Not Found")

    def _webhooks(self, method: str, body: Any) -> tuple[int, Any]:
        if method == "POST":
            self.hooks.append(body)
        return 200, {"webhooks": self.hooks} if method == "GET" else body

    def _left(self, query: dict[str, str]) -> list[dict[str, Any]]:
        since = datetime.fromisoformat(query["since_last_changed"])
        found = [m for m in self.members.values() if m["status"] == query["status"]]
        late = [m for m in found if datetime.fromisoformat(m["last_changed"]) > since]
        return late[int(query["offset"]) :][: int(query["count"])]

    def _member(self, method: str, digest: str, action: str, body: Any) -> tuple[int, Any]:
        member = self.members.get(digest)
        if method == "PUT" and not action:
            return 200, self._put(digest, self.members.get(digest), body)
        if member is None:
            raise Problem(404, "Resource Not Found")
        if action == "/actions/delete-permanent":
            del self.members[digest]
            self.forgotten.add(digest)
            return 204, None
        if action == "/tags":
            member["tags"] = [tag["name"] for tag in body["tags"]]
            return 204, None
        if method == "PATCH":
            self._set(member, body["status"], "api")
        if method == "DELETE":
            raise Problem(405, "Method Not Allowed")
        return 200, member

    def _put(self, digest: str, member: dict[str, Any] | None, body: dict[str, Any]) -> dict[str, Any]:
        if digest_of(body["email_address"]) != digest:
            raise Problem(400, "Invalid Resource")
        if digest in self.forgotten:
            raise Problem(400, "Forgotten Email Not Subscribed")
        if "@compliance." in body["email_address"] and "subscribed" in (body.get("status"), body.get("status_if_new")):
            raise Problem(400, "Member In Compliance State")
        if member is None:
            if "status_if_new" not in body:
                raise Problem(400, "Invalid Resource")
            member = self.members[digest] = {"email_address": body["email_address"], "status": "", "tags": []}
            self._set(member, body["status_if_new"], "api")
        elif "status" in body:
            if not self.lenient and body["status"] == "subscribed" and member["status"] in ("unsubscribed", "cleaned"):
                raise Problem(400, "Member In Compliance State")
            self._set(member, body["status"], "api")
        member.update({k: v for k, v in body.items() if not k.startswith("status")})
        return member

    def _check(self, method: str, path: str, body: Any) -> None:
        """Note a call that the official description does not allow; the reports are not in what we have of it."""
        if self._spec is None or path == "/reports":
            return
        for known, methods in self._spec["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known), path) and method.lower() in methods:
                for parameter in methods[method.lower()].get("parameters", ()):
                    if parameter.get("in") == "body" and body is not None:
                        schema = {**parameter["schema"], "definitions": self._spec.get("definitions", {})}
                        errors = jsonschema.Draft4Validator(schema).iter_errors(body)
                        self.wrong += [f"{method} {known}: {e.json_path} {e.validator}" for e in errors]
                        unknown = set(body) - set(parameter["schema"].get("properties", body))
                        self.wrong += [f"{method} {known}: {name} is unknown" for name in sorted(unknown)]
                return
        self.wrong.append(f"{method} {path} is not described")


def _handler(stub: MailchimpStub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            split = urlsplit(self.path)
            if stub.faults and (fault := stub.faults.pop(0)):
                self._send(fault, b"", "")
                return
            try:
                body = json.loads(raw) if raw else None
                path = split.path.removeprefix("/3.0")
                status, said = stub.answer(self.command, path, dict(parse_qsl(split.query)), body)
            except Problem as error:
                problem = {"title": error.title, "status": error.status, "detail": "", "instance": "i"}
                self._send(error.status, json.dumps(problem).encode(), "application/problem+json; charset=utf-8")
                return
            self._send(status, b"" if said is None else json.dumps(said).encode(), "application/json; charset=utf-8")

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _do

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            if kind and body:
                self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def running_stub(spec: dict[str, Any] | None = None) -> Iterator[MailchimpStub]:
    """A stub that answers at its `url`."""
    stub = MailchimpStub(spec)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stub))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_address[1]}/3.0"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
