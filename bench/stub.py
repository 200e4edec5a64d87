"""A provider that costs next to nothing: `python bench/stub.py PORT` speaks OpenAI's interface for chats and embeddings.

A chat is answered with 32 words, a frame each, as fast as they can be sent; a text's vector comes from its words.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from typing import Any

import orjson
import uvloop

from webchatagent.testing.fakes import WordVectors

TOKENS = 32
_words = WordVectors()


def _event(value: dict[str, Any]) -> bytes:
    data = b"data: " + orjson.dumps(value) + b"\n\n"
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _delta(text: str) -> bytes:
    return _event({"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]})


FRAMES = [_delta(f"word{n} ") for n in range(TOKENS)]
TAIL = (
    _event({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    + _event({"id": "c", "choices": [], "usage": {"prompt_tokens": 900, "completion_tokens": TOKENS}})
    + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
)
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Provider(asyncio.Protocol):
    """One connection, which is kept."""

    def connection_made(self, transport: Any) -> None:
        """See asyncio.Protocol."""
        self._transport, self._data = transport, b""

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._data += data
        while b"\r\n\r\n" in self._data:
            head, rest = self._data.split(b"\r\n\r\n", 1)
            length = next((int(x[15:]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:")), 0)
            if len(rest) < length:
                return
            body, self._data = rest[:length], rest[length:]
            self._answer(head.split(b" ", 2)[1], body)

    def _answer(self, path: bytes, body: bytes) -> None:
        if path.endswith(b"/chat/completions"):
            self._transport.write(STREAM)
            for frame in FRAMES:
                self._transport.write(frame)
            self._transport.write(TAIL)
            return
        found: dict[str, Any] = {"object": "list", "data": []}
        if path.endswith(b"/embeddings"):
            vectors = _words.embed_documents(json.loads(body)["input"])
            found["data"] = [
                {"object": "embedding", "index": n, "embedding": base64.b64encode(row.tobytes()).decode()}
                for n, row in enumerate(vectors)
            ]
        answer = orjson.dumps(found)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
        self._transport.write(head.encode() + answer)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
