"""A help centre on a port of this machine: articles behind a token, and what it was asked."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

TOKEN = "the-right-token"
ARTICLES = (
    ("1", "Lost luggage", "Lost luggage is collected at counter seven in the north hall.", "Asha", "asha@example.org"),
    ("2", "Bicycles", "Bicycles travel free of charge after ten in the morning.", "Bernd", "bernd@example.org"),
)


class HelpCenter:
    """Use as a context manager; `url` is its address, `asked` the method and path of each request."""

    def __enter__(self) -> HelpCenter:
        self.asked: list[tuple[str, str]] = []
        self.articles: list[dict[str, Any]] = [
            {"id": n, "title": title, "text": text, "author": author, "email": email, "url": ""}
            for n, title, text, author, email in ARTICLES
        ]
        here = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                here.asked.append((self.command, self.path))
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or "{}")
                known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
                data = json.dumps(here.act(self.command, self.path, body) if known else {}).encode()
                self.send_response(200 if known else 401)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = do_DELETE = _answer

            def log_message(self, *_: Any) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def act(self, method: str, path: str, body: dict[str, str]) -> Any:
        """Answer one request with the right token."""
        if path == "/api/articles":
            return self.articles
        mine = [a for a in self.articles if a["email"] == unquote(path.rsplit("/", 1)[1])]
        for article in mine:
            if method == "PUT":
                article["author"] = body.get("name", article["author"])
            if method == "DELETE":
                article["author"] = article["email"] = ""
        return {"articles": mine} if method == "GET" else {"changed": len(mine)}
