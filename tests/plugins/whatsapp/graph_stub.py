"""Meta's Graph API as the tests need it: every request is checked, messages against Meta's own schema where it is there."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jsonschema

SPEC = Path(__file__).resolve().parents[4] / "shared" / "specs" / "whatsapp.subset.json"
MOST = {"text": 4096, "body": 1024, "button": 20, "row": 24, "description": 72}


def message_schemas() -> dict[str, Any]:
    """The schema of each kind of message, repaired: as published, no official example fits it."""
    if not SPEC.exists():
        return {}
    text = SPEC.read_text(encoding="utf-8").replace('"oneOf"', '"anyOf"').replace("#/components/schemas/", "#/$defs/")
    found = json.loads(text)["components"]["schemas"]
    _open(found)
    kinds = found["Message"]["discriminator"]["mapping"]
    found["LanguageObject"].pop("required", None)
    return {kind: {"$ref": where, "$defs": found} for kind, where in kinds.items()}


def _open(schema: Any) -> None:
    """Take away what contradicts `allOf`, and discriminators, which are no JSON schema."""
    if isinstance(schema, dict):
        if schema.get("additionalProperties") is False:
            del schema["additionalProperties"]
        for value in schema.values():
            _open(value)
    elif isinstance(schema, list):
        for value in schema:
            _open(value)


class Graph(ThreadingHTTPServer):
    """What was sent and asked, what is wrong with it, and what is answered instead of success."""

    daemon_threads = True

    def __init__(self, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.token = token
        self.sent: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.wrong: list[str] = []
        self.failures: list[tuple[int, dict[str, Any]]] = []
        self.files: dict[str, tuple[str, bytes]] = {}
        self.elsewhere = ""
        self.templates: list[dict[str, Any]] = []
        self.numbers: list[dict[str, Any]] = []
        self.businesses: list[str] = []
        self.subscribed: list[str] = []
        self.log: Path | None = None
        self._lock = threading.Lock()
        self._schemas = message_schemas()

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self.server_address[1]}/v23.0/"

    @property
    def host(self) -> str:
        """Host and port, for the list of private hosts."""
        return f"127.0.0.1:{self.server_address[1]}"

    def texts(self) -> list[str]:
        """The texts that were sent, in their order."""
        return [text_of(body) for body in self.sent]

    def take(self, body: dict[str, Any]) -> str:
        """A message: judged, kept, numbered."""
        with self._lock:
            self.wrong += [f"{body.get('type')}: {w}" for w in self._judge(body)]
            self.sent.append(body)
            if self.log:
                with open(self.log, "a", encoding="utf-8") as file:
                    file.write(json.dumps(body) + "\n")
            return f"wamid.OUT{len(self.sent)}"

    def _judge(self, body: dict[str, Any]) -> Iterator[str]:
        if body.get("messaging_product") != "whatsapp" or body.get("recipient_type") != "individual":
            yield "the frame of the message"
        if ("to" in body) == ("recipient" in body):
            yield "exactly one of `to` and `recipient`"
        if self._schemas:
            whole = {"to": body.get("recipient"), **body}
            errors = jsonschema.Draft202012Validator(self._schemas[body["type"]]).iter_errors(whole)
            yield from (f"{'/'.join(map(str, e.path))}: {e.message[:200]}" for e in errors)
        if body["type"] == "text" and not 0 < len(body["text"]["body"]) <= MOST["text"]:
            yield "the length of the text"
        if body["type"] == "interactive":
            yield from _judge_interactive(body["interactive"])


def _judge_interactive(made: dict[str, Any]) -> Iterator[str]:
    if not 0 < len(made["body"]["text"]) <= MOST["body"]:
        yield "the length of the body"
    buttons = [b["reply"] for b in made["action"].get("buttons", ())]
    rows = [r for s in made["action"].get("sections", ()) for r in s["rows"]]
    if len(buttons) > 3 or len(rows) > 10 or not buttons + rows:
        yield "the number of buttons or rows"
    if len({x["id"] for x in buttons + rows}) != len(buttons + rows):
        yield "two have one id"
    if len({b["title"] for b in buttons}) != len(buttons):
        yield "two buttons have one title"
    if any(not 0 < len(b["title"]) <= MOST["button"] for b in buttons):
        yield "the length of a button"
    if any(not 0 < len(r["title"]) <= MOST["row"] or len(r.get("description", "")) > MOST["description"] for r in rows):
        yield "the length of a row"


def text_of(body: dict[str, Any]) -> str:
    """What the person reads of a message."""
    if body["type"] == "text":
        return str(body["text"]["body"])
    if body["type"] == "interactive":
        return str(body["interactive"]["body"]["text"])
    return str(body["type"])


class _Handler(BaseHTTPRequestHandler):
    server: Graph
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Files, numbers, templates."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Messages, subscriptions, batches."""
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _answer(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        path = parts.path.removeprefix("/v23.0/").strip("/")
        self.server.calls.append(f"{self.command} {path}")
        if self.server.token in self.path:
            self.server.wrong.append("a token in an address")
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            return self._say(401, {"error": {"code": 190, "message": "Invalid OAuth access token."}})
        if path.endswith("/messages") and self.server.failures:
            return self._say(*self.server.failures.pop(0))
        if path.startswith("files/"):
            return self._bytes(*self.server.files[path.removeprefix("files/")])
        self._say(200, self._made(path, dict(parse_qsl(parts.query)), body))

    def _made(self, path: str, query: dict[str, str], body: bytes) -> dict[str, Any] | list[Any]:
        server = self.server
        if path.endswith("/messages"):
            made = server.take(json.loads(body))
            return {"messaging_product": "whatsapp", "contacts": [], "messages": [{"id": made}]}
        if path.endswith("/phone_numbers"):
            return {"data": server.numbers}
        if path.endswith("/message_templates"):
            return {"data": server.templates}
        if path.endswith("/subscribed_apps"):
            server.subscribed.append(path.split("/")[0])
            return {"success": True}
        if path in server.files:
            kind, data = server.files[path]
            url = server.elsewhere or f"http://{server.host}/v23.0/files/{path}"
            return {"url": url, "mime_type": kind, "file_size": len(data), "id": path, "sha256": ""}
        if not path:
            asked = json.loads(parse_qs(body.decode())["batch"][0])
            assert asked[0]["relative_url"].startswith("debug_token?")
            scope = {"scope": "whatsapp_business_management", "target_ids": server.businesses}
            return [{"code": 200, "body": json.dumps({"data": {"granular_scopes": [scope]}})}]
        return {"error": {"code": 100, "message": "Unsupported request"}}

    def _say(self, status: int, value: Any) -> None:
        self._bytes("application/json", json.dumps(value).encode(), status)

    def _bytes(self, kind: str, data: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextlib.contextmanager
def serving(token: str = "token-of-acme") -> Iterator[Graph]:
    """A stub on a free port."""
    server = Graph(token)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
