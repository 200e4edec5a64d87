"""An Ollama that embeds, a little slowly: what it is sent is counted."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class SlowEmbedder:
    """Vectors of 64 numbers, `seconds` later."""

    def __init__(self, seconds: float) -> None:
        here, self.texts = self, 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                here.texts += len(body["input"])
                time.sleep(seconds)
                rows = [[1.0, *[float(len(text) % 7 + n) for n in range(63)]] for text in body["input"]]
                data = json.dumps({"model": body["model"], "embeddings": rows}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()


@contextlib.contextmanager
def slow_embedder(seconds: float) -> Iterator[SlowEmbedder]:
    """The server, for one test."""
    server = SlowEmbedder(seconds)
    try:
        yield server
    finally:
        server.close()
