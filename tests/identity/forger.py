"""A provider that lies: it signs whatever a test wants, and can be made to fail in other ways."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from .running import CLIENT, SECRET


class Forger:
    """`claims` replace those of an honest ID token (None leaves one out); `answers` replace whole answers by path."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.key, self.other = (RSAKey.generate_key(2048, {"kid": kid, "use": "sig"}) for kid in ("one", "one"))
        self.claims: dict[str, Any] = {}
        self.answers: dict[str, tuple[int, Any]] = {}
        self.sign = "key"
        self.nonce = ""
        self.asked: list[tuple[str, str]] = []

    @property
    def config(self) -> dict[str, Any]:
        """The settings of the plugin for it."""
        found = f"{self.url}/.well-known/openid-configuration"
        return {"client_id": CLIENT, "client_secret": SECRET, "discovery_url": found}

    def id_token(self) -> str:
        """An ID token as the test wants it."""
        now = int(time.time())
        honest = {"iss": self.url, "aud": CLIENT, "sub": "7", "nonce": self.nonce, "iat": now, "exp": now + 300}
        person = {"email": "ann@example.org", "email_verified": True, "name": "Ann", "picture": "https://example.org/a"}
        claims = {k: v for k, v in {**honest, **person, **self.claims}.items() if v is not None}
        if self.sign == "secret":
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET.ljust(32)), algorithms=["HS256"])
        if self.sign == "none":
            plain = jwt.encode({"alg": "RS256"}, claims, self.key).split(".")[1]
            return f"eyJhbGciOiJub25lIn0.{plain}."
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.other if self.sign == "other" else self.key)

    def answer(self, path: str) -> tuple[int, Any]:
        """Status and body for a path."""
        if path in self.answers:
            return self.answers[path]
        if path.startswith("/.well-known"):
            names = {"authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/keys"}
            return 200, {"issuer": self.url, **{k: self.url + v for k, v in names.items()}}
        if path == "/keys":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        return 200, {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": self.id_token()}


@contextlib.contextmanager
def forging() -> Iterator[Forger]:
    """A forger, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            forger.asked.append((self.path, body))
            self._say()

        def _say(self) -> None:
            status, found = forger.answer(self.path)
            data = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    forger = Forger(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield forger
    finally:
        server.shutdown()
        server.server_close()
